"""Brings the database to the newest revision.

Alembic takes a tenth of a second to import and to read its scripts, and at nearly every start there is nothing to migrate:
the revision is asked for first, and Alembic only where it is not the newest.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from services.revision import SCRIPTS, newest
from services.store import Store

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 72_656  # any constant: one replica migrates, the others wait for it


async def upgrade(store: Store) -> None:
    """Run every migration not yet applied. Safe to call at each start, by every replica."""
    database = store.engine.url.database
    if store.single_writer and database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    if await is_newest(store):
        return
    async with store.engine.begin() as connection:
        if not store.single_writer:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(_upgrade)


async def is_newest(store: Store) -> bool:
    """Whether every migration has been applied."""
    async with store.engine.connect() as connection:
        try:
            applied = (await connection.scalars(text("SELECT version_num FROM alembic_version"))).all()
        except (OperationalError, ProgrammingError):  # the table is not there, as SQLite and as PostgreSQL say it
            return False
    return applied == [newest()]


def config(connection: Connection) -> "Config":
    """Alembic's configuration for an open connection."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(SCRIPTS))
    made.attributes["connection"] = connection
    return made


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(config(connection), "head")
