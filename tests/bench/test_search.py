"""The bench of the search judges it: what is found is what a plain look at every dossier finds, or the bench ends."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench import search, tracking
from bench.load import WrongAnswer
from bench.portfolio import Portfolio, records
from services import dossiers, migrate
from services.clock import system_clock
from services.store import Store

SIZE = 1_000


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{folder}/bench.db", system_clock, {})
    await migrate.upgrade(store)
    yield store
    await store.close()


async def test_every_search_of_the_bench_is_right_and_a_wrong_one_ends_it(tmp_path: Path) -> None:
    kept = list(records(SIZE))
    judge = Portfolio(kept)
    async with opened(tmp_path) as store:
        async with store.work() as work:
            await dossiers.keep(work, kept)
        for typed in list(search.searches())[::7]:
            await search._searched(store, typed, judge.first(typed))
        with pytest.raises(WrongAnswer, match="sarl"):
            await search._searched(store, "sarl", judge.first("sarl")[:-1])
        with pytest.raises(WrongAnswer, match="zzz"):
            await search._searched(store, "zzz", judge.first("sarl"))


def test_the_searches_find_much_little_and_nothing() -> None:
    judge = Portfolio(list(records(SIZE)))
    found = [len(judge.first(typed)) for typed in search.searches()]
    assert {0, 1, 8} <= set(found)


async def test_the_board_that_leaves_somebody_out_ends_the_bench(tmp_path: Path) -> None:
    firm = tracking.firm(60)
    standing = tracking.standing(firm)
    async with opened(tmp_path) as store:
        await tracking.fill(store, firm)
        for wanted, page in tracking.ASKED.values():
            await tracking._judge(store, wanted, page, standing)
        with pytest.raises(WrongAnswer):
            await tracking._judge(store, *tracking.ASKED["first page"], standing[1:])
