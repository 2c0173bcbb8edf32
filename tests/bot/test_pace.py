from bot.pace import Pace
from tests.bot.kit import Clock


def test_a_bucket_fills_with_time_and_never_over() -> None:
    clock = Clock()
    pace = Pace(per_second=2, burst=3, clock=clock)
    assert [pace.allows("claire") for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [pace.allows("claire") for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [pace.allows("claire") for _ in range(4)] == [True, True, True, False]


def test_only_so_many_people_are_remembered() -> None:
    pace = Pace(per_second=1, burst=1, people=2, clock=Clock())
    assert pace.allows("claire")
    assert pace.allows("paul")
    assert not pace.allows("claire")
    assert pace.allows("zoe")
    assert not pace.allows("claire")
    assert pace.allows("paul")
