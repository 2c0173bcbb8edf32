"""What a collaborateur could see of several approvals on one card, and administrators of a refusal."""

from tests.cards.calendar_samples import MESSAGE
from tests.cards.firm import AT, LOOP, Sample, posted

ROW = {
    "input": "tick_1",
    "code": "BMART",
    "company": "Boulangerie Martin",
    "offer": "Consultation",
    "since": AT,
    "url": MESSAGE,
}
OTHER = {
    **ROW,
    "input": "tick_2",
    "code": "GMART",
    "company": "Garage Martin et Fils",
    "offer": "Co-Production",
    "url": None,
}
WAITING = {
    "total": 2,
    "rows": [ROW, OTHER],
    "page": 1,
    "pages": 1,
    "approved": None,
    "not_approved": [],
    "loop_url": LOOP,
}
FASTER = {
    "code": "FKERV",
    "offer": "Start",
    "why": "Inès Caradec a déjà décidé le 12 janvier 2026 à 09:00\u00a0: Offre active.",
}

REFUSAL = {"by": "Camille Moreau", "at": AT, "reason": "Le widget n’est pas dans le Loop Hub."}
REFUSED = {
    **REFUSAL,
    "code": "BMART",
    "company": "Boulangerie Martin",
    "offer": "Consultation",
    "open": True,
    "mention": "Claire Lemoine",
}

APPROVALS: dict[str, dict[str, Sample]] = {
    "approve_many/card": {
        "plain": posted(WAITING),
        "page": posted(
            WAITING | {"total": 34, "page": 2, "pages": 4, "rows": [{**ROW, "input": f"tick_{n}"} for n in range(10)]}
        ),
        "some": posted(WAITING | {"approved": 3, "not_approved": [FASTER]}),
        "none": posted(WAITING | {"approved": 0}),
        "done": posted(WAITING | {"total": 0, "rows": [], "approved": 2}),
    },
    "approve_activation/refused": {
        "plain": posted(REFUSED, "propose_offer"),
        "nobody": posted(REFUSED | {"mention": None}, "propose_offer"),
        "corrected": posted(REFUSED | {"open": False, "mention": None}, "propose_offer"),
    },
}
