"""`make chaos`: hundreds of kill -9 at every boundary, replicas, a storm. Prints its table; fails when a figure is wrong.

python -m tests.chaos [--kills 70] [--at-once 2] [--only kills|replicas|storm|bulk]
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

from tests.chaos.bulk import run as bulk
from tests.chaos.executioner import INVITATION, MAIL, MESSAGE, TARGETS, TEAM_ADD, UPDATE, Boundary, Target
from tests.chaos.process import Operator
from tests.chaos.rig import Copies, Rig, rig
from tests.chaos.storm import storm
from tests.conftest import Postgres

LEGEND = """\
guests, members: lost/doubled; mails, cards: lost/doubled/of those, left unsure by a kill (the undecidable window)
stale: cards not up to date; links: asked once more of Graph, for the same guest; parked: given up after one replay"""
HEAD = (
    f"{'killed at':<14}{'where':<34}{'kills':>6}{'clients':>9} "
    f"|{'guests':>8}{'members':>9}{'mails':>9}{'cards':>9} |{'stale':>6}{'links':>7}{'parked':>8}"
)
STORM_MINUTES = 5.0
BULK_LINES, BULK_LATENCY = 2_000, 0.15  # seconds a call of Graph takes
FAULTS: list[str] = []


def say(line: str) -> None:
    """Now, though the output is a file."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def cell(target: Target, boundary: Boundary, kills: int, folder: Path) -> None:
    """One row: so many kills of one kind, on SQLite, with one process."""
    start = Operator()
    async with AsyncExitStack() as ends:
        ends.callback(start.close)
        made = await ends.enter_async_context(rig(start, f"sqlite+aiosqlite:///{folder / 'bot.db'}"))
        await made.seed(2)
        for _ in range(kills):
            nth = random.randint(1, 3 if target in (INVITATION, MAIL, TEAM_ADD) else 1)
            await made.strike(target, boundary, nth)
        await made.finish()
        await row(made, target.name, str(boundary))


async def replicas(kills: int, folder: Path) -> None:
    """One row: two processes on PostgreSQL, one of them killed at any call of any kind, again and again, under load."""
    server = await asyncio.to_thread(Postgres, folder / "pg")
    start = Operator()
    async with AsyncExitStack() as ends:
        ends.callback(server.stop)
        ends.callback(start.close)
        made = await ends.enter_async_context(rig(start, server.database(), bots=2))
        await made.seed(20)
        for number in range(kills):
            await made.seed(1)
            target = (INVITATION, MAIL, MESSAGE, UPDATE, TEAM_ADD)[number % 5]
            await made.strike(target, random.choice(list(Boundary)), 1)
        await made.finish()
        await row(made, "two replicas", "anywhere (PostgreSQL)")


async def row(made: Rig, what: str, where: str) -> None:
    """Print a row, and note what is wrong in it."""
    guests, members, mails, cards = made.guests(), made.members(), await made.mails(), await made.messages()
    stale, parked = await made.stale(), mails.parked + cards.parked
    exact = [f"{one.lost}/{one.doubled}" for one in (guests, members)]
    shown = [f"{one.lost}/{one.doubled}/{one.doubled - one.unexplained}" for one in (mails, cards)]
    say(
        f"{what:<14}{where:<34}{made.kills:>6}{made.people:>9} "
        f"|{exact[0]:>8}{exact[1]:>9}{shown[0]:>9}{shown[1]:>9} |{stale:>6}{made.links():>7}{parked:>8}"
    )
    for name, one in (("guests", guests), ("members", members)):
        if one.lost or one.doubled:
            FAULTS.append(f"{what}, {where}: {one.lost} {name} lost, {one.doubled} doubled")
    for name, one in (("mails", mails), ("cards", cards)):
        if not _explained(one):
            FAULTS.append(f"{what}, {where}: {name}: {one}")
    if stale:
        FAULTS.append(f"{what}, {where}: {stale} cards not brought up to date")


def _explained(copies: Copies) -> bool:
    """Lost only what was parked, with its reason; doubled once at most, and only what had been left unsure."""
    return copies.lost <= copies.parked and not copies.beyond_twice and not copies.unexplained


