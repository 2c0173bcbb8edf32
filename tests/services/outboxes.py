"""Outboxes for tests: reactions that end as the test says, kills, workers under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

from sqlalchemy import select

from services.events import Event, OfferActivated, OfferProposed
from services.models import Effect
from services.outbox import Outbox, Reaction, owed
from services.outside import left
from services.record import Services
from services.store import Store

PATIENCE = 10.0


class Recorder:
    """Reactions that end as the test says, and remember each run."""

    def __init__(self, *endings: Exception | None) -> None:
        self.endings = list(endings)
        self.ran: list[str] = []

    async def __call__(self, event: Event, _services: Services) -> None:
        self.ran.append(event.subject)
        ending = self.endings.pop(0) if self.endings else None
        if ending is not None:
            raise ending


def outbox(store: Store, *reactions: Reaction, then: Reaction | None = None) -> Outbox:
    table: dict[type[Event], tuple[Reaction, ...]] = {OfferProposed: reactions}
    if then:
        table[OfferActivated] = (then,)
    store._owed = owed(table)
    return Outbox(cast(Services, type("S", (), {"store": store})()), table)


async def emit(store: Store, *subjects: str) -> None:
    async with store.work() as work:
        for subject in subjects:
            work.emit(OfferProposed(subject))


async def states(store: Store) -> list[tuple[str, str | None]]:
    async with store.read() as session:
        return [(row.state, row.reason) for row in await session.scalars(select(Effect).order_by(Effect.id))]


async def killed_while_running(store: Store, *reactions: Reaction) -> None:
    """A process that died between its intents and their record."""
    started = asyncio.Semaphore(0)

    async def forever(_event: Event, _services: Services) -> None:
        started.release()
        await asyncio.Event().wait()

    doomed = outbox(store, *(replace(one, run=forever) for one in reactions))
    task = asyncio.create_task(doomed.drain())
    for _ in reactions:
        await started.acquire()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Crowd:
    """Counts how many are inside at once. `leaving`: each says that it left its outside, and goes on for a while."""

    def __init__(self, *, leaving: bool = False) -> None:
        self.inside = self.most = self.all = 0
        self._leaving = leaving

    async def __call__(self, _event: Event, services: Services) -> None:
        self.inside += 1
        self.all += 1
        self.most = max(self.most, self.inside)
        async with services.store.read() as session:
            await session.execute(select(Effect.id))
        self.inside -= 1
        if self._leaving:
            left()
            async with services.store.work() as work:
                await work.session.execute(select(Effect.id))


@asynccontextmanager
async def running(box: Outbox, *, paced: bool = True) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(box.run(stop, paced=paced))
    yield
    stop.set()
    await asyncio.wait_for(task, PATIENCE)


async def until_run(recorder: Recorder, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if len(recorder.ran) >= count:
                return
            await asyncio.sleep(0.005)


async def a_few_turns(store: Store) -> None:
    """Long enough for the worker to have taken what it may take."""
    for _ in range(5):
        store.committed.set()
        async with store.read() as session:
            await session.execute(select(Effect.id))
        await asyncio.sleep(0.02)
