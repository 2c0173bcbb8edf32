"""One credential for Graph and for the Bot connector: fetched once, renewed early, never told to anybody."""

import asyncio
import traceback
from pathlib import Path

import pytest
from aiohttp import web

from practice import seed
from practice.cloud import Cloud
from practice.entra import CONNECTOR_SCOPE, GRAPH_SCOPE
from services.errors import Refused, Unavailable
from services.graph import Graph, Tokens
from tests.practice import conftest as practice

cloud = practice.cloud
graph = practice.graph

TOKEN = "*/oauth2/v2.0/token"


async def test_one_token_a_scope_however_many_ask(cloud: Cloud, graph: Graph) -> None:
    first, *others = await asyncio.gather(*(graph.tokens.token(CONNECTOR_SCOPE) for _ in range(10)))
    assert set(others) == {first}
    assert cloud.valid_connector_token(first)
    assert not cloud.valid_connector_token(await graph.tokens.token(GRAPH_SCOPE))
    assert cloud.state.count("POST", TOKEN) == 2


async def test_a_token_is_renewed_before_its_end_and_kept_where_that_fails(cloud: Cloud, graph: Graph) -> None:
    cloud.state.token_seconds = 200
    first = await graph.tokens.token(CONNECTOR_SCOPE)
    second = await graph.tokens.token(CONNECTOR_SCOPE)
    assert second != first
    cloud.state.fail_next("POST", TOKEN, 503)
    assert await graph.tokens.token(CONNECTOR_SCOPE) == second
    cloud.state.delay_next("POST", TOKEN, 60)
    renewal = asyncio.create_task(graph.tokens.token(CONNECTOR_SCOPE))
    await asyncio.sleep(0)
    assert await graph.tokens.token(CONNECTOR_SCOPE) == second  # nobody waits for the one who renews
    renewal.cancel()
    cloud.state.faults.clear()
    cloud.state.token_seconds = 20
    await graph.tokens.forget(CONNECTOR_SCOPE)
    last = await graph.tokens.token(CONNECTOR_SCOPE)
    cloud.state.drop_next("POST", TOKEN)
    with pytest.raises(Unavailable, match="identity_down"):
        await graph.tokens.token(CONNECTOR_SCOPE)
    assert last != second


async def test_graph_refusing_a_token_gets_another(cloud: Cloud, graph: Graph) -> None:
    assert await graph.directory.find_by_email(seed.MALO.email)
    cloud.state.revoke_tokens()
    assert await graph.directory.find_by_email(seed.MALO.email)
    cloud.state.revoke_tokens()
    with pytest.raises(Unavailable) as refused:  # a write is not repeated, but nothing was done
        await graph.directory.invite(seed.PAUL.email, "Paul", "fr-FR", "https://teams.microsoft.com/")
    assert (refused.value.key, refused.value.ambiguous) == ("directory_down", False)
    await graph.directory.invite(seed.PAUL.email, "Paul", "fr-FR", "https://teams.microsoft.com/")
    assert len(cloud.state.invitations) == 1


async def test_a_refused_secret_is_said_by_its_code_and_never_shown(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    graph = practice.connect(cloud, secret="hunter2-expired")
    with pytest.raises(Refused) as refused:
        await graph.warm()
    assert (refused.value.key, refused.value.facts) == ("identity_refused", {"code": "AADSTS7000215"})
    assert "hunter2" not in "".join(traceback.format_exception(refused.value)) + repr(vars(refused.value))
    with pytest.raises(Unavailable) as down:
        await graph.directory.find_by_email(seed.MALO.email)
    assert (down.value.key, down.value.ambiguous) == ("directory_down", False)
    with pytest.raises(Unavailable, match="mailbox_down"):
        await graph.mailbox.send(practice.MAIL)
    assert "AADSTS7000215" in caplog.text
    assert "hunter2" not in caplog.text
    await graph.close()


async def test_an_authority_that_does_not_answer(cloud: Cloud, graph: Graph) -> None:
    hurried = Tokens(
        tenant_id=cloud.tenant_id,
        client_id=cloud.app_id,
        secret=cloud.app_secret,
        authority_host=cloud.authority_url,
        timeout=0.05,
    )
    cloud.state.delay_next("POST", TOKEN, 60)
    with pytest.raises(Unavailable, match="identity_down"):
        await hurried.token(GRAPH_SCOPE)
    await hurried.close()
    cloud.state.faults.clear()
    for page in ("<h1>Bad gateway</h1>", '{"error_description": "AADSTS90033: A transient error has occurred."}'):
        cloud.state.fail_next("POST", TOKEN, 503, page=page)
        with pytest.raises(Unavailable, match="identity_down"):
            await graph.tokens.token(GRAPH_SCOPE)
    assert await graph.tokens.token(GRAPH_SCOPE)


# -- azure's own credentials, as far as loopback goes


async def test_azures_secret_credential_does_not_reach_its_authority() -> None:
    tokens = Tokens(
        tenant_id=seed.TENANT_ID,
        client_id=seed.APP_ID,
        secret="hunter2",
        authority_host="https://127.0.0.1:9",
        timeout=0.3,
    )
    with pytest.raises(Unavailable, match="identity_down") as down:
        await tokens.token(GRAPH_SCOPE)
    assert "hunter2" not in "".join(traceback.format_exception(down.value))
    await tokens.close()


async def test_a_certificate_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for path in (broken, tmp_path / "missing.pem"):
        tokens = Tokens(tenant_id=seed.TENANT_ID, client_id=seed.APP_ID, certificate=str(path))
        with pytest.raises(Refused) as refused:
            await tokens.token(GRAPH_SCOPE)
        assert (refused.value.key, refused.value.facts) == ("identity_refused", {"code": "certificate"})


async def test_a_managed_identity_asks_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    async def identity(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        token = {"access_token": "from-the-host", "expires_on": "4102444800", "token_type": "Bearer"}
        return web.json_response({**token, "resource": request.query["resource"]})

    application = web.Application()
    application.add_routes([web.get("/msi/token", identity)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{host}:{port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "practice")
    tokens = Tokens(tenant_id=seed.TENANT_ID, client_id=seed.APP_ID, managed_identity=True)
    assert await tokens.token(GRAPH_SCOPE) == "from-the-host"
    assert asked[0]["client_id"] == seed.APP_ID
    await tokens.close()
    await runner.cleanup()
