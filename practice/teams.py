"""A practice Microsoft Teams on loopback: what people do reaches the bot as signed activities, what the bot sends is kept.

`Connector` is the side the bot calls; `Teams` holds the state, delivers activities and scripts misfortunes; `client.Client`
is one person's Teams client over it.
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote
from uuid import uuid4

import aiohttp
from aiohttp import web

from practice import keys, people, seed
from practice.activities import Activity, Envelope, Persona
from practice.cloud import Cloud
from practice.connector import FILES, PREFIX, Connector, Fault, Operation
from practice.conversations import Conversation, Conversations
from practice.protocol import need

ANSWER_WITHIN = 15.0
"""Seconds Teams waits for the bot (Microsoft Learn: the bot must answer within fifteen seconds)."""


class BotFailed(AssertionError):
    """The bot refused, broke or was unreachable: what a person sees as « Désolé, un problème est survenu »."""


class NoAnswer(BotFailed):
    """The bot had not answered after the time Teams waits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bot's HTTP answer to one activity; `body` is None where there was none."""

    status: int
    body: Any


class Teams:
    """A running Teams with the practice firm's team in it. `url` is its root, `service_url` what activities carry.

    `bot_url` is where activities go (`http://127.0.0.1:3978/api/messages`). Script with `fail_next`, `drop_next`,
    `delay_next`, `blocked_by`; count with `counts` (by operation, and « operation status » for refusals) and `refusals`.
    """

    def __init__(self, cloud: Cloud, path: Path | None) -> None:
        self.cloud = cloud
        self.bot_url = ""
        self.url = ""
        self.key = keys.first_key()
        self.answer_within = ANSWER_WITHIN
        self.redelivers: Literal["never", "same id", "new id"] = "never"
        self.limited = False
        """Whether Teams' rates per conversation are enforced (429)."""
        self.blocked_by: set[str] = set()
        """MRIs of people whose 1:1 chat refuses the bot (403)."""
        self.counts: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.sent: list[Activity] = []
        """Every activity delivered to the bot, oldest first."""
        self.conversations = Conversations(seed.TEAM_ID, path)
        self.files: dict[str, bytes] = {}
        """What was sent to the bot and can still be fetched, by the last part of its address."""
        self.given: dict[str, bytes] = {}
        """What the bot may put, or put, in people's OneDrive, by the last part of its address (empty: not yet)."""
        self.revision = 0
        self._faults: list[Fault] = []
        self._moved = asyncio.Event()
        self._http: aiohttp.ClientSession
        app = web.Application(client_max_size=4 * 2**20)
        app.add_routes(Connector(self).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    @classmethod
    async def start(cls, cloud: Cloud, *, bot_url: str = "", port: int = 0, path: Path | None = None) -> Self:
        """Listen on 127.0.0.1:`port` (0: any free one). With `path`, conversations are kept in that JSON file."""
        teams = cls(cloud, path)
        teams.bot_url = bot_url
        teams._http = aiohttp.ClientSession()
        await teams._runner.setup()
        await web.TCPSite(teams._runner, "127.0.0.1", port).start()
        host, bound = teams._runner.addresses[0][:2]
        teams.url = f"http://{host}:{bound}"
        return teams

    async def stop(self) -> None:
        await self._http.close()
        await self._runner.cleanup()

    # What the bot is configured with

    @property
    def openid_url(self) -> str:
        """For BOT_OPENID_METADATA_URL."""
        return f"{self.url}/v1/.well-known/openidconfiguration"

    @property
    def service_url(self) -> str:
        return self.url + PREFIX

    @property
    def service_host(self) -> str:
        """For SERVICE_URL_HOSTS."""
        return self.url.removeprefix("http://")

    @property
    def envelope(self) -> Envelope:
        """What the activities of this installation have in common."""
        cloud = self.cloud
        return Envelope(
            cloud.app_id, cloud.tenant_id, self.service_url, seed.TEAM_ID, seed.TEAM_GROUP_ID, seed.TEAM_NAME
        )

    def environment(self) -> dict[str, str]:
        """The settings of a bot that lives in this firm; its database, its port and Loop's address are the caller's."""
        return {
            "PRACTICE": "true",
            "MICROSOFT_APP_TYPE": "SingleTenant",
            "MICROSOFT_APP_ID": self.cloud.app_id,
            "MICROSOFT_APP_PASSWORD": self.cloud.app_secret,
            "MICROSOFT_APP_TENANT_ID": self.cloud.tenant_id,
            "BOT_OPENID_METADATA_URL": self.openid_url,
            "AZURE_AUTHORITY_HOST": self.cloud.authority_url,
            "GRAPH_URL": self.cloud.graph_url,
            "SERVICE_URL_HOSTS": self.service_host,
            "MAIL_FROM": seed.MAIL_FROM,
            "FIRM_NAME": seed.FIRM_NAME,
            "FIRM_DOMAINS": seed.DOMAIN,
        }

    # Changes

    def changed(self) -> None:
        """Something visible changed: keep it, and wake whoever waits."""
        self.conversations.save()
        self.revision += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def change_after(self, revision: int) -> int:
        """Wait until something changed since `revision`; gives the present one. No timeout of its own."""
        while self.revision <= revision:
            await self._moved.wait()
        return self.revision

    def keep_file(self, name: str, content: bytes) -> str:
        """Put a file where OneDrive would; gives the address that needs no token."""
        held = f"{uuid4().hex}-{len(content)}"
        self.files[held] = content
        return f"{self.url}{FILES}{held}?name={quote(name)}&tempauth={uuid4().hex}"

    def open_upload(self, name: str) -> dict[str, str]:
        """Where the bot may put a file of that name: an invoke's uploadInfo."""
        held = uuid4().hex
        self.given[held] = b""
        return {
            "contentUrl": f"{self.url}{FILES}{quote(name)}",
            "name": name,
            "uploadUrl": f"{self.url}{FILES}{held}?tempauth={uuid4().hex}",
            "uniqueId": held,
            "fileType": name.rpartition(".")[2],
        }

    # People

    def everybody(self) -> list[Persona]:
        return people.everybody(self.cloud.state)

    def find_person(self, name: str) -> Persona | None:
        """By MRI, Entra object id, e-mail, full name or first name."""
        for one in self.everybody():
            if name and name in (one.mri, one.aad_id, one.email, one.name, one.name.partition(" ")[0]):
                return one
        return None

    def person(self, name: str) -> Persona:
        """As `find_person`; LookupError when there is nobody."""
        found = self.find_person(name)
        if found is None:
            raise LookupError(f"nobody is called {name}; there are {[one.name for one in self.everybody()]}")
        return found

    def roster(self, where: Conversation) -> list[Persona]:
        """Who is in a conversation: the team, or the one person of a 1:1 chat."""
        if where.kind == "personal":
            return [one for one in self.everybody() if one.mri == where.person]
        return [one for one in self.everybody() if people.in_team(self.cloud.state, one)]

    def roster_entry(self, one: Persona) -> dict[str, Any]:
        """A member as the connector's roster gives them (TeamsChannelAccount)."""
        given, _, surname = one.name.partition(" ")
        return {
            "id": one.mri,
            "name": one.name,
            "objectId": one.aad_id,
            "aadObjectId": one.aad_id,
            "givenName": given,
            "surname": surname,
            "email": one.email,
            "userPrincipalName": one.email,
            "tenantId": self.cloud.tenant_id,
            "userRole": "guest" if one.guest else "user",
        }

    def may_open_chat(self, one: Persona) -> bool:
        """Whether the bot may start a 1:1 chat: it is installed there, or in a team the person belongs to."""
        chat = self.conversations.personal(one.mri)
        in_team = people.in_team(self.cloud.state, one) and seed.TEAM_ID in self.conversations.installed
        return people.signed_in(self.cloud.state, one) and (in_team or chat is not None)

    # Activities to the bot

    async def install(self, by: Persona, where: Conversation | None = None, *, installed: bool = True) -> None:
        """Install the bot in the team (or in a 1:1 chat), or remove it, and tell it so as Teams does."""
        place = where or self.conversations.channel
        if installed:
            self.conversations.installed.add(place.id)
        else:
            self.conversations.installed.discard(place.id)
        self.changed()
        for activity in self.envelope.arrived(by, place, installed=installed):
            await self.deliver(activity)

    async def deliver(self, activity: Activity, *, token: str | None = None) -> Answer:
        """Post one activity to the bot, signed, and check the answer's status as Teams does.

        Raises `NoAnswer` after `answer_within` seconds (after one redelivery, where `redelivers` says so), `BotFailed` when
        a message is not taken, `ProtocolError` when an invoke is answered with anything but 200.
        """
        try:
            answer = await self._send(activity, token)
        except NoAnswer:
            if self.redelivers == "never":
                raise
            answer = await self.redeliver(activity, new_id=self.redelivers == "new id")
        if activity["type"] == "invoke":
            need(
                answer.status == 200,
                f"invoke {activity.get('name')} was answered {answer.status}, Teams wants 200: {answer.body!r:.300}",
            )
        elif answer.status // 100 != 2:
            raise BotFailed(f"{activity['type']} was answered {answer.status}: {answer.body!r:.300}")
        return answer

    async def redeliver(self, activity: Activity, *, new_id: bool = False) -> Answer:
        """The same activity once more, as Teams does after a timeout: under the same id, or a new one."""
        return await self._send(activity | {"id": f"f:{uuid4()}"} if new_id else activity, None)

    async def _send(self, activity: Activity, token: str | None) -> Answer:
        self.sent.append(activity)
        self.counts["delivered"] += 1
        signed = token or self.key.token(self.cloud.app_id, activity.get("serviceUrl", self.service_url))
        headers = {"Authorization": f"Bearer {signed}", "Content-Type": "application/json; charset=utf-8"}
        body = json.dumps(activity, ensure_ascii=False).encode()
        timeout = aiohttp.ClientTimeout(total=self.answer_within)
        try:
            async with self._http.post(self.bot_url, data=body, headers=headers, timeout=timeout) as response:
                return Answer(response.status, _body(await response.read()))
        except TimeoutError:
            raise NoAnswer(
                f"no answer within {self.answer_within} s to {activity.get('name', activity['type'])}"
            ) from None
        except aiohttp.ClientError as error:
            raise BotFailed(f"the bot cannot be reached: {error}") from None

    # Misfortunes

    def fail_next(
        self,
        operation: Operation | None,
        status: int,
        *,
        retry_after: int | None = None,
        times: int = 1,
        done: bool = False,
    ) -> Fault:
        """Answer `status` to the bot's next such calls; `done`: after the call took effect."""
        fault = Fault(operation, times, done, status=status, retry_after=retry_after)
        self._faults.append(fault)
        return fault

    def forget_fault(self, fault: Fault) -> None:
        """Take a scripted fault back, if it has not run out."""
        self._faults = [one for one in self._faults if one is not fault]

    def drop_next(self, operation: Operation | None, *, times: int = 1, done: bool = False) -> None:
        """Cut the connection instead of answering; `done`: after the call took effect."""
        self._faults.append(Fault(operation, times, done, drop=True))

    def delay_next(self, operation: Operation | None, seconds: float, *, times: int = 1, done: bool = False) -> None:
        """Answer late; `done`: the call takes effect at once, only the answer waits."""
        self._faults.append(Fault(operation, times, done, seconds=seconds))

    def take_fault(self, operation: Operation) -> Fault | None:
        """The fault scripted first for this operation, used up once."""
        for fault in self._faults:
            if fault.operation in (None, operation):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def rotate_key(self) -> None:
        """Sign with a new key from now on, and publish only that one."""
        self.key = keys.SigningKey.generate()


def _body(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
