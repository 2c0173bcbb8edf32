"""The portfolio as Loop exports it and French Excel saves it, CSV or XLSX -> its lines, and from a line a record.

Nothing of a cell is interpreted: what looks like a formula is text like any other.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from services import workbook
from services.dossiers import DossierRecord, checked_siren
from services.errors import Refused
from services.people import email_address, one_line, words

MAX_BYTES = 20_000_000
MAX_LINES = 200_000
HEADER_WITHIN = 20  # rows: exports begin with a title, a date, an empty row
SEPARATORS = ";,\t"

COLUMNS = {
    "code": "Code",
    "company": "Raison sociale",
    "siren": "SIREN",
    "commune": "Commune",
    "agency": "Agence",
    "collaborateur": "E-mail du collaborateur",
    "collaborateur_name": "Nom du collaborateur",
}
"""What we call each field when we speak of its column: the columns of a French file have French names."""

MANDATORY = ("code", "company", "siren", "commune", "collaborateur")

_WHO = ("collaborateur", "collaborateurresponsable", "responsable", "responsabledossier")
_MAIL = ("email", "mail", "courriel", "adresseemail", "adressemail")
# The headings that are understood, without accents, small words or spaces. Where a file has two, the first here counts.
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "code": (
        *("code", "codedossier", "ndossier", "nodossier", "numdossier", "numerodossier", "referencedossier"),
        *("codeclient", "nclient", "noclient", "numclient", "numeroclient", "reference"),
    ),
    "company": (
        *("raisonsociale", "entreprise", "nomentreprise", "societe", "nomsociete", "denomination"),
        *("denominationsociale", "nomdossier", "libelledossier", "nomclient", "client", "nom"),
    ),
    "siren": (
        *("siren", "nsiren", "nosiren", "numsiren", "numerosiren", "siret", "nsiret", "nosiret", "numsiret"),
        *("numerosiret", "sirensiret", "siretsiren"),
    ),
    "commune": ("commune", "ville", "localite"),
    "agency": ("agence", "nomagence", "site", "bureau"),
    "collaborateur": (*(mail + who for who in _WHO for mail in _MAIL), *_WHO),
    "collaborateur_name": tuple(name + who for who in _WHO for name in ("nom", "nomprenom", "prenomnom")),
}
_SMALL = frozenset(("d", "de", "des", "du", "et", "l", "la", "le", "les"))
_LONGEST = {
    "code": 40,
    "company": 200,
    "commune": 120,
    "agency": 120,
    "collaborateur": 320,
    "collaborateur_name": 200,
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank. `number` is its row as Excel shows it; `said` has a cell for each column of the file."""

    number: int
    said: Mapping[str, str]


def read(content: bytes) -> list[Line]:
    """The lines beneath the headings.

    Refused, of the file as a whole: `file_too_big`, `portfolio_too_long`, `portfolio_unreadable`, `portfolio_old_excel`,
    `portfolio_columns` (`missing`: the names of mandatory columns), `portfolio_empty`. A big file takes seconds: not for
    the event loop.
    """
    if len(content) > MAX_BYTES:
        raise Refused("file_too_big", max=MAX_BYTES // 1_000_000)
    tables = workbook.tables(content) if workbook.is_one(content) else _csv_tables(content)
    lines = list(_lines(*_first_with_headings(tables)))
    if not lines:
        raise Refused("portfolio_empty")
    return lines


def record(said: Mapping[str, str]) -> DossierRecord:
    """What a line says, checked: nine digits of SIREN, the e-mail in lower case.

    Refused, of this line: `cell_empty`, `cell_too_long` (both with `column`), `siren_length`, `siren_key`, `email_invalid`.
    """
    for field in ("code", "company", "siren"):
        if not said[field]:
            raise Refused("cell_empty", field, column=COLUMNS[field])
    for field, longest in _LONGEST.items():
        if len(said.get(field, "")) > longest:
            raise Refused("cell_too_long", field, column=COLUMNS[field], max=longest)
    return DossierRecord(
        code=said["code"],
        company=said["company"],
        siren=checked_siren(_without_nic(said["siren"])),
        commune=said["commune"],
        agency=said.get("agency"),
        collaborateur=_email(said["collaborateur"]),
        collaborateur_name=said.get("collaborateur_name", ""),
    )


def _without_nic(typed: str) -> str:
    """A SIRET is a SIREN and five more digits."""
    digits = "".join(typed.split())
    return digits[:9] if len(digits) == 14 and digits.isascii() and digits.isdecimal() else typed


@lru_cache(maxsize=1024)  # few people, named on every line
def _email(typed: str) -> str:
    if not typed:
        return ""
    try:
        return email_address(typed).lower()
    except Refused:
        raise Refused("email_invalid", "collaborateur") from None


# --- rows

Row = Sequence[str]


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


def _first_with_headings(tables: Iterable[Iterator[Row]]) -> tuple[Mapping[str, int], int, Iterator[Row]]:
    """Where each field is, the number of the heading row, and the rows beneath it. Refused says what is missing."""
    nearest: Mapping[str, int] = {}
    for rows in tables:
        for number, row in enumerate(islice(rows, HEADER_WITHIN), 1):
            places = _places(row)
            if all(field in places for field in MANDATORY):
                return places, number, rows
            nearest = max(nearest, places, key=len)
    raise Refused("portfolio_columns", missing=[COLUMNS[field] for field in MANDATORY if field not in nearest])


def _places(row: Row) -> dict[str, int]:
    """Which cell of a heading row is which field."""
    headings = ["".join(word for word in words(cell) if word not in _SMALL) for cell in row]
    places = {}
    for field, known in _HEADINGS.items():
        found = [known.index(one) for one in headings if one in known]
        if found:
            places[field] = headings.index(known[min(found)])
    if "collaborateur" in places and headings[places["collaborateur"]] not in _WHO:
        who = next(
            (one for one in _WHO if one in headings), None
        )  # beside their e-mail, « Collaborateur » is their name
        if who:
            places.setdefault("collaborateur_name", headings.index(who))
    return places


def _lines(places: Mapping[str, int], header: int, rows: Iterator[Row]) -> Iterator[Line]:
    found = 0
    for number, row in enumerate(islice(rows, workbook.MAX_ROWS), header + 1):
        cells = [one_line(cell) for cell in row]
        if not any(cells):
            continue
        found += 1
        if found > MAX_LINES:
            raise Refused("portfolio_too_long", max=MAX_LINES)
        yield Line(number, {field: cells[place] if place < len(cells) else "" for field, place in places.items()})
