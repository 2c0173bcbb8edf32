"""Both sides of the wire against Microsoft's description of Graph (graph-subset.yaml, see its own provenance)."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from practice import seed
from practice.cloud import Cloud
from services.errors import Refused, Unavailable
from services.graph import Graph
from tests.practice import conftest as practice

pytestmark = pytest.mark.contract

cloud = practice.cloud
graph = practice.graph

ROOT = Path(__file__).parents[2]
GRAPH = "https://graph.microsoft.com"
PAUL = seed.PAUL
INVITATION = (PAUL.email, PAUL.name, "fr-FR", "https://teams.microsoft.com/")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The contract; where it is missing, reading it fails, and the test with it."""
    folder = Path(os.environ.get("PASSERELLE_CONTRACTS", ROOT.parent / "shared" / "contracts"))
    read: dict[str, Any] = yaml.safe_load((folder / "graph-subset.yaml").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def openapi(document: dict[str, Any]) -> OpenAPI:
    return OpenAPI.from_dict(document)


@dataclass
class Exchange:
    """One request to Graph and its answer, as they went over the wire."""

    request: httpx.Request
    response: httpx.Response

    def as_request(self) -> MockRequest:
        request = self.request
        return MockRequest(
            GRAPH,
            request.method.lower(),
            request.url.raw_path.decode().partition("?")[0],
            args=dict(request.url.params),
            headers=dict(request.headers),
            data=request.content or None,
            content_type=request.headers.get("content-type", "application/json"),
        )

    def as_response(self) -> MockResponse:
        response = self.response
        return MockResponse(
            response.content,
            response.status_code,
            headers=dict(response.headers),
            content_type=response.headers.get("content-type", "application/json"),
        )


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """Everything that goes to Graph (not to Entra) during the test."""
    seen: list[Exchange] = []
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def record(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        response = await send(transport, request)
        if request.url.path.startswith("/v1.0/"):
            await response.aread()
            seen.append(Exchange(request, response))
        return response

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", record)
    return seen


def operations(openapi: OpenAPI, wire: list[Exchange]) -> set[str]:
    """Validate every exchange, both ways; gives what was seen, as « POST 201 »."""
    seen = set()
    for exchange in wire:
        request = exchange.as_request()
        openapi.validate_request(request)
        openapi.validate_response(request, exchange.as_response())
        seen.add(f"{exchange.request.method} {exchange.response.status_code}")
    return seen


async def test_every_request_and_every_good_answer(
    openapi: OpenAPI, cloud: Cloud, graph: Graph, wire: list[Exchange]
) -> None:
    directory = graph.directory
    cursor = (await directory.changes(None)).cursor
    invited = await directory.invite(*INVITATION)
    cloud.state.create_guest("l'atelier@martin.example", "L’Atelier", accepted=None)
    cloud.state.redeem(invited.redeem_url)
    await directory.find_by_email("l'atelier@martin.example")
    await directory.find_by_id(invited.user_id)
    await directory.add_to_team(seed.TEAM_GROUP_ID, invited.user_id)
    await graph.mailbox.send(practice.MAIL)
    cloud.state.page_size = 2  # page links are requests of ours too
    await directory.team_members(seed.TEAM_GROUP_ID)
    await directory.group_members(seed.TEAM_GROUP_ID)
    await directory.delete_guest(invited.user_id)
    await directory.changes(cursor)
    assert operations(openapi, wire) == {"GET 200", "POST 201", "POST 202", "DELETE 204"}


async def test_every_refusal_of_the_practice_graph(
    openapi: OpenAPI, cloud: Cloud, graph: Graph, wire: list[Exchange]
) -> None:
    directory = graph.directory
    state = cloud.state
    disabled = state.create_guest("parti@martin.example", "Parti")
    disabled.account_enabled = False
    state.blocked_domains.add("bloque.example")
    for email in ("paul+loop@martin.example", "a@bloque.example", f"a@{seed.DOMAIN}", disabled.mail or ""):
        with pytest.raises(Refused):
            await directory.invite(email, *INVITATION[1:])
    state.invitations_allowed = state.teams_accept_guests = False
    state.sending_mailboxes.clear()
    cursor = (await directory.changes(None)).cursor
    state.forget_deltas()
    refused = (
        lambda: directory.invite(*INVITATION),
        lambda: directory.add_to_team(seed.TEAM_GROUP_ID, disabled.id),
        lambda: directory.add_to_team(seed.TEAM_GROUP_ID, NOBODY),
        lambda: directory.team_members(NOBODY),
        lambda: directory.group_members(NOBODY),
        lambda: directory.changes(cursor),
        lambda: graph.mailbox.send(practice.MAIL),
    )
    for act in refused:
        with pytest.raises(Refused):
            await act()
    assert await directory.find_by_id(NOBODY) is None
    await directory.delete_guest(NOBODY)
    await directory.add_to_team(seed.TEAM_GROUP_ID, seed.MALO.aad_id)
    for status in (429, 503):
        state.fail_next("POST", "/invitations", status, headers={"Retry-After": "2"})
        with pytest.raises(Unavailable):
            await directory.invite(*INVITATION)
    state.revoke_tokens()
    await directory.find_by_email(PAUL.email)
    assert operations(openapi, wire) >= {
        *(f"POST {status}" for status in (400, 403, 404, 429, 503)),
        *(f"GET {status}" for status in (400, 401, 404)),
        "DELETE 404",
    }


async def test_what_the_practice_graph_refuses_the_contract_refuses(
    openapi: OpenAPI, cloud: Cloud, graph: Graph, wire: list[Exchange]
) -> None:
    """The contract bites: malformed bodies fail it, and Graph's 400 to them is as described."""
    token = await graph.tokens.token(f"{GRAPH}/.default")
    async with httpx.AsyncClient(
        base_url=f"{cloud.graph_url}/v1.0", headers={"Authorization": f"Bearer {token}"}
    ) as http:
        for path in ("/invitations", f"/users/{seed.MAIL_FROM}/sendMail", f"/teams/{seed.TEAM_GROUP_ID}/members"):
            assert (await http.post(path, json={})).status_code == 400
    for exchange in wire:
        request = exchange.as_request()
        with pytest.raises(OpenAPIError):
            openapi.validate_request(request)
        openapi.validate_response(request, exchange.as_response())


async def test_subscriptions_both_ways(openapi: OpenAPI, cloud: Cloud, graph: Graph, wire: list[Exchange]) -> None:
    """Subscribing and renewing, granted and refused; the contract has them, and says that the address is https."""
    origin, until = "https://passerelle.example", datetime.now(UTC) + timedelta(days=3)
    async with _listener() as address:
        cloud.state.published[origin] = address
        made = await graph.subscriptions.subscribe(f"{origin}/echo", "secret", until)
        await graph.subscriptions.renew(made.id, until + timedelta(days=1))
        for url, last in ((f"{origin}/echo", until + timedelta(days=60)), ("https://nobody.example/", until)):
            with pytest.raises(Refused, match="notifications_refused"):
                await graph.subscriptions.subscribe(url, "secret", last)
        with pytest.raises(Refused, match="subscription_gone"):
            await graph.subscriptions.renew(NOBODY, until)
    seen = {"POST 201", "POST 400", "PATCH 200", "PATCH 404"}
    assert operations(openapi, wire) == seen
    token = await graph.tokens.token(f"{GRAPH}/.default")
    bearer = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{cloud.graph_url}/v1.0", headers=bearer) as http:
        assert (await http.get("/subscriptions")).status_code == 200
        assert (await http.get(f"/subscriptions/{made.id}")).status_code == 200
        assert (await http.delete(f"/subscriptions/{made.id}")).status_code == 204
        assert operations(openapi, wire) == {*seen, "GET 200", "DELETE 204"}
        body = {"changeType": "updated", "notificationUrl": "http://passerelle.example/", "resource": "users"}
        plain = await http.post("/subscriptions", json=body | {"expirationDateTime": until.isoformat()})
    assert plain.status_code == 400
    with pytest.raises(OpenAPIError):
        openapi.validate_request(wire[-1].as_request())


@asynccontextmanager
async def _listener() -> AsyncIterator[str]:
    """Something on loopback that answers Graph's question as it should."""

    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=request.query["validationToken"])

    listener = web.Application()
    listener.router.add_post("/echo", echo)
    async with TestServer(listener) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Response]:
    """What Graph answers next, instead of anything going over the wire; Entra always grants."""
    waiting: list[httpx.Response] = []

    async def answer(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "practice", "expires_in": 3599})
        return waiting.pop(0)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)
    return waiting


