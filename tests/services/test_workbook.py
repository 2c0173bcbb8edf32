"""The portfolio as an XLSX workbook: as Excel shows its cells; and what a broken or hostile one may not cost."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date

import openpyxl
import pytest

from services import portfolio, workbook
from services.errors import Refused
from services.portfolio import Line
from tests.services.test_portfolio import HEAD, ROW, SAID


def saved(*rows: Sequence[object], before: Iterable[str] = ()) -> bytes:
    """A workbook with these rows, after other sheets."""
    book = openpyxl.Workbook()
    for title in before:
        book.create_sheet(title, 0)
    sheet = book.worksheets[-1]
    for row in rows:
        sheet.append(list(row))
    return _bytes(book)


def _bytes(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def repacked(content: bytes, **entries: bytes) -> bytes:
    """The workbook with the content of some entries replaced, by the last part of their names."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            name = entry.filename.rpartition("/")[2].partition(".")[0]
            new.writestr(entry.filename, entries.get(name, old.read(entry)))
    return result.getvalue()


def refusal(content: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        portfolio.read(content)
    return refused.value


def test_numbers_are_shown_as_excel_shows_them() -> None:
    content = saved(
        HEAD, (12, "Boulangerie", 552100554, "Évry", None, ROW[5]), (12.5, True, 552100554.0, date(2026, 1, 2))
    )
    assert portfolio.read(content) == [
        Line(2, SAID | {"code": "12", "company": "Boulangerie", "agency": ""}),
        Line(
            3,
            {
                "code": "12.5",
                "company": "True",
                "siren": "552100554",
                "commune": "2026-01-02 00:00:00",
                "agency": "",
                "collaborateur": "",
            },
        ),
    ]


def test_headings_anywhere_near_the_top_of_any_sheet() -> None:
    content = saved((), ("Portefeuille",), (), HEAD, (), ROW, before=["Lisez-moi"])
    assert portfolio.read(content) == [Line(6, SAID)]


def test_text_that_looks_like_a_formula_is_text() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(HEAD)
    sheet.append(ROW)
    sheet["B2"].value, sheet["B2"].data_type = '=HYPERLINK("http://evil.example")', "s"
    (line,) = portfolio.read(_bytes(book))
    assert line.said["company"] == '=HYPERLINK("http://evil.example")'


def test_missing_columns_are_named() -> None:
    why = refusal(saved(("Code", "Commune"), ROW))
    assert why.facts == {"missing": ["Raison sociale", "SIREN", "E-mail du collaborateur"]}
    assert portfolio.read(saved(HEAD, ROW)) == [Line(2, SAID)]


def test_a_workbook_far_bigger_once_unpacked_is_not_unpacked() -> None:
    big = repacked(saved(HEAD, ROW), sheet1=b" " * (workbook.MAX_UNPACKED + 1))
    assert len(big) < portfolio.MAX_BYTES
    assert refusal(big).key == "file_too_big"


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>&j;</t></is></c></row></sheetData></worksheet>""" % b"".join(
    b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("k"))
)
FAR = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="99999999999"><c r="ZZZ99999999999" t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>"""


@pytest.mark.parametrize(
    ("sheet", "key"),
    [
        (ENTITIES, "portfolio_unreadable"),
        (FAR, "portfolio_columns"),
        (b"", "portfolio_unreadable"),
        (b"<worksheet", "portfolio_unreadable"),
        (b"\x00" * 1000, "portfolio_unreadable"),
    ],
    ids=["entities", "far", "empty", "cut", "zeros"],
)
def test_a_hostile_sheet_is_refused_at_once(sheet: bytes, key: str) -> None:
    assert refusal(repacked(saved(HEAD, ROW), sheet1=sheet)).key == key


@pytest.mark.parametrize("kept", [30, 400, 2000, -1])
def test_a_workbook_cut_short_is_unreadable(kept: int) -> None:
    assert refusal(saved(HEAD, ROW)[:kept]).key == "portfolio_unreadable"


def test_a_zip_of_something_else_is_unreadable() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as packed:
        packed.writestr("letter.txt", "Bonjour")
    assert refusal(other.getvalue()).key == "portfolio_unreadable"
