"""The bench runs, on our own bot only, and a wrong answer ends it: no figure is looked at."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bench import load, wire
from bench.lanes import Repeating, Requests

ROOT = Path(__file__).parents[2]
QUICK = ("turns", "cold", "outbox")


def test_the_quick_sections_run_and_leave_their_tables(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--alone", "--out", str(tmp_path), "--only", *QUICK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    results = (tmp_path / "results.md").read_text("utf-8")
    assert all((tmp_path / f"{name}.md").read_text("utf-8") in results for name in QUICK)
    assert "a step of a dialog" in results


class Unsigned(Requests):
    def __init__(self) -> None: ...

    def of(self, body: bytes) -> bytes:
        return wire.request("/api/messages", body, b"")


@pytest.mark.parametrize(("status", "body"), [(404, b"{}"), (200, b'{"statusCode": 500}')])
async def test_a_wrong_answer_is_never_counted_as_fast(status: int, body: bytes) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: wire.Server(lambda *_: wire.answer(status, body), lambda _: 0.0), "127.0.0.1", 0
    )
    lane = Repeating(Unsigned(), [b"{}"], lambda answer: b'"statusCode": 200' in answer)
    with pytest.raises(load.WrongAnswer):
        await load.drive(server.sockets[0].getsockname()[1], [lane], seconds=1, most=5)
    server.close()
