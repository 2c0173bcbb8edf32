"""The program as an operator starts it: a real process, its exit statuses, its four addresses, its orderly end."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from practice import seed
from tests.teams import Firm

ROOT = Path(__file__).parent.parent


async def start(environment: dict[str, str], *arguments: str) -> Process:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "app.py", *arguments, cwd=ROOT, env=inherited | environment, stdout=PIPE, stderr=PIPE
    )


async def run(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await start(environment, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def environment(empty_firm: Firm, tmp_path: Path, unused_tcp_port: int) -> dict[str, str]:
    database = f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"
    return {**empty_firm.environment(), "DATABASE_URL": database, "PORT": str(unused_tcp_port)}


@pytest.fixture
async def process(environment: dict[str, str]) -> AsyncIterator[Process]:
    started = await start(environment)
    yield started
    with suppress(ProcessLookupError):
        started.kill()
    await started.communicate()


async def ready(http: aiohttp.ClientSession, port: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


async def test_it_lives_gets_ready_counts_and_ends_on_sigterm(process: Process, environment: dict[str, str]) -> None:
    port = environment["PORT"]
    async with aiohttp.ClientSession() as http:
        await ready(http, port)
        async with http.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert "passerelle_turns" in await answer.text()
        async with http.post(f"http://127.0.0.1:{port}/api/messages", json={"type": "message"}) as answer:
            assert answer.status == 401
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_not_ready_without_signing_keys(environment: dict[str, str], empty_firm: Firm) -> None:
    nowhere = environment | {"BOT_OPENID_METADATA_URL": "http://127.0.0.1:9/none"}
    process = await start(nowhere)
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(30):
            while True:
                with suppress(aiohttp.ClientError):
                    async with http.get(f"http://127.0.0.1:{environment['PORT']}/readyz") as answer:
                        assert answer.status == 503
                        if "signing keys" in await answer.text():
                            break
                await asyncio.sleep(0.05)
    finally:
        process.kill()
        await process.communicate()


async def test_nothing_set_names_every_fault_and_serves_nothing() -> None:
    status, out, err = await run({})
    assert status == 2
    assert out == ""
    lines = err.splitlines()
    for name in ("MICROSOFT_APP_TYPE", "MICROSOFT_APP_ID", "MICROSOFT_APP_TENANT_ID"):
        assert sum(line.startswith(f"{name}:") for line in lines) == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MICROSOFT_APP_TYPE", "MultiTenant"),
        ("MICROSOFT_APP_TYPE", ""),
        ("MICROSOFT_APP_ID", ""),
        ("MICROSOFT_APP_TENANT_ID", ""),
        ("MICROSOFT_APP_PASSWORD", ""),
        ("MICROSOFT_APP_CERTIFICATE", "nowhere.pem"),
        ("PORT", "many"),
        ("PORT", "70000"),
        ("HOST", "0.0.0.0"),
        ("DATABASE_URL", "mysql://x"),
        ("GRAPH_URL", "ftp://127.0.0.1"),
        ("GRAPH_URL", "http://graph.example"),
        ("GRAPH_URL", "not a url"),
        ("GRAPH_NOTIFICATIONS_URL", "http://127.0.0.1:3978/api/notifications"),
        ("GRAPH_NOTIFICATIONS_URL", "https://"),
        ("AZURE_AUTHORITY_HOST", "http://user:word@127.0.0.1"),
        ("BOT_OPENID_METADATA_URL", "http://[::1"),
        ("FIRM_LOCALE", "de"),
        ("FIRM_COLOR", "red"),
        ("FIRM_COLOR", "#ffd700"),  # gold: white letters on it cannot be read
        ("INVITE_TO_TEAM", "maybe"),
        ("PRACTICE", "perhaps"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_REPLY_TO", "nobody"),
    ],
)
async def test_one_wrong_setting_is_one_line_and_status_2(environment: dict[str, str], name: str, value: str) -> None:
    status, _, err = await run(environment | {name: value})
    assert status == 2
    assert any(line.startswith(f"{name}:") for line in err.splitlines())
    assert "Traceback" not in err


async def test_practice_addresses_are_refused_outside_practice(environment: dict[str, str]) -> None:
    status, _, err = await run(environment | {"PRACTICE": "false"})
    assert status == 2
    named = {line.partition(":")[0] for line in err.splitlines()}
    assert named == {"BOT_OPENID_METADATA_URL", "AZURE_AUTHORITY_HOST", "GRAPH_URL"}


async def test_a_port_already_taken_is_said_in_a_line(environment: dict[str, str]) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", int(environment["PORT"]))
    async with server:
        status, _, err = await run(environment)
    assert status == 2
    assert "PORT" in err
    assert "Traceback" not in err


async def test_help_needs_no_setting_and_shows_no_secret() -> None:
    status, out, _ = await run({"MICROSOFT_APP_PASSWORD": "hush-hush"}, "--help")
    assert status == 0
    assert "import" in out
    assert "hush" not in out


async def test_import_fills_the_portfolio(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "portefeuille.csv"
    file.write_bytes(seed.portfolio_csv(12).encode("utf-8-sig"))
    status, out, err = await run(environment, "import", "--yes", str(file))
    assert (status, err) == (0, "")
    assert "12" in out
