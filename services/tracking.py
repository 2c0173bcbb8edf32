"""Where each client stands, who holds the ball, since when: the board of `suivi`, read from the table services.paths keeps."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import offers
from services.models import Collaborateur, Dossier, Path
from services.pages import page_of
from services.paths import BALL, SHOWN

__all__ = ["BALL", "LATE", "LATE_AFTER", "SHOWN", "Board", "Choices", "Client", "Wanted", "board", "choices", "every"]

LATE_AFTER = timedelta(days=3)
LATE = "late"
_BATCH = 1000
_ORDER = (Path.rank, Path.since, Path.subject, Path.dossier_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the board is to show; empty fields let everything through. `state` may also be `late`, `owners` are ids."""

    state: str = ""
    owners: tuple[str, ...] = ()
    agency: str = ""
    offer: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Where one client stands on one dossier. `ball` is a role, None where nobody is waited for.

    `subject` is the id of what says so: an invitation, a proposition, a step left in Loop (`state` tells which).
    """

    subject: str
    dossier_id: str
    code: str
    company: str
    offer: str | None
    state: str
    since: datetime
    owner: str | None = None
    agency: str = ""

    @property
    def ball(self) -> str | None:
        """Who must move."""
        return BALL.get(self.state)

    def days(self, now: datetime) -> int:
        """Whole days since it stands there."""
        return max(0, (now - self.since).days)

    def late(self, now: datetime) -> bool:
        """Whether someone should have moved by now."""
        return self.ball is not None and now - self.since > LATE_AFTER


@dataclass(frozen=True, slots=True)
class Board:
    """One page of what is wanted; and of all its states together, how many stand in each, and how many are late."""

    rows: Sequence[Client]
    counts: Sequence[tuple[str, int]]
    late: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the board can be filtered by: collaborateurs (id, name) and agencies that have a client on it, by name."""

    owners: Sequence[tuple[str, str]]
    agencies: Sequence[str]


async def board(session: AsyncSession, now: datetime, wanted: Wanted, *, page: int, page_size: int) -> Board:
    """Clients somebody must move first, who has waited longest first of them: late ones lead."""
    limit = now - LATE_AFTER
    where = _where(wanted)
    late = func.count().filter(Path.rank == 0, Path.since < limit)
    counted = (await session.execute(select(Path.state, func.count(), late).where(*where).group_by(Path.state))).all()
    counts = {state: n for state, n, _ in counted}
    late_in_all = sum(n for _, _, n in counted)
    total = (
        late_in_all if wanted.state == LATE else counts.get(wanted.state, 0) if wanted.state else sum(counts.values())
    )
    page, pages = page_of(page, total, page_size)
    shown = [*where, *_state(wanted.state, limit)]
    # Which ones first, from an index alone; only those of the page are then read whole.
    some = select(Path.subject, Path.dossier_id).where(*shown).order_by(*_ORDER)
    return Board(
        await clients(session, some.limit(page_size).offset((page - 1) * page_size)),
        [(state, counts[state]) for state in SHOWN if state in counts],
        late_in_all,
        page,
        pages,
    )


async def client(session: AsyncSession, subject: str, dossier_id: str) -> Client | None:
    """Where this one stands; None once it has left the board."""
    one = select(Path).where(Path.subject == subject, Path.dossier_id == dossier_id).subquery()
    row = (await session.execute(_client_columns(one))).one_or_none()
    return _client(row) if row else None


async def clients(session: AsyncSession, some: Select[str, str]) -> Sequence[Client]:
    """Those of these pairs of a subject and a dossier, in the board's order."""
    wanted = some.subquery()
    join = (Path.subject == wanted.c.subject) & (Path.dossier_id == wanted.c.dossier_id)
    whole = select(Path).join(wanted, join).subquery()
    order = (whole.c[column.key] for column in _ORDER)
    return [_client(row) for row in await session.execute(_client_columns(whole).order_by(*order))]


async def choices(session: AsyncSession) -> Choices:
    """What the board may be filtered by today."""
    has = exists().where(Path.owner_id == Collaborateur.id)
    people = await session.execute(
        select(Collaborateur.id, Collaborateur.name).where(has).order_by(func.lower(Collaborateur.name))
    )
    agencies = [str(one) for one in await session.scalars(_agencies())]
    return Choices([(one, name) for one, name in people], agencies)


async def every(session: AsyncSession) -> AsyncIterator[Client]:
    """All of it, in the board's order."""
    query = _client_columns(select(Path).subquery()).order_by("rank", "since", "subject")
    async for row in await session.stream(query.execution_options(yield_per=_BATCH)):
        yield _client(row)


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.owners:
        where.append(Path.owner_id.in_(wanted.owners))
    if wanted.agency:
        where.append(Path.agency == wanted.agency)
    if wanted.offer:
        where.append(Path.offer == wanted.offer)
    return where


def _state(state: str, limit: datetime) -> list[ColumnElement[bool]]:
    if state == LATE:
        return [Path.rank == 0, Path.since < limit]
    return [Path.state == state] if state else []


def _client_columns(some: Any) -> Select[Any]:
    return (
        select(some, Dossier.code, Dossier.company, Collaborateur.name.label("owner"))
        .join(Dossier, Dossier.id == some.c.dossier_id)
        .outerjoin(Collaborateur, Collaborateur.id == some.c.owner_id)
    )


def _client(row: Any) -> Client:
    offer = offers.offer(row.offer).name if row.offer else None
    return Client(
        row.subject, row.dossier_id, row.code, row.company, offer, row.state, row.since, row.owner, row.agency
    )


def _agencies() -> Select[tuple[str]]:
    """Each agency once, jumping from one to the next in the index: they are few, and the clients many."""
    walk = select(func.min(Path.agency).label("agency")).where(Path.agency > "").cte("walk", recursive=True)
    following = select(func.min(Path.agency)).where(Path.agency > walk.c.agency).scalar_subquery()
    walk = walk.union_all(select(following).where(walk.c.agency.is_not(None)))
    return select(walk.c.agency).where(walk.c.agency.is_not(None)).order_by(walk.c.agency)
