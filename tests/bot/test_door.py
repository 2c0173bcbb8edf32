"""Hostile requests: each is refused with 4xx and an empty body, and the engine never hears of it."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.door import STATUS
from tests.bot.kit import (
    AAD_ID,
    APP_ID,
    BOT,
    GENERAL,
    MRI,
    NOW,
    OTHER_TENANT,
    TENANT,
    Ask,
    Bot,
    claims,
    jwk,
    private_key,
    signed,
)

Spoil = Callable[[Ask], None]
EXECUTE = {"action": {"type": "Action.Execute", "verb": "approve", "data": {}}, "trigger": "manual"}


def token(make: Callable[[Ask], str]) -> Spoil:
    def spoil(ask: Ask) -> None:
        ask.token = make(ask)

    return spoil


def claim(**changes: Any) -> Spoil:
    def spoil(ask: Ask) -> None:
        ask.claims = {name: value for name, value in {**ask.claims, **changes}.items() if value is not None}

    return spoil


def says(**changes: Any) -> Spoil:
    return lambda ask: ask.activity.update(changes)


def lacks(name: str) -> Spoil:
    return lambda ask: ask.activity.pop(name)


def carries(body: bytes) -> Spoil:
    def spoil(ask: Ask) -> None:
        ask.body = body

    return spoil


def headed(**headers: str | None) -> Spoil:
    def spoil(ask: Ask) -> None:
        for name, value in headers.items():
            ask.headers.pop("Content-Type") if value is None else ask.headers.update({name.replace("_", "-"): value})

    return spoil


def lives_at(url: str) -> Spoil:
    """The activity and the token agree on a service URL that is not Teams'."""

    def spoil(ask: Ask) -> None:
        ask.activity["serviceUrl"] = url
        ask.claims["serviceurl"] = url

    return spoil


def both(*spoils: Spoil) -> Spoil:
    def spoil(ask: Ask) -> None:
        for each in spoils:
            each(ask)

    return spoil


def unsigned(ask: Ask) -> str:
    return jwt.encode(ask.claims, "", algorithm="none", headers={"kid": "first"})


def signed_with_the_public_key(ask: Ask) -> str:
    """HS256 keyed with the public key's PEM, put together by hand: PyJWT refuses to make one."""

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    pem = private_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "first"}).encode())
    text = head + b"." + part(json.dumps(ask.claims).encode())
    return (text + b"." + part(hmac.new(pem, text, hashlib.sha256).digest())).decode()


def nested_header(_: Ask) -> str:
    return base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode() + ".e30.e30"


def other_payload(ask: Ask) -> str:
    """A good token whose claims were replaced after signing."""
    head, _, signature = signed(ask.claims).split(".")
    return f"{head}.{signed({**ask.claims, 'aud': 'x'}).split('.')[1]}.{signature}"


def strangers_key(ask: Ask) -> str:
    return jwt.encode(ask.claims, private_key("stranger"), algorithm="RS256", headers={"kid": "first"})


def rs512(ask: Ask) -> str:
    return jwt.encode(ask.claims, private_key("first"), algorithm="RS512", headers={"kid": "first"})


def no_kid(ask: Ask) -> str:
    return jwt.encode(ask.claims, private_key("first"), algorithm="RS256")


def conversation(**changes: Any) -> Spoil:
    return says(conversation={"id": GENERAL, "conversationType": "channel", "tenantId": TENANT, **changes})


def channel_data(**changes: Any) -> Spoil:
    return says(channelData={"tenant": {"id": TENANT}, "team": {"id": GENERAL}, **changes})


def sender(**changes: Any) -> Spoil:
    return says(**{"from": {"id": MRI, "name": "Claire", "aadObjectId": AAD_ID, **changes}})


def invoke(name: str, value: Any) -> Spoil:
    return says(type="invoke", name=name, value=value)


def mention(**changes: Any) -> Spoil:
    return says(entities=[{"type": "mention", "text": "<at>P</at>", "mentioned": {"id": BOT}, **changes}])


