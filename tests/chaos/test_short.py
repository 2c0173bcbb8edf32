"""A few kills at each boundary and a minute of storm, of the hundreds and the hours that `make chaos` takes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.executioner import INVITATION, MAIL, MESSAGE, TEAM_ADD, Boundary, Target
from tests.chaos.process import Zygote
from tests.chaos.rig import rig
from tests.chaos.storm import storm

KILLS: tuple[tuple[Target, Boundary], ...] = (
    (MESSAGE, Boundary.BETWEEN),
    (INVITATION, Boundary.BETWEEN),
    (MAIL, Boundary.BETWEEN),
    (MAIL, Boundary.AFTER),
    (TEAM_ADD, Boundary.AFTER),
    (INVITATION, Boundary.BEFORE),
    (MAIL, Boundary.BEFORE),
)


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


async def test_killed_at_every_boundary_nothing_is_lost_and_only_the_undecidable_is_doubled(
    zygote: Zygote, tmp_path: Path
) -> None:
    async with rig(zygote, f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}") as made:
        for target, boundary in KILLS:
            await made.strike(target, boundary)
        await made.finish()
        assert made.kills == len(KILLS)
        for exact in (made.guests(), made.members()):
            assert (exact.lost, exact.doubled) == (0, 0)
        for found in (await made.mails(), await made.messages()):
            assert (found.lost, found.parked, found.beyond_twice, found.unexplained) == (0, 0, 0, 0)
            assert found.doubled >= 1  # killed in the window: so the harness does kill there
        assert await made.stale() == 0


def test_when_graph_storms_everything_ends_well_and_clicks_are_answered(tmp_path: Path) -> None:
    report = storm(tmp_path, minutes=1, people=4)
    assert report.unfinished == []
    assert report.mails["more often"] == 0
    assert report.slowest_click < 3
    assert report.clicks > 10
    assert report.faults.total() > report.faults["fine"] > 0
