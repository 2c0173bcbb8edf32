"""An event loop on which waiting costs nothing: when nothing is under way, its clock skips to the next timer.

Sockets (both ends in this process), threads and computing take their real time; pauses, timeouts and stalls take none.
"""

import asyncio
import selectors
from asyncio import Future
from collections.abc import Callable
from concurrent.futures import Executor
from queue import SimpleQueue
from typing import Any
from unittest.mock import patch

GRACE = 0.003  # of a second, for a socket of ours to hear another


class _Skipping(selectors.DefaultSelector):
    """Waits for sockets; for time, only while a thread has something to say."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0
        self.busy = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= GRACE or self.busy:
            return super().select(timeout)
        happened = super().select(GRACE)
        if not happened:
            self.skipped += timeout - GRACE
        return happened

    def mind(self, answer: "Future[Any]") -> None:
        """A thread will set this."""
        self.busy += 1
        answer.add_done_callback(self._forget)

    def _forget(self, _answer: "Future[Any]") -> None:
        self.busy -= 1


class SkippingLoop(asyncio.SelectorEventLoop):
    """See the module. `time` is what its timers, and so every timeout of asyncio, aiohttp and httpx, go by."""

    def __init__(self) -> None:
        self.skipping = _Skipping()
        super().__init__(self.skipping)

    def time(self) -> float:
        return super().time() + self.skipping.skipped

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, function: Callable[..., Any], *args: Any
    ) -> "Future[Any]":
        answer = super().run_in_executor(executor, function, *args)
        self.skipping.mind(answer)
        return answer


class _Queue(SimpleQueue[Any]):
    """Of a thread of aiosqlite: what it is asked, with the future of its answer."""

    def put_nowait(self, item: Any) -> None:
        loop = asyncio.get_event_loop()
        if isinstance(loop, SkippingLoop) and item[0] is not None:
            loop.skipping.mind(item[0])
        super().put_nowait(item)


def run(main: Callable[[], Any]) -> Any:
    """As asyncio.run, on a skipping loop that knows aiosqlite's threads."""
    with patch("aiosqlite.core.SimpleQueue", _Queue), asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(main())
