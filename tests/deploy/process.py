"""The bot as a process of its own, as it is deployed, living in the practice firm of a test."""

import signal
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

import app
from practice import seed
from services import dossiers, portfolio
from tests.conftest import config_for
from tests.teams import Firm
from tests.test_process import ready

ROOT = Path(__file__).parent.parent.parent
SERVE = (sys.executable, "app.py")


async def fill(firm: Firm, database_url: str) -> None:
    """A small portfolio in a migrated database."""
    store = app.open_store(config_for(firm, database_url, 0))
    async with store.work() as work:
        lines = portfolio.read(seed.portfolio_csv(8).encode())
        await dossiers.keep(work, [portfolio.record(line.said) for line in lines])
    await store.close()


@asynccontextmanager
async def serving(
    environment: Mapping[str, str], command: Sequence[str] = SERVE, cwd: Path = ROOT, user: int | None = None
) -> AsyncIterator[Process]:
    """Ready when it is given; killed in the end if it still runs."""
    process = await create_subprocess_exec(
        *command, cwd=cwd, env=dict(environment), user=user, stdout=DEVNULL, stderr=None
    )
    try:
        async with aiohttp.ClientSession() as http:
            await ready(http, environment["PORT"])
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ended(process: Process) -> int:
    """The exit status after SIGTERM."""
    process.send_signal(signal.SIGTERM)
    return await process.wait()
