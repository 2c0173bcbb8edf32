"""A client as every list of clients shows it."""

from datetime import datetime

from services.tracking import Client

BOARD = "tracking_page"
LISTS = {"mine": "my_clients", "todo": "to_do"}
"""The other lists that a card is opened from, by what stands before the page in the key that leads back there."""


def back(key: str) -> dict[str, str]:
    """The verb and the id that draw the list of this key again."""
    whence, _, page = key.partition(".")
    return {"verb": LISTS[whence], "id": page} if whence in LISTS else {"verb": BOARD, "id": key}


def named(client: Client) -> str | None:
    """The name of the collaborateur whose turn it is, where the portfolio has more than an e-mail."""
    theirs = client.ball == "collaborateur" and client.owner is not None and "@" not in client.owner
    return client.owner if theirs else None


def row(client: Client, now: datetime) -> dict[str, object]:
    """One client as a card lists it."""
    return {
        "subject": client.subject,
        "dossier_id": client.dossier_id,
        "code": client.code,
        "company": client.company,
        "offer": client.offer or "",
        "state": client.state,
        "ball": client.ball,
        "named": named(client),
        "since_days": client.days(now),
        "late": client.late(now),
    }
