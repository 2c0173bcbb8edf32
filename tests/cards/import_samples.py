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

IMPORTS: dict[str, dict[str, Sample]] = {
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
