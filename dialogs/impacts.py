"""What people would lose, as the cards that come before an Ok list it."""

from collections.abc import Callable
from typing import Any

from services.matrix import Cell, Line

Closes = Callable[[Cell], bool]


def impact(
    line: Line, closes: Closes, *, name: str = "", guest: str | None = None, also_on: tuple[str, ...] = ()
) -> dict[str, Any]:
    """One person's row: the offers that end, the rights lost with them, and what becomes of the guest account."""
    return {
        "name": name or line.name,
        "offers": [{"name": cell.offer.name, "state": cell.state} for cell in line.cells if cell.live and closes(cell)],
        "lost": line.lost(closes),
        "guest": guest,
        "also_on": ", ".join(also_on),
    }


SAMPLE_IMPACT = {
    "name": "Martin Paul",
    "offers": [{"name": "Consultation", "state": "active"}],
    "lost": ("loop_read",),
    "guest": None,
    "also_on": "",
}
