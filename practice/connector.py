"""The Bot Connector's REST operations and Bot Framework's public keys, over a practice Teams.

Codes and refusals follow Microsoft Learn, « Status codes from bot conversational APIs » and the Connector's reference.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from practice.conversations import Conversation, Message
from practice.protocol import (
    CONSENT_TYPE,
    FILE_INFO_TYPE,
    MAX_BYTES,
    ProtocolError,
    check_activity,
    need,
    utf16_size,
)

if TYPE_CHECKING:
    from practice.teams import Teams

PREFIX = "/emea/"
FILES = "/personal/files/"
Operation = Literal["create", "post", "update", "delete", "members", "file", "upload"]
_PAGE_MIN, _PAGE_DEFAULT, _PAGE_MAX = 50, 200, 500
_CODES = {403: "ConversationBlockedByUser", 404: "ConversationNotFound", 412: "PreconditionFailed", 429: "Throttled"}
_RATES = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))


class Refusal(Exception):
    """An error answer of the connector: HTTP status, Teams' code, a sentence, seconds to wait when it says so."""

    def __init__(self, status: int, code: str, reason: str, retry_after: int | None = None) -> None:
        super().__init__(f"{status} {code}: {reason}")
        self.status, self.code, self.reason, self.retry_after = status, code, reason, retry_after

    def response(self) -> web.Response:
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        body = {"error": {"code": self.code, "message": self.reason}}
        return web.json_response(body, status=self.status, headers=headers)


@dataclass(slots=True)
class Fault:
    """One scripted misfortune, for the next `times` calls of `operation` (None: any); `done`: it strikes afterwards."""

    operation: Operation | None
    times: int
    done: bool
    status: int | None = None
    retry_after: int | None = None
    seconds: float = 0.0
    drop: bool = False

    def refusal(self) -> Refusal:
        """The connector's answer for `status`, under the code Teams gives it."""
        status = self.status or 500
        return Refusal(status, _CODES.get(status, "ServiceError"), "scripted", self.retry_after)


