"""Files sent in a 1:1 chat: what the activity says of them, and fetching them from where Teams holds them, nowhere else."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.envelope import FILE, Unreadable, read
from bot.files import Downloads
from bot.inbound import activity_of, turn_of
from bot.server import open_session
from dialogs.turn import SentFile, Wrote
from services.errors import Refused, Unavailable
from tests.bot.kit import Site, envelope

URL = "https://firm-my.sharepoint.com/personal/claire/_layouts/15/download.aspx?UniqueId=1&tempauth=secret"
MOST = 1_000_000


def sent(**changes: Any) -> dict[str, Any]:
    content = {"downloadUrl": URL, "uniqueId": "1", "fileType": "csv"}
    return {"contentType": FILE, "contentUrl": "https://x", "name": "p.csv", "content": content, **changes}


def what(*attachments: Any, **changes: Any) -> Any:
    activity = envelope("https://smba.trafficmanager.net/emea/", attachments=list(attachments), **changes)
    turn = turn_of(activity_of(read(json.dumps(activity).encode())))
    assert turn is not None
    return turn.what


# --- what the activity says


def test_a_file_is_a_file_whatever_else_the_message_carries() -> None:
    html = {"contentType": "text/html", "content": "<p>voici</p>"}
    assert what(sent(), html, text="voici") == SentFile("p.csv", URL)
    assert what(html, sent(), text=None) == SentFile("p.csv", URL)
    assert what(sent(), sent(name="q.csv")) == SentFile("p.csv", URL, count=2)
    assert what(sent(name=None)) == SentFile("", URL)


@pytest.mark.parametrize(
    "attachment",
    [{"contentType": "image/png", "contentUrl": "https://x"}, {"contentType": "text/html", "content": 3}, {}],
)
def test_other_attachments_are_nothing_to_us(attachment: dict[str, Any]) -> None:
    assert what(attachment, text="menu") == Wrote("menu")


@pytest.mark.parametrize(
    "attachment",
    [
        sent(content=None),
        sent(content={}),
        sent(content={"downloadUrl": ""}),
        sent(content={"downloadUrl": ["x"]}),
        sent(name=5),
        "text",
        {"contentType": 1},
    ],
)
def test_a_file_without_its_address_is_no_activity(attachment: Any) -> None:
    with pytest.raises(Unreadable):
        what(attachment)


# --- fetching


class Drive(Site):
    """The sender's OneDrive, as a practice firm has it on loopback."""

    def __init__(self) -> None:
        super().__init__()
        self.body = b"Code;SIREN\r\n"
        self.headers: dict[str, str] = {}
        self.seen: list[dict[str, str]] = []

    async def reply(self, request: web.Request) -> web.Response:
        self.seen.append(dict(request.headers))
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@pytest.fixture
async def drive() -> AsyncIterator[Drive]:
    site = Drive()
    await site.start()
    yield site
    await site.close()


async def fetch(drive: Drive, url: str | None = None, most: int = MOST, patience: float = 10) -> bytes:
    async with open_session() as session:
        downloads = Downloads(session, [drive.authority], timeout=patience)
        return await downloads.fetch(url or f"{drive.url}/file?tempauth=secret%2B1", most)


async def test_the_content_without_any_token(drive: Drive) -> None:
    assert await fetch(drive) == drive.body
    assert drive.calls == ["GET /file?tempauth=secret%2B1"]
    assert not {"Authorization", "Cookie"} & set(drive.seen[0])


