"""The whole program at its front: bodies, paths and searches that no Teams client sends."""

import json
from typing import Any

import aiohttp
import pytest

from practice import seed
from tests.hostile.kit import Site
from tests.hostile.test_cards import OTHERS, TEXTS, each

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON = "application/json"


def good(site: Site) -> dict[str, Any]:
    """A message of Claire's as Teams sends it."""
    client = site.firm.person("Claire").client
    shown = client.messages("channel")[-1]
    made: dict[str, Any] = client.teams.envelope.message(client.persona, shown.where, "menu", shown.message)
    return made


async def post(site: Site, body: bytes, kind: str = JSON, **headers: str) -> tuple[int, bytes]:
    teams = site.firm.teams
    signed = {"Authorization": f"Bearer {teams.key.token(seed.APP_ID, teams.service_url)}", "Content-Type": kind}
    async with (
        aiohttp.ClientSession() as http,
        http.post(teams.bot_url, data=body, headers={**signed, **headers}) as answer,
    ):
        return answer.status, await answer.read()


def said(site: Site, **changes: Any) -> bytes:
    return json.dumps(good(site) | changes, ensure_ascii=False).encode()


BODIES: dict[str, tuple[int, Any]] = {
    "nothing": (400, lambda _: b""),
    "no json": (400, lambda _: b"<xml/>"),
    "an array": (400, lambda _: b"[]"),
    "cut short": (400, lambda site: said(site)[:-2]),
    "two": (400, lambda site: said(site) * 2),
    "utf-16": (400, lambda site: said(site).decode().encode("utf-16")),
    "a byte order mark": (400, lambda site: b"\xef\xbb\xbf" + said(site)),
    "no utf-8": (400, lambda site: said(site).replace(b'"menu"', b'"\xff"')),
    "not a number": (400, lambda site: said(site)[:-1] + b', "x": NaN}'),
    "half a surrogate": (400, lambda site: said(site).replace(b'"text": "', b'"text": "\\ud800')),
    "a nul in a text": (400, lambda site: said(site).replace(b'"text": "', b'"text": "\\u0000')),
    "a nul in an id": (400, lambda site: said(site, value={"p": {"do": "approval", "id": "\x00"}})),
    "too deep": (400, lambda site: said(site, value=json.loads('{"a":' * 40 + "1" + "}" * 40))),
    "too long": (413, lambda site: said(site, text="x" * 300_000)),
    "a text that is none": (400, lambda site: said(site, text=["menu"])),
    "another tenant": (403, lambda site: said(site, conversation={**good(site)["conversation"], "tenantId": "x"})),
    "another channel": (403, lambda site: said(site, channelId="webchat")),
    "another connector": (403, lambda site: said(site, serviceUrl="https://smba.evil.example/")),
}


@pytest.mark.parametrize("case", list(BODIES))
async def test_a_body_no_client_sends(site: Site, case: str) -> None:
    status, body = BODIES[case]
    async with site.changes_nothing():
        answered = await post(site, body(site))
    assert answered == (status, b"")


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/html", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_a_body_of_another_kind(site: Site, kind: str) -> None:
    assert await post(site, said(site), kind) == (415, b"")


async def test_a_body_packed(site: Site) -> None:
    assert (await post(site, said(site), **{"Content-Encoding": "x-bomb"}))[0] in (400, 415)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", "/api/messages", 405), ("PUT", "/api/messages", 405), ("DELETE", "/api/messages", 405)),
        *(("POST", "/api/messages/", 404), ("POST", "/", 404), ("GET", "/", 404), ("GET", "/.env", 404)),
        *(("GET", "/..%2f..%2fapp.py", 404), ("GET", "/api/messages%00", 404), ("TRACE", "/", 404)),
        *(("POST", "/healthz", 405), ("POST", "/metrics", 405), ("GET", "/" + "a" * 7000, 404)),
    ],
)
async def test_another_address(site: Site, method: str, path: str, status: int) -> None:
    async with aiohttp.ClientSession() as http, http.request(method, site.bot.url + path) as answer:
        assert answer.status == status


# --- the typeahead


@each({**{name: text for name, text in TEXTS.items() if text}, "quotes": "\"'`", "backslash": "\\", "a star": "bou*"})
async def test_a_search_that_matches_nothing(site: Site, odd: Any) -> None:
    async with site.changes_nothing():
        heard = await site.searches(site.firm.person("Claire"), odd)
    found = [row["title"] for row in heard.body["value"]["results"]]
    assert heard.status == 200
    assert all("BOU" in title for title in found) if odd == "bou*" else found == []


@each({name: value for name, value in OTHERS.items() if value is not None})
async def test_a_search_for_what_is_no_text(site: Site, odd: Any) -> None:
    async with site.changes_nothing():
        heard = await site.searches(site.firm.person("Claire"), odd)
    assert (heard.status, heard.body) == (400, None)


@each(TEXTS)
async def test_a_search_in_another_dataset(site: Site, odd: str) -> None:
    async with site.changes_nothing():
        heard = await site.searches(site.firm.person("Claire"), "bou", odd)
    assert heard.body["value"]["results"] == []


@pytest.mark.parametrize("top", [-(10**30), -1, 0, 1, 16, 10**9, 10**30])
async def test_a_search_for_so_many_rows(site: Site, top: int) -> None:
    async with site.changes_nothing():
        heard = await site.searches(site.firm.person("Claire"), "", top=top)
    assert 1 <= len(heard.body["value"]["results"]) <= 15


@pytest.mark.parametrize("who", ["Malo", "Erwan", "Emma"])
async def test_a_search_by_who_may_not(site: Site, who: str) -> None:
    async with site.changes_nothing():
        heard = await site.searches(site.firm.person(who), "boulangerie")
    assert heard.body["value"]["results"] == []
