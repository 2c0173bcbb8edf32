"""One person floods the bot at full speed while eight others work: what the others feel of it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import perf_counter

from bench.bots import Bot
from bench.connector import PERSONAS, Microsoft
from bench.contenders import settle, start_ours
from bench.figures import Goal, Section, Spread, percentile
from bench.lanes import Repeating, Requests, Walking, menu_asked, opening, redrawn, written
from bench.load import STUCK, Lane, WrongAnswer, drive
from bench.wire import Client

OTHERS = 8
WALKING = 5
"""So many of the others are in a dialog, a draft written at each click; one writes, the rest look at the menu."""
CONNECTIONS = 32
EVERY = 0.1
"""Seconds from one gesture of a person to the next: half as fast as the bot lets one person go for ever."""
MS = 1000


class Flooding:
    """Lane: the same person opens the same form as fast as answers come. Most of it is told that it is too fast."""

    def __init__(self, requests: Requests, body: bytes) -> None:
        self._requests = requests
        self._body = body
        self.statuses: Counter[int] = Counter()

    def request(self) -> bytes:
        return self._requests.of(self._body)

    def check(self, status: int, body: bytes) -> bool:
        self.statuses[status] += 1
        return status == 429 or (status == 200 and b'"task"' in body)


@dataclass
class Found:
    """A value a round: seconds of the others' turns, at the middle and at the twentieth slowest."""

    p50: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)

    def add(self, turns: Sequence[float]) -> None:
        self.p50.append(percentile(turns, 0.5) * MS)
        self.p95.append(percentile(turns, 0.95) * MS)

    def row(self, name: str) -> Sequence[str]:
        return (name, Spread.of(self.p50).said(1), Spread.of(self.p95).said(1))


async def run(folder: Path, *, quick: bool) -> Section:
    """The section: each round without the flood, then with it, on one bot."""
    rounds, seconds = (1, 0.5) if quick else (5, 5.0)
    quiet, flooded, sent = Found(), Found(), Counter[int]()
    async with AsyncExitStack() as stack:
        microsoft = await Microsoft.start()
        stack.push_async_callback(microsoft.stop)
        bot = await start_ours(microsoft, folder / "burst.db", quick=quick)
        stack.push_async_callback(bot.stop)
        requests = Requests(microsoft)
        lanes = await _others(microsoft, bot, requests)
        flood = Flooding(requests, opening(microsoft.envelope, PERSONAS[-1]))
        await _work(bot, lanes, seconds / 5)  # everybody has imported and compiled what they need
        for _ in range(rounds):
            quiet.add(await _work(bot, lanes, seconds))
            flood.statuses.clear()
            turns, _ = await asyncio.gather(
                _work(bot, lanes, seconds),
                drive(bot.port, [flood] * CONNECTIONS, seconds=seconds, most=10**9),
            )
            flooded.add(turns)
            sent += flood.statuses
    return _section(quiet, flooded, sent, rounds * seconds)


async def _others(microsoft: Microsoft, bot: Bot, requests: Requests) -> Sequence[Lane]:
    """A lane a person."""
    walks = await settle(microsoft, bot, WALKING)
    envelope, looking = microsoft.envelope, PERSONAS[WALKING : OTHERS - 1]
    return [
        *(Walking(requests, [walk]) for walk in walks),
        *(Repeating(requests, [menu_asked(envelope, who)], redrawn) for who in looking),
        Repeating(requests, [written(envelope, PERSONAS[OTHERS - 1], "aide")]),
    ]


async def _work(bot: Bot, lanes: Sequence[Lane], seconds: float) -> list[float]:
    """How long each turn took, from the moment that person meant to begin it: who is held up is late for the next too."""
    turns: list[float] = []
    start = perf_counter()

    async def one(lane: Lane, first: float) -> None:
        client = await Client.open(bot.port)
        try:
            for number in count():
                due = first + number * EVERY
                if due >= start + seconds:
                    return
                await asyncio.sleep(due - perf_counter())
                status, body = await client.ask(lane.request())
                turns.append(perf_counter() - due)
                if not lane.check(status, body):
                    raise WrongAnswer(f"{status}: {body[:300]!r}")
        finally:
            client.close()

    async with asyncio.timeout(seconds + STUCK):
        await asyncio.gather(*(one(lane, start + EVERY * at / len(lanes)) for at, lane in enumerate(lanes)))
    return turns


def _section(quiet: Found, flooded: Found, sent: Counter[int], seconds: float) -> Section:
    made = Section("burst", "One person floods")
    head = (f"{OTHERS} others, a gesture each {EVERY * MS:.0f} ms", "p50 ms", "p95 ms")
    ratios = ("ratio", *(Spread.ratio(one, other).said(2) for one, other in _pairs(quiet, flooded)))
    made.tables.append((head, [quiet.row("without the flood"), flooded.row("with it"), ratios]))
    made.goals = [Goal("p95 of the others, with the flood", Spread.of(flooded.p95), 300, "ms", most=True)]
    made.notes = [
        f"The flood: {sum(sent.values()) / seconds:.0f} requests a second over {CONNECTIONS} connections,"
        f" {sent[429] / sum(sent.values()):.0%} of them answered 429."
    ]
    return made


def _pairs(quiet: Found, flooded: Found) -> Sequence[tuple[Sequence[float], Sequence[float]]]:
    return (flooded.p50, quiet.p50), (flooded.p95, quiet.p95)
