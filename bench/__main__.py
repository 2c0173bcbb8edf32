"""`python -m bench`: every section, or those of --only; writes build/bench/results.md. A wrong answer ends it with status 1."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import burst, cards, outbox, process, search, tracking, turns
from bench.bots import BUILD, DidNotStart
from bench.contenders import ECHOES
from bench.figures import Section
from bench.load import WrongAnswer

Run = Callable[..., Awaitable[Section]]


def sections(*, alone: bool) -> Mapping[str, Run]:
    """By name, in the order they run. `alone`: without the peers, which are installed from the package registry."""
    peers = () if alone else ECHOES
    return {
        "turns": partial(turns.run, peers=peers),
        "cold": partial(process.cold, peers=peers),
        "memory": process.memory,
        "stall": process.stall,
        "burst": burst.run,
        "search": search.run,
        "tracking": tracking.run,
        "outbox": outbox.run,
        "cards": cards.run,
    }


async def run(names: list[str], *, quick: bool, alone: bool, out: Path) -> None:
    """Run the sections, printing each, and put them with those of earlier runs. Raises WrongAnswer, DidNotStart."""
    known = sections(alone=alone)
    for name in names or known:
        with tempfile.TemporaryDirectory(prefix="passerelle-bench-", ignore_cleanup_errors=True) as folder:
            found = await known[name](Path(folder), quick=quick)
        _keep(out, name, f"{found.markdown()}\n{_when()}\n", list(known))


def _keep(out: Path, name: str, text: str, names: list[str]) -> None:
    print(text, flush=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text(text, "utf-8")
    parts = [file.read_text("utf-8") for one in names if (file := out / f"{one}.md").exists()]
    (out / "results.md").write_text("\n".join(parts), "utf-8")


def _when() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg()[:2])
    return f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load of the machine {load} (1 and 5 minutes) at its end."


def main(arguments: list[str] | None = None) -> int:
    """Run it; gives the exit status."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=list(sections(alone=True)), default=[], metavar="SECTION", help="%(choices)s"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a little of each, to see that it works; figures mean nothing"
    )
    parser.add_argument("--alone", action="store_true", help="our own bot only")
    parser.add_argument("--out", type=Path, default=BUILD, metavar="FOLDER", help="where results go (build/bench)")
    args = parser.parse_args(arguments)
    try:
        asyncio.run(run(args.only, quick=args.quick, alone=args.alone, out=args.out))
    except (WrongAnswer, DidNotStart) as fault:
        print(f"{type(fault).__name__}: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