TOKENS: dict[str, tuple[Spoil, str]] = {
    "no token": (token(lambda _: ""), "bearer"),
    "garbage": (token(lambda _: "garbage"), "token"),
    "three parts of garbage": (token(lambda _: "a.b.c"), "token"),
    "not ASCII": (token(lambda _: "é.é.é"), "token"),
    "alg none": (token(unsigned), "token"),
    "HS256 with the public key": (token(signed_with_the_public_key), "token"),
    "RS512": (token(rs512), "token"),
    "a stranger's key under our kid": (token(strangers_key), "token"),
    "claims replaced after signing": (token(other_payload), "token"),
    "no signature": (token(lambda ask: signed(ask.claims).rpartition(".")[0] + "."), "token"),
    "nested header": (token(nested_header), "token"),
    "no kid": (token(no_kid), "token"),
    "unknown kid": (token(lambda ask: signed(ask.claims, "second")), "token"),
    "critical header": (token(lambda ask: signed(ask.claims, crit=["x"], x=1)), "token"),
    "wrong issuer": (claim(iss="https://sts.windows.net/"), "token"),
    "no issuer": (claim(iss=None), "token"),
    "wrong audience": (claim(aud="someone-else"), "token"),
    "audience in a list": (claim(aud=[APP_ID, "someone-else"]), "token"),
    "no audience": (claim(aud=None), "token"),
    "expired": (claim(exp=int(NOW) - 301), "expired"),
    "no exp": (claim(exp=None), "token"),
    "exp in words": (claim(exp="tomorrow"), "token"),
    "exp true": (claim(exp=True), "token"),
    "exp NaN": (claim(exp=float("nan")), "expired"),
    "exp beyond floats": (claim(exp=10**400), "token"),
    "not yet valid": (claim(nbf=int(NOW) + 301), "expired"),
    "no nbf": (claim(nbf=None), "token"),
    "nbf an object": (claim(nbf={}), "token"),
    "no service URL": (claim(serviceurl=None), "token"),
    "service URL a list": (claim(serviceurl=["https://smba.trafficmanager.net/emea/"]), "token"),
    "two service URLs": (claim(serviceUrl="https://smba.trafficmanager.net/emea/"), "token"),
}

PLACES: dict[str, tuple[Spoil, str]] = {
    "service URL not the token's": (says(serviceUrl="https://smba.trafficmanager.net/emea/"), "service_url"),
    "token's service URL not the activity's": (
        claim(serviceurl="https://smba.trafficmanager.net/emea/"),
        "service_url",
    ),
    "http": (lives_at("http://smba.trafficmanager.net/emea/"), "service_url"),
    "http elsewhere on loopback": (lives_at("http://127.0.0.1:1/"), "service_url"),
    "another host": (lives_at("https://attacker.example/"), "service_url"),
    "our host as a prefix": (lives_at("https://smba.trafficmanager.net.attacker.example/"), "service_url"),
    "our host as a suffix": (lives_at("https://evil-smba.trafficmanager.net/"), "service_url"),
    "both": (lives_at("https://evil-smba.trafficmanager.net.attacker/"), "service_url"),
    "our host with a dot": (lives_at("https://smba.trafficmanager.net./"), "service_url"),
    "our host as the user": (lives_at("https://smba.trafficmanager.net@attacker.example/"), "service_url"),
    "our host as user and password": (lives_at("https://smba.trafficmanager.net:443@attacker.example/"), "service_url"),
    "a user before our host": (lives_at("https://attacker@smba.trafficmanager.net/"), "service_url"),
    "a backslash": (lives_at("https://attacker.example\\@smba.trafficmanager.net/"), "service_url"),
    "our host in the fragment": (lives_at("https://attacker.example/#smba.trafficmanager.net"), "service_url"),
    "our host in the query": (lives_at("https://attacker.example?smba.trafficmanager.net"), "service_url"),
    "another port": (lives_at("https://smba.trafficmanager.net:8443/"), "service_url"),
    "a line break": (lives_at("https://smba.trafficmanager.net/\r\nHost: x"), "service_url"),
    "a blank": (lives_at(" https://smba.trafficmanager.net/"), "service_url"),
    "a full-width letter": (lives_at("https://ｓmba.trafficmanager.net/"), "service_url"),
    "another scheme": (lives_at("file://smba.trafficmanager.net/"), "service_url"),
    "no scheme": (lives_at("//smba.trafficmanager.net/"), "service_url"),
    "another channel": (says(channelId="directline"), "channel"),
    "the emulator": (says(channelId="emulator"), "channel"),
    "another channel's case": (says(channelId="MSTeams"), "channel"),
    "foreign tenant of the channel": (channel_data(tenant={"id": OTHER_TENANT}), "tenant"),
    "foreign tenant of the conversation": (conversation(tenantId=OTHER_TENANT), "tenant"),
    "foreign tenant of the sender": (sender(tenantId=OTHER_TENANT), "tenant"),
    "no tenant of the channel": (channel_data(tenant=None), "tenant"),
    "no id of the tenant": (channel_data(tenant={}), "tenant"),
    "no tenant of the conversation": (conversation(tenantId=None), "tenant"),
    "empty tenant": (conversation(tenantId=""), "tenant"),
}