async def all_kills(kills: int, at_once: int, folder: Path) -> None:
    """Every kind at every boundary, so many rows at the same time."""
    turn = asyncio.Semaphore(at_once)

    async def one(row: Coroutine[None, None, None]) -> None:
        async with turn:
            await row

    rows = []
    for number, (target, boundary) in enumerate((target, boundary) for target in TARGETS for boundary in Boundary):
        place = folder / str(number)
        place.mkdir()
        rows.append(one(cell(target, boundary, kills, place)))
    await asyncio.gather(*rows)


def all_storms(folder: Path) -> None:
    """Graph scripted mad for five minutes, three times."""
    for number in (1, 2, 3):
        place = folder / f"storm{number}"
        place.mkdir()
        report = storm(place, minutes=STORM_MINUTES, people=20, number=number)
        met = ", ".join(f"{count} {name}" for name, count in report.faults.most_common())
        mails = ", ".join(f"{count} {how}" for how, count in report.mails.most_common())
        say(f"storm {number}: {report.workflows} workflows, {STORM_MINUTES:g} minutes. Graph's answers: {met}")
        say(
            f"         ended {report.calmed_after:.0f} s after it; {report.mended} sent once more by a person; mails: {mails}"
        )
        say(f"         {report.clicks} clicks meanwhile, the slowest answered after {report.slowest_click:.2f} s")
        FAULTS.extend(f"storm {number}: {wrong}" for wrong in report.unfinished)
        if report.slowest_click > 3:
            FAULTS.append(f"storm {number}: a click was answered after {report.slowest_click:.2f} s")
        if report.mails["more often"]:
            FAULTS.append(f"storm {number}: {report.mails['more often']} mails sent more than twice")


async def bulks(folder: Path) -> None:
    """A long list of new clients, killed in the middle, on both databases."""
    (folder / "bulk").mkdir()
    server = await asyncio.to_thread(Postgres, folder / "bulk" / "pg")
    start = Operator()
    try:
        for kind, url in (
            ("SQLite", f"sqlite+aiosqlite:///{folder / 'bulk' / 'bot.db'}"),
            ("PostgreSQL", server.database()),
        ):
            report = await bulk(start, url, lines=BULK_LINES, kills=1, latency=BULK_LATENCY)
            say(
                f"bulk, {kind}: {report.lines} lines, {report.kills} killed; verdicts after {report.dry:.0f} s; "
                f"done after {report.wall:.0f} s, at best {report.least:.0f} s: {report.ratio:.2f} times; "
                f"card drawn {report.redraws} times"
            )
            parts = report.parts
            say(
                f"         of it {parts.before:.1f} s before the first invitation, {parts.silent:.1f} s silent after the kill, "
                f"{parts.late:.1f} s until what it had cut was done, {parts.after:.1f} s after the last mail; "
                f"{report.steady:.2f} times without"
            )
            FAULTS.extend(f"bulk, {kind}: {wrong}" for wrong in report.wrong)
    finally:
        start.close()
        server.stop()


def main() -> int:
    """Gives the exit status: 1 when a figure is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=70, help="for each kind at each boundary (%(default)s)")
    parser.add_argument("--replica-kills", type=int, default=60, help="of one of two replicas (%(default)s)")
    parser.add_argument("--at-once", type=int, default=2, help="rows under way at the same time (%(default)s)")
    parser.add_argument("--only", choices=("kills", "replicas", "storm", "bulk"), help="this part alone")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the practice servers complain of every connection that is cut
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.only in (None, "kills", "replicas"):
            say(LEGEND)
            say(HEAD)
        if args.only in (None, "kills"):
            asyncio.run(all_kills(args.kills, args.at_once, folder))
        if args.only in (None, "replicas"):
            asyncio.run(replicas(args.replica_kills, folder))
        if args.only in (None, "storm"):
            all_storms(folder)
        if args.only in (None, "bulk"):
            asyncio.run(bulks(folder))
    say(f"{time.monotonic() - began:.0f} s; " + ("every figure is right" if not FAULTS else "WRONG:"))
    for fault in FAULTS:
        say(f"  {fault}")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
