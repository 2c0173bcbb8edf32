"""Tables as files: CSV as French Excel reads it, XLSX with real dates; and the file somebody asked for, until they have it.

Nothing in a cell becomes a formula, whatever a client or a colleague is called ("CSV Injection", OWASP).
"""

import io
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import sheets, workbook
from services.calendar import PARIS
from services.errors import Refused
from services.events import ExportAccepted, ExportAsked
from services.models import Export
from services.ports import Upload
from services.store import Work

TRACKING, JOURNAL = "tracking", "journal"
WHAT = (TRACKING, JOURNAL)
CSV, XLSX = "csv", "xlsx"
FORMATS = (XLSX, CSV)

Cell = str | int | datetime
"""A moment carries its timezone; a file shows it as of Paris."""

_LONGEST = 32_767  # characters of a cell, Excel's own
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""With one of these a workbook does not open any more."""
_FIRST_WIDTHS = 200  # rows a column's width is taken from
_WIDEST = 60


def written(rows: Sequence[Sequence[Cell]], kind: str) -> bytes:
    """The file of these rows, headings first. Refused("export_too_long") for more than a workbook's sheet holds.

    Takes seconds for a hundred thousand rows: not for the event loop.
    """
    return _xlsx(rows) if kind == XLSX else sheets.written([_shown(cell) for cell in row] for row in rows)


def _shown(cell: Cell) -> str:
    return f"{cell.astimezone(PARIS):%Y-%m-%d %H:%M:%S}" if isinstance(cell, datetime) else str(cell)


def _xlsx(rows: Sequence[Sequence[Cell]]) -> bytes:
    from openpyxl import Workbook  # a third of a second and 30 MB that only a workbook is worth
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils import get_column_letter

    if len(rows) > workbook.MAX_ROWS:
        raise Refused("export_too_long", None, max=workbook.MAX_ROWS - 1)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Passerelle")
    sheet.freeze_panes = "A2"
    for number, width in enumerate(_widths(rows), 1):
        sheet.column_dimensions[get_column_letter(number)].width = width

    def drawn(cell: Cell) -> object:
        if isinstance(cell, datetime):
            made = WriteOnlyCell(sheet, cell.astimezone(PARIS).replace(tzinfo=None))
            made.number_format = "dd/mm/yyyy hh:mm"
        elif isinstance(cell, str):
            made = WriteOnlyCell(sheet, _NOT_XML.sub("", cell)[:_LONGEST])
            if made.data_type != "s":
                made.data_type = "s"
            made.quotePrefix = cell.startswith(sheets.FORMULA)  # stays text when somebody edits the cell
        else:
            return cell
        return made

    for row in rows:
        sheet.append([drawn(cell) for cell in row])
    sheet.auto_filter.ref = f"A1:{get_column_letter(max(1, len(rows[0])))}{len(rows)}"
    to = io.BytesIO()
    book.save(to)
    return to.getvalue()


def _widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    first = rows[:_FIRST_WIDTHS]
    return [min(_WIDEST, 3 + max(len(_shown(row[at])) for row in first)) for at in range(len(rows[0]))]


# --- the file somebody asked for in Teams


async def ask(work: Work, what: str, kind: str, actor: str) -> None:
    """An administrator wants this file in their 1:1 chat."""
    made = Export(what=what, kind=kind, owner=actor, created_at=work.now)
    work.session.add(made)
    await work.session.flush()
    work.journal(actor, "exports.asked", made.id, after=f"{what} {kind}")
    work.emit(ExportAsked(made.id))


async def find(session: AsyncSession, export_id: str) -> Export | None:
    """The file asked for; None once it was given or declined."""
    return await session.get(Export, export_id)


async def accept(work: Work, export_id: str, upload: Upload, actor: str) -> None:
    """Who asked lets the bot put it there. Refused("not_found")."""
    row = await work.session.get(Export, export_id, with_for_update=True)
    if row is None:
        raise Refused("not_found")
    row.upload = asdict(upload)
    work.journal(actor, "exports.given", export_id, after=f"{row.what} {row.kind}")
    work.emit(ExportAccepted(export_id))


async def forget(work: Work, export_id: str) -> None:
    """It was given, or declined."""
    row = await work.session.get(Export, export_id)
    if row is not None:
        await work.session.delete(row)
