"""Files for a spreadsheet: opened again, they say what was put in; nothing in them is a formula."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest

from services import exports, workbook
from services.errors import Refused
from services.exports import CSV, XLSX, Cell

AT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
HOSTILE = (
    "=1+1",
    "+33",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\rx",
    '=HYPERLINK("http://evil.example";"x")',
    "=cmd|' /C calc'!A0",
)
HEADS: list[Cell] = ["Dossier", "Entreprise", "Depuis", "Jours"]


def rows(*companies: str) -> list[list[Cell]]:
    said: list[list[Cell]] = [[f"C{n}", company, AT, n] for n, company in enumerate(companies)]
    return [HEADS, *said]


def test_a_csv_as_french_excel_reads_it() -> None:
    content = exports.written(rows("Bœuf ; « Été » & fils", 'dit "Le Gros"\nsuite'), CSV)
    assert content.startswith(b"\xef\xbb\xbf")
    said = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert said == [
        ["Dossier", "Entreprise", "Depuis", "Jours"],
        ["C0", "Bœuf ; « Été » & fils", "2026-07-01 11:30:00", "0"],
        ["C1", 'dit "Le Gros"\nsuite', "2026-07-01 11:30:00", "1"],
    ]


def test_no_cell_of_a_csv_is_a_formula() -> None:
    content = exports.written(rows(*HOSTILE), CSV).decode("utf-8-sig")
    said = [row[1] for row in csv.reader(io.StringIO(content, newline=""), delimiter=";")][1:]
    assert said == [f"'{one}" for one in HOSTILE]


def test_a_workbook_has_real_dates_and_numbers_a_frozen_heading_and_filters() -> None:
    sheet = opened(exports.written(rows("Boulangerie Martin", ""), XLSX))
    assert [cell.value for cell in sheet[1]] == HEADS
    code, company, since, days = sheet[2]
    assert (code.value, company.value, days.value) == ("C0", "Boulangerie Martin", 0)
    assert (since.value, since.is_date, since.number_format) == (datetime(2026, 7, 1, 11, 30), True, "dd/mm/yyyy hh:mm")  # noqa: DTZ001 - Excel knows no zone
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:D3")


def test_no_cell_of_a_workbook_is_a_formula() -> None:
    hostile = (*HOSTILE, "#REF!", "TRUE")
    sheet = opened(exports.written(rows(*hostile), XLSX))
    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type) for cell in cells] == [
        (one, "s") for one in (*HOSTILE[:5], "\nx", *hostile[6:])
    ]
    assert [cell.quotePrefix for cell in cells] == [True] * len(HOSTILE) + [False] * 2


@pytest.mark.parametrize("company", ["a\x00b\x07c", "\ufffe", "\ud800", "x" * 40_000, "🏭" * 9, "</t><f>1</f>"])
def test_any_name_gives_a_workbook_that_opens(company: str) -> None:
    value = opened(exports.written(rows(company), XLSX))["B2"].value
    assert value in (company, "abc", company[:32_767], None)


def test_nothing_to_export_is_a_heading() -> None:
    assert opened(exports.written(rows(), XLSX)).max_row == 1
    assert exports.written(rows(), CSV).decode("utf-8-sig") == "Dossier;Entreprise;Depuis;Jours\r\n"


def test_more_than_a_sheet_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 2)
    with pytest.raises(Refused) as refusal:
        exports.written(rows("a", "b"), XLSX)
    assert (refusal.value.key, dict(refusal.value.facts)) == ("export_too_long", {"max": 1})


def opened(content: bytes) -> Any:
    """As who receives it opens it."""
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
