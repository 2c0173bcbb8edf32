"""Files somebody hostile sends as a portfolio, and files that are somewhere else: judged, never run, never followed."""

import csv
import io
import zipfile
from typing import Any

import pytest

from practice import seed
from services.models import Import
from tests.hostile.kit import CANARY, Site
from tests.hostile.test_typed import PAYLOADS, inert
from tests.services.test_workbook import ENTITIES, repacked
from tests.services.test_workbook import saved as workbook

pytestmark = pytest.mark.asyncio(loop_scope="package")

HEAD = ("Code", "Raison sociale", "SIREN", "Commune", "Agence", "E-mail du collaborateur")
GOOD = ("NAUTIC", "Nautisme", "552100554", "Séné", "Vannes", seed.INES.email)
UNREADABLE, TOO_BIG, COLUMNS, OLD = (
    "Ce fichier est illisible",
    "Ce fichier est trop gros",
    "Il manque des colonnes dans ce fichier",
    "Ce classeur est d’un ancien format",
)
XXE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY h SYSTEM "http://evil.example/">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    b'<c r="A1" t="inlineStr"><is><t>&e;&h;</t></is></c></row></sheetData></worksheet>'
)


def saved(*rows: tuple[str, ...], encoding: str = "utf-8-sig") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([HEAD, *rows])
    return text.getvalue().encode(encoding)


def packed(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return out.getvalue()


FILES: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("a.csv", b"", COLUMNS),
    "a blank line": ("a.csv", b"\r\n", COLUMNS),
    "a program": ("a.csv", b"MZ\x90\x00" + b"\x00" * 500, UNREADABLE),
    "an image": ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), UNREADABLE),
    "a page": ("a.csv", b"<html><script>alert(1)</script></html>", COLUMNS),
    "utf-16 cut in two": ("a.csv", saved(GOOD, encoding="utf-16")[:-1], UNREADABLE),
    "an odd utf-16": ("a.csv", b"\xff\xfe\x00", UNREADABLE),
    "too big": ("a.csv", b"x;" * 10_500_000, TOO_BIG),
    "one cell": ("a.csv", b'"' + b"x" * 200_000, UNREADABLE),
    "an old workbook": ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD),
    "a zip bomb": ("a.xlsx", repacked(workbook(HEAD, GOOD), sheet1=b" " * 150_000_001), TOO_BIG),
    "a zip of a zip": ("a.xlsx", packed("b.zip", packed("c", b"x" * 1000)), UNREADABLE),
    "a path out of the zip": ("a.xlsx", packed("../../../etc/cron.d/x", b"x"), UNREADABLE),
    "entities of entities": ("a.xlsx", repacked(workbook(HEAD, GOOD), sheet1=ENTITIES), UNREADABLE),
    "entities from outside": ("a.xlsx", repacked(workbook(HEAD, GOOD), sheet1=XXE), UNREADABLE),
    "a name with a path": ("../../a.csv", b"x;y", COLUMNS),
    "a name that is a link": ("[a](http://evil.example).csv", b"x;y", COLUMNS),
}


@pytest.mark.parametrize("case", list(FILES))
async def test_a_file_that_is_no_portfolio(site: Site, case: str) -> None:
    name, content, sentence = FILES[case]
    await judged(site, name, content, sentence)


CELLS = {
    "a formula": ("=cmd|' /C calc'!A0", "@SUM(1+1)", "+33", "-2+3"),
    "a link": ('=HYPERLINK("http://evil.example")', PAYLOADS["a link"], PAYLOADS["an image"], PAYLOADS["a mention"]),
    "html": (PAYLOADS["html"], PAYLOADS["a date"], PAYLOADS["json"], PAYLOADS["an entity"]),
    "long": ("X" * 41, "Y" * 100_000, "1" * 50, "Z" * 300),
    "like": ("%", "_", "%_%", "\\"),
    "digits of another script": ("ARABE", "Nautisme", "٥٥٢١٠٠٥٥٤", "Séné"),
}


@pytest.mark.parametrize("case", list(CELLS))
async def test_cells_that_are_more_than_text(site: Site, case: str) -> None:
    """A wrong SIREN or a cell too long: its line is refused, and said back as text."""
    code, company, siren, commune = CELLS[case]
    row = (code, company, siren, commune, "Rennes", seed.MALO.email)
    card = await judged(site, "a.csv", saved(row), "Aucune ligne ne peut être importée")
    inert(card)


ELSEWHERE = (
    "https://evil.example/a.csv",
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:1/a.csv",
    "http://localhost:22/",
    "https://contoso.sharepoint.com.evil.example/a.csv",
    "https://evil.example/?https://contoso.sharepoint.com/a.csv",
    "https://contoso.sharepoint.com@evil.example/a.csv",
    "https://contoso.sharepoint.com:8443/a.csv",
    "http://contoso.sharepoint.com/a.csv",
    "//contoso.sharepoint.com/a.csv",
    "file:///etc/passwd",
    "ftp://contoso.sharepoint.com/a.csv",
    "gopher://127.0.0.1:6379/_FLUSHALL",
)


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_a_file_somewhere_else_is_not_fetched(site: Site, url: str, connections: list[Any]) -> None:
    claire = site.firm.person("Claire")
    async with site.changes_nothing(but=Import):
        sent = await claire.sends_file("a.csv", b"x;y")
        await site.settles()
        (file, *_) = sent.activity["attachments"]
        fetched = site.firm.teams.counts["file"]
        elsewhere = {**file, "content": {**file["content"], "downloadUrl": url}}
        await claire.send({**sent.activity, "id": f"again-{ELSEWHERE.index(url)}", "attachments": [elsewhere]})
        await site.settles()
    assert "Ce fichier ne vient pas de Teams" in " ".join(claire.chat[-1].texts)
    assert site.firm.teams.counts["file"] == fetched
    assert not [one for one in connections if "evil" in str(one) or "169.254" in str(one)]


async def judged(site: Site, name: str, content: bytes, sentence: str) -> Any:
    """The card about the file just sent; nothing is imported, no turn and no reaction breaks."""
    claire = site.firm.person("Claire")
    async with site.changes_nothing(but=Import):
        await claire.sends_file(name, content)
        await site.settles()
    await claire.looks()
    newest = claire.chat[-1]
    assert sentence in " ".join(newest.texts).replace("\u00a0", " "), newest.texts
    assert CANARY not in name
    inert(newest.surface.card)
    return newest.surface.card
