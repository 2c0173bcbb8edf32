"""The practice page's server, without a browser: what it tells, what it lets people do, how it explains a refusal."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from practice import seed
from practice.bot import Bot
from practice.server import Page
from practice.state import SentMail, now
from tests.practice.stub import StubBot, card, message, shows, text
from tests.teams import Firm

MENU = card(
    text("Menu"),
    actions=[{"type": "Action.Submit", "title": "Inviter", "data": {"msteams": {"type": "task/fetch"}}}],
)


class Browser:
    """What the page's JavaScript asks."""

    def __init__(self, http: aiohttp.ClientSession, page: Page) -> None:
        self.http = http
        self.url = page.url

    async def asks(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        method = "GET" if body is None else "POST"
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def sees(self, mri: str) -> dict[str, Any]:
        status, person = await self.asks(f"/people/{quote(mri)}")
        assert status == 200
        return dict(person)

    async def does(self, mri: str, deed: str, **told: Any) -> tuple[int, Any]:
        return await self.asks(f"/people/{quote(mri)}/{deed}", told)


@pytest.fixture
async def firm() -> AsyncIterator[Firm]:
    firm = await Firm.start()
    yield firm
    await firm.stop()


@pytest.fixture
async def bot(firm: Firm) -> AsyncIterator[StubBot]:
    bot = await StubBot.start(firm.teams)
    await firm.install()
    yield bot
    await bot.stop()


@pytest.fixture
async def browser(firm: Firm, bot: StubBot) -> AsyncIterator[Browser]:
    page = await Page.start(firm.teams)
    async with aiohttp.ClientSession() as http:
        yield Browser(http, page)
    await page.stop()


async def test_three_columns_and_their_people(browser: Browser) -> None:
    status, firm = await browser.asks("/firm")
    assert status == 200
    assert [column["role"] for column in firm["columns"]] == ["Administrateur", "Collaborateur", "Entrepreneur"]
    assert {one["name"] for one in firm["columns"][0]["people"]} == {"Claire Duhamel", "Yann Guillou"}


async def test_what_one_writes_the_others_of_the_team_see(browser: Browser, bot: StubBot) -> None:
    assert await browser.does(seed.CLAIRE.mri, "write", place="channel", text="bonjour") == (200, {"answer": None})
    assert bot.of("message")[-1]["text"] == "<at>Passerelle</at> bonjour"
    assert (await browser.sees(seed.MALO.mri))["channel"][-1]["author"] == "Claire Duhamel"
    paul = await browser.sees(seed.PAUL.mri)
    assert (paul["signedIn"], paul["inTeam"], paul["channel"]) == (False, False, [])


async def test_a_file_goes_to_the_bot_with_the_address_that_gives_it(browser: Browser, bot: StubBot) -> None:
    content = base64.b64encode("Code;Société\r\n".encode("cp1252")).decode()
    assert (await browser.does(seed.CLAIRE.mri, "file", name="p.csv", content=content))[0] == 200
    assert (await browser.sees(seed.CLAIRE.mri))["chat"][-1]["text"] == "📎 p.csv"
    file = bot.of("message")[-1]["attachments"][0]
    assert (file["name"], file["content"]["fileType"]) == ("p.csv", "csv")
    async with browser.http.get(file["content"]["downloadUrl"]) as answer:
        assert await answer.read() == b"Code;Soci\xe9t\xe9\r\n"
    given_away = {"Authorization": "Bearer x"}
    async with browser.http.get(file["content"]["downloadUrl"], headers=given_away) as answer:
        assert answer.status == 400


async def test_a_dialog_opens_for_its_person_and_closes_with_a_notice(browser: Browser, bot: StubBot) -> None:
    await bot.posts(seed.TEAM_ID, message(MENU))
    shown = (await browser.sees(seed.CLAIRE.mri))["channel"][-1]
    bot.on["task/fetch"] = lambda _: shows("Inviter", card(text("Formulaire")))
    bot.on["task/submit"] = lambda _: {"task": {"type": "message", "value": "C’est parti."}}
    action = MENU["actions"][0]
    told = {"message": shown["id"], "action": action, "data": action["data"]}
    assert (await browser.does(seed.CLAIRE.mri, "act", **told))[0] == 200
    assert (await browser.sees(seed.CLAIRE.mri))["dialog"]["title"] == "Inviter"
    assert (await browser.sees(seed.MALO.mri))["dialog"] is None
    answer = await browser.does(seed.CLAIRE.mri, "submit", data={})
    assert answer == (200, {"answer": {"notice": "C’est parti."}})
    assert (await browser.sees(seed.CLAIRE.mri))["dialog"] is None


async def test_refusals_say_whose_fault_it_is(browser: Browser, bot: StubBot) -> None:
    await bot.posts(seed.TEAM_ID, message(MENU))
    shown = (await browser.sees(seed.CLAIRE.mri))["channel"][-1]
    told = {"message": shown["id"], "action": MENU["actions"][0], "data": MENU["actions"][0]["data"]}
    status, answer = await browser.does(seed.CLAIRE.mri, "act", **told)
    assert (status, answer["kind"]) == (502, "protocol")
    bot.status = 500
    status, answer = await browser.does(seed.CLAIRE.mri, "write", place="channel", text="bonjour")
    assert (status, answer["kind"]) == (502, "bot")
    status, answer = await browser.does(seed.PAUL.mri, "write", place="chat", text="bonjour")
    assert (status, answer["kind"]) == (409, "cannot")
    status, answer = await browser.asks("/people/nobody")
    assert (status, answer["kind"]) == (404, "unknown")


async def test_another_site_cannot_act(browser: Browser) -> None:
    status, _ = await browser.asks("/backstage/invitations", {"on": False}, Origin="https://elsewhere.example")
    assert status == 403
    assert (await browser.asks("/backstage"))[1]["invitationsAllowed"] is True


async def test_the_invitation_of_a_mail_is_really_accepted(browser: Browser, firm: Firm) -> None:
    state = firm.cloud.state
    invitation, user = state.invite(seed.PAUL.email, seed.PAUL.name, "https://example.org", "fr")
    content = f'<a href="{invitation.redeem_url}">Accepter</a>'
    state.mails.append(SentMail(seed.MAIL_FROM, (seed.PAUL.email,), (), "Invitation", "html", content, now()))
    assert (await browser.sees(seed.PAUL.mri))["mails"][-1]["subject"] == "Invitation"
    _, before = await browser.asks("/backstage")
    assert [one["email"] for one in before["pending"]] == [seed.PAUL.email]
    status, answer = await browser.does(seed.PAUL.mri, "follow", url=invitation.redeem_url)
    assert status == 200
    assert "acceptée" in answer["answer"]["notice"]
    assert user.external_user_state == "Accepted"
    assert (await browser.sees(seed.PAUL.mri))["signedIn"] is True


async def test_backstage_changes_the_tenant_and_plays_outages(browser: Browser, firm: Firm) -> None:
    state = firm.cloud.state
    await browser.asks("/backstage/domain", {"domain": "gmail.com", "on": True})
    assert state.blocked_domains == {"gmail.com"}
    await browser.asks("/backstage/domain", {"domain": "gmail.com", "on": False})
    await browser.asks("/backstage/invitations", {"on": False})
    assert (state.blocked_domains, state.invitations_allowed) == (set(), False)
    await browser.asks("/backstage/graph", {})
    assert state.next_fault("GET", "/users") is not None
    await browser.asks("/backstage/connector", {})
    assert firm.teams.take_fault("post") is not None
    _, shown = await browser.asks("/backstage")
    assert shown["outages"].keys() == {"graph", "connector"}
    status, _ = await browser.asks("/backstage/nothing", {})
    assert status == 409


async def test_outages_end_with_the_page(firm: Firm, bot: StubBot) -> None:
    page = await Page.start(firm.teams)
    async with aiohttp.ClientSession() as http:
        await Browser(http, page).asks("/backstage/graph", {})
    await page.stop()
    assert firm.cloud.state.next_fault("GET", "/users") is None


async def test_changes_are_told_as_they_happen(browser: Browser, firm: Firm) -> None:
    async with browser.http.get(browser.url + "/events") as events:
        first = json.loads((await events.content.readline()).removeprefix(b"data: "))
        await events.content.readline()
        firm.teams.changed()
        second = json.loads((await events.content.readline()).removeprefix(b"data: "))
        assert second["revision"] > first["revision"]


LIVE = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
if sys.argv[1:]:
    print("import of", sys.argv[2])
    raise SystemExit(3)
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def do_POST(self):
        os._exit(7)
print("listening")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
async def child(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Bot]:
    (tmp_path / "app.py").write_text(LIVE, "utf-8")
    child = Bot(tmp_path, {"PORT": str(unused_tcp_port)}, lambda: None)
    yield child
    await child.stop()


async def test_the_bot_is_started_watched_and_started_again(child: Bot) -> None:
    assert await child.run("import", "portefeuille.csv") == 3
    assert "import of portefeuille.csv" in child.log
    assert await child.start()
    died = asyncio.Event()
    child.changed = died.set
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.post(child.messages_url)
    await died.wait()
    assert "(exit status 7)" in child.log
    assert await child.restart()
    await child.stop()
    assert child.status == "stopped"


async def test_a_bot_starts_once_what_comes_before_is_done(child: Bot) -> None:
    done: list[str] = []
    allowed = [False, True]

    async def before() -> bool:
        done.append("before")
        return allowed.pop(0)

    async def after() -> bool:
        done.append(child.status)
        return True

    child.before, child.after = before, after
    assert not await child.start()
    assert child.status == "died"
    assert await child.restart()
    assert done == ["before", "before", "running"]


async def test_a_bot_that_does_not_start_says_why(child: Bot, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text('raise SystemExit("MICROSOFT_APP_ID: missing")', "utf-8")
    assert not await child.start()
    await child.stop()
    assert "MICROSOFT_APP_ID: missing" in child.log
