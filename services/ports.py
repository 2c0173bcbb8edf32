"""What the program asks of the outside, in its own words.

Every method raises `Refused` (asking again unchanged will not help) or `Unavailable` (later may be different), and
nothing else: the adapters translate their SDK's errors once, at their boundary.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user object of the firm's tenant. `state` is Graph's externalUserState, None where Graph gives null."""

    id: str
    email: str
    name: str
    guest: bool
    state: Literal["PendingAcceptance", "Accepted"] | None
    enabled: bool = True
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Invited:
    """Graph's answer to an invitation: the guest's user id and the link that redeems it (a secret of the guest)."""

    user_id: str
    redeem_url: str


@dataclass(frozen=True, slots=True)
class Changes:
    """One page-complete answer of users/delta: what changed since `cursor` was made, and the next cursor."""

    users: tuple[DirectoryUser, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of the firm's team (or of its administrators' group)."""

    user_id: str
    email: str
    name: str
    owner: bool
    guest: bool


class Directory(Protocol):
    """The firm's Microsoft Entra tenant.

    Refusals an adapter gives, by key: `domain_blocked` (tenant allow/deny list), `app_may_not_invite` (permission or
    tenant setting), `already_member` (the address belongs to a member, not a guest), `account_disabled`,
    `email_not_accepted` (Graph finds the address malformed), `directory_refused` (anything else, with `code`).
    Unavailable keys: `directory_throttled`, `directory_down`.
    """

    async def find_by_email(self, email: str) -> DirectoryUser | None: ...

    async def find_by_id(self, user_id: str) -> DirectoryUser | None: ...

    async def invite(self, email: str, name: str, language: str, redirect_url: str) -> Invited:
        """POST /invitations, without Microsoft's mail. No idempotency key: look the guest up first."""
        ...

    async def changes(self, cursor: str | None) -> Changes:
        """Users changed since `cursor` (None: start now). Raises Refused("cursor_expired") when Graph forgot it."""
        ...

    async def delete_guest(self, user_id: str) -> None:
        """Soft delete; already gone counts as done."""
        ...

    async def team_members(self, group_id: str) -> tuple[StaffMember, ...]: ...

    async def group_members(self, group_id: str) -> tuple[StaffMember, ...]: ...

    async def add_to_team(self, group_id: str, user_id: str) -> None:
        """Already a member counts as done."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person, from the firm's shared mailbox."""

    to: str
    subject: str
    html: str
    text: str


class Mailbox(Protocol):
    """Refusals: `mailbox_refused`. Unavailable: `mailbox_down`, `mailbox_throttled` (504 and timeouts are ambiguous)."""

    async def send(self, mail: Mail) -> None: ...


class PlaceKind(StrEnum):
    CHANNEL = "channel"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation the bot can write to: what Bot Framework calls a conversation reference, without the SDK."""

    kind: PlaceKind
    conversation_id: str
    service_url: str
    tenant_id: str
    bot_id: str
    team_id: str | None = None
    group_id: str | None = None
    user_mri: str | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """Someone named in a card's text as `<at>name</at>`; `id` is an MRI (29:…) or an Entra object id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Message:
    """One card as a Teams message. `summary` is what a notification or a screen reader says of it."""

    card: Mapping[str, Any]
    summary: str
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class FileOffer:
    """The bot asks someone, in their 1:1 chat, whether it may put a file in their OneDrive. `context` comes back with the answer.

    `size` is in bytes, and may be about right: it is shown.
    """

    name: str
    description: str
    size: int
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """Where Teams takes the file that was accepted. `put_url` is a secret: whoever has it may write there, for a while."""

    put_url: str
    name: str
    content_url: str
    unique_id: str
    file_type: str


@dataclass(frozen=True, slots=True)
class RosterMember:
    """A member of a conversation as Teams' connector knows them: `mri` is what refresh.userIds needs."""

    mri: str
    aad_id: str
    name: str
    email: str


class Chat(Protocol):
    """Teams, through the Bot Connector.

    Refused keys: `message_gone` (404 on update: deleted), `chat_forbidden` (403: blocked or not installed),
    `chat_refused` (other 4xx, with `status`). Unavailable: `chat_down`, `chat_throttled`; a post that timed out is ambiguous.
    """

    async def post(self, place: Place, message: Message | FileOffer | Upload) -> str:
        """Post a new message, ask whether a file may be given, or show the file that was put; gives its activity id."""
        ...

    async def update(self, place: Place, activity_id: str, message: Message) -> None: ...

    async def members(self, place: Place) -> tuple[RosterMember, ...]: ...

    async def open_personal(self, place: Place, mri: str) -> Place:
        """The 1:1 conversation with a member of `place`, created if need be (Teams gives the same one each time)."""
        ...


class Standing(Protocol):
    """How the program stands with Microsoft, for the doctor. Raises as every port; nothing here changes anything.

    Refused: `identity_refused` (with `code`), `mailbox_unset`, `mailbox_unknown`, `mailbox_refused`.
    """

    async def permissions(self) -> frozenset[str] | None:
        """The application permissions granted, as the token says; None where it does not let itself be read."""
        ...

    async def time(self) -> datetime:
        """What time it is there."""
        ...

    async def mailbox(self) -> None:
        """Whether mails may leave from the firm's mailbox: Refused, or nothing. No mail leaves."""
        ...


class Files(Protocol):
    """Files that people send to the bot in Teams, and that it gives them.

    Refused keys: `file_gone` (the address has expired, or the file was deleted), `file_refused` (no address Teams gives),
    `file_too_big` (with `max`, in megabytes). Unavailable: `files_down`.
    """

    async def fetch(self, url: str, most: int) -> bytes:
        """The content, at most `most` bytes."""
        ...

    async def put(self, url: str, content: bytes) -> None:
        """Put the whole content there. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """What Graph promised: notifications of changed users, until then."""

    id: str
    until: datetime


class Subscriptions(Protocol):
    """Graph's change notifications about the tenant's users, sent to an address of ours.

    Refused: `notifications_refused` (with `code`: the address did not answer, the permission is missing),
    `subscription_gone`. Unavailable: `directory_throttled`, `directory_down`.
    """

    async def subscribe(self, url: str, secret: str, until: datetime) -> Subscription:
        """Graph asks `url` first whether it is ours. `secret` comes back with each notification."""
        ...

    async def renew(self, subscription_id: str, until: datetime) -> Subscription:
        """Make it last until then, and authorise it anew."""
        ...
