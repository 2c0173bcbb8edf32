"""An event loop on which waiting costs nothing: when nothing happens for a moment, its clock skips to the next timer.

Sockets, threads and computing take their real time; pauses, timeouts and stalls take a few hundredths of a second.
"""

import asyncio
import selectors

GRACE = 0.02  # of a second, for the threads of the database to answer


class _Skipping(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= GRACE:
            return super().select(timeout)
        happened = super().select(GRACE)
        if not happened:
            self.skipped += timeout - GRACE
        return happened


class SkippingLoop(asyncio.SelectorEventLoop):
    """See the module. `time` is what its timers, and so every timeout of asyncio, aiohttp and httpx, go by."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return super().time() + self._skipping.skipped
