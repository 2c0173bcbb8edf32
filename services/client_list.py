"""A list of new clients, one a line: its headings, and what its cells mean. Loop's thirteen fields, and what goes with them."""

from collections.abc import Mapping

from services import sheets
from services.errors import Refused
from services.offers import CATALOGUE, QUALITE_LABELS
from services.people import words
from services.sheets import Kind

COLUMNS = {
    "code": "Code dossier",
    "family_name": "Nom",
    "given_name": "Prénom",
    "email": "E-mail",
    "mobile": "Numéro de téléphone mobile",
    "language": "Langue",
    "offer": "Offre",
    "subscription": "Abonnement confirmé",
    "loop": "Fait dans Loop",
    "qualite": "Qualité",
    "landline": "Numéro de téléphone fixe",
    "address_1": "Adresse 1",
    "address_2": "Adresse 2",
    "address_3": "Adresse 3",
    "commune": "Commune",
    "postcode": "Code postal",
    "country": "Pays",
    "notes": "Notes",
}
"""What we call each field when we speak of its column, in the order of a list given back."""

MAX_LINES = 5_000  # as many new clients as the largest firm has in a year
MANDATORY = ("code", "family_name", "given_name", "email", "mobile", "offer")

_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "code": ("codedossier", "dossier", "ndossier", "nodossier", "numerodossier", "code", "codeclient"),
    "family_name": ("nom", "nomfamille", "nominterlocuteur"),
    "given_name": ("prenom", "prenominterlocuteur"),
    "email": ("email", "mail", "courriel", "adresseemail", "adressemail", "emailinterlocuteur"),
    "mobile": (
        *("numerotelephonemobile", "telephonemobile", "mobile", "portable", "telephoneportable", "telmobile"),
        *("telportable", "gsm"),
    ),
    "language": ("langue", "languemessages"),
    "offer": ("offre", "offrecollaborative", "service"),
    "subscription": ("abonnementconfirme", "abonnement", "abonnementsouscrit"),
    "loop": ("faitdansloop", "faitloop", "loop"),
    "qualite": ("qualite",),
    "landline": ("numerotelephonefixe", "telephonefixe", "fixe", "telfixe", "telephone"),
    "address_1": ("adresse1", "adresse"),
    "address_2": ("adresse2", "complementadresse"),
    "address_3": ("adresse3",),
    "commune": ("commune", "ville"),
    "postcode": ("codepostal", "cp"),
    "country": ("pays",),
    "notes": ("notes", "note", "commentaire", "commentaires"),
}

KIND = Kind("clients", "clients_columns", COLUMNS, MANDATORY, lambda headings: sheets.named(headings, _HEADINGS))

_YES = ("oui", "o", "x", "yes", "y", "vrai", "true", "1")
NO = ("", "non", "n", "no", "faux", "false", "0")
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "language": {"fr": "fr", "francais": "fr", "french": "fr", "en": "en", "anglais": "en", "english": "en"},
    "offer": {sheets.heading(offer.name): key for key, offer in CATALOGUE.items()},
    "qualite": {sheets.heading(label): key.value for key, label in QUALITE_LABELS.items()},
    **dict.fromkeys(("subscription", "loop"), dict.fromkeys(_YES, "true") | dict.fromkeys(NO, "")),
}
_SHOWN: Mapping[str, str] = {
    "language": "fr, en",
    "offer": ", ".join(offer.name for offer in CATALOGUE.values()),
    "qualite": ", ".join(label for key, label in QUALITE_LABELS.items() if key),
    **dict.fromkeys(("subscription", "loop"), "oui, non"),
}


def typed(said: Mapping[str, str]) -> dict[str, str]:
    """A line's cells as somebody would have typed them in the forms: the words of a choice become its value.

    Refused, of this line: `cell_unknown`, with the `column` and the words `known` there.
    """
    answers = {field: said.get(field, "") for field in COLUMNS}
    for field, known in _CHOICES.items():
        word = "".join(words(answers[field]))
        if word not in known and word:
            raise Refused("cell_unknown", field, column=COLUMNS[field], known=_SHOWN[field])
        answers[field] = known.get(word, "")
    return answers
