"""What a person could see of the board, of one client's path, of their own dossiers."""

from tests.cards.firm import AT, BASE, CONSULTATION, COUNTS, LOOP, ROWS, Sample, posted, step

EVERYTHING = {"show": "all", "owner": "all", "agency": "all", "offer": "all"}
BOARD: Sample = {
    "look": EVERYTHING,
    "key": "2.all.all.all.all",
    "states": ["all", "late", "requested", "sent", "awaiting_approval", "todo", "active"],
    "owners": [{"value": "c1", "title": "Camille Moreau"}, {"value": "c2", "title": "Malo Kervella"}],
    "search": False,
    "agencies": [{"value": "a1", "title": "Nantes"}, {"value": "a2", "title": "Saint-Nazaire Océan"}],
    "offers": [{"value": "start", "title": "Start"}, {"value": "co_production", "title": "Co-Production"}],
    "counts": COUNTS,
    "late": 1,
    "rows": [row | {"subject": "5e", "dossier_id": "d0"} for row in ROWS],
    "page": 2,
    "pages": 3,
    "admin": True,
    "parked": 2,
}
NOBODY = BOARD | {"rows": [], "page": 1, "pages": 1, "late": 0}
ADMINISTRATEUR = {"who": "Claire Lemoine", "role": "somebody", "offer": None}
PATH = {
    "code": "BMART",
    "company": "Boulangerie Martin",
    "offer": "Consultation",
    "state": "awaiting_approval",
    "ball": "collaborateur",
    "named": "Camille Moreau",
    "since": AT,
    "late": True,
    "earlier": 0,
    "happened": [
        {"at": AT, "what": "Invitation demandée", **ADMINISTRATEUR},
        {"at": AT, "what": "Invitation envoyée", "offer": None, "who": None, "role": "passerelle"},
        {"at": AT, "what": "Invitation acceptée", "offer": None, "who": None, "role": "entrepreneur"},
        {"at": AT, "what": "Offre proposée", **ADMINISTRATEUR, "offer": "Consultation"},
        {"at": AT, "what": "Approbation demandée", "offer": "Consultation", "who": None, "role": "passerelle"},
    ],
    "approval": "p1",
    "opens": [
        {"dialog": "interlocuteurs", "id": "p1"},
        {"dialog": "hand_over", "id": "d0"},
        {"dialog": "revoke_invitation", "id": "i1"},
    ],
    "back": {"verb": "tracking_page", "id": "2.all.all.all.all"},
    "key": "2.all.all.all.all",
}

MINE: Sample = {
    "name": "Malo Kervella",
    "dossiers": 42,
    "stands_in_for": ["Camille Moreau"],
    "counts": COUNTS,
    "late": 1,
    "rows": [
        row | {"subject": "5e", "dossier_id": "d0", "instead_of": None if n else "Camille Moreau"}
        for n, row in enumerate(ROWS)
    ],
    "page": 2,
    "pages": 3,
    "back": "mine.2",
}
NO_CLIENT = MINE | {"stands_in_for": [], "counts": [], "late": 0, "rows": [], "page": 1, "pages": 1}
TO_DO: Sample = {
    "name": "Claire Lemoine",
    "total": 17,
    "rows": [
        ROWS[0] | {"subject": "5e", "dossier_id": "d0", "state": state, "offer": offer, "ball": ball}
        for state, offer, ball in (
            ("awaiting_approval", "Consultation", "collaborateur"),
            ("todo", "Start", "administrateur"),
            ("failed", "", "administrateur"),
            ("expired", "", "administrateur"),
            ("refused", "Consultation", "administrateur"),
            ("accepted", "", "administrateur"),
        )
    ],
    "parked": 3,
    "page": 2,
    "pages": 3,
    "back": "todo.2",
}

OPEN: Sample = {
    "company": "Boulangerie Martin",
    "offers": "Consultation",
    "launch_url": LOOP,
    "ged_url": LOOP,
    "held": [{"name": "Consultation", "gives": CONSULTATION["gives"]}],
    "coming": ["Co-Production"],
}
START_ONLY = OPEN | {
    "company": "Garage Martin et Fils",
    "offers": "Start",
    "launch_url": None,
    "held": [{"name": "Start", "gives": BASE}],
    "coming": [],
}
CLOSED: Sample = OPEN | {"company": "Fleurs Kervella", "offers": "", "launch_url": None, "held": []}

TRACKING: dict[str, dict[str, Sample]] = {
    "tracking/board": {
        "plain": posted(BOARD),
        "filtered": posted(BOARD | {"look": EVERYTHING | {"agency": "a1"}, "admin": False, "parked": 0}),
        "many_people": posted(BOARD | {"search": True, "owners": [], "rows": []}),
        "empty": posted(NOBODY | {"counts": []}),
        "none_so": posted(NOBODY | {"look": EVERYTHING | {"show": "late"}}),
    },
    "export/ask": {
        "plain": step(
            choices={
                "what": [
                    {"value": "tracking", "title": "Le suivi des clients", "note": ""},
                    {"value": "journal", "title": "Le journal", "note": ""},
                ],
                "format": [
                    {"value": "xlsx", "title": "Excel (XLSX)", "note": ""},
                    {"value": "csv", "title": "Texte (CSV)", "note": ""},
                ],
            },
            first=True,
            last=True,
        )
    },
    "my_clients/mine": {
        "plain": posted(MINE),
        "no_client": posted(NO_CLIENT),
        "owns_nothing": posted(NO_CLIENT | {"dossiers": 0}),
    },
    "my_clients/to_do": {
        "plain": posted(TO_DO),
        "collaborateur": posted(TO_DO | {"total": 1, "rows": TO_DO["rows"][:1], "parked": 0, "page": 1, "pages": 1}),
        "only_parked": posted(TO_DO | {"total": 0, "rows": [], "page": 1, "pages": 1}),
        "nothing": posted(TO_DO | {"total": 0, "rows": [], "parked": 0, "page": 1, "pages": 1}),
    },
    "my_space/space": {
        "two_companies": posted({"companies": [OPEN, START_ONLY]}),
        "coming": posted({"companies": [CLOSED, CLOSED | {"coming": []}]}),
        "nothing": posted({"companies": []}),
    },
    "timeline/path": {
        "plain": posted(PATH),
        "reader": posted(PATH | {"opens": [], "approval": None}),
        "sent": posted(
            PATH
            | {
                "offer": None,
                "state": "sent",
                "ball": "entrepreneur",
                "late": False,
                "earlier": 3,
                "approval": None,
                "opens": [{"dialog": "resend_invitation", "id": "i1"}, {"dialog": "revoke_invitation", "id": "i1"}],
            }
        ),
        "failed": posted(
            PATH | {"state": "failed", "approval": None, "opens": [{"dialog": "retry_invitation", "id": "i1"}]}
        ),
        "to_do": posted(PATH | {"state": "todo", "approval": None, "opens": [{"dialog": "do_in_loop", "id": "t1"}]}),
        "refused": posted(
            PATH | {"state": "refused", "approval": None, "opens": [{"dialog": "propose_offer", "id": "p1"}]}
        ),
        "over": posted(PATH | {"offer": None, "state": None, "ball": None, "since": None, "happened": [], "opens": []}),
    },
}
