"""How fast one person may go."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable


class Pace:
    """A token bucket for each person: `burst` turns at once, then `per_second`.

    Holds at most `people` buckets. Forgetting the one longest unused only ever favours its owner.
    """

    def __init__(
        self,
        *,
        per_second: float = 20,
        burst: float = 100,
        people: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._people = people
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, person: str) -> bool:
        """Takes one turn from the person's bucket; False when it is empty."""
        now = self._clock()
        left, since = self._buckets.pop(person, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        allowed = left >= 1
        self._buckets[person] = (left - 1 if allowed else left, now)
        if len(self._buckets) > self._people:
            self._buckets.popitem(last=False)
        return allowed


class Brake:
    """Who is too fast waits for the refusal: their connection is quiet meanwhile, and the others get their turns.

    At most `most` wait at once, for `seconds`; beyond, the refusal comes at once.
    """

    def __init__(
        self, seconds: float = 0.5, most: int = 200, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._seconds = seconds
        self._room = most
        self._sleep = sleep

    async def hold(self) -> None:
        """Come back when the refusal may leave."""
        if self._room == 0:
            return
        self._room -= 1
        try:
            await self._sleep(self._seconds)
        finally:
            self._room += 1
