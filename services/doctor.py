"""What must be right in Microsoft 365 and here for Passerelle to work: looked at, one line each. Nothing is changed."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from services import migrate, notifications, places
from services.errors import Refused, Unavailable
from services.models import Bookmark, Effect, EffectState
from services.ports import Directory, Standing
from services.store import Store

SKEW = timedelta(minutes=2)  # Microsoft and our own door refuse tokens at five
LATE = timedelta(minutes=10)
DATABASE = "database"
INSIDE = (DATABASE, "manifest", "team", "notifications", "outbox")
NEEDED = frozenset({"User.Invite.All", "User.Read.All"})
# Mail.Send may come from Exchange instead, for one mailbox only: no token tells, so the mailbox itself is asked. Without
# User.DeleteRestore.All guests are removed by hand.
WELCOME = frozenset({"Mail.Send", "User.DeleteRestore.All"})
FOR_GROUP, FOR_TEAM = "GroupMember.Read.All", "TeamMember.ReadWriteNonOwnerRole.All"

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Expected:
    """What the settings say, to be compared with what is.

    `unset` are variables a firm should set and did not. `package_id` reads the id of the Teams package last built here,
    None where there is none; `keys_held` tells whether the signing keys can be had.
    """

    app_id: str
    admin_group_id: str | None
    invite_to_team: bool
    notifications_url: str | None
    unset: tuple[str, ...]
    package_id: Callable[[], str | None]
    keys_held: Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Line:
    """One finding: what was looked at, whether it is right, and the key of the sentence, with its facts, that says so."""

    check: str
    right: bool
    key: str
    facts: Mapping[str, object] = field(default_factory=dict)


class Doctor:
    """Looks at everything at once; each check has its own time to answer in."""

    def __init__(self, store: Store, directory: Directory, standing: Standing, expected: Expected) -> None:
        self._store = store
        self._directory = directory
        self._standing = standing
        self._expected = expected
        self._checks: Mapping[str, Callable[[], Awaitable[Line]]] = {
            "settings": self._settings,
            "keys": self._keys,
            "permissions": self._permissions,
            "mailbox": self._mailbox,
            "clock": self._clock,
            DATABASE: self._database,
            "manifest": self._manifest,
            "team": self._team,
            "notifications": self._notifications,
            "outbox": self._outbox,
        }

    async def examine(self, patience: float) -> tuple[Line, ...]:
        """Every line, always in the same order. `patience`, in seconds, is for each check. Raises nothing."""
        outside = asyncio.gather(*(self._look(name, patience) for name in self._checks if name not in INSIDE))
        database = await self._look(DATABASE, patience)
        found = [database, *await asyncio.gather(*(self._look_inside(name, database, patience) for name in INSIDE[1:]))]
        lines = {line.check: line for line in (*await outside, *found)}
        return tuple(lines[name] for name in self._checks)

    async def _look_inside(self, name: str, database: Line, patience: float) -> Line:
        """What is read from the database; where there is none, looking would create it."""
        absent = database.key in ("database.absent", "no_database", "no_answer")
        return Line(name, False, "no_database") if absent else await self._look(name, patience)

    async def _look(self, name: str, patience: float) -> Line:
        try:
            async with asyncio.timeout(patience):
                return await self._checks[name]()
        except Refused as refusal:
            return Line(name, False, f"errors.{refusal.key}", refusal.facts)
        except (Unavailable, TimeoutError):
            return Line(name, False, "no_answer")
        except (SQLAlchemyError, OSError):
            return Line(name, False, "no_database")

    async def _settings(self) -> Line:
        if self._expected.unset:
            return Line("settings", False, "settings.unset", {"names": self._expected.unset})
        return Line("settings", True, "settings.complete")

    async def _keys(self) -> Line:
        held = await self._expected.keys_held()
        return Line("keys", held, "keys.held" if held else "keys.none")

    async def _permissions(self) -> Line:
        granted = await self._standing.permissions()
        if granted is None:
            return Line("permissions", False, "permissions.unread")
        chosen = {FOR_GROUP: self._expected.admin_group_id, FOR_TEAM: self._expected.invite_to_team}
        needed = NEEDED | {name for name, wanted in chosen.items() if wanted}
        if missing := needed - granted:
            return Line("permissions", False, "permissions.missing", {"names": sorted(missing)})
        if more := granted - needed - WELCOME:
            return Line("permissions", False, "permissions.too_many", {"names": sorted(more)})
        return Line("permissions", True, "permissions.enough")

    async def _mailbox(self) -> Line:
        await self._standing.mailbox()
        return Line("mailbox", True, "mailbox.sends")

    async def _clock(self) -> Line:
        there = await self._standing.time()
        off = abs(there - self._store.clock())
        return Line(
            "clock", off <= SKEW, "clock.right" if off <= SKEW else "clock.off", {"seconds": round(off.total_seconds())}
        )

    async def _database(self) -> Line:
        file = self._store.engine.url.database if self._store.single_writer else None
        if file and not await asyncio.to_thread(Path(file).exists):  # looking would create it
            return Line(DATABASE, False, "database.absent")
        async with self._store.read() as session:
            await session.execute(text("SELECT 1"))
        if not await migrate.is_newest(self._store):
            return Line(DATABASE, False, "database.not_migrated")
        try:
            await self._write()
        except SQLAlchemyError:
            return Line(DATABASE, False, "database.read_only")
        return Line(DATABASE, True, "database.ready")

    async def _write(self) -> None:
        async with self._store.work() as work:
            work.session.add(Bookmark(name="doctor", cursor=""))
            await work.session.flush()
            work.leave()

    async def _manifest(self) -> Line:
        ours = self._expected.app_id
        if not _GUID.fullmatch(ours):
            return Line("manifest", False, "manifest.not_guid")
        packed = await asyncio.to_thread(self._expected.package_id)
        if packed not in (None, ours):
            return Line("manifest", False, "manifest.other_id", {"id": packed})
        general = await places.find(self._store, places.GENERAL)
        if general is not None and general.bot_id != f"28:{ours}":
            return Line("manifest", False, "manifest.other_bot", {"id": general.bot_id})
        return Line("manifest", True, "manifest.same" if packed else "manifest.not_here")

    async def _team(self) -> Line:
        general = await places.find(self._store, places.GENERAL)
        if general is None or general.group_id is None:
            return Line("team", False, "errors.bot_not_installed")
        group = self._expected.admin_group_id
        try:
            owners = [one for one in await self._directory.team_members(general.group_id) if one.owner]
            people = await self._directory.group_members(group) if group else owners
        except Refused:
            return Line("team", False, "team.forbidden")
        count = sum(not one.guest for one in people)
        return Line("team", count > 0, "team.installed" if count else "team.nobody", {"n": count})

    async def _notifications(self) -> Line:
        url = self._expected.notifications_url
        if url is None:
            return Line("notifications", True, "notifications.unset")
        async with self._store.read() as session:
            until = await notifications.lasting(session, url)
        if until is None or until <= self._store.clock():
            return Line("notifications", False, "notifications.none")
        return Line("notifications", True, "notifications.held", {"until": until})

    async def _outbox(self) -> Line:
        parked = select(Effect.reason, func.count()).where(Effect.state == EffectState.PARKED).group_by(Effect.reason)
        due = select(func.count(), func.min(Effect.due_at)).where(Effect.state == EffectState.DUE)
        async with self._store.read() as session:
            reasons = [(reason or "-", count) for reason, count in (await session.execute(parked)).all()]
            waiting, oldest = (await session.execute(due)).one()
        if reasons:
            said = sorted(f"{reason} ({count})" for reason, count in reasons)
            return Line("outbox", False, "outbox.parked", {"n": sum(count for _, count in reasons), "reasons": said})
        if oldest is not None and self._store.clock() - oldest > LATE:
            return Line("outbox", False, "outbox.late", {"n": waiting})
        return Line("outbox", True, "outbox.flows", {"n": waiting})
