"""What finding a dossier costs as the portfolio grows, from a thousand dossiers to a million, typing letter by letter."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import text

from bench.figures import Goal, Section, Spread, percentile
from bench.load import WrongAnswer
from bench.portfolio import SHOWN, Portfolio, records
from bench.postgres import databases
from services import dossiers, migrate
from services.clock import system_clock
from services.dossiers import DossierRecord
from services.store import Store

SIZES = (1_000, 10_000, 100_000, 1_000_000)
GOALS = {100_000: 10, 1_000_000: 25}
ROUNDS = 5
BATCH = 5_000
MISSES = ("boulangrie martin", "martin zzyzx", "kerlorec 999 999", "sci earl gaec", "Holding x")
"""Mistyped, beside the point, or common words that never meet: what finds nothing may cost the most."""
COMMON = (
    "",
    "sarl rennes",
    "RENNES SARL",
    "s b r",
    "le la de",
    "conseil brest le",
    "saint malo sci",
    "d’a",
    "i",
    "0",
    "2",
)


async def run(folder: Path, *, quick: bool, sizes: tuple[int, ...] = SIZES) -> Section:
    """Each database grows from one size to the next; the same searches at every size, round by round. Raises WrongAnswer."""
    made = Section("search", "Finding a dossier")
    wanted = list(searches())
    rows = []
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(databases(folder, quick=quick))
        stores = {name: await _opened(stack, url) for name, url in urls.items()}
        portfolio = records(max(sizes))
        kept: list[DossierRecord] = []
        for size in sizes[:1] if quick else sizes:
            more = list(islice(portfolio, size - len(kept)))
            kept += more
            judge = Portfolio(kept)
            right = {typed: judge.first(typed) for typed in wanted}
            for store in stores.values():
                await _grow(store, more)
            spent = await _timed(stores, right, 1 if quick else ROUNDS)
            for name, rounds in spent.items():
                middle, high = (Spread.of([percentile(one, share) for one in rounds]) for share in (0.5, 0.99))
                calm = percentile([median(one) for one in zip(*rounds, strict=True)], 0.99)
                rows.append((f"{name}, {size}", middle.said(), high.said(), f"{calm:.1f}"))
                if size in GOALS:
                    made.goals.append(Goal(f"p99, {size} dossiers, {name}", high, GOALS[size], "ms", most=True))
    made.tables.append((("database, dossiers", "p50 ms", "p99 ms", "p99 of the medians"), rows))
    made.notes = [
        f"{len(wanted)} searches, the same at every size, most of them what stands after each letter typed; in {ROUNDS} rounds; "
        "median (least–greatest) of the rounds; the last column takes each search’s own median first, which leaves out what "
        "else the machine did. Each result was compared with that of a look at every dossier."
    ]
    return made


def searches() -> Iterator[str]:
    """What people type for dossiers that every size has: whole names, a word of each, codes, SIREN; and what is not there."""
    some = list(records(1_000))[7::83]
    for one in some:
        words = one.company.split()
        yield from _letters(one.company)
        yield from _letters(f"{one.commune.lower()} {words[-1].lower()}")
        yield from _letters(one.code.lower())
        yield from _letters(dossiers.shown_siren(one.siren))
    for typed in MISSES:
        yield from _letters(typed)
    yield from COMMON


def _letters(typed: str) -> Iterator[str]:
    return (typed[: end + 1] for end in range(len(typed)))


async def _opened(stack: AsyncExitStack, url: str) -> Store:
    store = Store(url, system_clock, {})
    stack.push_async_callback(store.close)
    await migrate.upgrade(store)
    return store


async def _grow(store: Store, more: Sequence[DossierRecord]) -> None:
    """As an import takes them in; then what the database's own upkeep would do overnight."""
    for at in range(0, len(more), BATCH):
        async with store.work() as work:
            await dossiers.keep(work, more[at : at + BATCH])
    async with store.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if store.single_writer else "VACUUM ANALYZE"))


async def _timed(stores: dict[str, Store], right: dict[str, list[str]], rounds: int) -> dict[str, list[list[float]]]:
    """Milliseconds of each search, by database and round; one round before them, to warm up."""
    gc.collect()
    gc.freeze()  # the portfolio is the bench's: no collection of the program's is to look through it
    spent: dict[str, list[list[float]]] = {name: [] for name in stores}
    for number in range(rounds + 1):
        for name, store in stores.items():
            found = [await _searched(store, typed, codes) for typed, codes in right.items()]
            if number:
                spent[name].append(found)
    gc.unfreeze()
    return spent


async def _searched(store: Store, typed: str, right: list[str]) -> float:
    began = perf_counter()
    async with store.read() as session:
        found = await dossiers.search(session, typed, SHOWN)
    spent = (perf_counter() - began) * 1000
    codes = [one.code for one in found]
    if codes != right:
        raise WrongAnswer(f"{typed!r}: {codes} instead of {right}")
    return spent
