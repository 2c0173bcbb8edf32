"""Forty lines and one kill, of the two thousand that `make chaos` takes: on both databases, each line exactly once."""

from collections.abc import Iterator

import pytest

from services.bulk import TICK
from tests.chaos.bulk import run
from tests.chaos.process import Zygote


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


async def test_a_list_killed_in_the_middle_is_done_once(zygote: Zygote, database_url: str) -> None:
    report = await run(zygote, database_url, lines=40, kills=1, latency=0.02, lapse=True)
    assert report.wrong == []
    assert report.kills == 1
    assert (
        report.redraws <= 5 + report.wall / TICK.total_seconds()
    )  # received, read, checked, begun, done; and its pace
