"""The signing keys: rotation, an issuer that is down, slow or odd, and which keys are believed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from jwt.algorithms import RSAAlgorithm

from bot.keys import DAY, Keys
from bot.server import open_session
from tests.bot.kit import Ask, Bot, Clock, KeyServer, jwk, private_key


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


class Pauses:
    """A sleep that takes no time: it notes what was asked and ends the task after enough of them."""

    def __init__(self, enough: int) -> None:
        self.asked: list[float] = []
        self._enough = enough

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        if len(self.asked) == self._enough:
            raise asyncio.CancelledError


def keys_of(session: aiohttp.ClientSession, server: KeyServer, **options: Any) -> Keys:
    return Keys(session, f"{server.url}/openid", practice=True, clock=options.pop("clock", Clock()), **options)


def signed_by(bot: Bot, kid: str) -> Ask:
    ask = bot.ask()
    ask.kid = kid
    return ask


async def test_a_new_key_is_fetched_when_first_met(bot: Bot) -> None:
    bot.keyserver.keys.append(jwk("second"))
    bot.clock.now += 60
    assert (await bot.send(signed_by(bot, "second"))).status == 200
    assert (await bot.send(signed_by(bot, "first"))).status == 200


async def test_unknown_keys_are_asked_for_once_a_minute(bot: Bot) -> None:
    bot.clock.now += 60
    for _ in range(5):
        assert (await bot.send(signed_by(bot, "second"))).status == 401
    assert len(bot.keyserver.calls) == 4
    bot.clock.now += 60
    assert (await bot.send(signed_by(bot, "second"))).status == 401
    assert len(bot.keyserver.calls) == 6


async def test_many_at_once_wait_for_the_same_fetch(bot: Bot) -> None:
    bot.keyserver.keys.append(jwk("second"))
    bot.clock.now += 60
    answers = await asyncio.gather(*(bot.send(signed_by(bot, "second")) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert len(bot.keyserver.calls) == 4


async def test_a_withdrawn_key_opens_no_more(bot: Bot) -> None:
    bot.keyserver.keys = [jwk("second")]
    bot.clock.now += 60
    assert (await bot.send(signed_by(bot, "second"))).status == 200
    assert (await bot.send(signed_by(bot, "first"))).status == 401


async def test_a_key_server_that_is_down_loses_no_keys(bot: Bot) -> None:
    bot.keyserver.status = 500
    bot.clock.now += 60
    assert (await bot.send(signed_by(bot, "second"))).status == 401
    assert (await bot.send(signed_by(bot, "first"))).status == 200
    assert bot.keys.held


async def test_a_key_server_that_hangs_stops_nobody_else(bot: Bot) -> None:
    bot.keyserver.hang = True
    bot.keyserver.reached.clear()
    bot.clock.now += 60
    stranger = asyncio.create_task(bot.send(signed_by(bot, "second")))
    await bot.keyserver.reached.wait()
    assert (await bot.send(signed_by(bot, "first"))).status == 200
    assert not stranger.done()
    bot.keyserver.released.set()
    assert (await stranger).status == 401


async def test_a_fetch_that_takes_too_long_is_given_up(session: aiohttp.ClientSession, keyserver: KeyServer) -> None:
    keyserver.hang = True
    keys = keys_of(session, keyserver, timeout=0.05)
    assert await keys.find("first") is None
    assert not keys.held


async def test_the_first_fetch_is_retried_ever_less_often_then_daily(
    session: aiohttp.ClientSession, keyserver: KeyServer
) -> None:
    keyserver.status = 503
    pauses = Pauses(enough=8)
    keys = keys_of(session, keyserver, sleep=pauses)
    with pytest.raises(asyncio.CancelledError):
        await keys.keep()
    assert pauses.asked == [1, 2, 4, 8, 16, 32, 60, 60]
    assert not keys.held

    keyserver.status = 200
    again = Pauses(enough=2)
    keys = keys_of(session, keyserver, sleep=again)
    with pytest.raises(asyncio.CancelledError):
        await keys.keep()
    assert again.asked == [DAY, DAY]
    assert keys.held


async def test_the_daily_fetch_brings_new_keys_without_being_asked(
    session: aiohttp.ClientSession, keyserver: KeyServer
) -> None:
    async def a_day(_: float) -> None:
        if keyserver.keys[-1]["kid"] == "second":
            raise asyncio.CancelledError
        keyserver.keys.append(jwk("second"))

    keys = keys_of(session, keyserver, sleep=a_day)
    with pytest.raises(asyncio.CancelledError):
        await keys.keep()
    assert keys.current("first") is not None
    assert keys.current("second") is not None


ODD_DOCUMENTS = [b"", b"hello", b"[]", b'{"keys": 5}', b'{"keys": []}', b'{"jwks_uri": 5}', b"[" * 100_000, b"\xff"]


@pytest.mark.parametrize("path", ["/openid", "/keys"])
@pytest.mark.parametrize("body", ODD_DOCUMENTS)
async def test_an_odd_document_loses_no_keys(
    session: aiohttp.ClientSession, keyserver: KeyServer, body: bytes, path: str
) -> None:
    clock = Clock()
    keys = keys_of(session, keyserver, clock=clock)
    assert await keys.find("first") is not None
    keyserver.body, keyserver.odd = body, path
    clock.now += 60
    assert await keys.find("second") is None
    assert keys.current("first") is not None


UNBELIEVED: dict[str, dict[str, Any]] = {
    "endorsed for nothing": jwk("second", endorsements=[]),
    "endorsed for another channel": jwk("second", endorsements=["skype"]),
    "endorsed in words": {**jwk("second"), "endorsements": "msteams"},
    "not endorsed": {name: value for name, value in jwk("second").items() if name != "endorsements"},
    "too small": jwk("second", key=private_key("small", 1024)),
    "not RSA": {"kty": "oct", "k": "c2VjcmV0", "kid": "second", "endorsements": ["msteams"]},
    "without modulus": {name: value for name, value in jwk("second").items() if name != "n"},
    "modulus of garbage": {**jwk("second"), "n": "!"},
    "modulus a number": {**jwk("second"), "n": 5},
    "a private key": {**RSAAlgorithm.to_jwk(private_key("second"), as_dict=True), **jwk("second")},
    "without id": {**jwk("second"), "kid": None},
}


@pytest.mark.parametrize("entry", [pytest.param(entry, id=name) for name, entry in UNBELIEVED.items()])
async def test_an_unfit_key_is_left_out_and_the_others_kept(
    session: aiohttp.ClientSession, keyserver: KeyServer, entry: dict[str, Any]
) -> None:
    keyserver.keys += [entry, "garbage"]  # type: ignore[list-item]
    keys = keys_of(session, keyserver)
    assert await keys.find("first") is not None
    assert await keys.find("second") is None


@pytest.mark.parametrize("uri", ["http://keys.example/keys", "https://user@keys.example/", "file:///etc/passwd", ""])
async def test_keys_are_fetched_by_https_only(session: aiohttp.ClientSession, keyserver: KeyServer, uri: str) -> None:
    keyserver.jwks_uri = uri or "keys"
    assert await keys_of(session, keyserver).find("first") is None
    assert keyserver.calls == ["GET /openid"]


async def test_loopback_is_for_practice_only(session: aiohttp.ClientSession, keyserver: KeyServer) -> None:
    keys = Keys(session, f"{keyserver.url}/openid", clock=Clock())
    assert await keys.find("first") is None
    assert keyserver.calls == []


async def test_a_redirect_is_not_followed(session: aiohttp.ClientSession, keyserver: KeyServer) -> None:
    keyserver.status = 302
    assert await keys_of(session, keyserver).find("first") is None
    assert keyserver.calls == ["GET /openid"]


async def test_a_bot_without_keys_lets_nobody_in() -> None:
    bot = Bot()
    bot.keyserver.status = 503
    await bot.start()
    answer = await bot.say()
    await bot.close()
    assert (answer.status, bot.keys.held, bot.turns) == (401, False, [])
