"""What the doctor finds, in the shapes the template's head comment lists."""

from tests.cards.firm import Sample, step

RIGHT = [
    {"title": "Réglages", "right": True, "said": "complets."},
    {"title": "Autorisations Graph", "right": True, "said": "accordées, et aucune de trop."},
    {"title": "Horloge", "right": True, "said": "à l’heure (1 s d’écart avec Microsoft)."},
]
WRONG = [
    {
        "title": "Autorisations Graph",
        "right": False,
        "said": "à accorder\u00a0: GroupMember.Read.All et User.Invite.All. Dans Microsoft Entra, ajoutez à l’application ces "
        "autorisations Graph, puis «\u00a0Accorder le consentement administrateur\u00a0».",
    },
    {
        "title": "Boîte d’envoi",
        "right": False,
        "said": "Aucune boîte d’envoi n’est réglée\u00a0: la variable MAIL_FROM manque.",
    },
]

DIAGNOSTIC: dict[str, dict[str, Sample]] = {
    "diagnostic/lines": {
        "right": step({"lines": RIGHT}, first=True, last=True),
        "wrong": step({"lines": [RIGHT[0], *WRONG, RIGHT[2]]}, first=True, last=True),
    },
}
