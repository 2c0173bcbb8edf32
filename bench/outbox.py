"""How many effects a second the outbox hands over, with a target that answers at once.

Two kinds of effect: a bare one, which is the outbox alone, and a mail, which reads its subject and records what became of it,
in a commit of its own. Each worker is a process.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

from sqlalchemy import delete

from bench.figures import Goal, Section, Spread
from bench.postgres import databases
from services import deliveries, effects, migrate
from services.clock import system_clock
from services.events import Event, OfferProposed
from services.models import Effect
from services.outbox import Outbox, Reaction, owed
from services.record import Services
from services.store import Store

GOALS = {("sqlite", 1): 300, ("postgresql", 4): 1000}
PATIENCE = 300.0


async def _bare(_event: Event, _services: Services) -> None: ...


async def _mail(event: Event, services: Services) -> None:
    """The database's part of dialogs.saying.send_mail."""
    if await deliveries.delivered(services.store, event.subject, "mail"):
        return
    await deliveries.record(services.store, event.subject, "mail")


KINDS = {"bare": _bare, "mail": _mail}


def _table(kind: str) -> dict[type[Event], tuple[Reaction, ...]]:
    return {OfferProposed: (Reaction(kind, KINDS[kind], repeatable=False),)}


def _open(url: str, kind: str) -> Store:
    return Store(url, system_clock, owed(_table(kind)))


async def _work(url: str, kind: str) -> None:
    """A worker, until its parent closes its input."""
    store = _open(url, kind)
    stop = asyncio.Event()
    services = cast("Services", type("Bare", (), {"store": store})())
    outbox = asyncio.create_task(Outbox(services, _table(kind)).run(stop))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await outbox
    await store.close()


async def measure(url: str, kind: str, count: int, workers: int) -> float:
    """Effects a second, from the first that is done to the last."""
    store = _open(url, kind)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.outbox", url, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(workers)
    ]
    for process in processes:
        cast("Any", process.stdout).readline()
    async with store.work() as work:  # one commit: the workers find everything at once
        for number in range(count):
            work.emit(OfferProposed(f"s{number}"))
    started = time.perf_counter()
    while (await effects.depth(store)).get("done", 0) < count:
        if time.perf_counter() - started > PATIENCE:
            raise SystemExit(f"{kind}: not done after {PATIENCE} s: {await effects.depth(store)}")
        await asyncio.sleep(0.02)
    rate = count / (time.perf_counter() - started)
    for process in processes:
        process.communicate("")
    async with store.work() as work:
        await work.session.execute(delete(Effect))
    await store.close()
    return rate


async def run(folder: Path, *, quick: bool) -> Section:
    """SQLite, which has one worker, and PostgreSQL with one to four."""
    made = Section("outbox", "The outbox")
    count = 100 if quick else 4000
    rows = []
    with databases(folder, quick=quick) as urls:
        for name, url in urls.items():
            store = _open(url, "bare")
            await migrate.upgrade(store)
            await store.close()
            for workers in (1,) if name == "sqlite" or quick else (1, 2, 3, 4):
                rates = {kind: await measure(url, kind, count, workers) for kind in KINDS}
                rows.append((f"{name}, {workers}", *(f"{rate:.0f}" for rate in rates.values())))
                if (name, workers) in GOALS:
                    what = f"{name}, workers: {workers}"
                    made.goals.append(
                        Goal(what, Spread.of([rates["bare"]]), GOALS[name, workers], "a second", digits=0)
                    )
    made.tables.append((("database, workers", "bare effects a second", "mails a second"), rows))
    return made


if __name__ == "__main__":
    asyncio.run(_work(*sys.argv[1:3]))
