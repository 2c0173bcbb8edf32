"""Tables as French Excel saves them, CSV or XLSX: which kind of list a file is, by its headings, and its lines; and back.

Nothing of a cell is interpreted: what looks like a formula is text like any other, and leaves as text.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from services import workbook
from services.errors import Refused
from services.people import one_line, words

MAX_BYTES = 20_000_000
MAX_LINES = 200_000
HEADER_WITHIN = 20  # rows: exports begin with a title, a date, an empty row
SEPARATORS = ";,\t"

_SMALL = frozenset(("d", "de", "des", "du", "et", "l", "la", "le", "les"))
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With which a cell is a formula to a spreadsheet ("CSV Injection", OWASP)."""

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank. `number` is its row as Excel shows it; `said` has a cell for each column of the file."""

    number: int
    said: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list. `places` tells which cell of a heading row (as `heading` gives them) is which field.

    `columns` are the fields' names to people; a list has all of `mandatory`. `wrong` is the key of the refusal when not.
    """

    name: str
    wrong: str
    columns: Mapping[str, str]
    mandatory: Sequence[str]
    places: Callable[[Row], dict[str, int]]


def heading(cell: str) -> str:
    """A heading without accents, small words or spaces, to compare it."""
    return "".join(word for word in words(cell) if word not in _SMALL)


def named(headings: Row, known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Which heading is which field; where a file has two of one field's, the first that is known counts."""
    places = {}
    for field, names in known.items():
        found = [names.index(one) for one in headings if one in names]
        if found:
            places[field] = headings.index(names[min(found)])
    return places


def read(content: bytes, kinds: Sequence[Kind]) -> tuple[Kind, list[Line]]:
    """Which kind of list it is, and the lines beneath its headings.

    Refused, of the file as a whole: `file_too_big`, `portfolio_too_long`, `portfolio_unreadable`, `portfolio_old_excel`,
    `portfolio_empty`; the nearest kind's own key (`missing`: the names of mandatory columns); `list_ambiguous`, where it
    has the columns of two kinds. A big file takes seconds: not for the event loop.
    """
    if len(content) > MAX_BYTES:
        raise Refused("file_too_big", max=MAX_BYTES // 1_000_000)
    tables = workbook.tables(content) if workbook.is_one(content) else _csv_tables(content)
    kind, places, number, rows = _first_with_headings(tables, kinds)
    lines = list(_lines(places, number, rows))
    if not lines:
        raise Refused("portfolio_empty")
    return kind, lines


def written(rows: Iterable[Row]) -> bytes:
    """A CSV that French Excel opens by a double click. A cell that would be a formula there is made text by an apostrophe."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=SEPARATORS[0], lineterminator="\r\n").writerows(
        [f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row] for row in rows
    )
    return text.getvalue().encode("utf-8-sig")


# --- rows


def _csv_tables(content: bytes) -> Iterator[Iterator[Row]]:
    """The same text once by each separator: the right one is the one that shows the headings."""
    text = _decoded(content)
    if text[:4].casefold() == "sep=":  # Excel's own hint, which it does not show as a row
        text = text.partition("\n")[2]
    for separator in SEPARATORS:
        yield _csv_rows(text, separator)


def _csv_rows(text: str, separator: str) -> Iterator[Row]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        raise Refused("portfolio_unreadable") from None


def _decoded(content: bytes) -> str:
    unicode_text = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # as Excel calls it
    for encoding in ("utf-16",) if unicode_text else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("portfolio_unreadable")


def _first_with_headings(
    tables: Iterable[Iterator[Row]], kinds: Sequence[Kind]
) -> tuple[Kind, Mapping[str, int], int, Iterator[Row]]:
    """The kind, where each field is, the number of the heading row, and the rows beneath it. Refused says what is missing."""
    nearest, most = kinds[0], -1
    missing: list[str] = []
    for rows in tables:
        for number, row in enumerate(islice(rows, HEADER_WITHIN), 1):
            headings = [heading(cell) for cell in row]
            found = {kind.name: kind.places(headings) for kind in kinds}
            whole = [kind for kind in kinds if all(field in found[kind.name] for field in kind.mandatory)]
            if len(whole) > 1:
                raise Refused("list_ambiguous")
            if whole:
                return whole[0], found[whole[0].name], number, rows
            for kind in kinds:
                if len(found[kind.name]) > most:
                    nearest, most = kind, len(found[kind.name])
                    missing = [kind.columns[field] for field in kind.mandatory if field not in found[kind.name]]
    raise Refused(nearest.wrong, missing=missing or [nearest.columns[field] for field in nearest.mandatory])


def _lines(places: Mapping[str, int], header: int, rows: Iterator[Row]) -> Iterator[Line]:
    found = 0
    for number, row in enumerate(islice(rows, workbook.MAX_ROWS), header + 1):
        cells = [one_line(_plain(cell)) for cell in row]
        if not any(cells):
            continue
        found += 1
        if found > MAX_LINES:
            raise Refused("portfolio_too_long", max=MAX_LINES)
        yield Line(number, {field: cells[place] if place < len(cells) else "" for field, place in places.items()})


def _plain(cell: str) -> str:
    """Without the apostrophe of `written`: a file given back may be sent again."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell
