"""The portfolio as Loop exports it: its headings, and from a line a record."""

from collections.abc import Mapping
from functools import lru_cache

from services import sheets
from services.dossiers import DossierRecord, checked_siren
from services.errors import Refused
from services.people import email_address
from services.sheets import MAX_BYTES, MAX_LINES, Kind, Line, Row

__all__ = ["COLUMNS", "KIND", "MAX_BYTES", "MAX_LINES", "Line", "read", "record"]

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
_LONGEST = {
    "code": 40,
    "company": 200,
    "commune": 120,
    "agency": 120,
    "collaborateur": 320,
    "collaborateur_name": 200,
}


def read(content: bytes) -> list[Line]:
    """The lines beneath the headings. Refused as `sheets.read`, with `portfolio_columns` where a mandatory one is missing."""
    return sheets.read(content, (KIND,))[1]


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


def _places(headings: Row) -> dict[str, int]:
    """Which cell of a heading row is which field."""
    places = sheets.named(headings, _HEADINGS)
    if "collaborateur" in places and headings[places["collaborateur"]] not in _WHO:
        who = next(
            (one for one in _WHO if one in headings), None
        )  # beside their e-mail, « Collaborateur » is their name
        if who:
            places.setdefault("collaborateur_name", headings.index(who))
    return places


KIND = Kind("portfolio", "portfolio_columns", COLUMNS, MANDATORY, _places)
