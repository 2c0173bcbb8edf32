"""An XLSX file -> rows of text. Only what a hostile or broken workbook cannot make dear: bounded, streamed, no macro."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from services.errors import Refused

MAX_ROWS = 1_048_576  # Excel's own
MAX_UNPACKED = 150_000_000
MAX_COLUMNS = 60  # read of each row

_ZIP = b"PK\x03\x04"
_OLD = b"\xd0\xcf\x11\xe0"  # .xls, and an .xlsx with a password


def is_one(content: bytes) -> bool:
    """Whether these bytes are a workbook, whatever the file is called. Refused("portfolio_old_excel") for an old one."""
    if content.startswith(_OLD):
        raise Refused("portfolio_old_excel")
    return content.startswith(_ZIP)


def tables(content: bytes) -> Iterator[Iterator[Sequence[str]]]:
    """The rows of each sheet, each cell as text. Refused: `file_too_big` (once unpacked), `portfolio_unreadable`."""
    try:
        book = _opened(content)
        for sheet in book.worksheets:
            yield _rows(sheet)
    except Refused:
        raise
    except Exception:
        # Whatever broken or hostile bytes make the parser raise, the answer is the same: this is not a workbook.
        raise Refused("portfolio_unreadable") from None


def _opened(content: bytes) -> Any:
    import openpyxl  # a third of a second and 30 MB that only a workbook is worth

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        # Reading stops at the size written there, so a lie about it cannot unpack more.
        unpacked = sum(entry.file_size for entry in packed.infolist())
    if unpacked > MAX_UNPACKED:
        raise Refused("file_too_big", max=MAX_UNPACKED // 1_000_000)
    return openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)


def _rows(sheet: Any) -> Iterator[Sequence[str]]:
    sheet.reset_dimensions()  # what the file says of its own size may be wrong
    try:
        for row in sheet.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS, values_only=True):
            yield [_text(value) for value in row]
    except Refused:
        raise
    except Exception:
        raise Refused("portfolio_unreadable") from None


def _text(value: object) -> str:
    """As Excel shows it, numbers without a decimal they do not have."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
