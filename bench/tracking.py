"""The board of `suivi` over a great many paths: what one page and its card cost, by what is asked for."""

import gc
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path as FilePath
from random import Random
from time import perf_counter
from typing import Any

from sqlalchemy import insert, select, text

from bench.figures import Goal, Section, Spread, percentile
from bench.load import WrongAnswer
from bench.postgres import databases
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
from services.tracking import Client, Wanted

Rows = dict[type, list[dict[str, Any]]]
"""What to insert, by table."""

STAFF, AGENCIES = 300, 6
STATES = [(PropositionState.ACTIVE, 60), (PropositionState.AWAITING_APPROVAL, 15), (PropositionState.PROPOSED, 5)]
INVITED = [("sent", 12), ("accepted", 5), ("failed", 2), ("expired", 1)]
PATHS, ROUNDS, TURNS = 100_000, 5, 100
_BATCH = 2000
_NOW = datetime(2026, 4, 6, 9, tzinfo=UTC)


def _hex(kind: int, n: int) -> str:
    return f"{kind:02x}{n:030x}"


ASKED = {
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
"""What is asked of the board: by which filters, and which page."""


def firm(count: int) -> Rows:
    """Rows of a firm where `count` clients stand somewhere, four in five with an offer proposed or active."""
    chance = Random(7)
    start = datetime(2026, 1, 5, 8, tzinfo=UTC)
    rows: Rows = {
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


def standing(rows: Rows) -> list[Client]:
    """Where each client of `firm` stands, in the board's order, without a look at a database; `owner` and `offer` are keys."""
    dossiers = {one["id"]: one for one in rows[Dossier]}
    proposed = {one["dossier_id"]: one for one in rows[Proposition]}
    made = []
    for n, link in enumerate(rows[InvitationDossier]):
        dossier = dossiers[link["dossier_id"]]
        said = proposed.get(dossier["id"], rows[Invitation][n])
        since = rows[Invitation][n]["requested_at"]  # the moment of whatever happened there last
        keys = (said["id"], dossier["id"], dossier["code"], dossier["company"], said.get("offer"), str(said["state"]))
        made.append(Client(*keys, since, dossier["collaborateur_id"], dossier["agency"]))
    return sorted(made, key=lambda one: (one.state == "active", one.since, one.subject))


def _fits(one: Client, wanted: Wanted) -> bool:
    return (
        (not wanted.owners or one.owner in wanted.owners)
        and wanted.agency in ("", one.agency)
        and wanted.offer in ("", one.offer)
    )


async def fill(store: Store, firm: Rows) -> None:
    """Write the firm and its paths; then what the database's own upkeep would do overnight."""
    for kind, rows in firm.items():
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


async def run(folder: FilePath, *, quick: bool) -> Section:
    """Each turn is a page by the service, what it can be filtered by, and the card drawn. Raises WrongAnswer."""
    made = Section("tracking", "The board")
    count = 200 if quick else PATHS
    rows = firm(count)
    right = standing(rows)
    with databases(folder, quick=quick) as urls:
        for name, url in urls.items():
            async with AsyncExitStack() as stack:
                store = Store(url, system_clock, {})
                stack.push_async_callback(store.close)
                await migrate.upgrade(store)
                await fill(store, rows)
                spent = await _timed(store, right, 1 if quick else ROUNDS)
            middle, high = ({what: _spread(one, share) for what, one in spent.items()} for share in (0.5, 0.99))
            table = [(what, middle[what].said(), high[what].said()) for what in spent]
            made.tables.append(((f"{name}, {count} paths", "p50 ms", "p99 ms"), table))
            first, slowest = high["first page"], max(high.values(), key=lambda one: one.median)
            made.goals.append(Goal(f"p99 of the first page, {name}", first, 50, "ms", most=True))
            made.goals.append(Goal(f"p99 of the slowest page, {name}", slowest, 50, "ms", most=True))
    made.notes = [
        f"{ROUNDS} rounds of {TURNS} turns; median (least–greatest) of the rounds. The counts, the lateness and the rows of "
        "each page were compared with those of all paths, sorted."
    ]
    return made


def _spread(rounds: list[list[float]], share: float) -> Spread:
    return Spread.of([percentile(one, share) for one in rounds])


async def _timed(store: Store, standing: Sequence[Client], rounds: int) -> dict[str, list[list[float]]]:
    """Milliseconds of each turn, by what is asked and by round; before them, each page once: it must be right."""
    for wanted, page in ASKED.values():
        await _judge(store, wanted, page, standing)
        await _turn(store, wanted, page)
    gc.collect()
    gc.freeze()  # the firm is the bench's: no collection of the program's is to look through it
    spent: dict[str, list[list[float]]] = {what: [] for what in ASKED}
    for _ in range(rounds):
        for what, one in ASKED.items():
            spent[what].append([await _turn(store, *one) for _ in range(TURNS)])
    gc.unfreeze()
    return spent


async def _turn(store: Store, wanted: Wanted, page: int) -> float:
    began = perf_counter()
    async with store.read() as session:
        board = await tracking.board(session, _NOW, wanted, page=page, page_size=card.PAGE)
        choices = await tracking.choices(session)
    card.drawn("fr", board, choices, card.Look(), _NOW)
    return (perf_counter() - began) * 1000


async def _judge(store: Store, wanted: Wanted, page: int, standing: Sequence[Client]) -> None:
    async with store.read() as session:
        board = await tracking.board(session, _NOW, wanted, page=page, page_size=card.PAGE)
        choices = await tracking.choices(session)
    some = [one for one in standing if _fits(one, wanted)]
    late = [one for one in some if one.late(_NOW)]
    shown = late if wanted.state == tracking.LATE else [one for one in some if wanted.state in ("", one.state)]
    pages = max(1, -(-len(shown) // card.PAGE))
    at = (min(page, pages) - 1) * card.PAGE
    counts = Counter(one.state for one in some)
    right = [(one.subject, one.state) for one in shown[at : at + card.PAGE]]
    found = [(one.subject, one.state) for one in board.rows]
    if (found, dict(board.counts), board.late, board.pages) != (right, counts, len(late), pages):
        raise WrongAnswer(f"{wanted}, page {page}: {found} instead of {right}")
    if len(choices.owners) != len({one.owner for one in standing}):
        raise WrongAnswer(f"{len(choices.owners)} collaborateurs")
