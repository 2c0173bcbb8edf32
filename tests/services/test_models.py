"""The tables a migration makes are those the models say, on each database."""

import re
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from services.models import Row
from services.store import Store

DEFINED = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


async def test_the_migrated_tables_are_the_models(store: Store) -> None:
    async with store.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def differences(connection: Connection) -> Any:
    return compare_metadata(MigrationContext.configure(connection), Row.metadata)


async def test_an_index_is_of_the_rows_its_model_says(store: Store) -> None:
    async with store.engine.connect() as connection:
        rows = (await connection.execute(text(DEFINED[store.engine.dialect.name]))).all()
    defined = {name: words(definition.partition(" WHERE ")[2]) for name, definition in rows}
    said = {
        str(index.name): words(str(index.dialect_options["sqlite"]["where"]) if is_partial(index) else "")
        for table in Row.metadata.tables.values()
        for index in table.indexes
    }
    assert sum(map(bool, said.values())) > 5
    assert {name: defined[name] for name in said} == said


def is_partial(index: Any) -> bool:
    return index.dialect_options["sqlite"]["where"] is not None


def words(where: str) -> set[str]:
    """The states and columns it names: PostgreSQL writes a condition in its own words."""
    return {found[1] or found[0] for found in re.finditer(r"'(\w+)'|\b[a-z]+_[a-z_]+\b|\bstate\b", where)}
