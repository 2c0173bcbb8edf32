"""The board of `suivi` over a great many paths: what one page costs, by filter. `python -m bench.tracking [URL] [--paths N]`.

Without a URL, SQLite in a temporary folder. The database must be empty: it is filled with a firm of 300 collaborateurs.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path as FilePath
from random import Random
from time import perf_counter
from typing import Any

from sqlalchemy import insert, select, text

from dialogs import tracking as card
from services import migrate, offers, paths, tracking
from services.clock import system_clock
from services.models import (
    Collaborateur,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    Proposition,
    PropositionState,
    Rattachement,
)
from services.store import Store
from services.tracking import Wanted

STAFF, AGENCIES = 300, 6
STATES = [(PropositionState.ACTIVE, 60), (PropositionState.AWAITING_APPROVAL, 15), (PropositionState.PROPOSED, 5)]
INVITED = [("sent", 12), ("accepted", 5), ("failed", 2), ("expired", 1)]
TURNS = 500
_BATCH = 2000


def _hex(kind: int, n: int) -> str:
    return f"{kind:02x}{n:030x}"


def firm(count: int) -> dict[type, list[dict[str, Any]]]:
    """Rows of a firm where `count` clients stand somewhere, four in five with an offer proposed or active."""
    chance = Random(7)
    start = datetime(2026, 1, 5, 8, tzinfo=UTC)
    rows: dict[type, list[dict[str, Any]]] = {
        kind: []
        for kind in (Collaborateur, Dossier, Invitation, InvitationDossier, Interlocuteur, Rattachement, Proposition)
    }
    rows[Collaborateur] = [
        {"id": _hex(1, n), "email": f"c{n}@cabinet.example", "name": f"Nom{n:03} Prénom"} for n in range(STAFF)
    ]
    states = [state for state, weight in (*STATES, *INVITED) for _ in range(weight)]
    keys = list(offers.CATALOGUE)
    for n in range(count):
        state, at = chance.choice(states), start + timedelta(minutes=chance.randrange(90 * 24 * 60))
        owner = chance.randrange(STAFF)
        email = f"p{n}@client.example"
        dossier, person, invitation = _hex(2, n), _hex(3, n), _hex(4, n)
        rows[Dossier].append(
            {
                "id": dossier,
                "code": f"C{n:06}",
                "company": f"Entreprise {n}",
                "siren": "552100554",
                "commune": "Vannes",
                "agency": f"Agence {owner % AGENCIES}",
                "collaborateur_id": _hex(1, owner),
            }
        )
        invited = str(state) in dict(INVITED)
        rows[Invitation].append(
            {
                "id": invitation,
                "email": email,
                "email_key": email,
                "family_name": "Nom",
                "given_name": "P",
                "mobile": "+33612345678",
                "language": "fr",
                "state": state if invited else "accepted",
                "requested_by": "x",
                "requested_at": at,
                "sent_at": at,
                "accepted_at": at,
                "version": 1,
            }
        )
        rows[InvitationDossier].append({"invitation_id": invitation, "dossier_id": dossier})
        if invited:
            continue
        rows[Interlocuteur].append(
            {
                "id": person,
                "family_name": "Nom",
                "mobile": "+33612345678",
                "email": email,
                "email_key": email,
                "name_key": f"nom{n}",
                "language": "fr",
                "created_by": "x",
                "created_at": at,
                "version": 1,
            }
        )
        rows[Rattachement].append(
            {"interlocuteur_id": person, "dossier_id": dossier, "linked_by": "x", "linked_at": at}
        )
        rows[Proposition].append(
            {
                "id": _hex(5, n),
                "dossier_id": dossier,
                "offer": chance.choice(keys),
                "interlocuteur_id": person,
                "state": state,
                "proposed_by": "x",
                "proposed_by_name": "X",
                "proposed_at": at,
                "decided_at": at if state == PropositionState.ACTIVE else None,
                "version": 1,
            }
        )
    return rows


async def fill(store: Store, count: int) -> None:
    """Write the firm and its paths; then what the database's own upkeep would do overnight."""
    for kind, rows in firm(count).items():
        left = iter(rows)
        while some := list(islice(left, _BATCH)):
            async with store.work() as work:
                await work.session.execute(insert(kind), some)
    async with store.read() as session:
        ids = (await session.scalars(select(Dossier.id))).all()
    for at in range(0, len(ids), _BATCH):
        async with store.work() as work:
            await paths.refresh(work.session, ids[at : at + _BATCH])
    async with store.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if store.single_writer else "VACUUM ANALYZE"))


async def measure(store: Store) -> dict[str, list[float]]:
    """Milliseconds of each turn (the service's call and the card), by what is asked."""
    now = datetime(2026, 4, 6, 9, tzinfo=UTC)
    asked = {
        "first page": (Wanted(), 1),
        "page 1000": (Wanted(), 1000),
        "last page": (Wanted(), 10**6),
        "late": (Wanted(state=tracking.LATE), 1),
        "a state": (Wanted(state="awaiting_approval"), 1),
        "active, last page": (Wanted(state="active"), 10**6),
        "a collaborateur": (Wanted(owners=(_hex(1, 7),)), 1),
        "an agency": (Wanted(agency="Agence 3"), 1),
        "an agency, last page": (Wanted(agency="Agence 3"), 10**6),
        "an offer": (Wanted(offer="start"), 1),
        "an offer, last page": (Wanted(offer="start"), 10**6),
        "all four": (Wanted("active", (_hex(1, 7),), "Agence 1", "start"), 1),
    }

    async def turn(wanted: Wanted, page: int) -> None:
        async with store.read() as session:
            board = await tracking.board(session, now, wanted, page=page, page_size=card.PAGE)
            choices = await tracking.choices(session)
        card.drawn("fr", board, choices, card.Look(), now)

    return {name: await _timed(lambda: turn(*one), TURNS) for name, one in asked.items()}  # noqa: B023


async def _timed(act: Callable[[], Awaitable[None]], turns: int) -> list[float]:
    for _ in range(5):
        await act()
    spent = []
    for _ in range(turns):
        began = perf_counter()
        await act()
        spent.append((perf_counter() - began) * 1000)
    return sorted(spent)


async def run(url: str, count: int) -> None:
    """Fill, measure, print."""
    store = Store(url, system_clock, {})
    try:
        await migrate.upgrade(store)
        began = perf_counter()
        await fill(store, count)
        print(f"{count} paths written in {perf_counter() - began:.0f} s ({store.engine.dialect.name})")
        print(f"{'':24}{'p50':>8}{'p99':>8}  ms")
        for name, spent in (await measure(store)).items():
            print(f"{name:24}{spent[len(spent) // 2]:8.1f}{spent[int(len(spent) * 0.99)]:8.1f}")
    finally:
        await store.close()


def main(arguments: list[str] | None = None) -> int:
    """Run it; gives the exit status."""
    parser = argparse.ArgumentParser(prog="bench.tracking", description=__doc__)
    parser.add_argument("url", nargs="?", help="SQLAlchemy async URL of an empty database")
    parser.add_argument("--paths", type=int, default=100_000, metavar="N")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        url = args.url or f"sqlite+aiosqlite:///{FilePath(folder) / 'bench.db'}"
        asyncio.run(run(url, args.paths))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
