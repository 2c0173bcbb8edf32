"""The Bot Connector, spoken directly: a few REST calls over one aiohttp session.

The SDK's own connector client is not used: it works in threads, retries what must not be repeated, and needs
milliseconds to serialise one card. Source of the calls: "Bot Connector API reference", learn.microsoft.com/
azure/bot-service/rest-api/bot-framework-rest-connector-api-reference; of the roster's: "Get Teams specific context".
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import quote

import aiohttp
from botbuilder.schema import Activity, Attachment, ChannelAccount, ConversationAccount
from yarl import URL

from bot.addresses import Addresses
from bot.outbound import drawn
from services.errors import Refused, Unavailable
from services.ports import FileOffer, Message, Place, PlaceKind, RosterMember, Upload

SCOPE = "https://api.botframework.com/.default"
ROSTER_PAGE = 500

_LATER = frozenset({412, 502, 503, 504})
_PERHAPS_DONE = frozenset({502, 504})


class Courier:
    """`services.ports.Chat` through the Bot Connector. One attempt a call: whoever asked decides about another.

    `token` gives the bearer token of a scope and raises only Refused or Unavailable. `timeout` is in seconds, for a
    whole call. A service URL outside `addresses` is Refused("chat_refused", status=0) and never sees the token.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: Callable[[str], Awaitable[str]],
        addresses: Addresses,
        *,
        timeout: float = 5.0,
    ) -> None:
        self._session = session
        self._token = token
        self._addresses = addresses
        # A host that cannot be reached is told apart from one that may have acted: only the second is ambiguous.
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=timeout / 2)

    async def post(self, place: Place, message: Message | FileOffer | Upload) -> str:
        """Post a new message (or a file's card); gives its activity id. See `services.ports.Chat` for the errors."""
        return await self.send(_addressed(drawn(message), place))

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        """Replace the message of this activity id. Safe to repeat."""
        activity = _addressed(drawn(message), place)
        activity.id = activity_id
        await self.replace(activity)

    async def members(self, place: Place) -> tuple[RosterMember, ...]:
        """Everyone in the conversation, all pages of the roster."""
        path = f"/v3/conversations/{_segment(place.conversation_id)}/pagedmembers?pageSize={ROSTER_PAGE}"
        found: list[RosterMember] = []
        following = ""
        while True:
            page = await self._call("GET", place.service_url, path + following)
            found += [_member(row) for row in _rows(page)]
            token = page.get("continuationToken")
            if not token:
                return tuple(found)
            following = f"&continuationToken={_segment(token)}"

    async def open_personal(self, place: Place, mri: str) -> Place:
        """The 1:1 conversation with a member of `place`. Safe to repeat: Teams gives the same one each time."""
        conversation = {
            "isGroup": False,
            "bot": {"id": place.bot_id},
            "members": [{"id": mri}],
            "tenantId": place.tenant_id,
            "channelData": {"tenant": {"id": place.tenant_id}},
        }
        opened = await self._call("POST", place.service_url, "/v3/conversations", conversation)
        return replace(
            place,
            kind=PlaceKind.PERSONAL,
            conversation_id=_id(opened, ambiguous=False),
            team_id=None,
            group_id=None,
            user_mri=mri,
        )

    async def send(self, activity: Activity) -> str:
        """Send an activity to the conversation it names; gives its id. Not safe to repeat."""
        path = f"/v3/conversations/{_segment(activity.conversation.id)}/activities"
        sent = await self._call("POST", activity.service_url, path, _json(activity), once=True)
        return _id(sent, ambiguous=True)

    async def replace(self, activity: Activity) -> None:
        """Replace the message that has this activity's id by this activity."""
        path = f"/v3/conversations/{_segment(activity.conversation.id)}/activities/{_segment(activity.id)}"
        await self._call("PUT", activity.service_url, path, _json(activity), gone="message_gone")

    async def _call(
        self,
        method: str,
        service_url: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        once: bool = False,
        gone: str = "chat_refused",
    ) -> dict[str, Any]:
        """One call, answered with a JSON object or typed as an error.

        `once` says that repeating it would show twice, `gone` what a 404 means.
        """
        if not self._addresses.admits(service_url):
            raise Refused("chat_refused", status=0)
        headers = {"Authorization": f"Bearer {await self._token(SCOPE)}"}
        try:
            async with self._session.request(
                method,
                URL(service_url.rstrip("/") + path, encoded=True),
                json=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                if response.status >= 300:
                    _refuse(response, once=once, gone=gone)
                return _answer(await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise Unavailable("chat_down") from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise Unavailable("chat_down", ambiguous=once) from None


def _refuse(response: aiohttp.ClientResponse, *, once: bool, gone: str) -> NoReturn:
    """Statuses as "Optimize your bot with rate limiting in Teams" and "Status code responses" tell them apart."""
    status = response.status
    if status == 429:
        raise Unavailable("chat_throttled", retry_after=_seconds(response))
    if status in _LATER:
        raise Unavailable("chat_down", retry_after=_seconds(response), ambiguous=once and status in _PERHAPS_DONE)
    if status == 403:
        raise Refused("chat_forbidden")
    raise Refused(gone if status == 404 else "chat_refused", status=status)


def _seconds(response: aiohttp.ClientResponse) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else None


def _answer(body: bytes) -> dict[str, Any]:
    answer = json.loads(body) if body else {}
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer


def _id(answer: Mapping[str, Any], *, ambiguous: bool) -> str:
    found = answer.get("id")
    if not isinstance(found, str) or not found:
        raise Unavailable("chat_down", ambiguous=ambiguous)
    return found


def _segment(text: str) -> str:
    return quote(text, safe="")


def _addressed(activity: Activity, place: Place) -> Activity:
    activity.service_url = place.service_url
    activity.from_property = ChannelAccount(id=place.bot_id)
    activity.conversation = ConversationAccount(id=place.conversation_id)
    return activity


def _json(activity: Activity) -> Mapping[str, Any]:
    fields = {
        "type": activity.type,
        "id": activity.id,
        "from": {"id": activity.from_property.id},
        "conversation": {"id": activity.conversation.id},
        "text": activity.text,
        "textFormat": activity.text_format,
        "summary": activity.summary,
        "attachments": [_attached(it) for it in activity.attachments or ()],
    }
    return {name: value for name, value in fields.items() if value}


def _attached(attachment: Attachment) -> Mapping[str, Any]:
    fields = {
        "contentType": attachment.content_type,
        "content": attachment.content,
        "contentUrl": attachment.content_url,
        "name": attachment.name,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _rows(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = page.get("members")
    return [row for row in rows if isinstance(row, dict) and row.get("id")] if isinstance(rows, list) else []


def _member(row: Mapping[str, Any]) -> RosterMember:
    """Teams writes the Entra id as `aadObjectId` or `objectId`, depending on the kind of conversation."""
    return RosterMember(
        mri=row["id"],
        aad_id=row.get("aadObjectId") or row.get("objectId") or "",
        name=row.get("name") or "",
        email=row.get("email") or "",
    )
