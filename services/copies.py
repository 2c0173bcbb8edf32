"""A copy of the database, made while it serves; and putting one back, without doing again what was done since.

The program cannot know what happened after a copy was made. What it can look for, it looks for before it acts: a guest, a
place in the team. What cannot be looked for, mails and messages, it does not send by itself: they are parked, for a person to
judge. What people decided since is lost with the copy's age, and is told by the report.
"""

import asyncio
import os
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, update

from services import effects, migrate
from services.errors import Refused
from services.models import Invitation, InvitationState, JournalLine
from services.parked import ParkedEffect, everything
from services.retention import OPERATOR
from services.store import Store

RESTORED = "restored"
"""The reason of what is parked because a copy was put back."""


@dataclass(frozen=True, slots=True)
class Restored:
    """`until`: the last thing the copy knows of, None where it knows nothing. `aside`: where the replaced database went.

    `will_look`: how many effects will be looked for before they are done; `parked` are left to a person.
    """

    until: datetime | None
    aside: Path | None
    will_look: int
    parked: Sequence[ParkedEffect]


async def backup(store: Store, file: Path) -> None:
    """Copy the SQLite database to a new file, whole and consistent, whatever is being written meanwhile.

    Refused: `backup_postgresql` (its own tools do it), `backup_exists`, `backup_failed`.
    """
    source = _database(store)
    if await asyncio.to_thread(file.exists):
        raise Refused("backup_exists", None, file=str(file))
    await asyncio.to_thread(_copy, source, file)


async def restore(store: Store, file: Path | None, repeatable: Collection[str]) -> Restored:
    """Put a copy in the place of the database, then mark what was open in it. The bot must be stopped.

    Without `file` only the marking is done: on PostgreSQL, once its own tools have put the copy back. `repeatable` names the
    reactions that look first. Refused: `backup_postgresql`, `not_a_copy`, `database_in_use`, `backup_failed`.
    """
    aside = None
    if file is not None:
        await asyncio.to_thread(_check, file)
        database = _database(store)
        await store.close()
        aside = await asyncio.to_thread(_put_aside, database, f"{store.clock():%Y%m%dT%H%M%SZ}")
        await asyncio.to_thread(_copy, file, database)
    await migrate.upgrade(store)
    async with store.work() as work:
        until = await work.session.scalar(select(func.max(JournalLine.at)))
        will_look = await effects.distrust(work, repeatable, RESTORED)
        # As if the guest had been made by hand: found in Entra, they are recognised, and get no second mail by themselves.
        await work.session.execute(
            update(Invitation).where(Invitation.state == InvitationState.REQUESTED).values(sent_at=None)
        )
        work.journal(OPERATOR, "copies.restored", "-")
    parked = [one for one in await everything(store) if one.reason == RESTORED]
    return Restored(until, aside, will_look, parked)


def _database(store: Store) -> Path:
    if not store.single_writer or not store.engine.url.database:
        raise Refused("backup_postgresql")
    return Path(store.engine.url.database)


def _check(file: Path) -> None:
    """Refused("not_a_copy") unless it is a sound database of this program."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            sound = copy.execute("PRAGMA quick_check").fetchone()
            copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        raise Refused("not_a_copy", None, file=str(file)) from None
    if sound != ("ok",):
        raise Refused("not_a_copy", None, file=str(file))


def _put_aside(database: Path, stamp: str) -> Path | None:
    """Keep the present database under another name. Refused("database_in_use") while a program has it open."""
    if not database.exists():
        return None
    aside = database.with_name(f"{database.name}.{stamp}")
    try:
        with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as present:
            # Leaving WAL needs the file for itself alone: SQLite's own way to tell whether somebody else has it open.
            present.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        raise Refused("database_in_use") from None
    except sqlite3.DatabaseError:
        pass  # too damaged to say: that may be why a copy is put back
    database.rename(aside)
    for rest in ("-wal", "-shm"):  # of a damaged one: read with the copy, they would damage it too
        database.with_name(database.name + rest).unlink(missing_ok=True)
    return aside


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all, readable by its owner only: it holds names and addresses."""
    draft = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(draft)) as written:
            read.backup(written)
        draft.replace(target)
    except (OSError, sqlite3.Error) as fault:
        raise Refused("backup_failed", None, file=str(target), why=type(fault).__name__) from None
    finally:
        draft.unlink(missing_ok=True)
