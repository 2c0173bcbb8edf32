"""Looking again and again, whatever a look comes to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from services.errors import Refused, Unavailable, trace
from services.record import Services

GATHER = 0.2  # what Graph tells comes in bursts: one look answers them all

log = logging.getLogger(__name__)


async def watch(
    look: Callable[[Services], Awaitable[object]],
    services: Services,
    pause: float,
    sooner: asyncio.Event | None = None,
) -> None:
    """Look, again and again: after `pause` seconds, or once `sooner` is set."""
    sooner = sooner or asyncio.Event()
    while True:
        try:
            await look(services)
        except (Refused, Unavailable) as fault:
            log.warning("%s: %s", look.__name__, fault.key)
        except Exception as fault:
            log.error("%s: %s", look.__name__, trace(fault))
        with suppress(TimeoutError):
            await asyncio.wait_for(sooner.wait(), pause)
            await asyncio.sleep(GATHER)
        sooner.clear()
