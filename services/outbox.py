"""Hands each committed event to its reactions until all have run: nothing lost, nothing doubled.

An effect is claimed (state `running`, a lease, one more try) in its own commit *before* the outside is called: that is
the recorded intent. Whoever finds an expired lease knows that the effect may have happened: it counts as `unsure`.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import aliased

from services.errors import Refused, Unavailable, trace
from services.events import EVENTS, Event
from services.models import Effect, EffectState
from services.record import Services
from services.store import Owed, Store

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
REACTION_TIMEOUT = 45.0
MAX_TRIES = 12
LONGEST_WAIT = 300.0
BATCH = 16
IDLE_POLL = 1.0


@dataclass(frozen=True, slots=True)
class Reaction:
    """One outside effect that follows an event.

    `repeatable`: running it again is harmless (it looks first, or the effect is idempotent), so it is tried until it
    works. Otherwise (mail, a new chat message) an unknown outcome is replayed at most once.
    """

    name: str
    run: Callable[[Event, Services], Awaitable[None]]
    repeatable: bool
    lane: str = ""

    def owed(self) -> Owed:
        """What the store records of it."""
        return Owed(self.name, self.lane or self.name)


def owed(reactions: Mapping[type[Event], Sequence[Reaction]]) -> dict[type[Event], tuple[Owed, ...]]:
    """The table the store needs: which effects each event owes."""
    return {event: tuple(reaction.owed() for reaction in follow) for event, follow in reactions.items()}


@dataclass(frozen=True, slots=True)
class _Claimed:
    id: int
    tries: int
    unsure: int
    reaction: str
    event: Event


class Outbox:
    """The worker. Several may run on PostgreSQL; SQLite has one process."""

    def __init__(self, services: Services, reactions: Mapping[type[Event], Sequence[Reaction]]) -> None:
        self._services = services
        self._store: Store = services.store
        self._reactions = {reaction.name: reaction for follow in reactions.values() for reaction in follow}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; effects under way are finished first."""
        if self._store.single_writer:
            await self._release_orphans()
        while not stop.is_set():
            self._store.committed.clear()
            if await self._round():
                continue
            waits = [asyncio.ensure_future(self._store.committed.wait()), asyncio.ensure_future(stop.wait())]
            await asyncio.wait(waits, timeout=IDLE_POLL, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def drain(self) -> int:
        """Run all that is due now, and what that makes due; gives how many effects ran."""
        total = 0
        while ran := await self._round():
            total += ran
        return total

    async def _round(self) -> int:
        claimed = await self._claim()
        await asyncio.gather(*(self._run(effect) for effect in claimed))
        return len(claimed)

    async def _release_orphans(self) -> None:
        """With a single process, whatever still runs at start-up was cut by a kill: no need to wait for its lease."""
        async with self._store.work() as work:
            await work.session.execute(
                update(Effect).where(Effect.state == EffectState.RUNNING).values(due_at=work.now)
            )

    async def _claim(self) -> list[_Claimed]:
        earlier = aliased(Effect)
        open_states = (EffectState.DUE, EffectState.RUNNING)
        async with self._store.work() as work:
            rows = await work.session.scalars(
                select(Effect)
                .where(
                    Effect.state.in_(open_states),
                    Effect.due_at <= work.now,
                    ~exists().where(
                        earlier.lane == Effect.lane, earlier.id < Effect.id, earlier.state.in_(open_states)
                    ),
                )
                .order_by(Effect.due_at, Effect.id)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            claimed = []
            for row in rows.all():
                if row.state == EffectState.RUNNING:
                    row.unsure += 1
                if self._hopeless(row):
                    row.state, row.reason, row.finished_at = (
                        EffectState.PARKED,
                        row.reason or "outcome_unknown",
                        work.now,
                    )
                    continue
                row.state, row.due_at, row.tries = EffectState.RUNNING, work.now + LEASE, row.tries + 1
                event = EVENTS[row.event](**row.payload)
                claimed.append(_Claimed(row.id, row.tries, row.unsure, row.reaction, event))
        return claimed

    def _hopeless(self, row: Effect) -> bool:
        reaction = self._reactions.get(row.reaction)
        return reaction is None or (not reaction.repeatable and row.unsure > 1) or row.tries >= MAX_TRIES

    async def _run(self, effect: _Claimed) -> None:
        reaction = self._reactions[effect.reaction]
        try:
            async with asyncio.timeout(REACTION_TIMEOUT):
                await reaction.run(effect.event, self._services)
        except Refused as refusal:
            await self._finish(effect, EffectState.PARKED, refusal.key)
        except Unavailable as fault:
            await self._retry(effect, fault.key, ambiguous=fault.ambiguous, retry_after=fault.retry_after)
        except TimeoutError:
            await self._retry(effect, "timeout", ambiguous=True)
        except Exception as fault:  # a bug must not stop the others' effects; it is parked in the end, and counted
            log.error("reaction %s failed: %s", effect.reaction, trace(fault))
            await self._retry(effect, "fault", ambiguous=True)
        else:
            await self._finish(effect, EffectState.DONE, None)

    async def _retry(self, effect: _Claimed, reason: str, *, ambiguous: bool, retry_after: float | None = None) -> None:
        unsure = effect.unsure + (1 if ambiguous else 0)
        reaction = self._reactions[effect.reaction]
        if effect.tries >= MAX_TRIES or (not reaction.repeatable and unsure > 1):
            await self._finish(effect, EffectState.PARKED, reason)
            return
        wait = max(retry_after or 0.0, min(2.0**effect.tries, LONGEST_WAIT) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        async with self._store.work() as work:
            await work.session.execute(
                update(Effect)
                .where(Effect.id == effect.id, Effect.state == EffectState.RUNNING, Effect.tries == effect.tries)
                .values(state=EffectState.DUE, due_at=work.now + timedelta(seconds=wait), reason=reason, unsure=unsure)
            )

    async def _finish(self, effect: _Claimed, state: EffectState, reason: str | None) -> None:
        async with self._store.work() as work:
            await work.session.execute(
                update(Effect)
                .where(Effect.id == effect.id, Effect.state == EffectState.RUNNING, Effect.tries == effect.tries)
                .values(state=state, reason=reason, finished_at=work.now)
            )


async def depth(store: Store) -> dict[str, int]:
    """How many effects stand in each state, for the metrics."""
    async with store.read() as session:
        rows = await session.execute(select(Effect.state, func.count()).group_by(Effect.state))
    return {state: count for state, count in rows.all()}  # noqa: C416 - rows, to mypy, are no pairs
