"""A firm, its client and what stands between them, in the shapes the templates' head comments list."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.journey import STEPS

Sample = dict[str, Any]

AT = datetime(2026, 1, 12, 13, 5, tzinfo=UTC)
FIRM = {"name": "Cabinet Lemoine & Associés", "color": "#5b5fc7"}
LOOP = "https://loop.cegid.com"
DOSSIER = {
    "code": "BMART",
    "company": "Boulangerie Martin",
    "siren": "552 100 554",
    "commune": "Nantes",
    "collaborateur": "Camille Moreau",
}
PERSON = {
    "family_name": "Martin",
    "given_name": "Paul",
    "email": "paul.martin@boulangerie-martin.fr",
    "mobile": "06 12 34 56 78",
    "language": "fr",
}
CONTACT = {
    "family_name": "Martin",
    "given_name": "Paul",
    "mobile": "06 12 34 56 78",
    "landline": "02 40 12 34 56",
    "email": "paul.martin@boulangerie-martin.fr",
    "qualite": "direction_tpe",
    "address_1": "12 rue de la Paix",
    "address_2": "Bâtiment B",
    "address_3": "",
    "commune": "Nantes",
    "postcode": "44000",
    "country": "France",
    "notes": "Préfère être appelé le matin.",
}
BASE = ["ged", "deposit", "mobile_dashboard"]
START = {"name": "Start", "paid": False, "active": True, "gives": BASE, "lacks": ["loop_read"]}
CONSULTATION = {
    "name": "Consultation",
    "paid": True,
    "active": False,
    "gives": [*BASE, "loop_read"],
    "lacks": ["loop_work"],
}
CO_PRODUCTION = {
    "name": "Co-Production",
    "paid": True,
    "active": False,
    "gives": [*BASE, "loop_work"],
    "lacks": ["revision"],
}
OFFERS = [
    {"value": "start", "title": "Start", "note": ""},
    {"value": "consultation", "title": "Consultation", "note": ""},
    {"value": "co_production", "title": "Co-Production", "note": ""},
]
PEOPLE = [
    {"value": "i1", "title": "Martin Paul", "note": "Direction TPE"},
    {"value": "i2", "title": "Martin Sophie", "note": "Administratif TPE"},
]
FOUND = [
    {"value": "d1", "title": "BMART — Boulangerie Martin", "note": "552 100 554, Nantes"},
    {"value": "d2", "title": "GMART — Garage Martin et Fils", "note": "732 829 320, Saint-Herblain"},
]
OPEN_DOSSIER = {"key": "open_dossier", "facts": [("dossier", "BMART"), ("company", "Boulangerie Martin")]}
OK: Sample = {"key": "ok", "facts": []}
ACTIVATE = [OPEN_DOSSIER, {"key": "propose_offer", "facts": [("offer", "Consultation")]}, OK]
LINK = [
    OPEN_DOSSIER,
    {"key": "new_interlocuteur", "facts": [("family_name", "Martin"), ("mobile", "06 12 34 56 78")]},
    {"key": "link_interlocuteur", "facts": [("limited_to", "-")]},
    OK,
]
APPROVE = [
    {"key": "open_hub", "facts": [("dossier", "BMART"), ("offer", "Consultation")]},
    {"key": "initialiser", "facts": []},
    {"key": "tick_extension", "facts": []},
    OK,
]


def form(**changes: Any) -> Sample:
    """What the engine gives a step, first time on its second screen."""
    plain: Sample = {
        "id": "f0e1",
        "step": "person",
        "v": 1,
        "values": {},
        "errors": {},
        "notice": None,
        "fixes": [],
        "first": False,
        "last": False,
        "choices": {},
    }
    return plain | changes


def step(d: Mapping[str, Any] | None = None, **changes: Any) -> Sample:
    """The data of a dialog's step."""
    return {"form": form(**changes), "d": dict(d or {}), "firm": FIRM}


def posted(d: Mapping[str, Any], do: str = "", **more: Any) -> Sample:
    """The data of a posted card."""
    return {"d": dict(d), "about": {"do": do, "id": "a1b2", "v": 3}, "firm": FIRM, **more}


