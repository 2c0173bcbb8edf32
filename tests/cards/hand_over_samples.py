"""What a person could see while dossiers go from one collaborateur to another."""

from tests.cards.firm import Sample, step

PEOPLE = [
    {"value": "1", "title": "Erwan Tanguy", "note": ""},
    {"value": "2", "title": "Inès Caradec", "note": ""},
]
WHAT = [
    {"value": "dossier", "title": "Un dossier", "note": ""},
    {"value": "portfolio", "title": "Les dossiers d’un collaborateur", "note": ""},
]
AGENCIES = [
    {"value": "all", "title": "Toutes ses agences", "note": "142 dossiers"},
    {"value": "=Rennes", "title": "Rennes", "note": "101 dossiers"},
    {"value": "=Vannes", "title": "Vannes", "note": "41 dossiers"},
]
IMPACT = {
    "code": None,
    "company": None,
    "agency": None,
    "owner": "Camille Moreau",
    "to": "Inès Caradec",
    "dossiers": 142,
    "waiting": 3,
    "asked": "Inès Caradec",
    "delegated": False,
}

HAND_OVERS: dict[str, dict[str, Sample]] = {
    "hand_over/what": {"plain": step(first=True, choices={"what": WHAT})},
    "hand_over/who": {
        "owner": step({"field": "owner", "name": None, "many": False}, choices={"owner": PEOPLE}),
        "search": step({"field": "to", "name": "Camille Moreau", "many": True}),
        "found": step(
            {"field": "to", "name": "Camille Moreau", "many": True},
            values={"to_text": "n"},
            choices={"to": PEOPLE},
        ),
        "nothing": step(
            {"field": "to", "name": "Camille Moreau", "many": True}, values={"to_text": "zz"}, choices={"to": []}
        ),
    },
    "hand_over/agency": {"plain": step(choices={"agency": AGENCIES})},
    "hand_over/impact": {
        "portfolio": step(IMPACT, last=True),
        "agency": step(IMPACT | {"agency": "Vannes", "asked": "Erwan Tanguy", "delegated": True}, last=True),
        "dossier": step(
            IMPACT | {"code": "BMART", "company": "Boulangerie Martin", "dossiers": 1, "waiting": 0}, last=True
        ),
        "nobody": step(
            IMPACT | {"code": "BMART", "company": "Boulangerie Martin", "owner": None, "dossiers": 1, "waiting": 1},
            last=True,
        ),
    },
}
