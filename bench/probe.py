"""`python -m bench.probe PORT`: asks /healthz again and again, in a process of its own: whatever it waits for is the bot.

Prints for each: the moment it asked (monotonic clock, the same in every process) and how long it waited, in seconds.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from http.client import HTTPConnection
from time import monotonic, sleep
from typing import Self

PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class Probe:
    """One that runs."""

    process: Process

    @classmethod
    async def start(cls, port: int) -> Self:
        """Begin to ask whoever listens on this machine's `port`."""
        return cls(await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.probe", str(port), stdout=PIPE))

    async def stop(self) -> list[tuple[float, float]]:
        """End it; gives when it asked, and how long it waited, each time."""
        self.process.terminate()
        told, _ = await self.process.communicate()
        whole = told.decode().rpartition("\n")[0].splitlines()
        return [(float(asked), float(waited)) for asked, _, waited in (line.partition(" ") for line in whole)]


def main(port: int) -> None:
    """Ask until the end of the process."""
    connection = HTTPConnection("127.0.0.1", port)
    while True:
        asked = monotonic()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        print(asked, monotonic() - asked, flush=True)
        sleep(PAUSE)


if __name__ == "__main__":
    main(int(sys.argv[1]))
