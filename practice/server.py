"""The practice page's server: three Teams clients side by side in one browser page, and the backstage panel.

Everything the page does goes through `client.Client`, as the tests' people do; changes reach the page as server-sent
events, after which it asks again for what it shows.
"""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from practice import people, seed
from practice.activities import BOT_NAME, Persona
from practice.backstage import Backstage
from practice.bot import Bot
from practice.card import CannotDo
from practice.client import Client, Shown, Where
from practice.connector import FILES
from practice.conversations import Message
from practice.protocol import ProtocolError
from practice.teams import BotFailed, Teams

_ROOT = Path(__file__).parent / "page"
_MANIFEST = Path(__file__).parent.parent / "manifest" / "manifest.json"
_CLOUD_LOOKS = 0.3  # seconds between two looks at the cloud, which tells nobody that a mail arrived
_SENTENCES = {
    ProtocolError: ("protocol", 502),
    BotFailed: ("bot", 502),
    CannotDo: ("cannot", 409),
    LookupError: ("unknown", 404),
}


class Page:
    """The page of one practice firm, at `url`. `bot` is None where somebody else runs the bot."""

    def __init__(self, teams: Teams, bot: Bot | None) -> None:
        self.teams = teams
        self.url = ""
        self._bot = bot
        self._backstage = Backstage(teams, bot)
        self._clients: dict[str, Client] = {}
        self._watch: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        app = web.Application(middlewares=[_explain], client_max_size=32 * 2**20)  # a file of 20 MB, in base64
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)

    @classmethod
    async def start(cls, teams: Teams, bot: Bot | None = None, *, port: int = 0) -> Self:
        page = cls(teams, bot)
        await page._runner.setup()
        await web.TCPSite(page._runner, "127.0.0.1", port).start()
        host, bound = page._runner.addresses[0][:2]
        page.url = f"http://{host}:{bound}"
        page._watch = asyncio.create_task(page._watch_cloud())
        return page

    async def stop(self) -> None:
        self._stopping.set()
        if self._watch:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self._backstage.stop()
        await self._runner.cleanup()

    def _routes(self) -> list[web.AbstractRouteDef]:
        one = "/people/{mri}"
        return [
            web.get("/", self._index),
            web.get("/loop{rest:.*}", self._loop),
            web.get("/firm", self._firm),
            web.get("/events", self._events),
            web.get(one, self._person),
            web.post(one + "/write", self._deed(self._write)),
            web.post(one + "/file", self._deed(self._file)),
            web.post(one + "/consent", self._deed(self._consent)),
            web.post(one + "/act", self._deed(self._act)),
            web.post(one + "/submit", self._deed(self._submit)),
            web.post(one + "/close", self._deed(self._close)),
            web.post(one + "/search", self._deed(self._search)),
            web.post(one + "/refresh", self._deed(self._refresh)),
            web.post(one + "/follow", self._deed(self._follow)),
            web.get("/backstage", self._backstage_state),
            web.post("/backstage/{deed}", self._backstage_deed),
            web.static("/node_modules", _ROOT / "node_modules") if (_ROOT / "node_modules").exists() else _missing(),
            web.static("/page", _ROOT),
        ]

    # What is shown

    async def _index(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(_ROOT / "index.html", headers={"Cache-Control": "no-store"})

    async def _loop(self, request: web.Request) -> web.Response:
        page = (_ROOT / "loop.html").read_text("utf-8")
        return web.Response(
            text=page.replace("{path}", request.match_info["rest"].lstrip("/")), content_type="text/html"
        )

    async def _firm(self, _request: web.Request) -> web.Response:
        owners = {one.mri for one in seed.STAFF if one.owner}
        everybody = self.teams.everybody()
        return web.json_response(
            {
                "firm": seed.FIRM_NAME,
                "bot": BOT_NAME,
                "commands": _commands(),
                "columns": [
                    {"role": "Administrateur", "people": [_name(one) for one in everybody if one.mri in owners]},
                    {
                        "role": "Collaborateur",
                        "people": [_name(one) for one in everybody if not one.guest and one.mri not in owners],
                    },
                    {"role": "Entrepreneur", "people": [_name(one) for one in everybody if one.guest]},
                ],
            }
        )

    async def _person(self, request: web.Request) -> web.Response:
        client = self._client(request)
        persona, dialog = client.persona, client.dialog
        return web.json_response(
            {
                **_name(persona),
                "guest": persona.guest,
                "signedIn": people.signed_in(self.teams.cloud.state, persona),
                "inTeam": client.in_team,
                "channel": [self._message(shown) for shown in client.messages("channel")],
                "chat": [self._message(shown) for shown in client.messages("chat")],
                "mails": [
                    {
                        "from": mail.sender,
                        "subject": mail.subject,
                        "at": mail.at,
                        "html": mail.content_type.lower() == "html",
                        "content": mail.content,
                    }
                    for mail in client.mails
                ],
                "refreshes": bool(client.to_refresh()),
                "dialog": dialog
                and {
                    "key": f"{id(dialog)}",
                    "message": dialog.opened_on.id,
                    "title": dialog.title,
                    "width": dialog.info.get("width"),
                    "card": dialog.card,
                },
            }
        )

    def _message(self, shown: Shown) -> dict[str, Any]:
        message = shown.message
        author = None if message.author == self.teams.envelope.bot_id else self.teams.find_person(message.author)
        return {
            "id": message.id,
            "root": message.root,
            "key": f"{message.id}:{message.version}:{shown.view}",
            "author": author.name if author else BOT_NAME,
            "bot": author is None,
            "text": message.text or (f"📎 {message.file}" if message.file else ""),
            "edited": message.version > 1,
            "own": shown.view > 0,
            "card": shown.card,
            "offered": dict(message.offered) if message.offered else None,
            "given": self._given(message),
        }

    def _given(self, message: Message) -> dict[str, str] | None:
        if message.given is None:
            return None
        held = message.given["content"]["uniqueId"]
        return {"name": message.given["name"], "url": f"{self.teams.url}{FILES}{held}"}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        revision = -1
        with suppress(ConnectionResetError):
            while not self._stopping.is_set():
                revision = await self.teams.change_after(revision)
                told = json.dumps({"revision": revision, "bot": self._bot.status if self._bot else "running"})
                await response.write(f"data: {told}\n\n".encode())
        return response

    async def _watch_cloud(self) -> None:
        seen: tuple[object, ...] = ()
        state = self.teams.cloud.state
        while True:
            now = (len(state.mails), len(state.changed), len(state.invitations), self._bot and self._bot.status)
            if now != seen:
                seen = now
                self.teams.changed()
            await asyncio.sleep(_CLOUD_LOOKS)

    # What people do

    def _client(self, request: web.Request) -> Client:
        mri = self.teams.person(request.match_info["mri"]).mri
        return self._clients.setdefault(mri, Client(self.teams, mri))

    def _deed(self, do: "Callable[[Client, Mapping[str, Any]], Awaitable[Any]]") -> Any:
        async def handle(request: web.Request) -> web.Response:
            answer = await do(self._client(request), await request.json())
            return web.json_response({"answer": answer})

        return handle

    async def _write(self, client: Client, told: Mapping[str, Any]) -> None:
        place: Where = "chat" if told["place"] == "chat" else "channel"
        above = self.teams.conversations.channel.message(told["replyTo"]) if told.get("replyTo") else None
        await client.write(told["text"], place=place, reply_to=above)

    async def _file(self, client: Client, told: Mapping[str, Any]) -> None:
        await client.send_file(told["name"], base64.b64decode(told["content"]))

    async def _consent(self, client: Client, told: Mapping[str, Any]) -> None:
        await client.answer_consent(self._find(client, told["message"]), accept=bool(told["accept"]))

    async def _act(self, client: Client, told: Mapping[str, Any]) -> dict[str, str]:
        client.notice = ""
        await client.act(self._find(client, told["message"]), told["action"], told["data"])
        self.teams.changed()
        return {"notice": client.notice}

    async def _submit(self, client: Client, told: Mapping[str, Any]) -> dict[str, str]:
        client.notice = ""
        await client.submit_dialog(told["data"])
        self.teams.changed()
        return {"notice": client.notice}

    async def _close(self, client: Client, _told: Mapping[str, Any]) -> None:
        client.close_dialog()
        self.teams.changed()

    async def _search(self, client: Client, told: Mapping[str, Any]) -> list[dict[str, str]]:
        rows = await client.search(self._find(client, told["message"]), told["dataset"], told["text"])
        return [{"value": value, "title": title} for value, title in rows]

    async def _refresh(self, client: Client, _told: Mapping[str, Any]) -> None:
        await client.refresh()

    async def _follow(self, client: Client, told: Mapping[str, Any]) -> dict[str, str]:
        answer = self._backstage.follow(client.persona, told["url"])
        self.teams.changed()
        return answer

    def _find(self, client: Client, activity_id: str) -> Any:
        for shown in client.messages("channel") + client.messages("chat"):
            if shown.message.id == activity_id:
                return shown.message
        raise CannotDo("Ce message a été supprimé.")

    # Backstage

    async def _backstage_state(self, _request: web.Request) -> web.Response:
        return web.json_response(self._backstage.state())

    async def _backstage_deed(self, request: web.Request) -> web.Response:
        told = await self._backstage.do(request.match_info["deed"], await request.json())
        self.teams.changed()
        return web.json_response({"answer": told})


@web.middleware
async def _explain(request: web.Request, handler: Any) -> web.StreamResponse:
    """A practice error as the page shows it: its kind, and what happened."""
    if request.method == "POST" and urlsplit(request.headers.get("Origin", "")).netloc not in ("", request.host):
        return web.json_response({"kind": "cannot", "reason": "Cette demande vient d’un autre site."}, status=403)
    try:
        response: web.StreamResponse = await handler(request)
    except tuple(_SENTENCES) as error:
        kind, status = next(entry for cause, entry in _SENTENCES.items() if isinstance(error, cause))
        return web.json_response({"kind": kind, "reason": str(error)}, status=status)
    if request.path.startswith("/page/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _missing() -> web.RouteDef:
    async def say(_request: web.Request) -> web.Response:
        return web.Response(status=404, text="npm packages are missing: run npm ci in practice/page")

    return web.get("/node_modules/{rest:.*}", say)


def _name(persona: Persona) -> dict[str, str]:
    return {"mri": persona.mri, "name": persona.name, "email": persona.email, "locale": persona.locale}


def _commands() -> list[dict[str, str]]:
    """What the manifest proposes to whoever mentions the bot in a team."""
    if not _MANIFEST.exists():
        return []
    bots = json.loads(_MANIFEST.read_text("utf-8")).get("bots") or [{}]
    lists = [one for one in bots[0].get("commandLists") or () if "team" in one.get("scopes", ())]
    return [{"title": one["title"], "description": one["description"]} for many in lists for one in many["commands"]]
