"""The firm's directory and mailbox in Microsoft Graph: what ports.py asks, in Graph's terms and back.

With its private parts, services/_graph_*.py, the one place that knows msgraph, kiota and azure.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from services._graph_client import PUBLIC_GRAPH, Client, Refusal
from services._graph_standing import GraphStanding
from services._graph_subscriptions import GraphSubscriptions
from services._graph_tokens import PUBLIC_AUTHORITY, Tokens
from services.errors import Refused, Unavailable
from services.ports import Changes, DirectoryUser, Invited, Mail, StaffMember

if TYPE_CHECKING:
    from kiota_abstractions.request_information import RequestInformation
    from msgraph.graph_service_client import GraphServiceClient

__all__ = ["Graph", "GraphDirectory", "GraphMailbox", "Tokens"]

_USER = [
    "id",
    "mail",
    "otherMails",
    "displayName",
    "userPrincipalName",
    "userType",
    "externalUserState",
    "accountEnabled",
]
_MEMBER = ["id", "mail", "displayName", "userPrincipalName", "userType"]
_PAGE = 999  # Graph's greatest
_MAX_PAGES = 100


class Graph:
    """Everything the program has with Microsoft Graph and Entra: `tokens`, `directory`, `mailbox`, `standing`, `subscriptions`.

    One a process.

    `secret`, `certificate` (path of a PEM file with its key) or `managed_identity`: one of them. `graph_url` has no
    version. `mail_from` is the shared mailbox mails leave from, `reply_to` the address answers go to, if another.
    `read_timeout` and `write_timeout` are in seconds. `on_busy` is told the key of each call not done (Unavailable).
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        client_id: str,
        secret: str | None = None,
        certificate: str | None = None,
        managed_identity: bool = False,
        authority_host: str = PUBLIC_AUTHORITY,
        graph_url: str = PUBLIC_GRAPH,
        mail_from: str | None,
        reply_to: str | None = None,
        read_timeout: float = 10.0,
        write_timeout: float = 20.0,
        on_busy: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.tokens = Tokens(
            tenant_id=tenant_id,
            client_id=client_id,
            secret=secret,
            certificate=certificate,
            managed_identity=managed_identity,
            authority_host=authority_host,
        )
        self._client = Client(
            self.tokens, graph_url, read_timeout=read_timeout, write_timeout=write_timeout, on_busy=on_busy
        )
        self.directory = GraphDirectory(self._client)
        self.mailbox = GraphMailbox(self._client, mail_from, reply_to)
        self.standing = GraphStanding(self._client, mail_from)
        self.subscriptions = GraphSubscriptions(self._client)

    async def load(self) -> None:
        """Import msgraph, which takes half a second, in a thread."""
        await self._client.load()

    async def warm(self) -> None:
        """Fetch a first token. Raises what `Tokens.token` raises."""
        await self._client.warm()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()


