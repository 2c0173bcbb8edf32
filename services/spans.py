"""The spans a trace is made of, as the rest of the program sees them: something to open around a piece of work.

`no_span` stands for traces being off, as they are unless OTEL_EXPORTER_OTLP_ENDPOINT is set (then `services.traces` makes
them). Only values of ours go into a span: names from the code, and pseudonyms.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.events import Event
    from services.outbox import Reaction, Reactions
    from services.record import Services

DOOR, DIALOG, REACTION = "door", "dialog", "reaction"


class Span(Protocol):
    """Open a span: what is done inside belongs to it, and an error that leaves it is noted by its type only."""

    def __call__(self, name: str, /, **attributes: str) -> AbstractContextManager[None]: ...


def no_span(_name: str, /, **_attributes: str) -> AbstractContextManager[None]:
    """Nothing."""
    return nullcontext()


def around(reactions: "Reactions", span: Span) -> "Reactions":
    """The same reactions, each run inside a span."""
    return {event: tuple(_around(one, span) for one in follow) for event, follow in reactions.items()}


def _around(reaction: "Reaction", span: Span) -> "Reaction":
    run: Callable[[Event, Services], Awaitable[None]] = reaction.run

    async def spanned(event: "Event", services: "Services") -> None:
        with span(REACTION, reaction=reaction.name, event=type(event).__name__):
            await run(event, services)

    return replace(reaction, run=spanned)
