"""bot/ is the only room to change when the SDK does: another front, of raw aiohttp, drives the same engine down the main path."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

import app
from dialogs import DIALOGS
from dialogs.turn import (
    Acted,
    Arrived,
    Done,
    Opened,
    Post,
    Redraw,
    Refreshed,
    Reply,
    Sender,
    Show,
    Sought,
    Submitted,
    Suggest,
    Turn,
    What,
    Wrote,
)
from practice import seed
from services import dossiers, invitations, portfolio
from services.clock import system_clock
from services.ports import Message, Place, PlaceKind, RosterMember
from tests.conftest import config_for
from tests.teams import Firm
from tests.test_path import test_a_new_client_from_invitation_to_welcome as main_path

CARD = "application/vnd.microsoft.card.adaptive"


class Chat:
    """`services.ports.Chat` by the connector's REST calls."""

    def __init__(self, http: aiohttp.ClientSession, firm: Firm) -> None:
        self._http = http
        self._firm = firm

    async def post(self, place: Place, message: Message) -> str:
        sent = await self._call("POST", place, f"/v3/conversations/{place.conversation_id}/activities", message)
        return str(sent["id"])

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        path = f"/v3/conversations/{place.conversation_id}/activities/{activity_id}"
        await self._call("PUT", place, path, message, id=activity_id)

    async def members(self, place: Place) -> tuple[RosterMember, ...]:
        page = await self._call("GET", place, f"/v3/conversations/{place.conversation_id}/pagedmembers?pageSize=500")
        return tuple(RosterMember(row["id"], row["aadObjectId"], row["name"], row["email"]) for row in page["members"])

    async def open_personal(self, place: Place, mri: str) -> Place:
        body = {"bot": {"id": place.bot_id}, "members": [{"id": mri}], "tenantId": place.tenant_id, "isGroup": False}
        body["channelData"] = {"tenant": {"id": place.tenant_id}}
        made = await self._call("POST", place, "/v3/conversations", body)
        return Place(PlaceKind.PERSONAL, made["id"], place.service_url, place.tenant_id, place.bot_id, None, None, mri)

    async def _call(self, method: str, place: Place, path: str, body: Any = None, **more: Any) -> Any:
        if isinstance(body, Message):
            body = {**_activity(body, place), **more}
        asked = {"grant_type": "client_credentials", "client_id": seed.APP_ID, "client_secret": seed.APP_SECRET}
        asked["scope"] = "https://api.botframework.com/.default"
        cloud = self._firm.cloud
        async with self._http.post(f"{cloud.authority_url}/{cloud.tenant_id}/oauth2/v2.0/token", data=asked) as given:
            token = (await given.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        url = place.service_url.rstrip("/") + path
        async with self._http.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return json.loads(await answer.read() or b"{}")


def _activity(message: Message, place: Place) -> dict[str, Any]:
    entities = [
        {"type": "mention", "text": f"<at>{one.name}</at>", "mentioned": {"id": one.id, "name": one.name}}
        for one in message.mentions
    ]
    card = {**message.card, "msteams": {**message.card.get("msteams", {}), "entities": entities}}
    return {
        "type": "message",
        "from": {"id": place.bot_id},
        "conversation": {"id": place.conversation_id},
        "summary": message.summary,
        "attachments": [{"contentType": CARD, "content": card if entities else message.card}],
    }


def turn_of(activity: dict[str, Any]) -> Turn | None:
    """What the engine is told of an activity."""
    what = _what(activity)
    sender, conversation = activity["from"], activity["conversation"]
    team = activity["channelData"].get("team") or {}
    personal = conversation["conversationType"] == "personal"
    where = Place(
        PlaceKind.PERSONAL if personal else PlaceKind.CHANNEL,
        conversation["id"].partition(";messageid=")[0],
        activity["serviceUrl"],
        conversation["tenantId"],
        activity["recipient"]["id"],
        team.get("id"),
        team.get("aadGroupId"),
        sender["id"] if personal else None,
    )
    tenant = conversation["tenantId"]
    who = Sender(sender["aadObjectId"], sender["id"], sender["name"], activity["locale"], tenant)
    return Turn(activity["id"], who, where, what) if what else None


def _what(activity: dict[str, Any]) -> What | None:
    value = activity.get("value") or {}
    match activity["type"], activity.get("name"):
        case "message", _:
            return Wrote(activity["text"].rpartition("</at>")[2].strip())
        case "invoke", "task/fetch":
            return Opened(value["data"])
        case "invoke", "task/submit":
            return Submitted(value["data"])
        case "invoke", "application/search":
            return Sought(value["dataset"], value["queryText"], 15)
        case "invoke", "adaptiveCard/action":
            action = value["action"]
            if value["trigger"] == "automatic":
                return Refreshed(action["verb"], action["data"])
            return Acted(action["verb"], action["data"], activity.get("replyToId"))
        case "installationUpdate", _:
            return Arrived(bot=True)
        case _:
            return None


def body_of(reply: Reply) -> Any:
    """What Teams is answered."""
    match reply:
        case Show():
            card = {"contentType": CARD, "content": reply.card}
            value = {"title": reply.title, "height": reply.size, "width": reply.size, "card": card}
            return {"task": {"type": "continue", "value": value}}
        case Done(text):
            return {"task": {"type": "message", "value": text}}
        case Redraw(card):
            return {"statusCode": 200, "type": CARD, "value": card}
        case Suggest(rows):
            found = [{"value": row, "title": title} for row, title in rows]
            kind = "application/vnd.microsoft.search.searchResponse"
            return {"statusCode": 200, "type": kind, "value": {"results": found}}
    return {}


class Files:
    async def fetch(self, url: str, most: int) -> bytes:
        raise NotImplementedError


@pytest.fixture
async def fronted(empty_firm: Firm, database_url: str, unused_tcp_port: int) -> AsyncIterator[Firm]:
    """The firm, with the program behind a front that knows no SDK."""
    config = config_for(empty_firm, database_url, unused_tcp_port)
    store = app.open_store(config, system_clock)
    async with store.work() as work:
        lines = portfolio.read(seed.portfolio_csv(40).encode())
        await dossiers.keep(work, [portfolio.record(line.said) for line in lines])
    graph = app.open_graph(config)
    http = aiohttp.ClientSession()
    chat = Chat(http, empty_firm)
    wired = app.wire(config, store, graph.directory, graph.mailbox, chat, Files())  # type: ignore[arg-type]

    async def messages(request: web.Request) -> web.Response:
        turn = turn_of(await request.json())
        if turn is None:
            return web.Response()
        reply = await wired.engine.answer(turn)
        if isinstance(reply, Post):
            await chat.post(turn.where, reply.message)
        return web.json_response(body_of(reply))

    server = web.Application()
    server.router.add_post("/api/messages", messages)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    empty_firm.teams.bot_url = f"http://127.0.0.1:{unused_tcp_port}/api/messages"

    stop = asyncio.Event()

    async def watches() -> None:
        while not stop.is_set():
            await invitations.notice_acceptances(wired.services)
            await asyncio.sleep(0.2)

    tasks = [asyncio.create_task(wired.outbox.run(stop, paced=False)), asyncio.create_task(watches())]
    await empty_firm.install()
    yield empty_firm
    stop.set()
    await asyncio.gather(*tasks)
    await runner.cleanup()
    await http.close()
    await graph.close()
    await store.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_another_front_goes_the_whole_way(fronted: Firm) -> None:
    await main_path(fronted)


def test_the_other_rooms_import_without_the_sdk() -> None:
    """In a process of its own, where whoever reaches for the SDK fails."""

    rooms = ("dialogs", "dialogs.engine", "cards.render", "services.graph", "services.outbox", "services.roles")
    program = (
        "import sys\n"
        "for sdk in ('botbuilder', 'botframework', 'msrest', 'bot'): sys.modules[sdk] = None\n"
        f"import {', '.join(rooms)}\n"
        "print(len(dialogs.DIALOGS))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(DIALOGS)
