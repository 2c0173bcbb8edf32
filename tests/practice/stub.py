"""The smallest bot that can stand behind a practice Teams: it answers what it is told to, and calls the connector."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

import aiohttp
import jwt
from aiohttp import web

from practice import entra
from practice.activities import Activity
from practice.protocol import CARD_TYPE
from practice.teams import Teams

Say = Callable[[Activity], Any]


def card(*body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "AdaptiveCard", "version": "1.5", "body": list(body), **more}


def text(words: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": words, "wrap": True}


def attached(content: dict[str, Any]) -> dict[str, Any]:
    return {"contentType": CARD_TYPE, "content": content}


def message(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "attachments": [attached(content)]}


def shows(title: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"task": {"type": "continue", "value": {"title": title, "width": "medium", "card": attached(content)}}}


class StubBot:
    """`on` maps an activity's type, or an invoke's name, to what answers its body; `heard` keeps what arrived."""

    def __init__(self, teams: Teams) -> None:
        self.teams = teams
        self.on: dict[str, Say] = {}
        self.status = 200
        self.free = asyncio.Event()
        """While cleared, the bot hears and does not answer."""
        self.free.set()
        self.heard: list[Activity] = []
        self.claims: list[dict[str, Any]] = []
        app = web.Application()
        app.add_routes([web.post("/api/messages", self._messages)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._http: aiohttp.ClientSession
        self._token = ""

    @classmethod
    async def start(cls, teams: Teams) -> Self:
        bot = cls(teams)
        bot._http = aiohttp.ClientSession()
        await bot._runner.setup()
        await web.TCPSite(bot._runner, "127.0.0.1", 0).start()
        host, port = bot._runner.addresses[0][:2]
        teams.bot_url = f"http://{host}:{port}/api/messages"
        return bot

    async def stop(self) -> None:
        await self._http.close()
        await self._runner.cleanup()

    def of(self, kind: str) -> list[Activity]:
        """What arrived of that type, or of that invoke name."""
        return [one for one in self.heard if kind in (one["type"], one.get("name"))]

    async def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token, checked against the keys Teams publishes; KeyError for a key it does not publish."""
        async with self._http.get(self.teams.openid_url) as answer:
            metadata = await answer.json()
        async with self._http.get(metadata["jwks_uri"]) as answer:
            published = {one["kid"]: one for one in (await answer.json())["keys"]}
        key = jwt.PyJWK(published[jwt.get_unverified_header(token)["kid"]])
        issuer, app = metadata["issuer"], self.teams.cloud.app_id
        claims: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=app, issuer=issuer)
        return claims

    async def token(self) -> str:
        """A connector token, asked of Entra once."""
        if not self._token:
            cloud = self.teams.cloud
            form = {
                "grant_type": "client_credentials",
                "client_id": cloud.app_id,
                "client_secret": cloud.app_secret,
                "scope": entra.CONNECTOR_SCOPE,
            }
            url = f"{cloud.authority_url}/{cloud.tenant_id}/oauth2/v2.0/token"
            async with self._http.post(url, data=form) as answer:
                self._token = (await answer.json())["access_token"]
        return self._token

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, raw: bytes | None = None
    ) -> tuple[int, Any]:
        """One connector call; gives the status and the JSON answered (None where there is none)."""
        headers = {"Authorization": f"Bearer {await self.token() if token is None else token}"}
        url = f"{self.teams.service_url}v3/conversations{path}"
        sent: dict[str, Any] = {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        async with self._http.request(method, url, headers=headers, **sent) as answer:
            self.headers = answer.headers
            return answer.status, await answer.json() if await answer.read() else None

    async def posts(self, conversation: str, activity: dict[str, Any]) -> str:
        status, body = await self.call("POST", f"/{conversation}/activities", activity)
        assert status == 201, body
        return str(body["id"])

    async def _messages(self, request: web.Request) -> web.Response:
        self.claims.append(await self.verify(request.headers["Authorization"].removeprefix("Bearer ")))
        activity = await request.json()
        self.heard.append(activity)
        await self.free.wait()
        say = self.on.get(activity.get("name") or activity["type"])
        body = say(activity) if say else None
        if body is None:
            return web.Response(status=self.status)
        return web.json_response(body, status=self.status)
