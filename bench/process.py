"""The bot as a process: how soon it is ready, what it weighs, and whether anything outside makes its loop wait."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import linear_regression
from time import monotonic, perf_counter

from bench import wire
from bench.bots import Bot
from bench.connector import PERSONAS, Microsoft
from bench.contenders import ECHOES, OURS, SAID, Line, Running, settle, start_ours, start_peer
from bench.figures import Goal, Section, Spread, percentile
from bench.lanes import Repeating, Requests, menu_asked, opening, written
from bench.load import drive
from bench.probe import Probe

MS = 1000
SLOW = 1.0
"""Seconds by which Graph, the authority and the key endpoint are late in the section `stall`."""


async def cold(folder: Path, *, quick: bool, peers: Sequence[str] = ECHOES) -> Section:
    """From the start of the process to the first answer: /readyz of ours (database there, keys held), any of a peer's.

    And to the end of the first turn of a person, asked for at once: whatever is loaded meanwhile, they wait for.
    """
    found: dict[str, list[float]] = {name: [] for name in (*peers, OURS)}
    turned: dict[str, list[float]] = {name: [] for name in found}
    async with AsyncExitStack() as stack:
        microsoft = await Microsoft.start()
        stack.push_async_callback(microsoft.stop)
        database = folder / "cold.db"
        first = await start_ours(microsoft, database, quick=quick)
        await settle(microsoft, first, 0)
        await first.stop()
        for _ in range(1 if quick else 7):
            for name in found:
                bot = await (
                    start_ours(microsoft, database, quick=quick) if name == OURS else start_peer(microsoft, name)
                )
                found[name].append(bot.cold_start * MS)
                await _first_turn(bot, microsoft)
                turned[name].append((perf_counter() - bot.started) * MS)
                await bot.stop()
    made = Section("cold", "Cold start")
    rows = [(SAID[name], Spread.of(values).said(0), Spread.of(turned[name]).said(0)) for name, values in found.items()]
    rows.append((f"{SAID[OURS]}, the very first time (its database is made)", f"{first.cold_start * MS:.0f}", ""))
    made.tables.append((("ms from the start of the process", "to the first answer", "to the first turn's"), rows))
    if "botbuilder" in found:
        ratio = Spread.ratio(found[OURS], found["botbuilder"])
        what = f"ready, against the first answer of {SAID['botbuilder']}"
        made.goals.append(Goal(what, ratio, 1.0, most=True, digits=2))
    return made


async def _first_turn(bot: Bot, microsoft: Microsoft) -> None:
    """Somebody writes; ours, which has to look up in Entra who they are, draws the menu an administrator sees."""
    requests, who = Requests(microsoft), PERSONAS[0]
    client = await wire.Client.open(bot.port)
    try:
        if bot.name != OURS:
            await client.ask(requests.of(written(microsoft.envelope, who, "aide")))
            return
        while b"AdaptiveCard" not in (await client.ask(requests.of(menu_asked(microsoft.envelope, who))))[1]:
            pass  # an apology: on a busy machine it takes longer than Teams has patience
    finally:
        client.close()


async def memory(folder: Path, *, quick: bool) -> Section:
    """Resident memory idle, and along 50 000 turns, half of them steps of a dialog."""
    steps, turns = (2, 100) if quick else (10, 5_000)
    async with AsyncExitStack() as stack:
        microsoft = await Microsoft.start()
        stack.push_async_callback(microsoft.stop)
        first = await start_ours(
            microsoft, folder / "memory.db", quick=quick
        )  # makes the database, which no later start does
        await first.stop()
        bot = await start_ours(microsoft, folder / "memory.db", quick=quick)
        stack.push_async_callback(bot.stop)
        await asyncio.sleep(0.5 if quick else 10)  # Graph's SDK is imported after the bot is ready
        idle = bot.rss()
        walks = await settle(microsoft, bot, len(PERSONAS))
        lines = Running(microsoft, {OURS: bot}, walks).lines()
        weights = [bot.rss()]
        for _ in range(steps):
            for line in (lines[0], lines[-1]):
                await drive(bot.port, line.lanes(16), seconds=120, most=turns // 2)
            weights.append(bot.rss())
    made = Section("memory", "Memory")
    at = [turns * number for number in range(steps + 1)]
    made.tables.append((("turns", *(f"{one}" for one in at)), [("RSS MB", *(f"{one:.0f}" for one in weights))]))
    half = len(at) // 2
    slope = linear_regression(at[half:], weights[half:]).slope * 10_000
    made.goals = [
        Goal("idle", Spread.of([idle]), 120, "MB", most=True, digits=0),
        Goal(f"after {at[-1]} turns", Spread.of([weights[-1]]), 200, "MB", most=True, digits=0),
        Goal("slope over the second half, in 10 000 turns", Spread.of([slope]), 1, "MB", most=True),
    ]
    return made


async def stall(folder: Path, *, quick: bool) -> Section:
    """How long /healthz waits while Graph, the token and the key endpoints take a second each, and people open dialogs."""
    async with AsyncExitStack() as stack:
        microsoft = await Microsoft.start()
        stack.push_async_callback(microsoft.stop)
        microsoft.key_delay = SLOW
        microsoft.cloud.state.delay_next("*", "/*", SLOW, times=10**9)
        bot = await start_ours(microsoft, folder / "stall.db", "/healthz", quick=quick)
        stack.push_async_callback(bot.stop)
        probe = await Probe.start(bot.port)
        await _ready(bot)
        ready = monotonic()
        await settle(microsoft, bot, 0)
        opened = [opening(microsoft.envelope, who) for who in PERSONAS[:20]]
        lanes = [
            Repeating(Requests(microsoft), opened),
            *(line.lanes(1)[0] for line in _without_dialogs(bot, microsoft)),
        ]
        await drive(bot.port, lanes, seconds=0.5 if quick else 20, most=2_000)
        looks = await probe.stop()
    starting = [waited for asked, waited in looks if asked < ready]
    turning = [waited for asked, waited in looks if asked >= ready]
    made = Section("stall", "What waits for the outside")
    rows = [
        (
            what,
            str(len(some)),
            *(f"{value * MS:.1f}" for value in (percentile(some, 0.5), percentile(some, 0.99), max(some))),
        )
        for what, some in (("starting, until ready", starting), ("turns of people", turning))
    ]
    made.tables.append(
        (("/healthz while Graph, tokens and keys take 1 s", "asked", "p50 ms", "p99 ms", "longest ms"), rows)
    )
    longest = max(turning) * MS
    made.goals = [Goal("longest stall during turns", Spread.of([longest]), 50, "ms", most=True)]
    return made


def _without_dialogs(bot: Bot, microsoft: Microsoft) -> Sequence[Line]:
    """A dialog that takes Graph too long opens with an apology: there is nothing to walk through."""
    return Running(microsoft, {OURS: bot}).lines()[:-1]


async def _ready(bot: Bot) -> None:
    client = await wire.Client.open(bot.port)
    try:
        while (await client.ask(wire.get("/readyz")))[0] != 200:  # noqa: ASYNC110 - only the bot tells
            await asyncio.sleep(0.05)
    finally:
        client.close()
