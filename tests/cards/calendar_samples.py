"""What a person could see of reminders, pauses and delegations."""

from datetime import date

from tests.cards.firm import AT, REQUEST, Sample, posted, step

FIRST, LAST = date(2026, 8, 3), date(2026, 8, 14)
DECIDE = {
    "code": "BMART",
    "company": "Boulangerie Martin",
    "state": "sent",
    "waiting": True,
    "resent": False,
    "since": date(2026, 1, 12),
    "reminders": 3,
    "until": date(2026, 2, 11),
}
MESSAGE = "https://teams.microsoft.com/l/message/19%3Aabc%40thread.tacv2/1?tenantId=t&groupId=g&parentMessageId=1"
ROW = {
    "code": "BMART",
    "company": "Boulangerie Martin",
    "offer": "Consultation",
    "state": "awaiting_approval",
    "since": AT,
    "url": MESSAGE,
}
OTHER = {**ROW, "code": "GMART", "company": "Garage Martin et Fils", "offer": "Co-Production", "url": None}
LATE = {
    "escalated": True,
    "name": "Camille Moreau",
    "mention": "Claire Lemoine",
    "open": 2,
    "rows": [ROW, OTHER],
    "more": 0,
}
RHYTHM = {
    "paused_until": None,
    "guest_days": [3, 7, 15],
    "expire_after": 30,
    "remind_after": 2,
    "escalate_after": 4,
    "alsace_moselle": False,
}
ACTIONS = [
    {"value": "pause", "title": "Mettre les rappels en pause", "note": ""},
    {"value": "rhythm", "title": "Changer le rythme", "note": ""},
]
TO_END = {"value": "p1", "title": "Mettre fin à la pause du 5 janvier 2026 au 31 mai 2026", "note": ""}
PEOPLE = [
    {"value": "1", "title": "Erwan Tanguy", "note": ""},
    {"value": "2", "title": "Inès Caradec", "note": ""},
]
CURRENT = [
    {"value": "new", "title": "Déléguer des dossiers", "note": ""},
    {
        "value": "d1",
        "title": "Mettre fin\u00a0: Camille Moreau → Inès Caradec",
        "note": "du 3 août 2026 au 14 août 2026",
    },
]
RECAP = {
    "absent": "Camille Moreau",
    "delegate": "Inès Caradec",
    "first": FIRST,
    "last": LAST,
    "dossiers": 142,
    "waiting": 3,
    "also_absent": False,
    "stands_in": [],
}
DELEGATION = {
    "state": "running",
    "reader": "delegate",
    "absent": "Camille Moreau",
    "delegate": "Inès Caradec",
    "first": FIRST,
    "last": LAST,
    "made_by": "Claire Lemoine",
}

CALENDAR: dict[str, dict[str, Sample]] = {
    "reminders/decide": {
        "waiting": posted(DECIDE),
        "resent": posted(DECIDE | {"waiting": False, "resent": True}),
        "accepted": posted(DECIDE | {"waiting": False, "state": "accepted"}),
        "expired": posted(DECIDE | {"waiting": False, "state": "expired"}),
    },
    "reminders/approvals": {
        "chat": posted(LATE | {"escalated": False, "mention": None}),
        "one": posted(LATE | {"escalated": False, "mention": None, "open": 1, "rows": [ROW]}),
        "late": posted(LATE | {"rows": [ROW, OTHER, {**ROW, "state": "active"}], "more": 4}),
        "nobody": posted(LATE | {"name": None, "mention": None, "open": 1, "rows": [ROW]}),
        "done": posted(LATE | {"open": 0, "mention": None, "rows": [{**ROW, "state": "active"}]}),
    },
    "reminders/what": {
        "plain": step(RHYTHM, first=True, choices={"action": ACTIONS}),
        "paused": step(
            RHYTHM | {"paused_until": date(2026, 5, 31), "alsace_moselle": True},
            first=True,
            choices={"action": [*ACTIONS, TO_END]},
        ),
    },
    "reminders/pause": {
        "plain": step({"today": FIRST}, last=True),
        "wrong": step(
            {"today": FIRST},
            last=True,
            values={"first_day": "2026-08-14", "last_day": "2026-08-03"},
            errors={"last_day": "Le dernier jour ne peut pas être avant le premier."},
        ),
    },
    "reminders/rhythm": {
        "plain": step(
            last=True,
            values={
                "guest_days": "3, 7, 15",
                "expire_after": "30",
                "remind_after": "2",
                "escalate_after": "4",
                "alsace_moselle": "no",
            },
        ),
    },
    "delegate/current": {"plain": step(first=True, choices={"action": CURRENT})},
    "delegate/who": {
        "absent": step({"field": "absent", "name": None, "many": False}, choices={"absent": PEOPLE}),
        "search": step({"field": "delegate", "name": "Camille Moreau", "many": True}),
        "found": step(
            {"field": "delegate", "name": "Camille Moreau", "many": True},
            values={"delegate_text": "n"},
            choices={"delegate": PEOPLE},
        ),
        "nothing": step(
            {"field": "delegate", "name": "Camille Moreau", "many": True},
            values={"delegate_text": "zz"},
            choices={"delegate": []},
        ),
    },
    "delegate/days": {"plain": step({"today": FIRST})},
    "delegate/recap": {
        "plain": step(RECAP, last=True),
        "chains": step(RECAP | {"also_absent": True, "stands_in": ["Erwan Tanguy"]}, last=True),
    },
    "delegate/card": {
        "planned": posted(DELEGATION | {"state": "planned"}),
        "running": posted(DELEGATION),
        "absent": posted(DELEGATION | {"reader": "absent"}),
        "over": posted(DELEGATION | {"state": "over"}),
    },
}
STANDS_IN = REQUEST | {
    "collaborateur": {"name": "Inès Caradec"},
    "stands_in": {"name": "Camille Moreau", "until": LAST},
    "reminded_at": AT,
}
REMINDER_MAILS: dict[str, dict[str, Sample]] = {
    "reminders/guest": {
        kind: posted(
            {
                "given_name": "Paul",
                "redeem_url": "https://login.microsoftonline.com/redeem?rd=abc&x=1",
                "last": kind == "last",
                "until": date(2026, 2, 11),
            }
        )
        for kind in ("plain", "last")
    },
}
