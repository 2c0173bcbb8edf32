"""What the start does not wait for: packages that being ready does not need, and migrations where there is none to run."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import app
from cards import render, words
from services import revision
from services.record import Services
from tests.conftest import Bot

ROOT = Path(__file__).parent.parent
BEHIND_THE_DOOR = ("sqlalchemy", "botbuilder", "jinja2", "dialogs", "cards", "services.store", "services.graph")
LATER = (
    *("alembic", "asyncpg"),
    *("msgraph", "kiota_abstractions", "azure.identity", "httpx"),
    *("email_validator", "phonenumbers", "openpyxl", "opentelemetry.sdk"),
    "practice",
)


def loaded(code: str) -> set[str]:
    """The modules a fresh interpreter holds after `code`."""
    told = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_the_door_opens_without_what_is_behind_it() -> None:
    assert not loaded("import app") & {*BEHIND_THE_DOOR, *LATER}


def test_what_turns_need_is_loaded_without_what_comes_later() -> None:
    now = loaded("import app\napp.load()")
    assert set(BEHIND_THE_DOOR) <= now
    assert not now & set(LATER)


def test_each_of_them_exists() -> None:
    """Else the tests above could not fail."""
    imports = "\n".join(f"import {name}" for name in LATER)
    assert set(LATER) <= loaded(imports)


def test_the_newest_revision_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(revision.SCRIPTS))
    assert revision.newest() == ScriptDirectory.from_config(config).get_current_head()


MIGRATED = """
import asyncio
from services import migrate
from services.clock import system_clock
from services.store import Store

async def run():
    store = Store({url!r}, system_clock, {{}})
    await migrate.upgrade(store)
    assert await migrate.is_newest(store)
    await store.close()

asyncio.run(run())
"""


def test_alembic_is_for_a_database_that_is_not_migrated_yet(tmp_path: Path) -> None:
    start = MIGRATED.format(url=f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}")
    assert "alembic" in loaded(start)
    assert "alembic" not in loaded(start)


def test_to_warm_up_leaves_nothing_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    render.warm()

    def again(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(render, "compiled", again)
    monkeypatch.setattr("cards.words.words_of", again)
    for file in words.ROOM.rglob("*.json.j2"):
        render._template(file.relative_to(words.ROOM).as_posix().removesuffix(".json.j2"))
    for locale in ("fr", "en"):
        render.text("errors.apology", locale)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_stopped_before_it_is_warm_it_begins_nothing(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    warming, begun = threading.Event(), asyncio.Event()

    async def look(_: Services) -> None:
        begun.set()

    monkeypatch.setattr(app, "_first_uses", lambda: warming.wait(30))
    monkeypatch.setattr("services.reminders.tick", look)
    try:
        await bot.restart()
        await bot.stop()
        assert not begun.is_set()
    finally:
        warming.set()
    await bot.start()
    await asyncio.wait_for(begun.wait(), 30)
