"""What a person could see, card by card: plain data in the shape each template's head comment lists."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Sample = dict[str, Any]

AT = datetime(2026, 1, 12, 13, 5, tzinfo=UTC)
FIRM = {"name": "Cabinet Lemoine & Associés"}
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
    "mention": True,
    "can_decide": True,
    "steps": APPROVE,
    "loop_url": LOOP,
    "decided_by": None,
    "decided_at": None,
    "notice": None,
    "reason": None,
}
DECIDED = {"decided_by": "Camille Moreau", "decided_at": AT, "can_decide": False, "mention": False}
STATUS = {
    "code": "BMART",
    "company": "Boulangerie Martin",
    "state": "sent",
    "ball": "entrepreneur",
    "since": AT,
    "reason": None,
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
    "guest": {"state": "none"},
    "offer": CONSULTATION,
    "qualite": "direction_tpe",
    "limited_to": "-",
    "limit_reason": "",
    "steps": [*ACTIVATE[:2], *LINK[1:]],
    "loop_url": LOOP,
}
ROWS = [
    {
        "code": "BMART",
        "company": "Boulangerie Martin",
        "offer": "Consultation",
        "state": "awaiting_approval",
        "ball": "collaborateur",
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
MENU = {"unknown": None, "admin": True}

CARDS: dict[str, dict[str, Sample]] = {
    "menu/menu": {
        "admin": posted(MENU, "tracking"),
        "unknown": posted(MENU | {"unknown": "facture 2025"}, "tracking"),
        "other": posted(MENU | {"admin": False}, "tracking"),
    },
    "menu/launch": {"plain": posted({"dialog": "invite_guest"})},
    "invite_guest/person": {
        "empty": step(first=True),
        "wrong": step(
            first=True,
            values={"family_name": "Martin", "given_name": "Paul", "email": "paul@", "mobile": "01 02"},
            errors={
                "email": "Indiquez une adresse e-mail complète, par exemple prenom.nom@entreprise.fr.",
                "mobile": "Indiquez un numéro de mobile, par exemple 06 12 34 56 78.",
            },
        ),
        "typo": step(
            first=True,
            values=dict(PERSON) | {"email": "paul@gmial.com"},
            notice="Vouliez-vous écrire paul@gmail.com\u202f? Rien n’est envoyé avant votre choix.",
            fixes=[
                {"go": "fix:use_meant", "title": "Utiliser l’adresse corrigée"},
                {"go": "fix:keep_typed", "title": "Garder l’adresse saisie"},
            ],
        ),
    },
    "invite_guest/dossier": {
        "empty": step(),
        "found": step(values={"dossier_text": "martin"}, choices={"dossier": FOUND}),
        "nothing": step(values={"dossier_text": "xyz"}, choices={"dossier": []}),
    },
    "invite_guest/recap": {
        "new": step(WHO | {"guest": {"state": "none"}}, last=True),
        "pending": step(WHO | {"guest": {"state": "pending"}}, last=True),
        "accepted": step(WHO | {"guest": {"state": "accepted"}}, last=True),
        "entra": step(WHO | {"guest": {"state": "made_in_entra"}}, last=True),
    },
    "invite_guest/status": {
        "sent": posted(STATUS, "invite_guest", refresh=["29:1abc"]),
        "accepted": posted(
            STATUS | {"state": "accepted", "ball": None, "offers": [{"name": "Start", "state": "active"}]}
        ),
        "failed": posted(STATUS | {"state": "failed", "ball": "administrateur", "reason": "domain_blocked"}),
    },
    "activate_offer/offer": {
        "plain": step({"dossier": DOSSIER, "offers": [START, CONSULTATION, CO_PRODUCTION]}, choices={"offer": OFFERS})
    },
    "activate_offer/subscription": {
        "plain": step({"dossier": DOSSIER, "offer": CONSULTATION}),
        "unticked": step(
            {"dossier": DOSSIER, "offer": CONSULTATION},
            errors={"subscription": "L’offre Consultation est payante\u00a0: confirmez d’abord l’abonnement."},
        ),
    },
    "activate_offer/recap": {
        "plain": step(
            {"dossier": DOSSIER, "offer": CONSULTATION, "steps": ACTIVATE, "loop_url": LOOP},
            last=True,
        )
    },
    "link_interlocuteur/who": {"plain": step({"dossier": DOSSIER}, choices={"interlocuteur": PEOPLE})},
    "link_interlocuteur/form": {
        "empty": step({"dossier": DOSSIER}),
        "differs": step(
            {"dossier": DOSSIER},
            values=dict(CONTACT) | {"email": "paul@martin.fr"},
            notice="L’e-mail saisi (paul@martin.fr) n’est pas celui qui a été invité (paul.martin@boulangerie-martin.fr).",
            fixes=[
                {"go": "fix:use_invited", "title": "Reprendre l’adresse invitée"},
                {"go": "fix:invite_typed", "title": "Inviter l’adresse saisie"},
            ],
        ),
    },
    "link_interlocuteur/limit": {"plain": step({"dossier": DOSSIER})},
    "link_interlocuteur/recap": {
        "new": step(LINKED, last=True),
        "known": step(LINKED | {"new": False}, last=True),
    },
    "propose_offer/offer": {
        "plain": step({"dossier": DOSSIER}, choices={"offer": OFFERS, "interlocuteur": PEOPLE}),
    },
    "propose_offer/recap": {
        "plain": step(PROPOSED, last=True),
        "existing": step(PROPOSED | {"existing": {"state": "awaiting_approval", "since": AT}}, last=True),
    },
    "new_client/recap": {"plain": step(CLIENT, last=True)},
    "approve_activation/request": {
        "open": posted(REQUEST, "approve_activation", refresh=["29:1abc", "29:1def"]),
        "watch": posted(REQUEST | {"mention": False, "can_decide": False}, "approve_activation"),
        "active": posted(REQUEST | DECIDED | {"state": "active"}, "approve_activation"),
        "refused": posted(
            REQUEST | DECIDED | {"state": "refused", "reason": "Le widget n’est pas dans le Loop Hub."},
            "approve_activation",
        ),
        "withdrawn": posted(REQUEST | DECIDED | {"state": "withdrawn"}, "approve_activation"),
    },
    "approve_activation/refuse": {
        "plain": step(
            {"code": "BMART", "company": "Boulangerie Martin", "offer_name": "Consultation"}, first=True, last=True
        )
    },
    "welcome/card": {
        "plain": posted(WELCOME),
        "start": posted(WELCOME | {"offer_name": "Start", "gives": BASE, "launch_url": None}),
    },
    "loop_task/task": {
        "todo": posted(TASK, "loop_task"),
        "done": posted(TASK | {"state": "done", "done_by": "Claire Lemoine"}, "loop_task"),
        "dropped": posted(TASK | {"what": "link_interlocuteur", "offer": None, "state": "dropped"}, "loop_task"),
    },
    "loop_task/do": {
        "plain": step(
            {"what": "activate_offer", "dossier": DOSSIER, "steps": ACTIVATE, "loop_url": LOOP}, first=True, last=True
        )
    },
    "tracking/board": {
        "plain": posted({"counts": COUNTS, "rows": ROWS, "page": 2, "pages": 3}),
        "empty": posted({"counts": [], "rows": [], "page": 1, "pages": 1}),
    },
    "common/notice": {
        kind: posted({"kind": kind, "title": "Dossier BMART", "text": "Voici où en est la demande."})
        for kind in ("info", "good", "warning", "attention")
    },
}

MAILS: dict[str, dict[str, Sample]] = {
    "invite_guest/invitation": {
        "plain": posted({"given_name": "Paul", "redeem_url": "https://login.microsoftonline.com/redeem?rd=abc&x=1"}),
    },
    "propose_offer/identifier": {
        "plain": posted(
            {
                "given_name": "Paul",
                "company": "Boulangerie Martin",
                "email": PERSON["email"],
                "offer_name": "Consultation",
                "url": "https://loop.cegid.com/espace",
            }
        ),
    },
    "welcome/welcome": {
        "plain": posted(WELCOME),
        "start": posted(WELCOME | {"offer_name": "Start", "gives": BASE, "launch_url": None}),
    },
}
