"""What a person could see of a dossier's matrix, of what ends, and of an invitation taken up again."""

from tests.cards.firm import AT, BASE, CO_PRODUCTION, DOSSIER, LOOP, OFFERS, PERSON, START, Sample, step

ENTRA = "https://entra.microsoft.com"
WITHDRAW = [
    {"key": "open_dossier", "facts": [("dossier", "BMART"), ("company", "Boulangerie Martin")]},
    {"key": "withdraw_offer", "facts": [("interlocuteur", "Martin Paul"), ("offer", "Consultation")]},
    {"key": "ok", "facts": []},
]
MISSION = [
    {"key": "open_dossier", "facts": [("dossier", "BMART"), ("company", "Boulangerie Martin")]},
    {"key": "end_every_offer", "facts": []},
    {"key": "unlink_everyone", "facts": []},
    {"key": "ok", "facts": []},
]
NEVER = {"state": "not_proposed", "legs": []}


def leg(name: str, state: str, reason: str | None = None) -> Sample:
    return {"key": name, "state": state, "at": None if state == "waiting" else AT, "reason": reason}


NO_CHAT = "Passerelle n’a pas encore de conversation avec cette personne dans Teams."
WELCOMED = [
    leg("identifier_mail", "handed_over"),
    leg("welcome_mail", "doubt"),
    leg("welcome_teams", "impossible", NO_CHAT),
]
MATRIX = {
    "dossier": DOSSIER,
    "active": [
        {"name": "Start", "since": AT, "confirmed_by": None, "confirmed_at": None},
        {"name": "Consultation", "since": AT, "confirmed_by": "Claire Lemoine", "confirmed_at": AT},
    ],
    "lines": [
        {
            "name": "Martin Paul",
            "invitation": "accepted",
            "legs": [leg("invitation_mail", "handed_over"), leg("team", "delivered")],
            "offers": [
                {"name": "Start", **NEVER},
                {"name": "Consultation", "state": "active", "legs": WELCOMED},
                {"name": "Co-Production", "state": "ended", "legs": []},
            ],
        },
        {
            "name": "Martin Sophie",
            "invitation": "sent",
            "legs": [leg("invitation_mail", "waiting")],
            "offers": [
                {"name": "Start", "state": "awaiting_approval", "legs": [leg("identifier_mail", "waiting")]},
                {"name": "Consultation", "state": "refused", "legs": []},
                {"name": "Co-Production", **NEVER},
            ],
        },
        {"name": "Le Gall Nolwenn", "invitation": "failed", "legs": [], "offers": []},
    ],
}
ACTIONS = [
    {"value": "withdraw", "title": "Retirer l’offre d’une personne", "note": ""},
    {"value": "change", "title": "Changer l’offre d’une personne", "note": ""},
    {"value": "end_offer", "title": "Terminer une offre pour tout le dossier", "note": ""},
    {"value": "hand_over", "title": "Réaffecter le dossier à un collègue", "note": ""},
    {"value": "end_mission", "title": "Terminer la mission avec cette entreprise", "note": ""},
]
HELD = [
    {"value": "p1", "title": "Martin Paul · Consultation", "note": "Offre active"},
    {"value": "p2", "title": "Martin Sophie · Start", "note": "En attente d’approbation"},
]
PAUL = {
    "name": "Martin Paul",
    "offers": [{"name": "Consultation", "state": "active"}],
    "lost": [*BASE, "loop_read", "gs_ged"],
    "guest": None,
    "also_on": "",
}
SOPHIE = {
    "name": "Martin Sophie",
    "offers": [{"name": "Start", "state": "awaiting_approval"}],
    "lost": [],
    "guest": None,
    "also_on": "",
}
END = {
    "dossier": DOSSIER,
    "action": "withdraw",
    "offer": "Consultation",
    "people": [PAUL],
    "steps": WITHDRAW,
    "loop_url": LOOP,
}
CHANGE = {
    "dossier": DOSSIER,
    "name": "Martin Paul",
    "before": "Consultation",
    "after": "Start",
    "lost": ["loop_read"],
    "gained": [],
    "subscription": False,
    "steps": WITHDRAW,
    "loop_url": LOOP,
}
ASKED = {"codes": ["BMART"], "person": PERSON}
REVOKED = {**ASKED, "state": "sent", "rows": [], "steps": [], "loop_url": LOOP}
RETRIED = {**ASKED, "reason": "domain_blocked", "entra_url": ENTRA}

ENDINGS: dict[str, dict[str, Sample]] = {
    "dossier/matrix": {
        "plain": step(MATRIX, choices={"action": ACTIONS}),
        "empty": step({"dossier": DOSSIER, "active": [], "lines": []}, choices={"action": ACTIONS[3:4]}),
    },
    "dossier/pick": {"plain": step({"dossier": DOSSIER}, choices={"proposition": HELD})},
    "dossier/to_end": {"plain": step({"dossier": DOSSIER}, choices={"offer": OFFERS})},
    "dossier/change_to": {
        "plain": step(
            {"dossier": DOSSIER, "name": "Martin Paul", "before": "Consultation", "offers": [START, CO_PRODUCTION]},
            choices={"offer": [OFFERS[0], OFFERS[2]]},
        )
    },
    "dossier/change": {
        "down": step(CHANGE, last=True),
        "up": step(
            CHANGE
            | {
                "before": "Start",
                "after": "Co-Production",
                "lost": [],
                "gained": ["loop_work"],
                "subscription": True,
            },
            last=True,
        ),
    },
    "dossier/end": {
        "withdraw": step(END, last=True),
        "offer": step(END | {"action": "end_offer", "people": [PAUL, SOPHIE]}, last=True),
        "nobody": step(END | {"action": "end_offer", "people": []}, last=True),
        "mission": step(
            END
            | {
                "action": "end_mission",
                "offer": "",
                "people": [PAUL | {"guest": "kept", "also_on": "FLEKER, GMART"}, SOPHIE | {"guest": "removed"}],
                "steps": MISSION,
            },
            last=True,
        ),
    },
    "resend_invitation/confirm": {
        "plain": step(ASKED | {"sent_at": AT, "resends": 0}, first=True, last=True),
        "again": step(ASKED | {"codes": ["BMART", "FLEKER"], "sent_at": AT, "resends": 2}, first=True, last=True),
    },
    "revoke_invitation/confirm": {
        "pending": step(REVOKED, first=True, last=True),
        "expired": step(REVOKED | {"state": "expired"}, first=True, last=True),
        "accepted": step(
            REVOKED | {"state": "accepted", "rows": [PAUL | {"name": "BMART — Boulangerie Martin"}], "steps": WITHDRAW},
            first=True,
            last=True,
        ),
    },
    "retry_invitation/again": {
        "blocked": step(RETRIED, first=True, last=True),
        "expired": step(RETRIED | {"reason": None}, first=True, last=True),
    },
    "retry_invitation/by_hand": {
        "plain": step(RETRIED | {"reason": "app_may_not_invite"}, first=True, last=True),
        "not_yet": step(
            RETRIED | {"reason": "app_may_not_invite"},
            first=True,
            last=True,
            notice="paul.martin@boulangerie-martin.fr n’est pas encore dans Microsoft Entra.",
        ),
    },
}