async def test_the_example_invitation_is_understood(
    document: dict[str, Any], graph: Graph, answers: list[httpx.Response]
) -> None:
    content = document["paths"]["/invitations"]["post"]["responses"]["201"]["content"]
    example = content["application/json"]["example"]
    answers.append(httpx.Response(201, content=json.dumps(example)))
    invited = await graph.directory.invite(*INVITATION)
    assert (invited.user_id, invited.redeem_url) == (example["invitedUser"]["id"], example["inviteRedeemUrl"])


async def test_the_example_errors_are_understood(
    document: dict[str, Any], graph: Graph, answers: list[httpx.Response]
) -> None:
    seen = {}
    for name, response in document["components"]["responses"].items():
        if not name.startswith("e"):
            continue
        [example] = response["content"]["application/json"]["examples"].values()
        headers = {"Retry-After": "2"} if "headers" in response else {}
        answers.append(httpx.Response(int(name[1:]), json=example["value"], headers=headers))
        with pytest.raises((Refused, Unavailable)) as raised:
            await graph.directory.invite(*INVITATION)
        error = raised.value
        assert isinstance(error, Refused | Unavailable)
        told = error.facts["code"] if isinstance(error, Refused) else error.retry_after
        seen[name] = (error.key, told)
    assert seen == {
        "e400": ("directory_refused", "BadRequest"),
        "e401": ("directory_down", 0.0),
        "e403": ("app_may_not_invite", "Authorization_RequestDenied"),
        "e404": ("directory_refused", "Request_ResourceNotFound"),
        "e409": ("directory_refused", "Conflict"),
        "e429": ("directory_throttled", 2.0),
        "e503": ("directory_down", 2.0),
    }