REQUEST = {
    "code": "BMART",
    "company": "Boulangerie Martin",
    "offer_name": "Consultation",
    "offer_gives": CONSULTATION["gives"],
    "state": "awaiting_approval",
    "since": AT,
    "collaborateur": {"name": "Camille Moreau"},
    "stands_in": None,
    "barred": None,
    "reminded_at": None,
    "mention": True,
    "can_decide": True,
    "steps": APPROVE,
    "loop_url": LOOP,
    "decided_by": None,
    "decided_at": None,
    "notice": None,
    "current": None,
    "id": "p1",
    "back": None,
    "reason": None,
}
DECIDED = {"decided_by": "Camille Moreau", "decided_at": AT, "can_decide": False, "mention": False}


DIALOGS = {
    "activate": "activate_offer",
    "describe": "link_interlocuteur",
    "link": "link_interlocuteur",
    "propose": "propose_offer",
}


def path_to(done: int, *also: int, ball: str = "administrateur") -> Sample:
    """Where a client stands after that many steps, and some of those that come later (counted from 0)."""
    steps = [{"key": key, "done": at < done or at in also} for at, key in enumerate(STEPS)]
    following = next((at for at, step in enumerate(steps) if not step["done"]), None)
    return {
        "code": "BMART",
        "company": "Boulangerie Martin",
        "steps": steps,
        "next": None if following is None else STEPS[following],
        "at": None if following is None else following + 1,
        "do": None
        if following is None or STEPS[following] not in DIALOGS
        else {"dialog": DIALOGS[STEPS[following]], "id": "d0"},
        "ball": None if following is None else ball,
    }


STATUS = {
    "code": "BMART",
    "company": "Boulangerie Martin",
    "state": "sent",
    "ball": "entrepreneur",
    "since": AT,
    "reason": None,
    "resends": 0,
    "made_in_entra": False,
    "paths": [path_to(1, ball="entrepreneur")],
    "offers": [],
}
WELCOME = {
    "given_name": "Paul",
    "company": "Boulangerie Martin",
    "offer_name": "Consultation",
    "gives": CONSULTATION["gives"],
    "email": "paul.martin@boulangerie-martin.fr",
    "space_url": "https://loop.cegid.com/espace",
    "launch_url": "https://loop.cegid.com/app",
    "ged_url": "https://loop.cegid.com/ged",
    "others": [],
}
WHO = {"dossier": DOSSIER, "person": PERSON}
PROPOSED = {
    "dossier": DOSSIER,
    "offer": CONSULTATION,
    "interlocuteur": {"name": "Paul Martin", "email": PERSON["email"], "qualite": "direction_tpe"},
    "existing": None,
    "steps": ACTIVATE,
    "loop_url": LOOP,
}
LINKED = {
    "dossier": DOSSIER,
    "new": True,
    "person": CONTACT,
    "limited_to": "-",
    "limit_reason": "",
    "steps": LINK,
    "loop_url": LOOP,
}
CLIENT = {
    "dossier": DOSSIER,
    "person": PERSON,
    "to_team": False,
    "guest": {"state": "none"},
    "offer": CONSULTATION,
    "qualite": "direction_tpe",
    "limited_to": "-",
    "limit_reason": "",
    "steps": [*ACTIVATE[:2], *LINK[1:]],
    "loop_url": LOOP,
}
ROWS: list[Sample] = [
    {
        "code": "BMART",
        "company": "Boulangerie Martin",
        "offer": "Consultation",
        "state": "awaiting_approval",
        "ball": "collaborateur",
        "named": "Camille Moreau",
        "since_days": 9,
        "late": True,
        "id": "p1",
    },
    {
        "code": "GMART",
        "company": "Garage Martin et Fils",
        "offer": "",
        "state": "sent",
        "ball": "entrepreneur",
        "named": None,
        "since_days": 1,
        "late": False,
        "id": "p2",
    },
    {
        "code": "LFLEU",
        "company": "La Fleuriste du Port",
        "offer": "Start",
        "state": "active",
        "ball": None,
        "named": None,
        "since_days": 0,
        "late": False,
        "id": "p3",
    },
]
COUNTS = [{"state": "sent", "n": 14}, {"state": "awaiting_approval", "n": 3}, {"state": "active", "n": 1240}]
TASK: Sample = {
    "what": "activate_offer",
    "code": "BMART",
    "company": "Boulangerie Martin",
    "offer": "Consultation",
    "state": "todo",
    "since": AT,
    "done_by": None,
}
MENU = {"unknown": None, "admin": True, "parked": 0}
