"""How long the largest card takes to draw."""

import json
from pathlib import Path
from time import perf_counter

from bench.figures import Goal, Section, Spread, percentile
from cards import render
from tests.cards.samples import CARDS

LARGEST = 5


async def run(folder: Path, *, quick: bool) -> Section:
    """The largest cards of the samples, by the bytes of their JSON."""
    sizes = [
        (len(json.dumps(render.card(name, "fr", data))), name, sample)
        for name, samples in CARDS.items()
        for sample, data in samples.items()
    ]
    made = Section("cards", "Drawing a card")
    largest = sorted(sizes, reverse=True)[:LARGEST]
    rows = []
    for size, name, sample in largest:
        spent = _timed(name, sample, 50 if quick else 2000)
        rows.append((f"{name}, {sample}", str(size), f"{percentile(spent, 0.5):.0f}", f"{percentile(spent, 0.99):.0f}"))
        if size == largest[0][0]:
            made.goals = [
                Goal("the largest card, median", Spread.of([percentile(spent, 0.5)]), 150, "µs", most=True, digits=0)
            ]
    made.tables.append((("card, sample", "bytes", "p50 µs", "p99 µs"), rows))
    return made


def _timed(name: str, sample: str, times: int) -> list[float]:
    data = CARDS[name][sample]
    spent = []
    for _ in range(times):
        began = perf_counter()
        render.card(name, "fr", data)
        spent.append((perf_counter() - began) * 1e6)
    return spent
