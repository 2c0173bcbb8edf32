"""The outbox's table: effects claimed, recorded, parked. What becomes of a parked one is in services/parked.py."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    bindparam,
    case,
    exists,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services import parked
from services.events import EVENTS, Event, ParkedChanged
from services.models import Effect, EffectState, is_open, literally
from services.store import Store, Work

LEASE = timedelta(seconds=60)
HELD = timedelta(seconds=10)
MAX_TRIES = 60
_AHEAD = timedelta(days=1)
_RECORDED_AT_ONCE = 400  # SQLite takes some thousands of parameters in one statement


@dataclass(frozen=True, slots=True)
class Terms:
    """What whoever claims knows of a reaction: whether it may be run again freely, how long a claim holds."""

    repeatable: bool
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class Claimed:
    """An effect whose intent is recorded: whoever holds it may run it until its lease ends. `tries` tells this try apart.

    `hopeless`: why it may not be run once more; whoever holds it is to record that.
    """

    id: int
    pool: str
    reaction: str
    event: Event
    tries: int
    unsure: int
    hopeless: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended: `due` again after `wait`, or for good. `unsure` is the new count.

    `rest`: how long its outside wants to be left alone.
    """

    effect: Claimed
    state: EffectState
    reason: str | None = None
    unsure: int = 0
    wait: timedelta = timedelta()
    rest: timedelta = timedelta()


_OLDER = aliased(Effect)
_IS_OPEN = is_open()


# Every turn asks for each pool, and records and claims: SQLAlchemy takes as long to build a statement as to run it.
@cache
def _next(reactions: tuple[str, ...]) -> Select[Any]:
    """Due now, nothing older of its lane open, of these reactions and about an event known here."""
    return (
        select(
            Effect.id,
            Effect.pool,
            Effect.event,
            Effect.payload,
            Effect.reaction,
            Effect.state,
            Effect.tries,
            Effect.unsure,
            Effect.reason,
        )
        .where(
            _IS_OPEN,
            Effect.pool == bindparam("of_pool"),
            Effect.due_at <= bindparam("now"),
            Effect.reaction.in_(literally(reactions)),
            Effect.event.in_(literally(EVENTS)),
            ~exists().where(_OLDER.lane == Effect.lane, _OLDER.id < Effect.id, is_open(_OLDER)),
        )
        .order_by(Effect.due_at, Effect.id)
        .limit(bindparam("room", type_=Integer))
        .with_for_update(skip_locked=True)  # rows another replica is claiming are passed over
    )


_TAKE = (
    update(Effect)
    .where(Effect.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=EffectState.RUNNING,
        due_at=bindparam("until"),
        tries=Effect.tries + 1,
        unsure=Effect.unsure + case((Effect.state == EffectState.RUNNING, 1), else_=0),
    )
)
_DONE = (
    update(Effect)
    .where(tuple_(Effect.id, Effect.tries).in_(bindparam("ended", expanding=True)), Effect.state == EffectState.RUNNING)
    .values(state=EffectState.DONE, reason=None, finished_at=bindparam("at"))
)
_UNDER_WAY = (
    select(Effect.pool, func.count().label("under_way"))
    .where(
        Effect.pool.in_(bindparam("pools", expanding=True)),
        _IS_OPEN,
        Effect.state == EffectState.RUNNING,
        Effect.due_at > bindparam("begun_since"),
    )
    .group_by(Effect.pool)
)


async def claim(work: Work, pool: str, reactions: Mapping[str, Terms], room: int) -> list[Claimed]:
    """Take at most `room` effects that are due, the oldest first: the intent, recorded by this transaction's commit.

    An effect of a name not among `reactions`, or about an event not known here, is left to the replica that knows it.
    """
    now = await work.instant()
    query, asked = _next(tuple(reactions)), {"of_pool": pool, "now": now, "room": room}
    claimed = [
        _claimed(row, repeatable=reactions[row.reaction].repeatable) for row in await work.session.execute(query, asked)
    ]
    for lease in {reactions[effect.reaction].lease for effect in claimed}:
        ids = [effect.id for effect in claimed if reactions[effect.reaction].lease == lease]
        await work.change(_TAKE, ids=ids, until=now + lease)
    return claimed


