"""One bot and one firm for all that is only refused or read; every connection and every log line of the folder is kept."""

import io
import logging
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

import app
from bot.pace import Pace
from practice import seed
from services import dossiers, logs, portfolio
from tests.conftest import DOSSIERS, Bot, config_for
from tests.hostile.kit import CANARY, Site
from tests.teams import Firm
from tests.test_clicks import new_client
from tests.test_logs import TALKATIVE, told


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def site_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """As `database_url`, for the whole folder."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres").database()
        return url
    file = tmp_path_factory.mktemp("hostile") / "passerelle.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), file)
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(scope="package", autouse=True)
def written() -> Iterator[io.StringIO]:
    """What the program writes at its most talkative, whichever bot; at the end it names nobody and repeats nothing."""
    stream = io.StringIO()
    root, before = logging.getLogger(), logging.getLogger().level
    handler = logs.configure("DEBUG", stream=stream)
    for name in TALKATIVE:  # SQLAlchemy writes every row at DEBUG: tests.test_logs has seen that it names nobody
        logging.getLogger(name).setLevel(logging.INFO if name.startswith("sqlalchemy") else logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)
    for name in (*logs.OURS, *TALKATIVE):
        logging.getLogger(name).setLevel(logging.NOTSET)
    said = stream.getvalue()
    assert said  # the program does write
    assert told(said) == []
    assert CANARY not in said.casefold()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def site(
    site_database: str, written: io.StringIO, unused_tcp_port_factory: Callable[[], int]
) -> AsyncIterator[Site]:
    """The firm at work: Paul invited, an offer awaiting Malo's approval. Nobody is told that they are too fast."""
    patched = pytest.MonkeyPatch()
    patched.setattr(app, "Pace", partial(Pace, burst=100_000))
    firm = await Firm.start()
    bot = Bot(config_for(firm, site_database, unused_tcp_port_factory()), firm)
    store = app.open_store(bot.config)
    async with store.work() as work:
        lines = portfolio.read(seed.portfolio_csv(DOSSIERS).encode())
        await dossiers.keep(work, [portfolio.record(line.said) for line in lines])
    await bot.start()
    firm.teams.bot_url = f"{bot.url}/api/messages"
    await firm.install()
    await new_client(firm.person("Claire"))
    await firm.person("Malo").sees("En attente d’approbation", within=60)
    await bot.lets_pass()
    found = Site(firm, bot, store, written)
    await found.learn()
    yield found
    await bot.stop()
    await store.close()
    await firm.stop()
    patched.undo()


def _ends(bot: Bot) -> set[tuple[str, int]]:
    """The addresses of the firm: its bot, its Graph, its authority, its Teams."""
    cloud = bot.firm.cloud
    parts = map(urlsplit, (bot.url, cloud.graph_url, cloud.authority_url, bot.firm.teams.url))
    return {(one.hostname or "", one.port or 0) for one in parts}


@pytest.fixture(autouse=True)
def connections(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Each connection attempted and each name looked up, by whatever library; none beyond the firm's four ends."""
    tried: list[Any] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def watched(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            tried.append(tuple(address[:2]))
        connect(self, address)

    def watched_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        tried.append((host, args[0] if args else kwargs.get("port")))
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", watched)
    monkeypatch.setattr(socket, "getaddrinfo", watched_look_up)
    own = "site" not in request.fixturenames  # a bot of the case's own, started and stopped while it is watched
    bot: Bot = request.getfixturevalue("bot") if own else request.getfixturevalue("site").bot
    yield tried
    assert set(tried) <= _ends(bot), "an address that is none of the firm's"
