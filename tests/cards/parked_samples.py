"""What the program gave up doing, in the shapes the template's head comment lists."""

from typing import Any

from tests.cards.firm import AT, Sample, posted

REFUSED = "La boîte d’envoi du cabinet a refusé ce message. Un administrateur Microsoft 365 doit vérifier ses droits."


def row(what: str, **changes: Any) -> Sample:
    plain = {"id": "12-1768223100", "what": what, "codes": "BMART", "reason": REFUSED, "since": AT}
    return {**plain, "kind": "mail", "doubt": False, **changes}


ONE = {"n": 1, "sure": 1, "rows": [row("mail_welcome")], "more": 0, "moved": False, "notice": None}
DOWN = "Teams ne répond pas pour l’instant. L’envoi sera repris."
MANY = [
    row("mail_welcome"),
    row("mail_identifier", doubt=True),
    row("say_reminder", codes="BMART, FLKERV", kind="message", reason=DOWN, doubt=True),
    row("remove_guest", kind="action", doubt=True),
    row("take_import", codes="", kind="action"),
]
SETTLED = ONE | {"n": 0, "sure": 0, "rows": []}
REFUSAL = {
    "kind": "warning",
    "text": "Cette action est réservée aux administrateurs du cabinet. Demandez à l’un d’eux.",
}
ON_ITS_WAY = {"kind": "good", "text": "C’est reparti. Si cela échoue encore, cette liste le dira."}

PARKED: dict[str, dict[str, Sample]] = {
    "parked/list": {
        "one": posted(ONE, "parked"),
        "many": posted(ONE | {"n": 17, "sure": 9, "rows": MANY, "more": 12}, "parked"),
        "refused": posted(ONE | {"notice": REFUSAL}, "parked"),
        "again": posted(SETTLED | {"notice": ON_ITS_WAY}, "parked"),
        "settled": posted(SETTLED, "parked"),
        "moved": posted(SETTLED | {"moved": True}, "parked"),
    },
}
