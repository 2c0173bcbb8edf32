"""A list of new clients as a firm writes it in French Excel, for companies of the practice portfolio."""

import csv
import io
from collections.abc import Sequence

from practice import seed

HEAD = (
    "Code dossier",
    "Civilité",
    "Prénom",
    "Nom",
    "E-mail",
    "Numéro de téléphone mobile",
    "Langue",
    "Offre",
    "Abonnement confirmé",
    "Qualité",
    "Fait dans Loop",
)
OFFERS = ("Start", "Consultation", "Co-Production")


def codes(count: int = 40) -> list[str]:
    """Codes of the first dossiers of the portfolio."""
    return [str(row["code"]) for row in seed.portfolio(count)]


def client(number: int, **changes: str) -> tuple[str, ...]:
    """A good line: nobody else's e-mail, mobile or name; `changes` by heading."""
    known = codes()
    said = {
        "Code dossier": known[number % len(known)],
        "Civilité": "Mme" if number % 2 else "M.",
        "Prénom": "Zoé" if number % 2 else "Gaël",
        "Nom": f"Œuvrard-{_letters(number)}",
        "E-mail": email(number),
        "Numéro de téléphone mobile": f"06 {10 + number // 10_000:02} {number // 100 % 100:02} {number % 100:02} 17",
        "Langue": "anglais" if number % 10 == 9 else "",
        "Offre": OFFERS[number % 3],
        "Abonnement confirmé": "oui" if number % 3 else "",
        "Qualité": "Direction TPE" if number % 2 else "-",
        "Fait dans Loop": "",
    }
    return tuple((said | changes)[heading] for heading in HEAD)


def email(number: int) -> str:
    """The e-mail of that line."""
    return f"client{number}@entreprise-{number}.example"


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def saved(*rows: Sequence[str], head: Sequence[str] = HEAD, encoding: str = "cp1252") -> bytes:
    """As French Excel saves it."""
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([head, *rows])
    return text.getvalue().encode(encoding)


def opened(content: bytes) -> list[dict[str, str]]:
    """A file given back, as Excel opens it."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
