"""Brings the database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from services.store import Store

LOCK = 72_656  # any constant: one replica migrates, the others wait for it


async def upgrade(store: Store) -> None:
    """Run every migration not yet applied. Safe to call at each start, by every replica."""
    database = store.engine.url.database
    if store.single_writer and database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    async with store.engine.begin() as connection:
        if not store.single_writer:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(_upgrade)


async def is_newest(store: Store) -> bool:
    """Whether every migration has been applied."""
    async with store.engine.connect() as connection:
        return await connection.run_sync(_is_newest)


def config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["connection"] = connection
    return made


def _is_newest(connection: Connection) -> bool:
    newest = ScriptDirectory.from_config(config(connection)).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == newest


def _upgrade(connection: Connection) -> None:
    command.upgrade(config(connection), "head")
