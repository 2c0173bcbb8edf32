"""A client as every list of clients shows it."""

from datetime import datetime

from services.tracking import Client


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
        "since_days": client.days(now),
        "late": client.late(now),
    }
