"""The desk behind applet.html: carries what its applets ask to the bot, and the answers back, judging nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from playwright.async_api import Browser, Locator, Page

from practice import packages
from practice.activities import Activity
from practice.client import Client, Shown
from practice.teams import Teams
from tests.browser.page import Column

_HERE = Path(__file__).parent
_TEAMS_PAGE = _HERE.parents[1] / "practice" / "page"


class AppletColumn(Column):
    """As `Column`, of Microsoft's own inputs: a typeahead's label leads to the box around its text."""

    async def _labelled(self, label: str) -> Locator:
        field = await super()._labelled(label)
        typed = field.locator("input.ac-choiceSetInput-filtered-textbox")
        return typed if await typed.count() else field


class Applets:
    """One person's page, open. `column` drives it by what they see."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.column = AppletColumn(page.get_by_role("region", name="Teams"))

    async def complaints(self) -> list[str]:
        """What the applets found wrong."""
        found: list[str] = await self.page.evaluate("window.complaints")
        return found

    async def requests(self, trigger: str) -> list[tuple[str, str]]:
        """What the applets asked for with that trigger (manual, automatic, search): about which message, which verb."""
        found: list[tuple[str, str, str]] = await self.page.evaluate("window.requests")
        return [(about, verb) for about, verb, how in found if how == trigger]


class Desk:
    """Serves the page at `url`, one person's at a time."""

    def __init__(self, teams: Teams) -> None:
        self._teams = teams
        self.url = ""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._file),
                web.get("/applet.js", self._file),
                web.static("/page", _TEAMS_PAGE),
                web.static("/node_modules", packages.install(_TEAMS_PAGE)),
                web.get("/feed", self._feed),
                web.post("/{what:execute|search|fetch|submit}", self._ask),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    @classmethod
    async def start(cls, teams: Teams) -> Self:
        desk = cls(teams)
        await desk._runner.setup()
        await web.TCPSite(desk._runner, "127.0.0.1", 0).start()
        host, port = desk._runner.addresses[0][:2]
        desk.url = f"http://{host}:{port}"
        return desk

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def seat(self, browser: Browser, name: str) -> Applets:
        """Somebody of the firm at their page, in a context of its own."""
        context = await browser.new_context(viewport={"width": 900, "height": 900}, locale="fr-FR")
        page = await context.new_page()
        await page.goto(f"{self.url}/?who={self._teams.person(name).mri}")
        await page.locator("body[data-ready]").wait_for()
        return Applets(page)

    async def _file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_HERE / (request.path.strip("/") or "applet.html"))

    async def _feed(self, request: web.Request) -> web.Response:
        revision = await self._teams.change_after(int(request.query["after"]))
        cards = [one for one in self._messages(self._client(request)) if one.message.card]
        messages = [{"id": one.message.id, "version": one.message.version, "card": one.message.card} for one in cards]
        return web.json_response({"revision": revision, "messages": messages})

    async def _ask(self, request: web.Request) -> web.Response:
        client, told = self._client(request), await request.json()
        answer = await self._teams.redeliver(self._activity(client, request.match_info["what"], told))
        self._teams.changed()
        return web.Response(text=json.dumps({"status": answer.status, "body": answer.body}))

    def _activity(self, client: Client, what: str, told: Mapping[str, Any]) -> Activity:
        shown = next(one for one in self._messages(client) if one.message.id == told["message"])
        who, envelope, where, message = client.persona, self._teams.envelope, shown.where, shown.message
        match what:
            case "execute":
                return envelope.execute(who, where, message, told["action"], told["data"], told["trigger"])
            case "search":
                return envelope.search(who, where, message, told["dataset"], told["text"])
            case "fetch":
                return envelope.fetch(who, where, message, told["data"])
            case _:
                return envelope.submit_dialog(who, where, message, told["data"])

    def _client(self, request: web.Request) -> Client:
        return Client(self._teams, request.query["who"])

    def _messages(self, client: Client) -> list[Shown]:
        return client.messages("channel") + client.messages("chat")
