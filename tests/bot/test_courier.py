"""The courier against a connector on loopback: what is asked, and what each answer becomes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest
from aiohttp.test_utils import unused_port

from bot.addresses import Addresses
from bot.courier import Courier
from bot.server import open_session
from services.errors import Refused, Unavailable
from services.ports import Chat, Mention, Message, Place, PlaceKind, RosterMember
from tests.bot.kit import BOT, GENERAL, MRI, TENANT, Connector, bot_token

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}
MESSAGE = Message(card=CARD, summary="Nouvelle proposition")
ATTACHMENT = {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}

Call = Callable[[Courier, Place], Awaitable[object]]


async def _post(courier: Courier, place: Place) -> object:
    return await courier.post(place, MESSAGE)


async def _update(courier: Courier, place: Place) -> None:
    await courier.update(place, "17", MESSAGE)


async def _members(courier: Courier, place: Place) -> object:
    return await courier.members(place)


async def _open(courier: Courier, place: Place) -> object:
    return await courier.open_personal(place, MRI)


ALL: list[Call] = [_post, _update, _members, _open]


@pytest.fixture
async def courier(connector: Connector) -> AsyncIterator[Courier]:
    async with open_session() as session:
        yield Courier(session, bot_token, Addresses([connector.authority], practice=True), timeout=2)


@pytest.fixture
def place(connector: Connector) -> Place:
    return Place(
        kind=PlaceKind.CHANNEL,
        conversation_id=GENERAL,
        service_url=f"{connector.url}/",
        tenant_id=TENANT,
        bot_id=BOT,
        team_id=GENERAL,
        group_id="group-1",
    )


def test_the_courier_is_a_chat(courier: Courier) -> None:
    chat: Chat = courier
    assert chat is courier


async def test_a_post_gives_its_id(courier: Courier, connector: Connector, place: Place) -> None:
    assert await courier.post(place, MESSAGE) == "sent-1"
    (call,) = connector.received
    assert connector.calls == ["POST /v3/conversations/19%3Ageneral%40thread.tacv2/activities"]
    assert call.authorization == "Bearer token for https://api.botframework.com/.default"
    assert call.body == {
        "type": "message",
        "from": {"id": BOT},
        "conversation": {"id": GENERAL},
        "summary": "Nouvelle proposition",
        "attachments": [ATTACHMENT],
    }


async def test_a_mention_stands_in_the_card(courier: Courier, connector: Connector, place: Place) -> None:
    mentions = (Mention(MRI, "Claire"), Mention("entra-id", "Paul"))
    await courier.post(place, replace(MESSAGE, mentions=mentions))
    assert connector.activities[0]["attachments"][0]["content"]["msteams"] == {
        "entities": [
            {"type": "mention", "text": "<at>Claire</at>", "mentioned": {"id": MRI, "name": "Claire"}},
            {"type": "mention", "text": "<at>Paul</at>", "mentioned": {"id": "entra-id", "name": "Paul"}},
        ]
    }
    assert "msteams" not in CARD


async def test_an_update_replaces_the_message(courier: Courier, connector: Connector, place: Place) -> None:
    await courier.update(place, "1700;x/1", MESSAGE)
    assert connector.calls == ["PUT /v3/conversations/19%3Ageneral%40thread.tacv2/activities/1700%3Bx%2F1"]
    assert connector.received[0].body["id"] == "1700;x/1"
    assert connector.received[0].body["attachments"] == [ATTACHMENT]


async def test_the_roster_is_read_to_its_last_page(courier: Courier, connector: Connector, place: Place) -> None:
    claire = {"id": MRI, "aadObjectId": "aad-1", "name": "Claire", "email": "c@exemple.fr", "userRole": "user"}
    guest = {"id": "29:guest", "objectId": "aad-2", "name": "Paul", "email": None}
    connector.pages = {
        "": {"continuationToken": "a/b+c", "members": [claire]},
        "a/b+c": {"members": [guest, {"name": "without id"}, "garbage"]},
    }
    assert await courier.members(place) == (
        RosterMember(MRI, "aad-1", "Claire", "c@exemple.fr"),
        RosterMember("29:guest", "aad-2", "Paul", ""),
    )
    path = "GET /v3/conversations/19%3Ageneral%40thread.tacv2/pagedmembers?pageSize=500"
    assert connector.calls == [path, f"{path}&continuationToken=a%2Fb%2Bc"]


@pytest.mark.parametrize("raw", [b'{"members": 5}', b"{}"])
async def test_a_roster_of_nobody_is_empty(courier: Courier, connector: Connector, place: Place, raw: bytes) -> None:
    connector.raw = raw
    assert await courier.members(place) == ()


async def test_a_personal_conversation_is_opened(courier: Courier, connector: Connector, place: Place) -> None:
    opened = await courier.open_personal(place, MRI)
    assert opened == Place(
        kind=PlaceKind.PERSONAL,
        conversation_id="a:personal",
        service_url=place.service_url,
        tenant_id=TENANT,
        bot_id=BOT,
        user_mri=MRI,
    )
    assert connector.received[0].body == {
        "isGroup": False,
        "bot": {"id": BOT},
        "members": [{"id": MRI}],
        "tenantId": TENANT,
        "channelData": {"tenant": {"id": TENANT}},
    }


async def test_one_connection_serves_many_calls(courier: Courier, connector: Connector, place: Place) -> None:
    ports = set()

    async def noting(request: object) -> object:
        ports.add(request.transport.get_extra_info("peername"))  # type: ignore[attr-defined]
        return await Connector.reply(connector, request)  # type: ignore[arg-type]

    connector.reply = noting  # type: ignore[method-assign, assignment]
    for _ in range(3):
        await courier.post(place, MESSAGE)
    assert len(ports) == 1


REFUSALS = [
    (_post, 400, "chat_refused"),
    (_post, 401, "chat_refused"),
    (_post, 403, "chat_forbidden"),
    (_post, 404, "chat_refused"),
    (_post, 413, "chat_refused"),
    (_post, 500, "chat_refused"),
    (_post, 307, "chat_refused"),
    (_update, 403, "chat_forbidden"),
    (_update, 404, "message_gone"),
    (_update, 400, "chat_refused"),
    (_members, 404, "chat_refused"),
    (_open, 403, "chat_forbidden"),
]


@pytest.mark.parametrize(("call", "status", "key"), REFUSALS)
async def test_a_final_no(
    courier: Courier, connector: Connector, place: Place, call: Call, status: int, key: str
) -> None:
    connector.status, connector.headers = status, {"Location": f"{connector.url}/elsewhere"}
    with pytest.raises(Refused) as refused:
        await call(courier, place)
    assert refused.value.key == key
    assert refused.value.facts.get("status", status) == status
    assert len(connector.calls) == 1


LATER = [
    (_post, 412, False),
    (_post, 502, True),
    (_post, 503, False),
    (_post, 504, True),
    (_update, 502, False),
    (_update, 504, False),
    (_members, 503, False),
    (_open, 504, False),
]


@pytest.mark.parametrize(("call", "status", "ambiguous"), LATER)
async def test_a_no_for_now(
    courier: Courier, connector: Connector, place: Place, call: Call, status: int, ambiguous: bool
) -> None:
    connector.status = status
    with pytest.raises(Unavailable) as unavailable:
        await call(courier, place)
    assert (unavailable.value.key, unavailable.value.ambiguous) == ("chat_down", ambiguous)
    assert len(connector.calls) == 1


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("2.5", 2.5), ("", None), ("soon", None), ("-1", None)])
@pytest.mark.parametrize("call", ALL)
async def test_throttling_says_how_long(
    courier: Courier, connector: Connector, place: Place, call: Call, header: str, seconds: float | None
) -> None:
    connector.status, connector.headers = 429, {"Retry-After": header}
    with pytest.raises(Unavailable) as unavailable:
        await call(courier, place)
    assert (unavailable.value.key, unavailable.value.retry_after) == ("chat_throttled", seconds)
    assert not unavailable.value.ambiguous


@pytest.mark.parametrize(("call", "ambiguous"), [(_post, True), (_update, False), (_members, False), (_open, False)])
async def test_an_answer_that_never_comes(connector: Connector, place: Place, call: Call, ambiguous: bool) -> None:
    connector.hang = True
    async with open_session() as session:
        hasty = Courier(session, bot_token, Addresses([connector.authority], practice=True), timeout=0.05)
        with pytest.raises(Unavailable) as unavailable:
            await call(hasty, place)
    assert (unavailable.value.key, unavailable.value.ambiguous) == ("chat_down", ambiguous)


@pytest.mark.parametrize("call", ALL)
async def test_a_connector_that_is_not_there_did_nothing(place: Place, call: Call) -> None:
    authority = f"127.0.0.1:{unused_port()}"
    async with open_session() as session:
        courier = Courier(session, bot_token, Addresses([authority], practice=True))
        with pytest.raises(Unavailable) as unavailable:
            await call(courier, replace(place, service_url=f"http://{authority}/"))
    assert (unavailable.value.key, unavailable.value.ambiguous) == ("chat_down", False)


async def test_a_connector_that_takes_no_connection_did_nothing(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as callers:
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        authority = f"127.0.0.1:{full.getsockname()[1]}"
        async with open_session() as session:
            courier = Courier(session, bot_token, Addresses([authority], practice=True), timeout=0.5)
            with pytest.raises(Unavailable) as unavailable:
                await courier.post(replace(place, service_url=f"http://{authority}/"), MESSAGE)
    assert (unavailable.value.key, unavailable.value.ambiguous) == ("chat_down", False)


async def test_a_connection_cut_after_sending_is_ambiguous(place: Place) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(cut, "127.0.0.1")
    authority = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with open_session() as session:
        courier = Courier(session, bot_token, Addresses([authority], practice=True))
        with pytest.raises(Unavailable) as unavailable:
            await courier.post(replace(place, service_url=f"http://{authority}/"), MESSAGE)
    server.close()
    await server.wait_closed()
    assert (unavailable.value.key, unavailable.value.ambiguous) == ("chat_down", True)


@pytest.mark.parametrize("raw", [b"hello", b"[]", b"{}", b'{"id": 5}', b'{"id": ""}', b"", b"\xff"])
@pytest.mark.parametrize(("call", "ambiguous"), [(_post, True), (_open, False)])
async def test_an_answer_without_an_id(
    courier: Courier, connector: Connector, place: Place, raw: bytes, call: Call, ambiguous: bool
) -> None:
    connector.raw = raw
    with pytest.raises(Unavailable) as unavailable:
        await call(courier, place)
    assert (unavailable.value.key, unavailable.value.ambiguous) == ("chat_down", ambiguous)


async def test_an_update_may_be_answered_with_nothing(courier: Courier, connector: Connector, place: Place) -> None:
    connector.raw = b""
    await courier.update(place, "17", MESSAGE)
    assert len(connector.calls) == 1


STRANGERS = ["https://attacker.example/", "http://smba.trafficmanager.net/", "http://127.0.0.1:1/", ""]


@pytest.mark.parametrize("service_url", STRANGERS)
@pytest.mark.parametrize("call", ALL)
async def test_a_stored_address_outside_the_list_never_sees_the_token(
    place: Place, call: Call, service_url: str
) -> None:
    asked = []

    async def token(scope: str) -> str:
        asked.append(scope)
        return "secret"

    async with open_session() as session:
        courier = Courier(session, token, Addresses(["smba.trafficmanager.net"], practice=True))
        with pytest.raises(Refused) as refused:
            await call(courier, replace(place, service_url=service_url))
    assert (refused.value.key, refused.value.facts) == ("chat_refused", {"status": 0})
    assert asked == []


async def test_no_token_no_call(connector: Connector, place: Place) -> None:
    async def down(_: str) -> str:
        raise Unavailable("directory_down")

    async with open_session() as session:
        courier = Courier(session, down, Addresses([connector.authority], practice=True))
        with pytest.raises(Unavailable, match="directory_down"):
            await courier.post(place, MESSAGE)
    assert connector.calls == []


async def test_a_hanging_call_does_not_hold_up_another(courier: Courier, connector: Connector, place: Place) -> None:
    connector.hang = True
    slow = asyncio.create_task(courier.post(place, MESSAGE))
    await connector.reached.wait()
    connector.hang = False
    assert await courier.post(place, MESSAGE) == "sent-1"
    connector.released.set()
    assert await slow == "sent-2"
