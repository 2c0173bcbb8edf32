"""What a person could see of the yearly review."""

from tests.cards.firm import AT, Sample, posted

ROW = {"input": "client_1", "code": "BMART", "company": "Boulangerie Martin", "state": None, "by": None, "at": None}
OTHER = {**ROW, "input": "client_2", "code": "GMART", "company": "Garage Martin et Fils"}
SAID = {"by": "Camille Moreau", "at": AT}
ASKED = {"open": 2, "moved": False, "reminder": False, "rows": [ROW, OTHER], "notices": []}

REVIEWS: dict[str, dict[str, Sample]] = {
    "review/ask": {
        "plain": posted(ASKED),
        "week": posted(ASKED | {"open": 20, "rows": [{**ROW, "input": f"client_{n}"} for n in range(20)]}),
        "some": posted(
            ASKED
            | {
                "open": 1,
                "reminder": True,
                "rows": [ROW, {**OTHER, **SAID, "state": "to_end"}],
                "notices": ["Quelqu’un a déjà répondu pour ce dossier. Rien n’a changé."],
            }
        ),
        "done": posted(ASKED | {"open": 0, "rows": [{**ROW, **SAID, "state": "still"}]}),
        "moved": posted(ASKED | {"open": 0, "moved": True, "rows": []}),
    },
    "review/to_end": {"plain": posted({"code": "BMART", "company": "Boulangerie Martin", **SAID})},
}
