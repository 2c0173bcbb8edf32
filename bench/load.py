"""A closed load: each connection sends its next request when the answer to the last one is there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from bench.wire import Client

STUCK = 30.0
"""Seconds after which a bot that answers nothing ends the bench."""


class Lane(Protocol):
    """What one connection sends. `check` says whether an answer is the one meant: a wrong one is never counted as fast."""

    def request(self) -> bytes: ...

    def check(self, status: int, body: bytes) -> bool: ...


class WrongAnswer(Exception):
    """A bot answered something else than it should: the bench would measure nothing."""


@dataclass(slots=True)
class Measured:
    """One section: how long each turn took (seconds), how long all of it."""

    seconds: float = 0.0
    turns: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Turns a second."""
        return len(self.turns) / self.seconds


async def drive(port: int, lanes: Sequence[Lane], *, seconds: float, most: int) -> Measured:
    """Drive each lane over its own connection for `seconds`, `most` turns at the most. Raises WrongAnswer."""
    clients = [await Client.open(port) for _ in lanes]
    measured = Measured()
    started = perf_counter()
    end = started + seconds

    async def run(client: Client, lane: Lane) -> None:
        while perf_counter() < end and len(measured.turns) < most:
            asked = perf_counter()
            status, body = await client.ask(lane.request())
            measured.turns.append(perf_counter() - asked)
            if not lane.check(status, body):
                raise WrongAnswer(f"{status}: {body[:300]!r}")

    try:
        async with asyncio.timeout(seconds + STUCK):
            await asyncio.gather(*(run(client, lane) for client, lane in zip(clients, lanes, strict=True)))
    finally:
        for client in clients:
            client.close()
    measured.seconds = perf_counter() - started
    return measured
