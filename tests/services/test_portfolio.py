"""A portfolio file as French Excel saves it: its separators, encodings and headings; a line's record, or what is wrong."""

import csv
import io
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from practice import seed
from services import portfolio, sheets
from services.errors import Refused
from services.people import one_line
from services.portfolio import Line

HEAD = ("Code", "Raison sociale", "SIREN", "Commune", "Agence", "Collaborateur")
ROW = ("BOUMAR", "Boulangerie Martin", "552100554", "Évry", "Rennes", "malo@cabinet.example")
SAID = {
    "code": "BOUMAR",
    "company": "Boulangerie Martin",
    "siren": "552100554",
    "commune": "Évry",
    "agency": "Rennes",
    "collaborateur": "malo@cabinet.example",
}


def typed(*rows: Sequence[str], separator: str = ";", end: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(rows)
    return text.getvalue()


def refusal(content: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        portfolio.read(content)
    return refused.value


# --- the file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_however_excel_saves_it(encoding: str, separator: str, end: str) -> None:
    text = typed(HEAD, ROW, (*ROW[:1], "Martin; Fils, « l’été »\tet\r\nCie", *ROW[2:]), separator=separator, end=end)
    assert portfolio.read(text.encode(encoding)) == [
        Line(2, SAID),
        Line(3, SAID | {"company": "Martin; Fils, « l’été » et Cie"}),
    ]


def test_the_practice_portfolio() -> None:
    lines = portfolio.read(seed.portfolio_csv(50).encode("cp1252"))
    assert [line.said["code"] for line in lines] == [row["code"] for row in seed.portfolio(50)]


def test_titles_above_blank_lines_and_columns_nobody_knows() -> None:
    text = typed(
        ("Portefeuille au 12/01/2026",),
        (),
        ("", "Vu"),
        ("x", *HEAD, "CA"),
        (),
        ("", *ROW, "12"),
        ("", *ROW[:2]),
        ("",) * 9,
    )
    blank = dict.fromkeys(SAID, "") | {"code": "BOUMAR", "company": "Boulangerie Martin"}
    assert portfolio.read(text.encode()) == [Line(6, SAID), Line(7, blank)]


def test_excels_separator_hint_is_not_a_row() -> None:
    assert portfolio.read(f"sep=,\r\n{typed(HEAD, ROW, separator=',')}".encode()) == [Line(2, SAID)]


@pytest.mark.parametrize(
    "head",
    [
        ("Code dossier", "Entreprise", "N° SIREN", "Ville", "Site", "E-mail du collaborateur"),
        ("N° dossier", "SOCIÉTÉ", "siret", "Commune", "Bureau", "Responsable"),
        ("N° de dossier", "Nom", "SIREN/SIRET", "COMMUNE", "agence", "Mail du responsable"),
        ("  code  ", "Nom de l'entreprise", "Siren", "Localité", "Agence", "Adresse e-mail du collaborateur"),
        ("Nº dossier", "raison   sociale", "Numéro de SIREN", "ville", "bureau", "Courriel responsable"),
    ],
)
def test_headings_as_people_write_them(head: Sequence[str]) -> None:
    assert portfolio.read(typed(head, ROW).encode()) == [Line(2, SAID)]


def test_the_more_exact_of_two_columns_counts() -> None:
    head = ("SIRET", "Nom", "SIREN", "Raison sociale", "Collaborateur", "E-mail du collaborateur", "Ville", "Code")
    row = ("x", "y", "552100554", "Boulangerie", "Malo Le Goff", "malo@cabinet.example", "Évry", "BOU")
    (line,) = portfolio.read(typed(head, row).encode())
    assert line.said == {
        "code": "BOU",
        "company": "Boulangerie",
        "siren": "552100554",
        "commune": "Évry",
        "collaborateur": "malo@cabinet.example",
        "collaborateur_name": "Malo Le Goff",
    }


def test_missing_columns_are_named_and_adding_them_mends_it() -> None:
    without = typed(("Code", "Raison sociale", "Téléphone"), ROW[:3])
    why = refusal(without.encode())
    assert (why.key, why.facts) == ("portfolio_columns", {"missing": ["SIREN", "Commune", "E-mail du collaborateur"]})
    assert portfolio.read(typed(HEAD, ROW).encode())


@pytest.mark.parametrize("separator", ["|", " "])
def test_another_separator_misses_every_column(separator: str) -> None:
    assert refusal(typed(HEAD, ROW, separator=separator).encode()).key == "portfolio_columns"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "portfolio_columns"),
        (b"\xef\xbb\xbf", "portfolio_columns"),
        (typed(HEAD).encode(), "portfolio_empty"),
        (typed(HEAD, ("",) * 6, ()).encode(), "portfolio_empty"),
        (typed(HEAD, ROW).encode() + b"\x81\x8d\xff", "portfolio_unreadable"),
        (b"\xff\xfe\x00", "portfolio_unreadable"),
        (typed(HEAD).encode() + b'"' + b"never closed " * 20_000, "portfolio_unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "portfolio_old_excel"),
        (b"x" * (portfolio.MAX_BYTES + 1), "file_too_big"),
    ],
    ids=["nothing", "bom", "headings", "blank", "encoding", "utf-16", "quote", "xls", "big"],
)
def test_a_file_that_cannot_be_read_says_why(content: bytes, key: str) -> None:
    assert refusal(content).key == key