BODIES: dict[str, tuple[Spoil, str]] = {
    "not JSON": (carries(b"hello"), "json"),
    "empty": (carries(b""), "json"),
    "half": (carries(b'{"type": "message"'), "json"),
    "two": (carries(b"{}{}"), "json"),
    "not UTF-8": (carries(b'{"type": "\xff"}'), "json"),
    "UTF-16": (carries('{"type": "message"}'.encode("utf-16")), "json"),
    "a byte order mark": (carries(b"\xef\xbb\xbf{}"), "json"),
    "an array": (carries(b"[]"), "shape"),
    "a string": (carries(b'"message"'), "shape"),
    "a number": (carries(b"1"), "shape"),
    "null": (carries(b"null"), "shape"),
    "an empty object": (carries(b"{}"), "shape"),
    "NaN": (says(value={"x": float("nan")}), "json"),
    "infinity": (carries(b'{"x": 1e999}'), "json"),
    "a number of 10,000 digits": (carries(b'{"x": ' + b"1" * 10_000 + b"}"), "json"),
    "half a surrogate pair": (says(text="\ud800"), "json"),
    "arrays 10,000 deep": (carries(b"[" * 10_000 + b"]" * 10_000), "depth"),
    "objects 10,000 deep": (carries(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "depth"),
    "10,000 open arrays": (carries(b"[" * 10_000), "depth"),
    "33 deep in a field": (carries(b'{"value": ' + b"[" * 32 + b"]" * 32 + b"}"), "depth"),
    "deep after an escaped quote": (carries(b'{"a": "\\"", "b": ' + b"[" * 5000), "depth"),
    "deep after an open string": (carries(b"[" * 40 + b'"' + b'\\"' * 100_000), "depth"),
    "1 MB": (carries(b'{"text": "' + b"a" * 1_000_000 + b'"}'), "size"),
    "one byte too long": (carries(b" " * (256 * 1024 + 1)), "size"),
    "text": (headed(Content_Type="text/plain"), "media"),
    "a form": (headed(Content_Type="application/x-www-form-urlencoded"), "media"),
    "no content type": (headed(Content_Type="application/octet-stream"), "media"),
    "JSON's cousin": (headed(Content_Type="application/jsonp"), "media"),
    "JSON in Latin-1": (headed(Content_Type="application/json; charset=latin-1"), "media"),
    "compressed": (both(headed(Content_Encoding="gzip"), carries(b"\x1f\x8b garbage")), "media"),
}

SHAPES: dict[str, Spoil] = {
    "no type": lacks("type"),
    "empty type": says(type=""),
    "type a number": says(type=5),
    "type a list": says(type=["message"]),
    "id a number": says(id=5),
    "name a list": says(name=[]),
    "action an object": says(type="installationUpdate", action={}),
    "text a number": says(text=5),
    "text a list": says(text=["menu"]),
    "locale an object": says(locale={}),
    "reply id a number": says(replyToId=5),
    "no service URL": lacks("serviceUrl"),
    "service URL a number": says(serviceUrl=5),
    "no channel": lacks("channelId"),
    "channel a list": says(channelId=["msteams"]),
    "no sender": lacks("from"),
    "sender a string": says(**{"from": MRI}),
    "sender null": says(**{"from": None}),
    "sender without id": sender(id=None),
    "sender id a number": sender(id=5),
    "sender name a list": sender(name=[]),
    "sender Entra id a number": sender(aadObjectId=5),
    "sender tenant a list": sender(tenantId=[TENANT]),
    "no recipient": lacks("recipient"),
    "recipient a list": says(recipient=[]),
    "recipient without id": says(recipient={}),
    "recipient name a number": says(recipient={"id": BOT, "name": 5}),
    "no conversation": lacks("conversation"),
    "conversation a string": says(conversation=GENERAL),
    "conversation without id": conversation(id=None),
    "conversation id a list": conversation(id=[]),
    "conversation type a number": conversation(conversationType=5),
    "conversation tenant an object": conversation(tenantId={}),
    "no channel data": lacks("channelData"),
    "channel data a string": says(channelData="tenant"),
    "channel data a list": says(channelData=[]),
    "tenant a string": channel_data(tenant=TENANT),
    "tenant id a number": channel_data(tenant={"id": 5}),
    "team a string": channel_data(team=GENERAL),
    "team id a list": channel_data(team={"id": []}),
    "group id a number": channel_data(team={"id": GENERAL, "aadGroupId": 5}),
    "entities an object": says(entities={}),
    "entities of strings": says(entities=["mention"]),
    "entity without type": says(entities=[{}]),
    "mention of nobody": mention(mentioned=None),
    "mention of a string": mention(mentioned=BOT),
    "mention of a number": mention(mentioned={"id": 5}),
    "mention text a number": mention(text=5),
    "members an object": says(type="conversationUpdate", membersAdded={}),
    "members of strings": says(type="conversationUpdate", membersAdded=[BOT]),
    "member without id": says(type="conversationUpdate", membersRemoved=[{}]),
    "value of a message a string": says(value="x"),
    "value of a message a list": says(value=[]),
    "our data a string": says(value={"p": "do"}),
    "our verb a number": says(value={"p": {"do": 5}}),
    "task without value": invoke("task/fetch", None),
    "task value a list": invoke("task/fetch", []),
    "task data a string": invoke("task/submit", {"data": "x"}),
    "task data a list": invoke("task/submit", {"data": []}),
    "action without value": invoke("adaptiveCard/action", None),
    "action a string": invoke("adaptiveCard/action", {"action": "approve"}),
    "no action": invoke("adaptiveCard/action", {"trigger": "manual"}),
    "verb a list": invoke("adaptiveCard/action", {"action": {"verb": []}}),
    "action data a string": invoke("adaptiveCard/action", {"action": {"verb": "x", "data": "y"}}),
    "trigger a number": invoke("adaptiveCard/action", {**EXECUTE, "trigger": 5}),
    "search a string": invoke("application/search", "bou"),
    "search text a number": invoke("application/search", {"queryText": 5}),
    "search options a list": invoke("application/search", {"queryOptions": []}),
    "search top a string": invoke("application/search", {"queryOptions": {"top": "10"}}),
    "search top true": invoke("application/search", {"queryOptions": {"top": True}}),
    "search dataset a list": invoke("application/search", {"dataset": []}),
}


def _hostile() -> Iterator[Any]:
    for family in (TOKENS, PLACES, BODIES):
        for name, (spoil, reason) in family.items():
            yield pytest.param(spoil, reason, id=name)
    for name, spoil in SHAPES.items():
        yield pytest.param(spoil, "shape", id=name)


@pytest.mark.parametrize(("spoil", "reason"), [*_hostile()])
async def test_a_hostile_request_is_turned_away(bot: Bot, spoil: Spoil, reason: str) -> None:
    ask = bot.ask()
    spoil(ask)
    answer = await bot.send(ask)
    assert bot.refusals == [reason]
    assert (answer.status, answer.body) == (STATUS[reason], b"")
    assert STATUS[reason] in {400, 401, 403, 413, 415}
    assert bot.turns == []
    assert not bot.connector.calls


async def test_the_same_request_unspoilt_is_let_in(bot: Bot) -> None:
    assert (await bot.send(bot.ask())).status == 200
    assert len(bot.turns) == 1
    assert bot.refusals == []


SCHEMES = ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer  ", "Token x"]


@pytest.mark.parametrize("value", SCHEMES)
async def test_another_authorization_is_no_token(bot: Bot, value: str) -> None:
    answer = await bot.post(b"{}", {"Content-Type": "application/json", "Authorization": value})
    assert (answer.status, answer.body, bot.refusals) == (401, b"", ["bearer"])


async def test_a_body_in_pieces_is_no_longer_read_once_too_long(bot: Bot) -> None:
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        for _ in range(1000):
            pieces += 1
            yield b" " * 65536
            await asyncio.sleep(0)

    ask = bot.ask()
    answer = await bot.post(endless(), {**ask.headers, **ask.authorization()})
    assert (answer.status, answer.body, bot.refusals) == (413, b"", ["size"])
    assert pieces < 1000


async def test_a_body_of_exactly_the_limit_is_read(bot: Bot) -> None:
    ask = bot.ask()
    body = json.dumps(ask.activity).encode()
    ask.body = body + b" " * (256 * 1024 - len(body))
    assert (await bot.send(ask)).status == 200


async def _half_sent(bot: Bot) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the bot has read the head of a good request and waits for the body."""
    ask = bot.ask()
    host, _, port = bot.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = {**ask.headers, **ask.authorization(), "Host": host, "Transfer-Encoding": "chunked"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**head, "Expect": "100-continue"}.items())
    writer.write(f"POST /api/messages HTTP/1.1\r\n{lines}\r\n".encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    return reader, writer


BROKEN = {"broken chunks": b"zz\r\nnot a chunk\r\n", "half a chunk": b"40\r\n{", "nothing more": b""}


@pytest.mark.parametrize("rest", [pytest.param(rest, id=name) for name, rest in BROKEN.items()])
async def test_a_body_that_does_not_arrive_is_not_waited_for(rest: bytes) -> None:
    bot = Bot()
    bot.patience = 0.05
    await bot.start()
    reader, writer = await _half_sent(bot)
    writer.write(rest)
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()
    await writer.wait_closed()
    await bot.close()
    assert (bot.refusals, bot.turns) == (["broken"], [])


async def test_a_caller_who_leaves_half_way_is_turned_away(bot: Bot) -> None:
    _, writer = await _half_sent(bot)
    writer.close()
    await writer.wait_closed()
    while not bot.refusals:
        await bot.get("/healthz")
    assert (bot.refusals, bot.turns) == (["broken"], [])


async def test_32_deep_is_let_in(bot: Bot) -> None:
    deep: Any = "x"
    for _ in range(30):
        deep = [deep]
    assert (await bot.say(value={"p": deep and {"do": "x"}, "deep": deep})).status == 200


async def test_brackets_in_a_text_are_not_depth(bot: Bot) -> None:
    assert (await bot.say(text='[{"' * 200)).status == 200


async def test_a_whole_surrogate_pair_is_a_letter(bot: Bot) -> None:
    ask = bot.ask(text="😀")
    ask.body = json.dumps(ask.activity).encode()
    assert b"\\ud83d" in ask.body
    assert (await bot.send(ask)).status == 200


@pytest.mark.parametrize("name", ["serviceurl", "serviceUrl", "ServiceUrl"])
async def test_the_service_url_claim_may_be_spelt_either_way(bot: Bot, name: str) -> None:
    ask = bot.ask()
    ask.claims = {**claims(ask.activity["serviceUrl"], serviceurl=None), name: ask.activity["serviceUrl"]}
    assert (await bot.send(ask)).status == 200


@pytest.mark.parametrize("changes", [{"exp": int(NOW) - 299}, {"nbf": int(NOW) + 299}, {"exp": NOW + 0.5}])
async def test_five_minutes_of_difference_are_forgiven(bot: Bot, changes: dict[str, Any]) -> None:
    ask = bot.ask()
    ask.claims.update(changes)
    assert (await bot.send(ask)).status == 200


async def test_a_remembered_token_still_expires(bot: Bot) -> None:
    ask = bot.ask()
    assert (await bot.send(ask)).status == 200
    bot.clock.now = ask.claims["exp"] + 299
    assert (await bot.send(ask)).status == 200
    bot.clock.now += 1
    assert (await bot.send(ask)).status == 401


async def test_a_remembered_token_of_a_withdrawn_key_is_refused(bot: Bot) -> None:
    ask = bot.ask()
    assert (await bot.send(ask)).status == 200
    bot.keyserver.keys = [jwk("second")]
    bot.clock.now += 61
    await bot.keys.find("second")
    assert (await bot.send(ask)).status == 401


async def test_a_tenant_is_ours_in_any_case(bot: Bot) -> None:
    ask = bot.ask()
    ask.activity["channelData"] = {"tenant": {"id": TENANT.upper()}}
    assert (await bot.send(ask)).status == 200


async def test_someone_too_fast_is_slowed_and_nobody_else(bot: Bot) -> None:
    ask = bot.ask()
    statuses = []
    for number in range(101):
        ask.activity["from"]["id"] = f"29:{number}"
        statuses.append((await bot.send(ask)).status)
    assert statuses == [200] * 100 + [429]
    assert (await bot.say(**{"from": {"id": "29:paul", "aadObjectId": "paul"}})).status == 200
    bot.clock.now += 1
    assert (await bot.send(ask)).status == 200
    assert bot.refusals == ["pace"]


async def test_the_log_of_a_refusal_names_nobody(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await bot.say(channelData={"tenant": {"id": OTHER_TENANT}})
    assert "turned away: tenant" in caplog.text
    for word in ("Claire", AAD_ID, MRI, OTHER_TENANT, "eyJ"):
        assert word not in caplog.text
