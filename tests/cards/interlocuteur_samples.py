"""The list of interlocuteurs and all that befalls one of them, in the shapes the templates' head comments list."""

from tests.cards.firm import CONTACT, FOUND, LINK, LOOP, OK, Sample, step

NAME = "Martin Paul"
CODES = [{"code": "BMART", "company": "Boulangerie Martin", "limited_to": "-"}]
TWO = [*CODES, {"code": "GMART", "company": "Garage Martin et Fils", "limited_to": "Paie"}]
LIVE = [
    {"name": "Consultation · BMART", "state": "active"},
    {"name": "Start · GMART", "state": "awaiting_approval"},
]
ROWS = [
    {"value": "i1", "title": "Martin Paul", "note": "BMART, GMART"},
    {"value": "i2", "title": "Nguyễn Thị Hồng", "note": "LFLEU"},
    {"value": "i3", "title": "O’Brien", "note": "Aucun dossier"},
]
PICK = {"key": "open_interlocuteur", "facts": [("interlocuteur", NAME)]}
CHANGE = {"key": "mobile", "before": "06 12 34 56 78", "after": "06 98 76 54 32"}
MAIL = {"key": "email", "before": "paul.martin@boulangerie-martin.fr", "after": "paul@martin-freres.fr"}
CHANGES = {
    "name": NAME,
    "changes": [CHANGE],
    "theirs": [],
    "email": None,
    "invited": [],
    "steps": [PICK, {"key": "modify_interlocuteur", "facts": [("mobile", "06 98 76 54 32")]}, OK],
    "loop_url": LOOP,
}
LINKS = {
    "name": NAME,
    "new": False,
    "person": CONTACT,
    "dossiers": TWO,
    "email": CONTACT["email"],
    "invited": [],
    "steps": [PICK, *LINK[2:]],
    "loop_url": LOOP,
}
REMOVAL = {
    "name": NAME,
    "dossiers": TWO,
    "offers": LIVE,
    "steps": [PICK, {"key": "remove_interlocuteur", "facts": []}, OK],
    "loop_url": LOOP,
}
MEANWHILE = "Quelqu’un d’autre vient de modifier cette fiche."
KEEP = [
    {"go": "fix:take_theirs", "title": "Prendre les nouvelles valeurs"},
    {"go": "fix:keep_mine", "title": "Garder mes valeurs"},
]
DOSSIERS = {"name": NAME, "searched": False, "found": 0, "linked": []}

INTERLOCUTEURS: dict[str, dict[str, Sample]] = {
    "interlocuteurs/list": {
        "plain": step({"total": 3, "page": 1, "pages": 1}, first=True, choices={"interlocuteur": ROWS}),
        "middle": step({"total": 812, "page": 2, "pages": 102}, first=True, choices={"interlocuteur": ROWS}),
        "nothing": step(
            {"total": 0, "page": 1, "pages": 1},
            first=True,
            values={"interlocuteur_text": "zzz"},
            choices={"interlocuteur": []},
        ),
    },
    "interlocuteurs/person": {
        "plain": step({"name": NAME, "person": CONTACT, "dossiers": TWO, "offers": LIVE}),
        "alone": step({"name": NAME, "person": CONTACT, "dossiers": [], "offers": []}),
    },
    "interlocuteurs/form": {
        "modify": step({"name": NAME, "theirs": []}, values=dict(CONTACT)),
        "new": step({"name": None, "theirs": []}),
        "meanwhile": step({"name": NAME, "theirs": [CHANGE]}, values=dict(CONTACT), notice=MEANWHILE, fixes=KEEP),
    },
    "interlocuteurs/changes": {
        "plain": step(CHANGES, last=True),
        "email": step(
            CHANGES | {"changes": [CHANGE, MAIL], "email": "paul@martin-freres.fr", "invited": ["BMART"]}, last=True
        ),
        "meanwhile": step(CHANGES | {"theirs": [MAIL]}, last=True, notice=MEANWHILE, fixes=KEEP),
    },
    "interlocuteurs/dossiers": {
        "empty": step(DOSSIERS, choices={"dossiers": []}),
        "unticked": step(DOSSIERS, choices={"dossiers": []}, errors={"dossiers": "Ce champ est obligatoire."}),
        "found": step(
            DOSSIERS | {"searched": True, "found": 3, "linked": ["LFLEU"]},
            values={"dossiers": "d1", "dossiers_text": "martin"},
            choices={"dossiers": FOUND},
        ),
        "nothing": step(DOSSIERS | {"searched": True}, values={"dossiers_text": "xyz"}, choices={"dossiers": []}),
    },
    "interlocuteurs/links": {
        "known": step(LINKS, last=True),
        "new": step(LINKS | {"new": True, "dossiers": CODES, "invited": ["BMART"], "steps": LINK}, last=True),
    },
    "interlocuteurs/removal": {
        "plain": step(REMOVAL, last=True),
        "nothing": step(REMOVAL | {"dossiers": [], "offers": []}, last=True),
    },
}
