"""The far sides of the bot on loopback: a token issuer with its key server, a Bot Connector, and the bot itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import aiohttp
import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from prometheus_client import CollectorRegistry

from bot.adapter import Adapter
from bot.addresses import Addresses
from bot.courier import Courier
from bot.door import Door
from bot.handler import Handler
from bot.keys import Keys
from bot.metrics import Metrics
from bot.pace import Pace
from bot.server import make_app, open_session
from bot.tokens import Tokens
from dialogs.turn import Done, Nothing, Reply, Turn

APP_ID = "0f3b2a52-5b8c-4f0e-9a51-2a7d1c0b9e11"
TENANT = "7c1e8a3d-9b2f-4c55-8f6a-1d2e3f4a5b6c"
OTHER_TENANT = "11111111-2222-3333-4444-555555555555"
AAD_ID = "5d9e1f70-0a4b-4f1d-b6a5-3b9c8e7f6a21"
MRI = "29:1aBcD-claire"
BOT = f"28:{APP_ID}"
GENERAL = "19:general@thread.tacv2"
NOW = 1_750_000_000.0


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@cache
def private_key(name: str, size: int = 2048) -> rsa.RSAPrivateKey:
    """One key a name for the whole run: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def jwk(kid: str, *, key: rsa.RSAPrivateKey | None = None, endorsements: list[str] | None = None) -> dict[str, Any]:
    """The public half of a key as the Bot Framework publishes it."""
    shown: dict[str, Any] = RSAAlgorithm.to_jwk((key or private_key(kid)).public_key(), as_dict=True)
    return {**shown, "kid": kid, "use": "sig", "endorsements": ["msteams"] if endorsements is None else endorsements}


