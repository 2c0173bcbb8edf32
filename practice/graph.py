"""The practice Microsoft Graph v1.0: the calls of graph-subset.yaml that a directory and a mailbox need, refusals included.

It answers with Graph's error shape and codes and lets through only what Graph would: whoever works here works there.
Messages in quotes elsewhere in public were kept word for word, since clients have only them to tell two refusals apart.
"""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from practice import entra, odata, seed
from practice.answers import GraphError, answer, error, payload
from practice.state import SentMail, State, User, as_graph, now
from practice.subscriptions import Subscriptions

_PROPERTIES = tuple(as_graph(User("", "", None, "", "Member")))
_DEFAULT = _PROPERTIES[: _PROPERTIES.index("userType")]  # externalUserState and friends come only when selected
_DELTA_DEFAULT = ("id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "preferredLanguage")
_MAX_DELTA_IDS = 50
# The characters Graph refuses in an invited address (invitation resource, invitedUserEmailAddress).
_INVITABLE = re.compile(r"[^\s~!#$%^&*()+=\[\]{}\\/|;:\"'<>?,@.-][^\s~!#$%^&*()+=\[\]{}\\/|;:\"'<>?,@]*@[\w.-]+\.\w+")
_BIND = re.compile(r"https://graph\.microsoft\.com/v1\.0/users(?:/([^/]+)|\('([^']+)'\))")


def routes(issuer: entra.Issuer, state: State, subscriptions: Subscriptions) -> list[web.RouteDef]:
    """Every route under /v1.0, each behind a Graph token; any other path gets Graph's refusal."""
    tenant = _Tenant(state)

    def guarded(act: Callable[[web.Request], Awaitable[web.Response]]) -> Any:
        async def handler(request: web.Request) -> web.Response:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            refusal = issuer.refusal(token if scheme == "Bearer" else "", entra.GRAPH_SCOPE)
            if refusal:
                challenge = {"WWW-Authenticate": f'Bearer realm="", authorization_uri="{state.base_url}"'}
                return error(401, "InvalidAuthenticationToken", refusal, challenge)
            try:
                return await act(request)
            except odata.Malformed as malformed:
                return error(400, malformed.code, str(malformed))
            except GraphError as refused:
                return error(refused.status, refused.code, refused.message)

        return handler

    return [
        web.post("/v1.0/invitations", guarded(tenant.invite)),
        web.get("/v1.0/users", guarded(tenant.list_users), allow_head=False),
        web.get("/v1.0/users/delta", guarded(tenant.delta), allow_head=False),
        web.get("/v1.0/users/delta()", guarded(tenant.delta), allow_head=False),
        web.get("/v1.0/users/{id}", guarded(tenant.get_user), allow_head=False),
        web.delete("/v1.0/users/{id}", guarded(tenant.delete_user)),
        web.post("/v1.0/users/{id}/sendMail", guarded(tenant.send_mail)),
        web.get("/v1.0/teams/{id}/members", guarded(tenant.list_team), allow_head=False),
        web.post("/v1.0/teams/{id}/members", guarded(tenant.add_to_team)),
        web.get("/v1.0/groups/{id}/members", guarded(tenant.list_group), allow_head=False),
        web.get("/v1.0/groups/{id}/members/graph.user", guarded(tenant.list_group), allow_head=False),
        web.get("/v1.0/subscriptions", guarded(subscriptions.list_all), allow_head=False),
        web.post("/v1.0/subscriptions", guarded(subscriptions.create)),
        web.get("/v1.0/subscriptions/{id}", guarded(subscriptions.get), allow_head=False),
        web.patch("/v1.0/subscriptions/{id}", guarded(subscriptions.renew)),
        web.delete("/v1.0/subscriptions/{id}", guarded(subscriptions.delete)),
        web.route("*", "/v1.0/{rest:.*}", guarded(tenant.unknown)),
    ]


class _Tenant:
    """The handlers, over one State."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def unknown(self, request: web.Request) -> web.Response:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{request.match_info['rest']}'.")

    # -- invitations

    async def invite(self, request: web.Request) -> web.Response:
        body, state = await payload(request), self._state
        email, redirect = body.get("invitedUserEmailAddress"), body.get("inviteRedirectUrl")
        if not isinstance(email, str) or not isinstance(redirect, str) or "://" not in redirect:
            raise GraphError(400, "BadRequest", "invitedUserEmailAddress and inviteRedirectUrl are required.")
        self._check_invitation(email)
        user = state.by_email(email)
        known = user is not None
        info = body.get("invitedUserMessageInfo") or {}
        language = info.get("messageLanguage") or "en-US"
        name = body.get("invitedUserDisplayName") or email.partition("@")[0]
        invitation, user = state.invite(email, name, redirect, language)
        if body.get("sendInvitationMessage") and not known:
            # An application's customizedMessageBody is dropped: Microsoft's own words leave instead.
            self._deliver("invites@microsoft.com", [email], [], "Invitation", "text", invitation.redeem_url)
        return answer(
            {
                "@odata.context": f"{state.base_url}/v1.0/$metadata#invitations/$entity",
                "id": invitation.id,
                "inviteRedeemUrl": invitation.redeem_url,
                "invitedUserDisplayName": name,
                "invitedUserType": user.user_type,
                "invitedUserEmailAddress": email,
                "sendInvitationMessage": bool(body.get("sendInvitationMessage")),
                "resetRedemption": False,
                "inviteRedirectUrl": redirect,
                "status": "Completed" if user.external_user_state == "Accepted" else "PendingAcceptance",
                "invitedUserMessageInfo": {
                    "messageLanguage": language,
                    "customizedMessageBody": None,
                    "ccRecipients": [{"emailAddress": {"name": None, "address": None}}],
                },
                "invitedUser": {"id": user.id},
            },
            201,
        )

    def _check_invitation(self, email: str) -> None:
        state, domain = self._state, email.rpartition("@")[2].lower()
        if not _INVITABLE.fullmatch(email):
            raise GraphError(400, "BadRequest", "The Primary SMTP Address is an invalid value.")
        if not state.invitations_allowed:
            words = (
                "Guest invitations not allowed for your company. Contact your company administrator for more details."
            )
            raise GraphError(403, "Forbidden", words)
        user = state.by_email(email)
        if domain in state.domains:
            words = "This user cannot be invited because the domain of the user's email address is a verified domain of"
            raise GraphError(400, "BadRequest", f"{words} this directory.")
        if domain in state.blocked_domains or (state.allowed_domains and domain not in state.allowed_domains):
            raise GraphError(403, "Forbidden", f"Invitations to the domain {domain} are blocked by your organization.")
        if user is None:
            return
        already = f"The invited user already exists in the directory as object ID: {user.id}"
        if not user.account_enabled:
            raise GraphError(400, "BadRequest", f"{already}, but the account is blocked from signing in.")
        if user.user_type == "Member":
            words = "They can use that account to sign in to shared apps and resources."
            raise GraphError(400, "BadRequest", f"{already}. {words}")

    # -- users

    async def list_users(self, request: web.Request) -> web.Response:
        users = [user for user in self._state.users.values() if not user.deleted]
        return self._page(request, users)

    async def get_user(self, request: web.Request) -> web.Response:
        user = self._user(request)
        row = _shown(user, odata.selected(request.query, _PROPERTIES, _DEFAULT))
        return answer({"@odata.context": f"{self._state.base_url}/v1.0/$metadata#users/$entity", **row})

    async def delete_user(self, request: web.Request) -> web.Response:
        self._state.delete_user(self._user(request).id)
        return web.Response(status=204)

    def _user(self, request: web.Request) -> User:
        user = self._state.user(request.match_info["id"])
        if user is None:
            words = f"Resource '{request.match_info['id']}' does not exist or one of its queried reference-property"
            raise GraphError(404, "Request_ResourceNotFound", f"{words} objects are not present.")
        return user

    def _page(self, request: web.Request, users: list[User], *, typed: bool = False) -> web.Response:
        """One page of `users`, filtered and selected as the query says, with the link to the next."""
        query = request.query
        names = odata.selected(query, _PROPERTIES, _DEFAULT)
        if "$filter" in query:
            test = odata.compile_filter(query["$filter"], _PROPERTIES)
            users = [user for user in users if test(as_graph(user))]
        rows = [{**({"@odata.type": "#microsoft.graph.user"} if typed else {}), **_shown(u, names)} for u in users]
        return self._paged(request, rows)

    def _paged(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        size = odata.top(request.query, self._state.page_size)
        start = int(odata.unpack(request.query["$skiptoken"])["from"]) if "$skiptoken" in request.query else 0
        body: dict[str, Any] = {"value": rows[start : start + size]}
        if start + size < len(rows):
            query = {**request.query, "$skiptoken": odata.pack({"from": start + size})}
            body["@odata.nextLink"] = self._link(request.path, query)
        return answer(body)

    def _link(self, path: str, query: Mapping[str, str]) -> str:
        return f"{self._state.base_url}{path}?{urlencode(query, safe='$')}"

    # -- users/delta

    async def delta(self, request: web.Request) -> web.Response:
        query, state = request.query, self._state
        round_ = odata.unpack(query["$skiptoken"]) if "$skiptoken" in query else self._new_round(query)
        ids, start = round_["ids"], round_["from"]
        rows = [self._change(user_id, round_["select"]) for user_id in ids[start : start + state.page_size]]
        body: dict[str, Any] = {"value": rows}
        link = "/v1.0/users/delta"
        if start + state.page_size < len(ids):
            token = odata.pack({**round_, "from": start + state.page_size})
            body["@odata.nextLink"] = self._link(link, {"$skiptoken": token})
        else:
            token = odata.pack({"at": round_["until"], "select": round_["select"], "only": round_["only"]})
            body["@odata.deltaLink"] = self._link(link, {"$deltatoken": token})
        return answer(body)

    def _new_round(self, query: Mapping[str, str]) -> dict[str, Any]:
        state, token = self._state, query.get("$deltatoken", "")
        until = len(state.changed)
        if token not in ("", "latest"):
            given = odata.unpack(token)
            if given["at"] < state.oldest_delta:
                raise GraphError(400, "SyncStateNotFound", "The sync state generation is not found; please resync.")
            ids = list(dict.fromkeys(state.changed[given["at"] :]))
            select, only = given["select"], given["only"]
        else:
            select, only = odata.selected(query, _PROPERTIES, _DELTA_DEFAULT), None
            if "$filter" in query:
                test = odata.compile_filter(query["$filter"], ("id",), clauses=_MAX_DELTA_IDS)
                only = [user_id for user_id in state.users if test({"id": user_id})]
            ids = [] if token else [user.id for user in state.users.values() if not user.deleted]
        ids = [user_id for user_id in ids if user_id and (only is None or user_id in only)]
        return {"ids": ids, "from": 0, "until": until, "select": select, "only": only}

    def _change(self, user_id: str, select: list[str]) -> dict[str, Any]:
        user = self._state.users[user_id]
        if user.deleted:
            return {"id": user_id, "@removed": {"reason": "changed"}}  # soft delete: it may be restored
        # A delta leaves out the properties that hold nothing.
        return {name: value for name, value in _shown(user, ["id", *select]).items() if value is not None}

    # -- teams and groups

    def _members(self, request: web.Request, known: set[str]) -> dict[str, str]:
        group_id = request.match_info["id"]
        if group_id not in known:
            raise GraphError(404, "NotFound", f"No team or group found with Group Id {group_id}.")
        return self._state.groups[group_id]

    async def list_team(self, request: web.Request) -> web.Response:
        members = self._members(request, self._state.teams)
        rows = [_member(request.match_info["id"], self._state.users[one], role) for one, role in members.items()]
        return self._paged(request, rows)

    async def add_to_team(self, request: web.Request) -> web.Response:
        members, body = self._members(request, self._state.teams), await payload(request)
        bound = _BIND.fullmatch(str(body.get("user@odata.bind", "")))
        roles = body.get("roles") or []
        if body.get("@odata.type") != "#microsoft.graph.aadUserConversationMember" or bound is None or len(roles) > 1:
            raise GraphError(400, "BadRequest", "Invalid conversation member.")
        user = self._state.user(bound[1] or bound[2])
        if user is None:
            raise GraphError(404, "NotFound", "Failed to find the user to add.")
        if user.user_type == "Guest" and not self._state.teams_accept_guests:
            raise GraphError(403, "Forbidden", "Guest access is disabled for this team.")
        if user.id in members:
            words = (
                "One or more added object references already exist for the following modified properties: 'members'."
            )
            raise GraphError(400, "BadRequest", words)
        members[user.id] = "guest" if user.user_type == "Guest" else "".join(roles)
        self._state.save()
        return answer(_member(request.match_info["id"], user, members[user.id]), 201)

    async def list_group(self, request: web.Request) -> web.Response:
        members = self._members(request, set(self._state.groups))
        typed = not request.path.endswith("/graph.user")
        return self._page(request, [self._state.users[user_id] for user_id in members], typed=typed)

    # -- mail

    async def send_mail(self, request: web.Request) -> web.Response:
        body, user = await payload(request), self._state.user(request.match_info["id"])
        message = body.get("message") or body.get("Message")
        if not isinstance(message, dict):
            raise GraphError(
                400, "RequestBodyRead", "The property 'message' is missing or is not of the expected type."
            )
        if user is None or user.mail is None:
            raise GraphError(404, "ErrorInvalidUser", f"The requested user '{request.match_info['id']}' is invalid.")
        if user.mail not in self._state.sending_mailboxes:
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        to, content = _addresses(message.get("toRecipients")), message.get("body") or {}
        if not to or not all("@" in address for address in to):
            raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
        kind = str(content.get("contentType", "text")).lower()
        reply_to = _addresses(message.get("replyTo"))
        self._deliver(user.mail, to, reply_to, message.get("subject") or "", kind, content.get("content") or "")
        return web.Response(status=202)

    def _deliver(self, sender: str, to: list[str], reply_to: list[str], subject: str, kind: str, content: str) -> None:
        self._state.mails.append(SentMail(sender, tuple(to), tuple(reply_to), subject, kind, content, now()))
        self._state.save()


def _addresses(recipients: object) -> list[str]:
    found = recipients if isinstance(recipients, list) else []
    return [str((one.get("emailAddress") or {}).get("address") or "") for one in found]


def _shown(user: User, names: list[str]) -> dict[str, Any]:
    row = as_graph(user)
    return {name: row[name] for name in names}


def _member(group_id: str, user: User, role: str) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": base64.b64encode(f"{seed.TENANT_ID}##{group_id}##{user.id}".encode()).decode(),
        "roles": [role] if role else [],
        "displayName": user.display_name,
        "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
        "userId": user.id,
        "email": user.mail,
        "tenantId": seed.TENANT_ID,
    }
