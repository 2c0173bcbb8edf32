"""Who comes before all is joined waits; and what becomes of a start that fails."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bot.behind import Behind, Joined
from bot.door import TurnedAway
from services.spans import no_span


class Start:
    """A start under way: `all_there` once its `rest` is given, or raises."""

    def __init__(self, patience: float = 10.0) -> None:
        self.rest: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        self.stop = asyncio.Event()
        self.worked: list[str] = []
        self.behind = Behind(self._joining(), self.stop, patience)

    async def _joining(self) -> Joined:
        return await self.rest

    def all_there(self) -> None:
        async def take(body: Mapping[str, Any]) -> bytes:
            return f"took {body['id']}".encode()

        async def ready() -> str | None:
            return "database: away"

        async def work(over: asyncio.Event) -> None:
            self.worked.append("began")
            await over.wait()
            self.worked.append("ended")

        handler: Any = SimpleNamespace(take=take)
        store: Any = SimpleNamespace(ready=ready)
        self.rest.set_result(Joined(store, handler, None, no_span, work))


async def test_a_turn_that_comes_early_waits_and_is_answered() -> None:
    start = Start()
    early = asyncio.create_task(start.behind.take({"id": "1"}))
    await asyncio.sleep(0)
    assert not early.done()
    start.all_there()
    assert await early == b"took 1"
    assert await start.behind.take({"id": "2"}) == b"took 2"
    await start.behind.end()
    assert start.worked == ["began", "ended"]


async def test_who_waited_too_long_is_asked_to_come_back_and_the_others_go_on_waiting() -> None:
    start = Start(patience=0.0)
    with pytest.raises(TurnedAway) as away:
        await start.behind.take({"id": "1"})
    assert away.value.status == 503
    start.all_there()
    await asyncio.sleep(0)
    assert await start.behind.take({"id": "2"}) == b"took 2"
    await start.behind.end()


async def test_a_start_that_fails_ends_the_program_and_says_why() -> None:
    start = Start()
    early = asyncio.create_task(start.behind.take({"id": "1"}))
    await asyncio.sleep(0)
    start.rest.set_exception(OSError("no database"))
    await start.stop.wait()
    with pytest.raises(TurnedAway):
        await early
    assert await start.behind.database("sqlite+aiosqlite:///nowhere.db") == "database: not looked at yet"
    with start.behind.span("door"):
        pass
    with pytest.raises(OSError, match="no database"):
        await start.behind.end()


async def test_ended_before_it_is_joined_it_begins_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.behind.END_WITHIN", 0.0)
    start = Start()
    await start.behind.end()
    assert start.rest.cancelled()
    assert start.worked == []


async def test_once_open_the_database_answers_for_itself() -> None:
    start = Start()
    assert await start.behind.database("sqlite+aiosqlite:///nowhere.db") == "database: not looked at yet"
    start.all_there()
    await asyncio.sleep(0)
    assert await start.behind.database("sqlite+aiosqlite:///nowhere.db") == "database: away"
    await start.behind.end()