@pytest.mark.parametrize(
    "url",
    [
        "http://firm.sharepoint.com/file",
        "https://firm.sharepoint.com.evil.example/file",
        "https://evil.example/firm.sharepoint.com/",
        "https://sharepoint.com/file",
        "https://a.b.sharepoint.com/file",
        "https://user@firm.sharepoint.com/file",
        "https://firm.sharepoint.com:8443/file",
        "https://firm.sharepoint.com\\@evil.example/",
        "https://firm.sharepoint.com",
        "https://firm.sharepoint.com/a b",
        "https://firm.sharepoint.com/\r\nHost: evil",
        "https://fırm.sharepoint.com/file",
        "https://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/file",
        "http://localhost/file",
        "file:///etc/passwd",
        "",
    ],
)
async def test_nowhere_else_than_where_teams_holds_files(drive: Drive, url: str) -> None:
    with pytest.raises(Refused, match="file_refused"):
        await fetch(drive, url or " ")
    assert drive.calls == []
    assert await fetch(drive) == drive.body


async def test_outside_practice_loopback_is_nowhere(drive: Drive) -> None:
    async with open_session() as session:
        with pytest.raises(Refused, match="file_refused"):
            await Downloads(session).fetch(f"{drive.url}/file", MOST)
    assert drive.calls == []


@pytest.mark.parametrize("status", [301, 302, 401, 403, 404, 410])
async def test_an_address_that_expired_or_leads_elsewhere(drive: Drive, status: int) -> None:
    drive.status, drive.headers = status, {"Location": "http://evil.example/"}
    with pytest.raises(Refused, match="file_gone"):
        await fetch(drive)
    assert len(drive.calls) == 1
    drive.status = 200
    assert await fetch(drive) == drive.body


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_an_outage_is_tried_again_by_whoever_asked(drive: Drive, status: int) -> None:
    drive.status = status
    with pytest.raises(Unavailable, match="files_down"):
        await fetch(drive)
    drive.status = 200
    assert await fetch(drive) == drive.body


async def test_no_answer_in_time(drive: Drive) -> None:
    drive.hang = True
    with pytest.raises(Unavailable, match="files_down"):
        await fetch(drive, patience=0.2)


async def test_nobody_there(unused_tcp_port: int) -> None:
    async with open_session() as session:
        downloads = Downloads(session, [f"127.0.0.1:{unused_tcp_port}"])
        with pytest.raises(Unavailable, match="files_down"):
            await downloads.fetch(f"http://127.0.0.1:{unused_tcp_port}/file", MOST)


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_file_too_big_is_given_up(drive: Drive, compressed: bool) -> None:
    body = b"x" * (3 * MOST)
    drive.body, drive.headers = (gzip.compress(body), {"Content-Encoding": "gzip"}) if compressed else (body, {})
    with pytest.raises(Refused) as refused:
        await fetch(drive)
    assert (refused.value.key, refused.value.facts) == ("file_too_big", {"max": 1})
    assert len(await fetch(drive, most=3 * MOST)) == 3 * MOST


# --- giving


async def put(drive: Drive, url: str | None = None) -> None:
    async with open_session() as session:
        await Downloads(session, [drive.authority]).put(url or f"{drive.url}/up?tempauth=secret", b"Code;Nom")


@pytest.mark.parametrize("status", [200, 201])
async def test_the_whole_file_is_put_in_one_range_without_any_token(drive: Drive, status: int) -> None:
    drive.status = status
    await put(drive)
    assert drive.calls == ["PUT /up?tempauth=secret"]
    assert drive.seen[0]["Content-Range"] == "bytes 0-7/8"
    assert not {"Authorization", "Cookie"} & set(drive.seen[0])


@pytest.mark.parametrize(
    ("status", "key"),
    [(404, "file_gone"), (416, "file_gone"), (302, "file_gone"), (503, "files_down"), (429, "files_down")],
)
async def test_a_file_that_is_not_taken(drive: Drive, status: int, key: str) -> None:
    drive.status = status
    with pytest.raises((Refused, Unavailable), match=key):
        await put(drive)


async def test_a_file_is_put_nowhere_else_than_where_teams_holds_files(drive: Drive) -> None:
    with pytest.raises(Refused, match="file_refused"):
        await put(drive, "https://evil.example/up")
    assert drive.calls == []