class GraphDirectory:
    """ports.Directory over Graph."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find_by_email(self, email: str) -> DirectoryUser | None:
        """The user whose `mail`, or else one of whose `otherMails`, is this address."""
        found = [_user(item) for item in await self._all(await self._client.make(_users_with, email))]
        return min(found, key=lambda user: user.email.casefold() != email.casefold(), default=None)

    async def find_by_id(self, user_id: str) -> DirectoryUser | None:
        """The user with this object id; None once deleted."""
        try:
            return _user(await self._client.call(await self._client.make(_one_user, user_id)))
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise refusal.as_refused("directory_refused") from None

    async def invite(self, email: str, name: str, language: str, redirect_url: str) -> Invited:
        """POST /invitations; `language` is Microsoft's form (`fr-FR`)."""
        try:
            answer = await self._client.call(await self._client.make(_invitation, email, name, language, redirect_url))
        except Refusal as refusal:
            raise refusal.as_refused(_invitation_key(refusal)) from None
        try:
            return Invited(answer["invitedUser"]["id"], answer["inviteRedeemUrl"])
        except (KeyError, TypeError):
            raise Unavailable("directory_down", ambiguous=True) from None

    async def changes(self, cursor: str | None) -> Changes:
        """users/delta; the cursor is Graph's `$deltatoken`. A user changed twice shows once, as they are now."""
        request = await self._client.make(_delta, self._client.base_url, cursor)
        changed: dict[str, DirectoryUser] = {}
        for _ in range(_MAX_PAGES):
            try:
                page = await self._client.call(request)
            except Refusal as refusal:
                # The cursor is all that can be wrong in this request: forgotten, or malformed.
                expired = cursor is not None and refusal.status in (400, 404, 410)
                raise refusal.as_refused("cursor_expired" if expired else "directory_refused") from None
            changed |= {user.id: user for user in map(_user, page.get("value") or [])}
            if "@odata.nextLink" not in page:
                return Changes(tuple(changed.values()), _delta_token(page.get("@odata.deltaLink", "")))
            request = await self._client.make(_follow, self._client.base_url, page["@odata.nextLink"])
        raise Refused("cursor_expired")  # so far behind that starting anew is cheaper

    async def delete_guest(self, user_id: str) -> None:
        """Soft delete; 404 is done."""
        try:
            await self._client.call(await self._client.make(_deletion, user_id))
        except Refusal as refusal:
            if refusal.status != 404:
                raise refusal.as_refused("directory_refused") from None

    async def team_members(self, group_id: str) -> tuple[StaffMember, ...]:
        """The members of the team of this Microsoft 365 group."""
        items = await self._all(await self._client.make(_team, group_id))
        return tuple(
            StaffMember(
                user_id=item.get("userId") or "",
                email=item.get("email") or "",
                name=item.get("displayName") or "",
                owner="owner" in (item.get("roles") or []),
                guest="guest" in (item.get("roles") or []),
            )
            for item in items
        )

    async def group_members(self, group_id: str) -> tuple[StaffMember, ...]:
        """The users directly in this Entra group; nobody is its owner here."""
        users = [_user(item) for item in await self._all(await self._client.make(_group, group_id))]
        return tuple(StaffMember(user.id, user.email, user.name, owner=False, guest=user.guest) for user in users)

    async def add_to_team(self, group_id: str, user_id: str) -> None:
        """POST /teams/{id}/members; already a member is done."""
        try:
            await self._client.call(await self._client.make(_membership, self._client.resource, group_id, user_id))
        except Refusal as refusal:
            if refusal.status != 409 and "already exist" not in refusal.message:
                raise refusal.as_refused("directory_refused") from None

    async def _all(self, request: "RequestInformation") -> list[dict[str, Any]]:
        """Every item of a collection, page after page."""
        items: list[dict[str, Any]] = []
        for _ in range(_MAX_PAGES):
            try:
                page = await self._client.call(request)
            except Refusal as refusal:
                raise refusal.as_refused("directory_refused") from None
            items += page.get("value") or []
            if "@odata.nextLink" not in page:
                return items
            request = await self._client.make(_follow, self._client.base_url, page["@odata.nextLink"])
        raise Refused("directory_refused", code="too_many_pages")


class GraphMailbox:
    """ports.Mailbox over Graph's sendMail. Exchange makes the text part of a mail itself, from the HTML."""

    def __init__(self, client: Client, mail_from: str | None, reply_to: str | None) -> None:
        self._client = client
        self._mail_from = mail_from
        self._reply_to = reply_to

    async def send(self, mail: Mail) -> None:
        """Hand the mail to Exchange (202): accepted there, not yet delivered. Refused("mailbox_unset") without a sender."""
        if self._mail_from is None:
            raise Refused("mailbox_unset")
        try:
            request = await self._client.make(_mail, self._mail_from, self._reply_to, mail)
            await self._client.call(request, "mailbox")
        except Refusal as refusal:
            raise refusal.as_refused("mailbox_refused") from None


def _user(item: dict[str, Any]) -> DirectoryUser:
    if not item.get("id"):
        raise Unavailable("directory_down")
    others = item.get("otherMails") or []
    state = item.get("externalUserState")
    return DirectoryUser(
        id=item["id"],
        email=item.get("mail") or (others[0] if others else item.get("userPrincipalName")) or "",
        name=item.get("displayName") or "",
        guest=item.get("userType") == "Guest",
        state=state if state in ("PendingAcceptance", "Accepted") else None,
        enabled=item.get("accountEnabled") is not False,
        deleted="@removed" in item,
    )


def _invitation_key(refusal: Refusal) -> str:
    """Graph tells most refusals of an invitation apart by their sentence alone."""
    said = refusal.message.lower()
    if "blocked from signing in" in said:
        return "account_disabled"
    if "already exists in the directory" in said or "verified domain" in said:
        return "already_member"
    if "suspicious activity" in said:  # Microsoft froze the tenant's invitations: inviting by hand would fail too
        return "directory_refused"
    if "cross-tenant access" in said or re.search(r"domain.*(block|not allowed|den(y|ied)|restrict|allow)", said):
        return "domain_blocked"
    if refusal.status == 403:
        return "app_may_not_invite"
    if re.search(r"smtp address|email ?address", said):
        return "email_not_accepted"
    return "directory_refused"