def test_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_LINES", 2)
    assert len(portfolio.read(typed(HEAD, ROW, (), ROW).encode())) == 2
    why = refusal(typed(HEAD, ROW, ROW, ROW).encode())
    assert (why.key, why.facts) == ("portfolio_too_long", {"max": 2})


# --- a line


def test_a_record() -> None:
    made = portfolio.record(SAID | {"siren": "552 100 554 00013", "collaborateur": " Malo@Cabinet.example"})
    assert (made.siren, made.collaborateur, made.agency) == ("552100554", "malo@cabinet.example", "Rennes")
    assert portfolio.record({name: value for name, value in SAID.items() if name != "agency"}).agency is None
    assert portfolio.record(SAID | {"collaborateur": "", "commune": ""}).collaborateur == ""


WRONG = [
    ("code", "", "cell_empty", {"column": "Code"}),
    ("company", "", "cell_empty", {"column": "Raison sociale"}),
    ("siren", "", "cell_empty", {"column": "SIREN"}),
    ("siren", "55210055", "siren_length", {}),
    ("siren", "5521005540001", "siren_length", {}),
    ("siren", "5,5210055400013E+13", "siren_length", {}),
    ("siren", "552100555", "siren_key", {}),
    ("code", "x" * 41, "cell_too_long", {"column": "Code", "max": 40}),
    ("company", "x" * 201, "cell_too_long", {"column": "Raison sociale", "max": 200}),
    ("commune", "x" * 121, "cell_too_long", {"column": "Commune", "max": 120}),
    ("collaborateur", "Malo Le Goff", "email_invalid", {}),
    ("collaborateur", "malo@", "email_invalid", {}),
    ("collaborateur", "malo@сabinet.example", "email_invalid", {}),
]


@pytest.mark.parametrize(("field", "value", "key", "facts"), WRONG)
def test_a_wrong_cell_says_which_rule_failed(field: str, value: str, key: str, facts: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        portfolio.record(SAID | {field: value})
    assert (refused.value.key, refused.value.facts) == (key, facts)
    assert portfolio.record(SAID)  # mended


FORMULAS = ("=1+1", "+33 2 99", "@SUM(A1)", "-2", '=HYPERLINK("http://evil.example";"x")', "=cmd|' /C calc'!A0")


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_looks_like_a_formula_is_text(cell: str) -> None:
    (line,) = portfolio.read(typed(HEAD, (*ROW[:1], cell, *ROW[2:])).encode())
    assert portfolio.record(line.said).company == cell


# --- whatever is typed

CELL = st.text(st.characters(codec="utf-8"), max_size=30)
ROWS = st.lists(st.tuples(*[CELL] * len(HEAD)), min_size=1, max_size=5)


@given(
    rows=ROWS,
    separator=st.sampled_from(sheets.SEPARATORS),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    quote_all=st.booleans(),
)
def test_nothing_typed_is_lost(rows: list[tuple[str, ...]], separator: str, encoding: str, quote_all: bool) -> None:
    text = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=separator, lineterminator="\r\n", quoting=quoting).writerows([HEAD, *rows])
    try:
        content = text.getvalue().encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    if encoding == "cp1252" and not content.isascii():
        assume(not _is_utf8(content))  # nobody could tell « Ã© » in one from « é » in the other
    kept = [[one_line(_text(cell)) for cell in row] for row in rows]
    expected = [row for row in kept if any(row)]
    assume(expected)
    assert [list(line.said.values()) for line in portfolio.read(content)] == expected


def _text(cell: str) -> str:
    """An apostrophe before a formula is how spreadsheets write that the cell is text."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(sheets.FORMULA) else cell


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@given(st.binary(max_size=400), st.sampled_from([b"", typed(HEAD).encode(), b"PK\x03\x04", b"\xff\xfe"]))
def test_any_bytes_are_lines_or_refused(content: bytes, start: bytes) -> None:
    try:
        lines = portfolio.read(start + content)
    except Refused:
        return
    for line in lines:
        try:
            portfolio.record(line.said)
        except Refused:
            continue
