"""An effect's place at its outside, given back as soon as it asks nothing more there: its result is still to be recorded."""

from collections.abc import Callable
from contextvars import ContextVar

leaving: ContextVar[Callable[[], None]] = ContextVar("leaving", default=lambda: None)
"""What the outbox wants to be told, in the effect under way."""


def left() -> None:
    """This effect calls its outside no more, whatever becomes of it: another may take its place. Said twice, it is one."""
    leaving.get()()
