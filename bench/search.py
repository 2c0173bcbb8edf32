"""What finding a dossier costs as the portfolio grows, from a thousand dossiers to a million; and the board of `suivi`."""

from pathlib import Path
from time import perf_counter

from sqlalchemy import text

from bench import tracking
from bench.figures import Goal, Section, Spread, percentile
from bench.postgres import databases
from practice import seed
from services import dossiers, migrate, portfolio
from services.clock import system_clock
from services.store import Store

SIZES = (1_000, 10_000, 100_000, 1_000_000)
GOALS = {100_000: 10, 1_000_000: 25}
TYPED = (
    "martin",
    "boulangerie",
    "sarl",
    "boulangerie rennes",
    "gar",
    "fleurs vannes",
    "le go",
    "saint malo",
    "zzz",
    "b",
)
BATCH = 5_000


async def run(folder: Path, *, quick: bool, sizes: tuple[int, ...] = SIZES) -> Section:
    """Each database grows from one size to the next; words that are rare, common, two at once, and nowhere."""
    made = Section("search", "Finding a dossier")
    rows = []
    with databases(folder, quick=quick) as urls:
        for name, url in urls.items():
            store = Store(url, system_clock, {})
            try:
                await migrate.upgrade(store)
                for size in sizes[:1] if quick else sizes:
                    await _grow(store, size)
                    spent = await _timed(store, 2 if quick else 40)
                    high = percentile(spent, 0.99)
                    rows.append((f"{name}, {size}", f"{percentile(spent, 0.5):.1f}", f"{high:.1f}"))
                    if size in GOALS:
                        what = f"p99, {size} dossiers, {name}"
                        made.goals.append(Goal(what, Spread.of([high]), GOALS[size], "ms", most=True))
            finally:
                await store.close()
    made.tables.append((("database, dossiers", "p50 ms", "p99 ms"), rows))
    return made


async def board(folder: Path, *, quick: bool) -> Section:
    """A page of `suivi` and its card, by what is asked for."""
    made = Section("tracking", "The board")
    with databases(folder, quick=quick) as urls:
        for name, url in urls.items():
            store = Store(url, system_clock, {})
            try:
                await migrate.upgrade(store)
                await tracking.fill(store, 200 if quick else 100_000)
                spent = await tracking.measure(store)
            finally:
                await store.close()
            rows = [(what, f"{percentile(ms, 0.5):.1f}", f"{percentile(ms, 0.99):.1f}") for what, ms in spent.items()]
            made.tables.append(((name, "p50 ms", "p99 ms"), rows))
            slowest = max(percentile(ms, 0.99) for ms in spent.values())
            made.goals.append(Goal(f"p99 of the slowest page, {name}", Spread.of([slowest]), 50, "ms", most=True))
    return made


async def _grow(store: Store, size: int) -> None:
    records = [portfolio.record(line.said) for line in portfolio.read(seed.portfolio_csv(size).encode())]
    for at in range(0, size, BATCH):
        async with store.work() as work:
            await dossiers.keep(work, records[at : at + BATCH])
    async with store.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if store.single_writer else "VACUUM ANALYZE"))


async def _timed(store: Store, times: int) -> list[float]:
    spent = []
    for _ in range(times):
        for typed in TYPED:
            began = perf_counter()
            async with store.read() as session:
                await dossiers.search(session, typed)
            spent.append((perf_counter() - began) * 1000)
    return spent
