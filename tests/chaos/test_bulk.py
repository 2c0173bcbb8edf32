"""Forty lines and one kill, of the two thousand that `make chaos` takes: on both databases, each line exactly once."""

from collections.abc import Iterator

import pytest

from services.bulk import TICK
from tests.chaos.bulk import Parts, Slow, run
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


def test_the_parts_of_a_run_are_told_apart() -> None:
    slow = Slow(0, [])
    slow.asked = [2.0, 3.0, 7.5, 8.0]
    slow.mailed = [3.0, *[4.0] * 8, *[40.0] * 4]  # the twelve that one kill may cut, of which four are mails
    assert slow.parts(1.0, [5.0], 41.5) == Parts(before=1.0, silent=2.5, late=37.0, after=1.5)
    assert slow.parts(1.0, [], 41.5) == Parts(before=1.0, silent=0.0, late=0.0, after=1.5)