async def running(work: Work, pools: Collection[str]) -> Counter[str]:
    """How many effects of these pools are under way, in all replicas.

    One that was begun longer ago than HELD counts no more: nearly all end sooner, and what a kill has cut would keep the
    others away from their outside until its lease ends.
    """
    asked = {"pools": list(pools), "begun_since": await work.instant() + (LEASE - HELD)}
    return Counter({row.pool: row.under_way for row in await work.session.execute(_UNDER_WAY, asked)})


async def backlog(session: AsyncSession, pools: Collection[str]) -> int:
    """How many effects of these pools are still to end, those under way included."""
    query = select(func.count()).select_from(Effect).where(Effect.pool.in_(pools), _IS_OPEN)
    return await session.scalar(query) or 0


async def is_due(session: AsyncSession, lane: str) -> bool:
    """Whether something of this lane is still to start, now or later."""
    query = select(Effect.id).where(Effect.lane == lane, _IS_OPEN, Effect.state == EffectState.DUE)
    return await session.scalar(query.limit(1)) is not None


async def record(work: Work, outcomes: Iterable[Outcome]) -> None:
    """What became of tries. One whose lease ended, and which someone else took since, is left to them."""
    done = []
    for outcome in outcomes:
        if outcome.state == EffectState.DONE:
            done.append((outcome.effect.id, outcome.effect.tries))
        else:
            await _record_trouble(work, outcome)
    rest = iter(done)
    while batch := list(islice(rest, _RECORDED_AT_ONCE)):
        await work.change(_DONE, ended=batch, at=await work.instant())


async def _record_trouble(work: Work, outcome: Outcome) -> None:
    later = outcome.state == EffectState.DUE
    when = {"due_at": work.moment + outcome.wait} if later else {"finished_at": work.now}
    recorded = await _set(
        work,
        Effect.id == outcome.effect.id,
        Effect.tries == outcome.effect.tries,
        Effect.state == EffectState.RUNNING,
        state=outcome.state,
        reason=outcome.reason,
        unsure=outcome.unsure,
        **when,
    )
    if recorded and not later and not isinstance(outcome.effect.event, ParkedChanged):
        await parked.tell(work)


async def take_over(work: Work, pools: Mapping[str, Collection[str]], *, alone: bool) -> None:
    """At a start: put what is open into the pools this version knows (names by pool).

    `alone`: no other process works on this database, so whatever still runs was cut by a kill; no need to wait for the
    end of its lease.
    """
    for pool, names in pools.items():
        await _set(work, _IS_OPEN, Effect.reaction.in_(names), Effect.pool != pool, pool=pool)
    if alone:
        # They were before whatever waits now, and hold up their lane.
        await _set(work, _IS_OPEN, Effect.state == EffectState.RUNNING, due_at=work.moment - _AHEAD)


# --- for operators


async def depth(store: Store) -> dict[str, int]:
    """How many effects stand in each state, for the metrics."""
    async with store.read() as session:
        rows = await session.execute(select(Effect.state, func.count()).group_by(Effect.state))
    return {state: count for state, count in rows.all()}  # noqa: C416 - rows, to mypy, are no pairs


async def distrust(work: Work, repeatable: Collection[str], reason: str) -> int:
    """Mark everything open as perhaps done already: this database is a copy from the past.

    What looks first (`repeatable`) will look, and do it or not; gives how many. Anything else is parked for this reason.
    """
    lost = await _set(
        work,
        _IS_OPEN,
        Effect.reaction.not_in(repeatable),
        state=EffectState.PARKED,
        reason=reason,
        unsure=Effect.unsure + 1,
        finished_at=work.now,
    )
    will_look = await _set(work, _IS_OPEN, state=EffectState.DUE, due_at=work.moment, unsure=Effect.unsure + 1)
    if lost:
        await parked.tell(work)
    return will_look


def _claimed(row: Row[Any], *, repeatable: bool) -> Claimed:
    unsure = row.unsure + (row.state == EffectState.RUNNING)  # its lease ended: it may have happened
    hopeless = None
    if unsure > 1 and not repeatable:
        hopeless = "outcome_unknown"
    elif row.tries >= MAX_TRIES:
        hopeless = row.reason or "outcome_unknown"
    event = EVENTS[row.event](**row.payload)
    return Claimed(row.id, row.pool, row.reaction, event, row.tries + 1, unsure, hopeless)


async def _set(work: Work, *where: ColumnElement[bool], **values: object) -> int:
    return await work.change(update(Effect).where(*where).values(**values))
