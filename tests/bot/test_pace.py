import asyncio

from bot.pace import Brake, Pace
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


async def test_who_is_too_fast_waits_but_no_crowd_of_them_does() -> None:
    waited: list[float] = []
    go = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await go.wait()

    brake = Brake(0.5, most=2, sleep=sleep)
    held = [asyncio.create_task(brake.hold()) for _ in range(2)]
    await asyncio.sleep(0)
    await brake.hold()  # a third one is not kept
    assert waited == [0.5, 0.5]
    assert not any(one.done() for one in held)
    go.set()
    await asyncio.gather(*held)
    await brake.hold()
    assert waited == [0.5] * 3
