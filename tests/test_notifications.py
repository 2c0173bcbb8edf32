"""Graph's change notifications, over real HTTP: an acceptance shows at once; whatever goes wrong with them, nothing is lost."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

import app
from bot.keys import Keys
from bot.notifications import MAX_BODY
from bot.server import NOTIFICATIONS as PATH
from bot.server import open_session
from services.errors import Refused
from services.models import Bookmark
from tests.conftest import Bot
from tests.teams import PATIENCE, Firm
from tests.test_invitations import invites

ORIGIN = "https://passerelle.cabinet-duhamel.example"
SUBSCRIPTIONS = "/subscriptions"


@pytest.fixture
async def told(firm: Firm, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Bot:
    """A bot that Graph tells of changes, behind a certificate; by itself it looks only once, at its start."""
    monkeypatch.setattr(app, "PRACTICE_POLL", 3600.0)
    firm.cloud.state.published[ORIGIN] = bot.url
    bot.config = replace(bot.config, notifications_url=f"{ORIGIN}{PATH}")
    await bot.restart()
    await until(lambda: _subscribed(bot))
    await until(lambda: _looked(firm, 2))  # at its start, and once it is subscribed
    return bot


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - what another program does tells nobody
            await asyncio.sleep(0.02)


async def kept(bot: Bot) -> dict[str, Any]:
    """What the bot knows of its subscription."""
    store = app.open_store(bot.config)
    async with store.read() as session:
        row = await session.get(Bookmark, "subscriptions/users")
    await store.close()
    return json.loads(row.cursor) if row else {"id": ""}


async def _subscribed(bot: Bot) -> bool:
    return bool((await kept(bot))["id"])


def looks(firm: Firm) -> int:
    return firm.cloud.state.count("GET", "/users/delta*")


async def _looked(firm: Firm, count: int) -> bool:
    return looks(firm) >= count


def calls(firm: Firm, method: str, status: int | None = None) -> int:
    return firm.cloud.state.count(method, f"{SUBSCRIPTIONS}*", status)


async def post(bot: Bot, body: bytes | str, query: str = "") -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as http, http.post(f"{bot.url}{PATH}{query}", data=body) as heard:
        return heard.status, heard.headers.get("Content-Type", ""), await heard.text()


def notice(secret: Any, **more: Any) -> str:
    return json.dumps({"value": [{"subscriptionId": "s", "clientState": secret, **more}]})


async def test_an_acceptance_shows_at_once(firm: Firm, told: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    assert set(firm.cloud.subscriptions.sent) == {202}
    assert calls(firm, "POST", 201) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_lost_notification_loses_nothing(firm: Firm, told: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    firm.cloud.subscriptions.lose_next = 1000
    await paul.redeems()
    monkeypatch.setattr(app, "PRACTICE_POLL", 0.05)
    await told.restart()
    await claire.sees("Invitation acceptée")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_graph_says_that_some_were_missed(firm: Firm, told: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    firm.cloud.subscriptions.lose_next = 1
    await paul.redeems()
    firm.cloud.subscriptions.lifecycle("missed")
    await claire.sees("Invitation acceptée")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_is_renewed_in_time_kept_over_a_restart_and_replaced_when_it_is_over(firm: Firm, told: Bot) -> None:
    first = await kept(told)
    await told.restart()
    assert calls(firm, "POST") == 1
    await told.restart(days=1, minutes=1)

    async def longer() -> bool:
        return datetime.fromisoformat((await kept(told))["until"]) > datetime.fromisoformat(first["until"])

    await until(longer)
    renewed = await kept(told)
    assert (renewed["id"], renewed["secret"]) == (first["id"], first["secret"])
    assert calls(firm, "PATCH", 200) == 1
    await told.restart(days=9)
    await until(lambda: _at_least(firm, "POST", 201, 2))
    assert (await kept(told))["secret"] == first["secret"]


async def _at_least(firm: Firm, method: str, status: int, count: int = 1) -> bool:
    return calls(firm, method, status) >= count


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_graph_wants_it_authorised_anew_or_has_removed_it(firm: Firm, told: Bot) -> None:
    first = await kept(told)
    firm.cloud.subscriptions.lifecycle("reauthorizationRequired")
    await until(lambda: _at_least(firm, "PATCH", 200))
    assert (await kept(told))["id"] == first["id"]
    firm.cloud.subscriptions.lifecycle("subscriptionRemoved")
    await until(lambda: _at_least(firm, "POST", 201, 2))

    async def replaced() -> bool:
        return bool((await kept(told))["id"] != first["id"])

    await until(replaced)
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Invitation acceptée")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_graph_no_longer_knows_it_when_it_is_to_be_renewed(firm: Firm, told: Bot) -> None:
    firm.cloud.subscriptions.lose_next = 1
    firm.cloud.subscriptions.lifecycle("subscriptionRemoved")  # and nobody hears it
    await told.restart(days=2)
    await until(lambda: _at_least(firm, "POST", 201, 2))
    assert calls(firm, "PATCH", 404) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_refused_it_is_asked_again_an_hour_later_and_the_bot_serves(
    firm: Firm, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    bot.config = replace(bot.config, notifications_url=f"{ORIGIN}{PATH}")  # nothing stands behind this address
    with caplog.at_level(logging.WARNING, "passerelle"):
        await bot.restart()
        await until(lambda: _at_least(firm, "POST", 400))
        async with asyncio.timeout(PATIENCE):
            while "notifications_refused" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Invitation acceptée")  # seen by looking, as ever
    assert calls(firm, "POST") == 1
    firm.cloud.state.published[ORIGIN] = bot.url
    await bot.restart(hours=1)
    await until(lambda: _subscribed(bot))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_doctor_says_until_when_and_when_there_are_none(firm: Firm, told: Bot) -> None:
    lasting = datetime.fromisoformat((await kept(told))["until"])
    assert await diagnosed(told) == (True, "notifications.held", {"until": lasting})
    told.clock.set(lasting)
    assert await diagnosed(told) == (False, "notifications.none", {})
    told.config = replace(told.config, notifications_url=f"https://elsewhere.example{PATH}")
    assert await diagnosed(told) == (False, "notifications.none", {})
    told.config = replace(told.config, notifications_url=None)
    assert await diagnosed(told) == (True, "notifications.unset", {})


async def diagnosed(bot: Bot) -> tuple[bool, str, Mapping[str, object]]:
    """What the doctor says of them."""
    store, graph = app.open_store(bot.config, bot.clock), app.open_graph(bot.config)
    async with open_session() as http:
        keys = Keys(http, bot.config.openid_url, practice=True)
        lines = await app.open_doctor(bot.config, store, graph, keys).examine(20.0)
    await graph.close()
    await store.close()
    return next((one.right, one.key, one.facts) for one in lines if one.check == "notifications")


async def test_without_the_setting_there_is_no_such_address(bot: Bot, firm: Firm) -> None:
    assert (await post(bot, notice("x")))[0] == 404
    assert calls(firm, "POST") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestTheDoor:
    async def test_it_echoes_the_question_as_plain_text(self, told: Bot) -> None:
        status, kind, said = await post(told, b"", "?validationToken=a%20b%2Bc+%3Cscript%3E%C3%A9")
        assert (status, said) == (200, "a b+c <script>é")
        assert kind.startswith("text/plain")
        assert (await post(told, b"", f"?validationToken={'a' * 2049}"))[0] == 400

    @pytest.mark.parametrize("secret", ["", "x", None, 5, ["x"], "\ud800", "é" * 200], ids=repr)
    async def test_a_stranger_moves_nothing(self, firm: Firm, told: Bot, secret: Any) -> None:
        before = looks(firm)
        assert (await post(told, notice(secret)))[0] == 202
        assert (await post(told, notice(secret, lifecycleEvent="subscriptionRemoved")))[0] == 202
        assert (await post(told, notice((await kept(told))["secret"])))[0] == 202  # Graph's own, after them
        await until(lambda: _looked(firm, before + 1))
        assert looks(firm) == before + 1
        assert calls(firm, "POST") == 1

    @pytest.mark.parametrize(
        "body",
        ["", "{", "[]", "null", '{"value": {}}', '{"value": ["a"]}', '{"value": [[]]}', "[" * 60000, b"\xff\xfe"],
        ids=lambda body: repr(body[:20]),
    )
    async def test_what_is_no_notification_is_a_fault_of_the_sender(self, told: Bot, body: bytes | str) -> None:
        assert (await post(told, body))[0] == 400

    async def test_a_body_without_end_is_not_read_to_its_end(self, told: Bot) -> None:
        assert (await post(told, b" " * (MAX_BODY + 1)))[0] == 413

    async def test_many_notices_are_one_look(self, firm: Firm, told: Bot) -> None:
        secret = (await kept(told))["secret"]
        before = looks(firm)
        for _ in range(3):
            await asyncio.gather(*(post(told, notice(secret)) for _ in range(10)))
        await until(lambda: _looked(firm, before + 1))
        assert looks(firm) <= before + 3

    async def test_a_flood_is_turned_away_and_the_bot_serves(self, firm: Firm, told: Bot) -> None:
        answers = [(await post(told, notice("x")))[0] for _ in range(350)]
        assert set(answers) == {202, 429}
        claire = firm.person("Claire")
        await claire.writes("aide")
        await claire.sees("Nouveau client")


async def test_what_the_practice_graph_refuses(firm: Firm, told: Bot) -> None:
    from tests.practice.conftest import connect

    graph = connect(firm.cloud)
    now = datetime.now(UTC)
    url = f"{ORIGIN}{PATH}"
    for wrong, until_, code in (
        (url, now + timedelta(minutes=41761), "InvalidRequest"),
        (url, now - timedelta(minutes=1), "InvalidRequest"),
        (url.replace("https", "http"), now + timedelta(days=1), "InvalidRequest"),
        (f"{ORIGIN}/healthz", now + timedelta(days=1), "ValidationError"),
    ):
        with pytest.raises(Refused) as refused:
            await graph.subscriptions.subscribe(wrong, "secret", until_)
        assert (refused.value.key, refused.value.facts["code"]) == ("notifications_refused", code)
    short = await graph.subscriptions.subscribe(url, "secret", now + timedelta(minutes=1))
    assert short.until > now + timedelta(minutes=44)
    with pytest.raises(Refused, match="subscription_gone"):
        await graph.subscriptions.renew("nobody", now + timedelta(days=1))
    await graph.close()