def _delta_token(link: str) -> str:
    tokens = parse_qs(link.partition("?")[2]).get("$deltatoken")
    if not tokens:
        raise Unavailable("directory_down")
    return tokens[0]


# -- requests, with msgraph's builders; each runs in a thread the first time, for what it imports


def _users_with(client: "GraphServiceClient", email: str) -> "RequestInformation":
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    quoted = email.replace("'", "''")
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        filter=f"mail eq '{quoted}' or otherMails/any(m:m eq '{quoted}')", select=_USER, top=_PAGE
    )
    return client.users.to_get_request_information(RequestConfiguration(query_parameters=query))


def _one_user(client: "GraphServiceClient", user_id: str) -> "RequestInformation":
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

    query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=_USER)
    return client.users.by_user_id(user_id).to_get_request_information(RequestConfiguration(query_parameters=query))


def _deletion(client: "GraphServiceClient", user_id: str) -> "RequestInformation":
    return client.users.by_user_id(user_id).to_delete_request_information()


def _delta(client: "GraphServiceClient", base_url: str, cursor: str | None) -> "RequestInformation":
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder

    # The builder knows no $deltatoken. The properties asked for now are kept in the token Graph gives.
    if cursor is not None:
        return _follow(client, base_url, f"{base_url}/users/delta?$deltatoken={quote(cursor, safe='')}")
    query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(select=_USER)
    start = client.users.delta.to_get_request_information(RequestConfiguration(query_parameters=query))
    start.path_parameters["baseurl"] = base_url  # the adapter does so only when it sends
    return _follow(client, base_url, f"{start.url}&$deltatoken=latest")


def _follow(client: "GraphServiceClient", base_url: str, link: str) -> "RequestInformation":
    """A link Graph gave. Another host's would get no token from the SDK, and must not get the request either."""
    if not link.startswith(f"{base_url}/"):
        raise Unavailable("directory_down")
    return client.users.with_url(link).to_get_request_information()


def _team(client: "GraphServiceClient", group_id: str) -> "RequestInformation":
    return client.teams.by_team_id(group_id).members.to_get_request_information()


def _group(client: "GraphServiceClient", group_id: str) -> "RequestInformation":
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.groups.item.members.graph_user.graph_user_request_builder import GraphUserRequestBuilder

    query = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters(select=_MEMBER, top=_PAGE)
    members = client.groups.by_group_id(group_id).members.graph_user
    return members.to_get_request_information(RequestConfiguration(query_parameters=query))


def _membership(client: "GraphServiceClient", resource: str, group_id: str, user_id: str) -> "RequestInformation":
    from msgraph.generated.models.aad_user_conversation_member import AadUserConversationMember

    bound = {"user@odata.bind": f"{resource}/v1.0/users('{user_id}')"}
    member = AadUserConversationMember(roles=[], additional_data=bound)
    return client.teams.by_team_id(group_id).members.to_post_request_information(member)


def _invitation(
    client: "GraphServiceClient", email: str, name: str, language: str, redirect_url: str
) -> "RequestInformation":
    from msgraph.generated.models.invitation import Invitation
    from msgraph.generated.models.invited_user_message_info import InvitedUserMessageInfo

    return client.invitations.to_post_request_information(
        Invitation(
            invited_user_email_address=email,
            invited_user_display_name=name,
            invite_redirect_url=redirect_url,
            # Microsoft's mail would not carry our words (they are dropped for an application): ours carries the link.
            send_invitation_message=False,
            invited_user_message_info=InvitedUserMessageInfo(message_language=language),
        )
    )


def _mail(client: "GraphServiceClient", mail_from: str, reply_to: str | None, mail: Mail) -> "RequestInformation":
    from msgraph.generated.models.body_type import BodyType
    from msgraph.generated.models.email_address import EmailAddress
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.message import Message
    from msgraph.generated.models.recipient import Recipient
    from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

    message = Message(
        subject=mail.subject,
        body=ItemBody(content=mail.html, content_type=BodyType.Html),
        to_recipients=[Recipient(email_address=EmailAddress(address=mail.to))],
        reply_to=[Recipient(email_address=EmailAddress(address=reply_to))] if reply_to else None,
    )
    body = SendMailPostRequestBody(message=message, save_to_sent_items=True)
    return client.users.by_user_id(mail_from).send_mail.to_post_request_information(body)
