"""Turns a second, latency and processor time of each bot, round after round, one bot after the other in each round."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.connector import Microsoft
from bench.contenders import ECHOES, MENU, REAL, SAID, WRITTEN, Line, Running, start_all
from bench.figures import Goal, Section, Spread, percentile
from bench.load import drive

CONCURRENCIES = (1, 16, 64)
BUSY = 64
MS = 1000


@dataclass
class Found:
    """What one line did at one concurrency: a value a round."""

    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


Results = Mapping[tuple[str, int], Found]


async def run(folder: Path, *, quick: bool, peers: Sequence[str] = ECHOES) -> Section:
    """The section. `peers` are installed first, in environments of their own."""
    rounds, seconds = (1, 0.4) if quick else (5, 2.0)
    async with AsyncExitStack() as stack:
        microsoft = await Microsoft.start()
        stack.push_async_callback(microsoft.stop)
        running = await start_all(stack, microsoft, folder, peers, quick=quick)
        results = await _measure(running, rounds, seconds)
        weights = {name: bot.rss() for name, bot in running.bots.items()}
    return _section(results, running.lines(), weights, rounds)


async def _measure(running: Running, rounds: int, seconds: float) -> Results:
    found: dict[tuple[str, int], Found] = defaultdict(Found)
    lines = running.lines()
    for line in lines:  # everybody has imported, compiled and fetched what they need
        await drive(running.bots[line.bot].port, line.lanes(4), seconds=seconds / 4, most=400)
    for number in range(rounds):
        order = lines[number % len(lines) :] + lines[: number % len(lines)]
        for connections in CONCURRENCIES:
            for line in order:
                await _one(running, line, connections, seconds, found[line.name, connections])
    return found


async def _one(running: Running, line: Line, connections: int, seconds: float, into: Found) -> None:
    bot = running.bots[line.bot]
    before = bot.cpu()
    measured = await drive(bot.port, line.lanes(connections), seconds=seconds, most=1_000_000)
    into.rate.append(measured.rate)
    into.cpu.append((bot.cpu() - before) / len(measured.turns) * MS)
    into.p50.append(percentile(measured.turns, 0.5) * MS)
    into.p99.append(percentile(measured.turns, 0.99) * MS)


def _section(results: Results, lines: Sequence[Line], weights: Mapping[str, float], rounds: int) -> Section:
    made = Section("turns", "Turns")
    for connections in CONCURRENCIES:
        rows = [_row(line.name, results[line.name, connections]) for line in lines]
        head = (f"at concurrency {connections}", "turns/s", "p50 ms", "p99 ms", "CPU ms a turn")
        made.tables.append((head, rows))
    made.tables.append((("after it", "RSS MB"), [(SAID[name], f"{mb:.0f}") for name, mb in weights.items()]))
    made.goals = _goals(results, weights)
    made.notes = [f"{rounds} rounds, the bots one after the other in each; median (least–greatest); ratios by round."]
    return made


def _row(name: str, found: Found) -> Sequence[str]:
    return (
        name,
        Spread.of(found.rate).said(0),
        Spread.of(found.p50).said(1),
        Spread.of(found.p99).said(1),
        Spread.of(found.cpu).said(2),
    )


def _goals(results: Results, weights: Mapping[str, float]) -> list[Goal]:
    real = results[REAL, BUSY]
    made = [Goal("p99 of a step of a dialog, concurrency 64", Spread.of(real.p99), 60, "ms", most=True)]
    for name, times in (("botbuilder", 10), ("agents", 1.5)):
        if name in weights:
            echo = results[f"{SAID[name]}: echo", BUSY]
            made.append(
                Goal(f"a step of a dialog against the echo of {SAID[name]}", Spread.ratio(real.rate, echo.rate), times)
            )
            made.append(
                Goal(
                    f"written to, the menu posted, against the echo of {SAID[name]}",
                    Spread.ratio(results[WRITTEN, BUSY].rate, echo.rate),
                    times,
                )
            )
    if "floor" in weights:
        floor = results[f"{SAID['floor']}: invoke answered", BUSY]
        made.append(
            Goal(
                "CPU of a collaborateur’s menu against the floor's",
                Spread.ratio(results[MENU, BUSY].cpu, floor.cpu),
                1.5,
                most=True,
                digits=2,
            )
        )
    return made
