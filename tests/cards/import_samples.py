"""The import of a portfolio's file: what its card shows, from the file's arrival to the last line."""

from typing import Any

from tests.cards.firm import Sample, posted

CHECKED: dict[str, Any] = {
    "state": "checked",
    "file": "portefeuille-2026-01.xlsx",
    "why": None,
    "to_create": 12,
    "to_update": 7,
    "unchanged": 4980,
    "refused": 9,
    "taken": 0,
    "to_take": 4999,
    "refused_lines": [
        {
            "number": 14,
            "code": "CIDLEB",
            "why": "Ce SIREN est faux\u00a0: sa clé de contrôle ne correspond pas. Vérifiez chaque chiffre.",
        },
        {"number": 1205, "code": "", "why": "La colonne «\u00a0Code\u00a0» est vide."},
    ],
    "refused_more": 7,
    "updated_lines": [
        {
            "number": 3,
            "code": "BMART",
            "changes": [
                ("company", "Boulangerie Martin", "Boulangerie Martin & Fils"),
                ("collaborateur", "", "camille.moreau@cabinet-lemoine.example"),
            ],
        }
    ],
    "updated_more": 6,
}
NONE: dict[str, Any] = {
    name: [] if isinstance(value, list) else 0 for name, value in CHECKED.items() if isinstance(value, list | int)
}
FINE = {"refused": 0, "refused_lines": [], "refused_more": 0}

CLIENTS: dict[str, Any] = {
    "state": "checked",
    "file": "clients-2026-01.csv",
    "why": None,
    "unheard": False,
    "to_invite": 112,
    "to_recognise": 3,
    "to_announce": 1,
    "unchanged": 2,
    "refused": 9,
    "taken": 0,
    "to_take": 116,
    "sent": 0,
    "under_way": 0,
    "failed": 0,
    "in_loop": 0,
    "refused_lines": [
        {
            "number": 14,
            "code": "CIDLEB",
            "why": "E-mail\u00a0: Vouliez-vous écrire paul@gmail.com\u202f? Rien n’est envoyé avant votre choix.",
            "correct": "Corrigez l’adresse. Si elle est juste, passez par «\u00a0Nouveau client\u00a0».",
        },
        {"number": 97, "code": "", "why": "Code dossier\u00a0: Ce champ est obligatoire.", "correct": None},
    ],
    "refused_more": 7,
}
NO_CLIENTS: dict[str, Any] = {
    name: [] if isinstance(value, list) else 0 for name, value in CLIENTS.items() if isinstance(value, list | int)
}
SOME = {"taken": 60, "sent": 41, "under_way": 18, "failed": 1}

IMPORTS: dict[str, dict[str, Sample]] = {
    "import_clients/status": {
        "received": posted(CLIENTS | NO_CLIENTS | {"state": "received"}, "import_clients"),
        "checked": posted(CLIENTS, "import_clients"),
        "nothing": posted(CLIENTS | NO_CLIENTS | {"unchanged": 116}, "import_clients"),
        "all_refused": posted(
            CLIENTS | NO_CLIENTS | {name: CLIENTS[name] for name in ("refused", "refused_lines", "refused_more")},
            "import_clients",
        ),
        "running": posted(CLIENTS | SOME | {"state": "running"}, "import_clients"),
        "paused": posted(CLIENTS | SOME | {"state": "paused"}, "import_clients"),
        "stopped": posted(CLIENTS | SOME | {"state": "stopped", "in_loop": 60}, "import_clients"),
        "done": posted(
            CLIENTS | {"state": "done", "taken": 116, "sent": 115, "failed": 1, "in_loop": 115}, "import_clients"
        ),
        "dropped": posted(CLIENTS | NO_CLIENTS | {"state": "dropped"}, "import_clients"),
        "unreadable": posted(
            CLIENTS
            | NO_CLIENTS
            | {"state": "dropped", "why": "Microsoft Entra ne répond pas pour l’instant.", "unheard": True},
            "import_clients",
        ),
    },
    "import_portfolio/how": {"plain": posted({})},
    "import_portfolio/status": {
        "received": posted(CHECKED | NONE | {"state": "received"}, "import_portfolio"),
        "checked": posted(CHECKED, "import_portfolio"),
        "fine": posted(CHECKED | FINE, "import_portfolio"),
        "nothing": posted(CHECKED | NONE | {"unchanged": 340, "to_take": 340}, "import_portfolio"),
        "all_refused": posted(
            CHECKED | NONE | {name: CHECKED[name] for name in ("refused", "refused_lines", "refused_more")},
            "import_portfolio",
        ),
        "running": posted(CHECKED | {"state": "running", "taken": 2000}, "import_portfolio"),
        "done": posted(CHECKED | {"state": "done", "taken": 4999}, "import_portfolio"),
        "dropped": posted(CHECKED | NONE | {"state": "dropped"}, "import_portfolio"),
        "unreadable": posted(
            CHECKED
            | NONE
            | {"state": "dropped", "why": "Il manque des colonnes dans ce fichier\u00a0: SIREN et Commune."},
            "import_portfolio",
        ),
    },
}