class Throttle:
    """Teams' limits per conversation thread: 7 in 1 s, 8 in 2 s, 60 in 30 s, 1800 in an hour."""

    def __init__(self) -> None:
        self._sent: dict[str, deque[float]] = {}

    def check(self, thread: str) -> None:
        """Count one call to `thread`; raise 429 when it is one too many."""
        now = asyncio.get_running_loop().time()
        sent = self._sent.setdefault(thread, deque(maxlen=_RATES[-1][0]))
        for count, seconds in _RATES:
            if len(sent) >= count and now - sent[-count] < seconds:
                raise Refusal(
                    429, "Throttled", "Too many requests.", retry_after=1 + int(seconds - (now - sent[-count]))
                )
        sent.append(now)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Connector:
    """The routes. Everything it changes is the conversations of `teams`."""

    def __init__(self, teams: "Teams") -> None:
        self._teams = teams
        self._throttle = Throttle()

    def routes(self) -> list[web.RouteDef]:
        base = PREFIX + "v3/conversations"
        one = base + "/{conversation}"
        activities = one + "/activities"
        return [
            web.get("/v1/.well-known/openidconfiguration", self._openid),
            web.get("/v1/.well-known/keys", self._keys),
            web.post(base, self._operation("create", self._create)),
            web.post(activities, self._operation("post", self._post)),
            web.post(activities + "/{activity}", self._operation("post", self._post)),
            web.put(activities + "/{activity}", self._operation("update", self._update)),
            web.delete(activities + "/{activity}", self._operation("delete", self._delete)),
            web.get(one + "/pagedmembers", self._operation("members", self._paged_members)),
            web.get(one + "/members", self._operation("members", self._members)),
            web.get(one + "/members/{member}", self._operation("members", self._member)),
            web.get(FILES + "{file}", self._file),
            web.put(FILES + "{file}", self._upload),
        ]

    # Keys

    async def _openid(self, _request: web.Request) -> web.Response:
        self._teams.counts["openid"] += 1
        return web.json_response(
            {
                "issuer": "https://api.botframework.com",
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{self._teams.url}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        self._teams.counts["keys"] += 1
        return web.json_response({"keys": [self._teams.key.published()]})

    # Around every operation

    def _operation(self, name: Operation, do: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._teams.counts[name] += 1
            try:
                self._authorize(request)
                return await self._witnessed(name, do, request)
            except Refusal as refusal:
                self._teams.counts[f"{name} {refusal.status}"] += 1
                self._teams.refusals.append(str(refusal))
                return refusal.response()

        return handle

    def _authorize(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not self._teams.cloud.valid_connector_token(token):
            raise Refusal(401, "Unauthorized", "Authorization has been denied for this request.")

    async def _witnessed(self, name: Operation, do: Handler, request: web.Request) -> web.StreamResponse:
        witness = self._teams.cloud.state.witness
        answer: web.StreamResponse = web.Response()
        cut = await witness(name, None)
        if not cut:
            answer = await self._with_fault(name, do, request)
            cut = await witness(name, answer.status)
        if cut and request.transport is not None:
            request.transport.abort()
        return answer

    async def _with_fault(self, name: Operation, do: Handler, request: web.Request) -> web.StreamResponse:
        fault = self._teams.take_fault(name)
        if fault is None:
            return await do(request)
        done = await do(request) if fault.done else None
        await asyncio.sleep(fault.seconds)
        if fault.drop:
            if request.transport:
                request.transport.close()
            raise ConnectionResetError("scripted: the connection is cut")
        if fault.status:
            raise fault.refusal()
        return done or await do(request)

    # Operations

    async def _create(self, request: web.Request) -> web.Response:
        body = await _json(request)
        channel = (body.get("channelData") or {}).get("channel") or {}
        if channel:
            where = self._conversation(str(channel.get("id")))[0]
            message = self._accept(where, "", body.get("activity"))
            return web.json_response({"id": where.address(message), "activityId": message.id}, status=201)
        tenant = body.get("tenantId") or ((body.get("channelData") or {}).get("tenant") or {}).get("id")
        members = body.get("members") or []
        if tenant != self._teams.envelope.tenant_id or len(members) != 1 or body.get("isGroup"):
            raise Refusal(400, "BadSyntax", "A 1:1 conversation wants one member and the tenant's id.")
        person = self._teams.find_person(str((members[0] or {}).get("id")))
        if person is None:
            raise Refusal(400, "BadSyntax", "Incorrect conversation creation parameters: no such user.")
        if not self._teams.may_open_chat(person):
            raise Refusal(403, "ForbiddenOperationException", "The bot is not installed for this user.")
        chat = self._teams.conversations.open_personal(person.mri)
        self._teams.conversations.installed.add(chat.id)
        self._teams.changed()
        return web.json_response({"id": chat.id}, status=201)

    async def _post(self, request: web.Request) -> web.Response:
        activity = await _json(request)
        where, root = self._conversation(request.match_info["conversation"])
        above = request.match_info.get("activity")
        if above:
            root = self._message(where, above).root
        elif root:
            self._message(where, root)
        if activity.get("type") == "typing":
            return web.json_response({"id": self._teams.conversations.next_id()}, status=201)
        message = self._accept(where, root if where.kind == "channel" else "", activity)
        return web.json_response({"id": message.id}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        activity = await _json(request)
        where, _ = self._conversation(request.match_info["conversation"])
        message = self._own(self._message(where, request.match_info["activity"]))
        self._check(where, activity)
        message.versions.append(activity)
        self._teams.changed()
        return web.json_response({"id": message.id})

    async def _delete(self, request: web.Request) -> web.Response:
        where, _ = self._conversation(request.match_info["conversation"])
        self._own(self._message(where, request.match_info["activity"])).deleted = True
        self._teams.changed()
        return web.Response(status=200)

    async def _members(self, request: web.Request) -> web.Response:
        where, _ = self._conversation(request.match_info["conversation"])
        return web.json_response([self._teams.roster_entry(one) for one in self._teams.roster(where)])

    async def _paged_members(self, request: web.Request) -> web.Response:
        where, _ = self._conversation(request.match_info["conversation"])
        size = request.query.get("pageSize", "")
        size_asked = int(size) if size.isdecimal() and int(size) else _PAGE_DEFAULT
        page = min(max(size_asked, _PAGE_MIN), _PAGE_MAX)
        start = request.query.get("continuationToken") or "0"
        if not start.isdecimal():
            raise Refusal(400, "BadArgument", "Invalid continuationToken.")
        everybody = self._teams.roster(where)
        end = int(start) + page
        body: dict[str, Any] = {"members": [self._teams.roster_entry(one) for one in everybody[int(start) : end]]}
        if end < len(everybody):
            body["continuationToken"] = str(end)
        return web.json_response(body)

    async def _member(self, request: web.Request) -> web.Response:
        where, _ = self._conversation(request.match_info["conversation"])
        wanted = request.match_info["member"]
        for one in self._teams.roster(where):
            if wanted in (one.mri, one.aad_id):
                return web.json_response(self._teams.roster_entry(one))
        raise Refusal(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """Not the connector's but OneDrive's: the address is the permission, so a token there is a token given away."""
        self._teams.counts["file"] += 1
        if "Authorization" in request.headers:
            self._teams.refusals.append("a token was sent to a file's address")
            return web.Response(status=400)
        try:
            return await self._with_fault("file", self._file_content, request)
        except Refusal as refusal:
            return refusal.response()

    async def _file_content(self, request: web.Request) -> web.Response:
        held = request.match_info["file"]
        content = self._teams.files.get(held, self._teams.given.get(held) or None)  # a file sent may be empty
        if content is None:
            return web.Response(status=404)
        return web.Response(body=content, headers={"Content-Disposition": "attachment"})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """OneDrive's upload session: the whole file in one range; the address is the permission here too."""
        self._teams.counts["upload"] += 1
        if "Authorization" in request.headers:
            self._teams.refusals.append("a token was sent to an upload's address")
            return web.Response(status=400)
        try:
            return await self._with_fault("upload", self._uploaded, request)
        except Refusal as refusal:
            return refusal.response()

    async def _uploaded(self, request: web.Request) -> web.Response:
        held, content = request.match_info["file"], await request.read()
        if held not in self._teams.given:
            return web.Response(status=404)
        if request.headers.get("Content-Range") != f"bytes 0-{len(content) - 1}/{len(content)}":
            return web.Response(status=416)
        self._teams.given[held] = content
        return web.json_response({"id": held, "size": len(content)}, status=201)

    # What Teams checks

    def _conversation(self, address: str) -> tuple[Conversation, str]:
        where, root = self._teams.conversations.find(address)
        if where is None:
            raise Refusal(404, "ConversationNotFound", "Conversation not found.")
        if where.kind == "channel" and where.id not in self._teams.conversations.installed:
            raise Refusal(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
        return where, root

    def _message(self, where: Conversation, activity_id: str) -> Message:
        message = where.message(activity_id)
        if message is None:
            raise Refusal(404, "ActivityNotFoundInConversation", "Conversation not found.")
        return message

    def _own(self, message: Message) -> Message:
        if message.author != self._teams.envelope.bot_id:
            raise Refusal(403, "NotEnoughPermissions", "A bot changes its own messages only.")
        return message

    def _check(self, where: Conversation, activity: object) -> None:
        if where.person in self._teams.blocked_by:
            raise Refusal(403, "ConversationBlockedByUser", "User blocked the conversation with the bot.")
        if self._teams.limited:
            self._throttle.check(where.id)
        if utf16_size(activity) > MAX_BYTES:
            raise Refusal(413, "MessageSizeTooBig", "Message size too large.")
        try:
            check_activity(activity)
            self._check_files(where, activity)
        except ProtocolError as error:
            raise Refusal(400, "BadArgument", str(error)) from None

    def _check_files(self, where: Conversation, activity: object) -> None:
        assert isinstance(activity, Mapping)
        for one in activity.get("attachments") or ():
            if one["contentType"] in (CONSENT_TYPE, FILE_INFO_TYPE):
                need(where.kind == "personal", "a bot gives files in a 1:1 chat only")
            if one["contentType"] == FILE_INFO_TYPE:
                need(self._teams.given.get(one["content"]["uniqueId"]), "nothing was put where the file's card points")

    def _accept(self, where: Conversation, root: str, activity: object) -> Message:
        self._check(where, activity)
        assert isinstance(activity, dict)
        message = self._teams.conversations.add(where, self._teams.envelope.bot_id, activity, root)
        self._teams.changed()
        return message


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise Refusal(400, "BadSyntax", "The request body is not JSON.") from None
    if not isinstance(body, Mapping):
        raise Refusal(400, "BadSyntax", "The request body is not a JSON object.")
    return dict(body)