def claims(service_url: str, now: float = NOW, **changes: Any) -> dict[str, Any]:
    """What the Bot Connector's token says; a change to None takes the claim out."""
    said = {
        "iss": "https://api.botframework.com",
        "aud": APP_ID,
        "nbf": int(now) - 60,
        "exp": int(now) + 3600,
        "serviceurl": service_url,
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def signed(said: Mapping[str, Any], kid: str = "first", **header: Any) -> str:
    return jwt.encode(dict(said), private_key(kid), algorithm="RS256", headers={"kid": kid, **header})


def envelope(service_url: str, **changes: Any) -> dict[str, Any]:
    """A message in the team's channel, as Teams sends it; changes replace whole top-level fields."""
    return {
        "type": "message",
        "id": "1700000000001",
        "timestamp": "2025-06-15T15:06:40.000Z",
        "serviceUrl": service_url,
        "channelId": "msteams",
        "from": {"id": MRI, "name": "Claire Martin", "aadObjectId": AAD_ID},
        "recipient": {"id": BOT, "name": "Passerelle"},
        "conversation": {
            "id": f"{GENERAL};messageid=1700000000000",
            "conversationType": "channel",
            "isGroup": True,
            "tenantId": TENANT,
        },
        "channelData": {"tenant": {"id": TENANT}, "team": {"id": GENERAL, "aadGroupId": "group-1"}},
        "entities": [{"type": "clientInfo", "locale": "fr-FR", "country": "FR", "platform": "Web"}],
        "locale": "fr-FR",
        "textFormat": "plain",
        "text": "menu",
        **changes,
    }


class Site:
    """A small web server of a test: counts the calls and may be told to hang or to fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = 200
        self.hang = False
        self.reached, self.released = asyncio.Event(), asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self._server.make_url("/")).rstrip("/")

    @property
    def authority(self) -> str:
        return self.url.removeprefix("http://")

    async def start(self) -> None:
        await self._server.start_server()

    async def close(self) -> None:
        self.released.set()
        await self._server.close()

    async def _serve(self, request: web.Request) -> web.Response:
        self.calls.append(f"{request.method} {request.raw_path}")
        self.reached.set()
        if self.hang:
            await self.released.wait()
        return await self.reply(request)

    async def reply(self, request: web.Request) -> web.Response:
        raise NotImplementedError


class KeyServer(Site):
    """The Bot Framework's OpenID document and its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[dict[str, Any]] = [jwk("first")]
        self.jwks_uri: str | None = None
        self.body: bytes | None = None
        self.odd = "/keys"

    async def reply(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status, headers={"Location": "/elsewhere"})
        if self.body is not None and request.path == self.odd:
            return web.Response(body=self.body)
        if request.path == "/openid":
            return web.json_response({"jwks_uri": self.jwks_uri or f"{self.url}/keys"})
        return web.json_response({"keys": self.keys})


@dataclass
class Received:
    """One call as the connector saw it."""

    method: str
    path: str
    authorization: str
    body: Any


class Connector(Site):
    """The Bot Connector's side of the calls the courier makes, kept to what Teams answers."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Received] = []
        self.headers: dict[str, str] = {}
        self.raw: bytes | None = None
        self.pages: dict[str, dict[str, Any]] = {}

    @property
    def activities(self) -> list[Any]:
        return [call.body for call in self.received if call.path.endswith("/activities")]

    async def reply(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.received.append(Received(request.method, request.path, request.headers.get("Authorization", ""), body))
        if self.status != 200:
            return web.json_response({"error": {"code": "x"}}, status=self.status, headers=self.headers)
        if self.raw is not None:
            return web.Response(body=self.raw)
        if request.path.endswith("/pagedmembers"):
            return web.json_response(self.pages[request.query.get("continuationToken", "")])
        if request.path == "/v3/conversations":
            return web.json_response({"id": "a:personal"}, status=201)
        return web.json_response({"id": f"sent-{len(self.received)}"}, status=201)


async def bot_token(scope: str) -> str:
    return f"token for {scope}"


def apology(locale: str) -> Done:
    return Done("Désolé." if locale.startswith("fr") else "Sorry.")


@dataclass
class Answer:
    """What the bot said over HTTP."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Ask:
    """One request to the bot, good until a test spoils it."""

    activity: dict[str, Any]
    claims: dict[str, Any]
    kid: str = "first"
    token: str | None = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def authorization(self) -> dict[str, str]:
        token = signed(self.claims, self.kid) if self.token is None else self.token
        return {"Authorization": f"Bearer {token}"} if token else {}


class Bot:
    """The whole room behind real HTTP, with an engine that says what the test wants."""

    def __init__(self) -> None:
        self.keyserver = KeyServer()
        self.connector = Connector()
        self.clock = Clock()
        self.turns: list[Turn] = []
        self.reply: Reply = Nothing()
        self.engine: Callable[[Turn], Awaitable[Reply]] | None = None
        self.limit = 2.0
        self.patience = 2.0
        self.reason: str | None = None
        self.refusals: list[str] = []
        self.metrics = Metrics(CollectorRegistry())

    async def start(self) -> None:
        await self.keyserver.start()
        await self.connector.start()
        self.session = open_session()
        # Not aiohttp's TestServer: that one cancels a turn when its caller hangs up, which the real server does not.
        self._runner = web.AppRunner(self._assemble(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site.port}"
        await self.keys.find("first")

    async def close(self) -> None:
        await self._runner.cleanup()
        await self.session.close()
        await self.connector.close()
        await self.keyserver.close()

    def _assemble(self) -> web.Application:
        addresses = Addresses([self.connector.authority, "smba.trafficmanager.net"], practice=True)
        self.keys = Keys(self.session, f"{self.keyserver.url}/openid", practice=True, clock=self.clock)
        self.courier = Courier(self.session, bot_token, addresses)
        door = Door(
            Tokens(self.keys, APP_ID, clock=self.clock),
            addresses,
            TENANT,
            pace=Pace(clock=self.clock),
            on_refusal=self._refused,
            patience=self.patience,
        )
        handler = Handler(Adapter(self.courier), self._answer, apology, on_turn=self.metrics.turned, limit=self.limit)
        return make_app(door=door, take=handler.take, keys=self.keys, ready=self._ready, metrics=self.metrics)

    def _refused(self, reason: str) -> None:
        self.refusals.append(reason)
        self.metrics.refused(reason)

    async def _ready(self) -> str | None:
        return self.reason

    async def _answer(self, turn: Turn) -> Reply:
        self.turns.append(turn)
        return self.reply if self.engine is None else await self.engine(turn)

    def ask(self, **changes: Any) -> Ask:
        """A good request carrying a channel message with these fields changed."""
        url = f"{self.connector.url}/"
        return Ask(envelope(url, **changes), claims(url, self.clock.now))

    async def send(self, ask: Ask) -> Answer:
        body = json.dumps(ask.activity).encode() if ask.body is None else ask.body
        return await self.post(body, {**ask.headers, **ask.authorization()})

    async def post(self, body: Any, headers: Mapping[str, str]) -> Answer:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/messages", data=body, headers=headers) as response,
        ):
            return Answer(response.status, await response.read())

    async def say(self, **changes: Any) -> Answer:
        """Sends a good activity with these fields changed."""
        return await self.send(self.ask(**changes))

    async def invoke(self, name: str, value: Any, **changes: Any) -> Answer:
        return await self.say(type="invoke", name=name, value=value, text=None, **changes)

    async def get(self, path: str) -> Answer:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            return Answer(response.status, await response.read())
