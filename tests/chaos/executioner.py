"""Kills at a boundary: the practice servers know when a call arrives and when it has taken effect."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from sqlalchemy import ColumnElement, Select, func, select

from services.models import Delivery, Effect, Invitation, PostedCard, Row
from tests.chaos.process import until


class Boundary(StrEnum):
    """Where the bot dies: its call has arrived and did nothing; has taken effect, and the answer never comes; is recorded."""

    BEFORE = "before the call"
    BETWEEN = "after the call, before the commit"
    AFTER = "after the commit"


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of call, as practice.state.Witness names it, and what counts the rows by which the bot remembers it."""

    name: str
    call: str
    recorded: Select[int]


def _count(row: type[Row], *where: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(row).where(*where)


INVITATION = Target("invitation", "POST /invitations", _count(Invitation, Invitation.state != "requested"))
TEAM_ADD = Target("team add", "POST /teams/*/members", _count(Delivery, Delivery.leg == "team"))
MAIL = Target("mail", "POST /users/*/sendMail", _count(Delivery, Delivery.leg == "invitation_mail"))
MESSAGE = Target("chat message", "post", _count(PostedCard))
UPDATE = Target("card update", "update", _count(Effect, Effect.reaction == "say_invitation", Effect.state == "done"))
TARGETS = (INVITATION, TEAM_ADD, MAIL, MESSAGE, UPDATE)


class Executioner:
    """The witness of a practice firm. `kill` ends the process, `count` asks the bot's database."""

    def __init__(self, kill: Callable[[], Awaitable[None]], count: Callable[[Select[int]], Awaitable[int]]) -> None:
        self._kill = kill
        self._count = count
        self._order: tuple[Target, Boundary] | None = None
        self._left = 0
        self._done = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    def order(self, target: Target, boundary: Boundary, nth: int) -> None:
        """Kill at the `nth` such call from now on."""
        self._done.clear()
        self._order, self._left = (target, boundary), nth

    async def done(self, patience: float) -> bool:
        """Wait until it is done; False when nothing of the kind came in so many seconds, and the order stands."""
        try:
            await asyncio.wait_for(self._done.wait(), patience)
        except TimeoutError:
            return False
        return True

    async def __call__(self, call: str, status: int | None) -> bool:
        """See practice.state.Witness."""
        if self._order is None:
            return False
        target, boundary = self._order
        arrives = boundary is Boundary.BEFORE
        # What the outside refused took no effect: such a call has no other side.
        if not fnmatchcase(call, target.call) or arrives != (status is None) or (status or 200) >= 300:
            return False
        self._left -= 1
        if self._left:
            return False
        self._order = None
        if boundary is Boundary.AFTER:
            self._watch = asyncio.create_task(self._kill_when_recorded(target, await self._count(target.recorded)))
            return False
        await self._die()
        return True

    async def _kill_when_recorded(self, target: Target, before: int) -> None:
        async def is_recorded() -> bool:
            return await self._count(target.recorded) != before

        await until(is_recorded, pause=0.001)
        await self._die()

    async def _die(self) -> None:
        await self._kill()
        self._done.set()
