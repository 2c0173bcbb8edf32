"""Hands each committed event to its reactions until all have run: nothing lost, nothing doubled.

An effect is claimed (state `running`, a lease, one more try) in its own commit *before* the outside is called: that is
the recorded intent. Whoever finds an expired lease knows that the effect may have happened: it counts as `unsure`.
Leases and due dates are counted in a time on which all replicas agree (`services.store.Work.moment`), so one whose clock
is wrong takes nothing that another still holds.

Each turn of the worker is one transaction: it records what ended since the last, then claims what may start now. Results
wait in memory for that transaction, and if the database is away they go on waiting: an effect that happened is not
forgotten because it could not be written down at once.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services import effects, pace
from services.effects import LEASE, MAX_TRIES, Claimed, Outcome, Terms, depth
from services.errors import Refused, Unavailable, trace
from services.events import Event
from services.models import EffectState
from services.outside import leaving
from services.pace import THREAD_PAUSE
from services.record import Services
from services.store import Owed, Store, Work

__all__ = ["LEASE", "MAX_TRIES", "Outbox", "Pool", "Reaction", "depth", "owed"]

log = logging.getLogger(__name__)

REACTION_TIMEOUT = 45.0
LONGEST_WAIT = 600.0
LONGEST_REST = 3600.0
IDLE_POLL = 1.0


@dataclass(frozen=True, slots=True)
class Pool:
    """The reactions that share an outside. At most `slots` of their effects are there at once, in all replicas (but for those
    that take another replica uncommonly long: services.effects.running). One is there until it says that it left
    (services.outside), or else until it is recorded.

    Between two of them `every` seconds pass. When that outside says for how long it wants to be left alone (429,
    Retry-After), the whole pool rests. A pool without a name is no outside: its `slots` count in each replica.
    """

    name: str
    slots: int
    every: float = 0.0

    @property
    def key(self) -> str:
        """Of its row in services.pace."""
        return f"pool:{self.name}"


INSIDE = Pool("", 32)
DIRECTORY = Pool("directory", 8)  # Graph: 150 invitations in 5 s, each a few hundred milliseconds
TEAM = Pool("team", 1)  # Graph: 4 requests a second on one team
MAIL = Pool("mail", 4)  # Graph: 4 requests at once on one mailbox
GENERAL = Pool("general", 2, every=THREAD_PAUSE.total_seconds())  # one conversation
CHAT = Pool("chat", 10)  # many: services.pace tells them apart


@dataclass(frozen=True, slots=True)
class Reaction:
    """One outside effect that follows an event.

    `repeatable`: running it again is harmless (it looks first, or the effect is idempotent), so it is tried until it
    works. Otherwise (mail, a new chat message) an unknown outcome is replayed at most once. `gave_up` is told, with the
    reason, when it will not be tried any more; of a Refused it is not, which the reaction saw itself. `lease`: how long after
    its start a replica that finds it under way takes it for cut by a kill.
    """

    name: str
    run: Callable[[Event, Services], Awaitable[None]]
    repeatable: bool
    lane: str = ""
    pool: Pool = INSIDE
    gave_up: Callable[[Event, Services, str], Awaitable[None]] | None = None
    lease: timedelta = LEASE

    def owed(self) -> Owed:
        """What the store records of it."""
        return Owed(self.name, self.lane or self.name, self.pool.name)


Reactions = Mapping[type[Event], Sequence[Reaction]]


def owed(reactions: Reactions) -> dict[type[Event], tuple[Owed, ...]]:
    """The table the store needs: which effects each event owes."""
    return {event: tuple(reaction.owed() for reaction in follow) for event, follow in reactions.items()}


def repeatable(reactions: Reactions) -> frozenset[str]:
    """The names of the reactions that may be run again whatever happened."""
    return frozenset(one.name for follow in reactions.values() for one in follow if one.repeatable)


class Outbox:
    """The worker. Several may run on PostgreSQL; SQLite has one process."""

    def __init__(self, services: Services, reactions: Reactions) -> None:
        self._services = services
        self._store: Store = services.store
        self._reactions = {reaction.name: reaction for follow in reactions.values() for reaction in follow}
        self._pools: dict[Pool, dict[str, Terms]] = {}
        for one in self._reactions.values():
            self._pools.setdefault(one.pool, {})[one.name] = Terms(one.repeatable, one.lease)
        self._wet = set(self._pools)  # pools in which something may be due
        self._look_at = 0.0  # when all pools are looked at, though nothing was heard: for retries, and other replicas
        self._busy: Counter[str] = Counter()  # effects claimed and not yet recorded, by pool
        self._left: dict[int, str] = {}  # those of them that call their outside no more: their pools
        self._emptied: set[str] = set()  # pools in which one has just left
        self._ended: list[Outcome] = []
        self._one_ended = asyncio.Event()
        self._paced = False

    async def run(self, stop: asyncio.Event, *, paced: bool = True) -> None:
        """Work until `stop` is set; effects under way are finished and recorded first. A failing database is waited for.

        `paced` False lets effects of a pool follow each other at once, as `drain` does.
        """
        self._paced = paced
        under_way: set[asyncio.Task[None]] = set()
        taken_over = False
        try:
            while not stop.is_set():
                self._store.committed.clear()
                self._store.due.clear()
                self._one_ended.clear()
                try:
                    taken_over = taken_over or await self._take_over()
                    claimed = await self._turn()
                except Exception as fault:  # nothing else would start the worker again
                    log.error("outbox: %s", trace(fault))
                    claimed = []
                for effect in claimed:
                    task = asyncio.create_task(self._run(effect))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                await self._wait(stop)
            await asyncio.gather(*under_way)
        finally:
            for task in under_way:
                task.cancel()
            try:
                async with self._store.work() as work:
                    await self._record(work)
            except Exception as fault:  # the next start takes them for unsure
                log.error("outbox: %d effects not recorded: %s", len(self._ended), trace(fault))

    async def drain(self) -> int:
        """Run all that is due now, and what that makes due; gives how many effects ran."""
        total = 0
        while True:
            self._wet = set(self._pools)
            claimed = await self._turn()
            if not claimed:
                return total
            await asyncio.gather(*(self._run(effect) for effect in claimed))
            total += len(claimed)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Until there may be something to record or to claim."""
        waits = [asyncio.ensure_future(one.wait()) for one in (self._store.committed, self._one_ended, stop)]
        clock = asyncio.get_running_loop().time
        await asyncio.wait(waits, timeout=max(self._look_at - clock(), 0), return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        now = clock()
        self._wet |= {pool for pool in self._pools if pool.name in self._store.due}
        if now >= self._look_at:
            self._wet = set(self._pools)
            self._look_at = now + IDLE_POLL

    # --- a turn

    async def _turn(self) -> list[Claimed]:
        """Record what ended, claim what may start: one transaction."""
        emptied, self._emptied = self._emptied, set()
        async with self._store.work(brief=True) as work:
            recorded = await self._record(work)
            freed = Counter(outcome.effect.pool for outcome in recorded)
            # An effect that ended may let the next of its lane go.
            wet = [pool for pool in self._pools if pool in self._wet or freed[pool.name] or pool.name in emptied]
            rests = {pool: max(asked) for pool in wet if (asked := _asked(pool, recorded))}
            busy, left = self._busy - freed, self._left_but(recorded)
            rooms = await self._rooms(work, wet, busy - left, left)
            claimed: list[Claimed] = []
            for pool in wet:
                if rooms[pool] > 0 and pool not in rests:
                    found = await effects.claim(work, pool.name, self._pools[pool], rooms[pool])
                    if found and pool.every and self._paced:
                        rests[pool] = timedelta(seconds=pool.every)
                    claimed += found
            await self._rest(work, rests)
        del self._ended[: len(recorded)]
        for outcome in recorded:
            self._left.pop(outcome.effect.id, None)
        started = Counter(effect.pool for effect in claimed)
        self._busy = busy + started
        self._wet = {pool for pool in wet if 0 < rooms[pool] == started[pool.name]}
        return claimed

    async def _record(self, work: Work) -> list[Outcome]:
        ended = list(self._ended)
        await effects.record(work, ended)
        return ended

    def _left_but(self, recorded: Sequence[Outcome]) -> Counter[str]:
        """How many effects of each pool call their outside no more, and are still to be recorded."""
        over = {outcome.effect.id for outcome in recorded}
        return Counter(pool for effect_id, pool in self._left.items() if effect_id not in over)

    async def _rooms(
        self, work: Work, pools: Sequence[Pool], ours: Counter[str], left: Counter[str]
    ) -> dict[Pool, int]:
        """How many effects of each pool may start now, with so many of `ours` at their outside, and so many that `left` it.

        Pools that stand for an outside are held until the commit: two replicas counting at once would each fill them.
        """
        rooms = {pool: pool.slots - ours[pool.name] for pool in pools}
        outsides = [pool for pool in pools if pool.name and rooms[pool] > 0]
        if outsides:
            free_at = await pace.held(work, [pool.key for pool in outsides])
            now = await work.instant()
            running = await effects.running(work, [pool.name for pool in outsides])
            for pool in outsides:
                most = 1 if pool.every and self._paced else pool.slots
                under_way = max(running[pool.name] - left[pool.name], ours[pool.name])
                rooms[pool] = 0 if free_at[pool.key] > now else min(most, pool.slots - under_way)
        return rooms

    async def _rest(self, work: Work, rests: Mapping[Pool, timedelta]) -> None:
        if rests:
            await pace.rest(work, {pool.key: pause for pool, pause in rests.items()})
            soonest = min(rests.values()).total_seconds()
            self._look_at = min(self._look_at, asyncio.get_running_loop().time() + soonest)

    async def _take_over(self) -> bool:
        names = {pool.name: list(reactions) for pool, reactions in self._pools.items()}
        async with self._store.work() as work:
            await effects.take_over(work, names, alone=self._store.single_writer)
        return True

    # --- an effect

    async def _run(self, effect: Claimed) -> None:
        def leave() -> None:
            self._left[effect.id] = effect.pool
            self._emptied.add(effect.pool)
            self._one_ended.set()

        leaving.set(leave)
        outcome = await self._outcome(effect)
        self._ended.append(outcome)
        self._one_ended.set()

    async def _outcome(self, effect: Claimed) -> Outcome:
        if effect.hopeless:
            return await self._given_up(effect, effect.hopeless, effect.unsure)
        try:
            async with asyncio.timeout(REACTION_TIMEOUT):
                await self._reactions[effect.reaction].run(effect.event, self._services)
        except Refused as refusal:
            return Outcome(effect, EffectState.PARKED, refusal.key, effect.unsure)
        except Unavailable as busy:
            return await self._later(effect, busy.key, busy.retry_after or 0.0, ambiguous=busy.ambiguous)
        except TimeoutError:
            return await self._later(effect, "timeout", ambiguous=True)
        except Exception as fault:  # a bug must not stop the others' effects; it is parked in the end, and counted
            log.error("reaction %s failed: %s", effect.reaction, trace(fault))
            return await self._later(effect, "fault", ambiguous=True)
        return Outcome(effect, EffectState.DONE)

    async def _later(self, effect: Claimed, reason: str, retry_after: float = 0.0, *, ambiguous: bool) -> Outcome:
        unsure = effect.unsure + ambiguous
        asked = min(retry_after, LONGEST_REST)
        rest = timedelta(seconds=asked)
        if effect.tries >= MAX_TRIES or (unsure > 1 and not self._reactions[effect.reaction].repeatable):
            return replace(await self._given_up(effect, reason, unsure), rest=rest)
        wait = max(asked, min(2.0**effect.tries, LONGEST_WAIT) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        return Outcome(effect, EffectState.DUE, reason, unsure, timedelta(seconds=wait), rest)

    async def _given_up(self, effect: Claimed, reason: str, unsure: int) -> Outcome:
        tell = self._reactions[effect.reaction].gave_up
        try:
            if tell is not None:
                await tell(effect.event, self._services, reason)
        except Exception as fault:
            log.error("reaction %s, given up: %s", effect.reaction, trace(fault))
        return Outcome(effect, EffectState.PARKED, reason, unsure)


def _asked(pool: Pool, recorded: Sequence[Outcome]) -> list[timedelta]:
    """For how long a pool's outside wants to be left alone, as its effects have just heard."""
    return [one.rest for one in recorded if one.effect.pool == pool.name and one.rest and pool.name]
