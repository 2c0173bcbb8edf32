"""What a person could see, card by card and mail by mail."""

from tests.cards.approval_samples import APPROVALS, REFUSAL
from tests.cards.calendar_samples import CALENDAR, MESSAGE, REMINDER_MAILS, STANDS_IN
from tests.cards.diagnostic_samples import DIAGNOSTIC
from tests.cards.ending_samples import ENDINGS
from tests.cards.firm import (
    ACTIVATE,
    AT,
    BASE,
    CLIENT,
    CO_PRODUCTION,
    CONSULTATION,
    CONTACT,
    DECIDED,
    DOSSIER,
    FOUND,
    LINKED,
    LOOP,
    MENU,
    OFFERS,
    PEOPLE,
    PERSON,
    PROPOSED,
    REQUEST,
    START,
    STATUS,
    TASK,
    WELCOME,
    WHO,
    Sample,
    path_to,
    posted,
    step,
)
from tests.cards.hand_over_samples import HAND_OVERS
from tests.cards.import_samples import IMPORTS
from tests.cards.interlocuteur_samples import INTERLOCUTEURS
from tests.cards.parked_samples import PARKED
from tests.cards.review_samples import REVIEWS
from tests.cards.tracking_samples import TRACKING

TWO_COMPANIES = WELCOME | {
    "others": [
        {"company": "Garage Martin et Fils", "offers": "Start", "launch_url": None, "ged_url": LOOP},
        {"company": "Fleurs Kervella", "offers": "Start, Co-Production", "launch_url": LOOP, "ged_url": LOOP},
    ]
}
CARDS: dict[str, dict[str, Sample]] = {
    **APPROVALS,
    **CALENDAR,
    **DIAGNOSTIC,
    **ENDINGS,
    **HAND_OVERS,
    **IMPORTS,
    **INTERLOCUTEURS,
    **TRACKING,
    **PARKED,
    **REVIEWS,
    "menu/menu": {
        "admin": posted(MENU, "tracking"),
        "unknown": posted(MENU | {"unknown": "facture 2025"}, "tracking"),
        "other": posted(MENU | {"admin": False}, "tracking"),
        "parked": posted(MENU | {"parked": 3}, "tracking"),
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
        "new": step(WHO | {"to_team": False, "guest": {"state": "none"}}, last=True),
        "pending": step(WHO | {"to_team": False, "guest": {"state": "pending"}}, last=True),
        "accepted": step(WHO | {"to_team": False, "guest": {"state": "accepted"}}, last=True),
        "entra": step(WHO | {"to_team": False, "guest": {"state": "made_in_entra"}}, last=True),
    },
    "invite_guest/status": {
        "sent": posted(STATUS, "invite_guest", refresh=["29:1abc"]),
        "accepted": posted(STATUS | {"state": "accepted", "ball": "administrateur", "paths": [path_to(2)]}),
        "all_at_once": posted(
            STATUS
            | {
                "paths": [path_to(1, 2, 3, 4, 5, ball="entrepreneur")],
                "offers": [{"name": "Consultation", "state": "awaiting_approval"}],
            }
        ),
        "done": posted(
            STATUS
            | {
                "state": "accepted",
                "ball": None,
                "paths": [path_to(9)],
                "offers": [{"name": "Start", "state": "active"}],
            }
        ),
        "two_dossiers": posted(
            STATUS
            | {
                "code": "BMART, GMART",
                "company": "Boulangerie Martin, Garage Martin et Fils",
                "state": "accepted",
                "ball": None,
                "paths": [
                    path_to(7, ball="collaborateur"),
                    path_to(2) | {"code": "GMART", "company": "Garage Martin et Fils"},
                ],
            }
        ),
        "failed": posted(
            STATUS | {"state": "failed", "ball": "administrateur", "reason": "domain_blocked", "paths": [path_to(0)]}
        ),
        "resent": posted(STATUS | {"resends": 2, "made_in_entra": True}),
        "revoked": posted(STATUS | {"state": "revoked", "ball": None, "reason": "guest_not_removed", "paths": []}),
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
        "plain": step({"dossier": DOSSIER, "refusal": None}, choices={"offer": OFFERS, "interlocuteur": PEOPLE}),
        "refused": step({"dossier": DOSSIER, "refusal": REFUSAL}, choices={"offer": OFFERS, "interlocuteur": PEOPLE}),
    },
    "propose_offer/recap": {
        "plain": step(PROPOSED, last=True),
        "existing": step(PROPOSED | {"existing": {"state": "awaiting_approval", "since": AT}}, last=True),
    },
    "new_client/recap": {"plain": step(CLIENT, last=True)},
    "approve_activation/request": {
        "open": posted(REQUEST, "approve_activation", refresh=["29:1abc", "29:1def"]),
        "from_a_list": posted(REQUEST | {"back": {"verb": "to_do", "id": "1"}}, "approve_activation"),
        "watch": posted(REQUEST | {"mention": False, "can_decide": False}, "approve_activation"),
        "elsewhere": posted(
            REQUEST | {"mention": False, "can_decide": False, "current": MESSAGE}, "approve_activation"
        ),
        "barred": posted(
            REQUEST | {"mention": False, "can_decide": False, "collaborateur": None, "barred": "Camille Moreau"},
            "approve_activation",
        ),
        "stands_in": posted(
            STANDS_IN | {"barred": "Camille Moreau"}, "approve_activation", refresh=["29:1abc", "29:1def"]
        ),
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
        "two_companies": posted(TWO_COMPANIES),
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
    "common/notice": {
        kind: posted({"kind": kind, "title": "Dossier BMART", "text": "Voici où en est la demande."})
        for kind in ("info", "good", "warning", "attention")
    },
}

MAILS: dict[str, dict[str, Sample]] = {
    **REMINDER_MAILS,
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
                "gives": CONSULTATION["gives"],
                "url": "https://loop.cegid.com/espace",
            }
        ),
    },
    "welcome/welcome": {
        "plain": posted(WELCOME),
        "two_companies": posted(TWO_COMPANIES),
        "start": posted(WELCOME | {"offer_name": "Start", "gives": BASE, "launch_url": None}),
    },
}
