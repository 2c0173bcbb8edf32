"""A SQLite file's revision, asked before anything else is loaded: yes only where it is certain."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services import migrate, revision
from services.store import Store


def url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def changed(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def migrated(tmp_path: Path, sqlite_template: Path) -> Path:
    file = tmp_path / "bot.db"
    file.write_bytes(sqlite_template.read_bytes())
    return file


def test_a_migrated_file(migrated: Path) -> None:
    assert revision.is_newest(url(migrated))


async def test_the_same_while_the_bot_has_it_open(store: Store) -> None:
    name = store.engine.url.render_as_string(hide_password=False)
    assert await migrate.is_newest(store)
    assert revision.is_newest(name) == store.single_writer


def test_an_older_one(migrated: Path) -> None:
    changed(migrated, "UPDATE alembic_version SET version_num = '0000'")
    assert not revision.is_newest(url(migrated))


def test_none_yet_and_none_is_made(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    assert not revision.is_newest(url(file))
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"no database at all " * 100])
def test_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bot.db"
    file.write_bytes(content)
    assert not revision.is_newest(url(file))


def test_what_is_no_plain_file_is_left_to_sqlalchemy(migrated: Path) -> None:
    assert not revision.is_newest(f"{url(migrated)}?mode=ro")
    assert not revision.is_newest("postgresql+asyncpg://localhost/passerelle")
    assert not revision.is_newest("sqlite+aiosqlite://")
