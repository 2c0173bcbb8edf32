"""What a dialog is: a value. Name, steps, who may, and what happens at the end; the engine does the rest."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialogs.fields import Field, Reader
from dialogs.turn import Sender
from services.errors import Refused
from services.loop_tasks import Actor
from services.record import Services
from services.store import Work

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ctx:
    """Who is asking, in which language, about which subject, the services, and what has been read in this turn."""

    services: Services
    who: Sender
    locale: str
    subject: str | None = None
    reader: Reader = field(default_factory=Reader)

    @property
    def actor(self) -> Actor:
        """Who asks, as the services write it down."""
        return Actor(self.who.aad_id, self.who.name)


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of a choice: `note` is its consequence, written beside it (R13)."""

    value: str
    title: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What a step shows besides what was typed: `d` for its template, rows for its choices, what to fill in first."""

    d: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fix:
    """A repair offered beside a refusal, as a button: what it sets in the draft. Its words are `errors.fix.<name>`."""

    name: str
    sets: Mapping[str, str]


class Asks(Refused):
    """Refused unless the person chooses: one button a fix. Nothing goes on before the choice."""

    def __init__(self, key: str, field: str | None, fixes: tuple[Fix, ...], **facts: object) -> None:
        super().__init__(key, field, **facts)
        self.fixes = fixes


@dataclass(frozen=True, slots=True)
class Step:
    """One screen of a dialog.

    `load` reads what is shown; `check` says no (Refused, Asks) once every field is well formed, outside any
    transaction, and may give what the draft is to remember; `when` leaves the step out if false; `template` names
    another flow's card where the screen is the same; `sample` lets the step be drawn without a server; `asks_again` are
    buttons that redraw it (a search; `page:2` makes 2 the answer `page`); `ways` are other buttons that go on, told to
    what follows as the answer `way` (`later`).
    """

    name: str
    fields: tuple[Field, ...] = ()
    load: Callable[[Ctx, Answers], Awaitable[View]] | None = None
    check: Callable[[Ctx, Answers], Awaitable[Mapping[str, str] | None]] | None = None
    when: Callable[[Answers], bool] = lambda _: True
    template: str = ""
    sample: View = field(default_factory=View)
    asks_again: frozenset[str] = frozenset()
    ways: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the person is told at the end: a sentence's key and its facts (kept with the draft, so no personal data)."""

    key: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialog:
    """A conversation in a Teams dialog. `finish` runs in the same transaction that closes the draft: once, or not at all.

    `allowed` raises Refused; `fresh` asks it to read Entra anew (before a write). `commands` are the words, French and
    English, that call it by @mention. `start` gives what is known already.
    """

    name: str
    steps: tuple[Step, ...]
    finish: Callable[[Ctx, Work, Answers], Awaitable[Outcome]]
    allowed: Callable[[Ctx, bool], Awaitable[None]]
    commands: tuple[str, ...] = ()
    start: Callable[[Ctx], Awaitable[Mapping[str, str]]] | None = None


NOT_ALLOWED = frozenset(
    {"not_administrator", "not_collaborateur", "not_staff", "not_yours", "own_request", "own_request_alone"}
)
"""What is refused to this person, and not to another: an attempt, which the journal keeps."""


async def journal_refusal(ctx: Ctx, name: str, subject: str | None, key: str) -> None:
    """Write down who attempted what they may not; any other refusal is a person's ordinary day."""
    if key in NOT_ALLOWED:
        async with ctx.services.store.work() as work:
            work.journal(ctx.who.aad_id, f"refused.{name}", subject or "-", after=key)


async def administrators(ctx: Ctx, fresh: bool) -> None:
    """R7: inviting, activating, creating are for administrators."""
    if not await ctx.services.roles.is_administrator(ctx.who.aad_id, fresh=fresh):
        raise Refused("not_administrator")
