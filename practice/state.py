"""The practice tenant: its people, groups, mails, rules and the faults to play. Plain state; graph.py puts HTTP before it.

Methods named after a human (`redeem`, `create_guest`, `delete_user`) do what somebody does outside the program. Everything
that happened is kept in append-only lists (`invitations`, `mails`, `calls`), so that a test can count effects.
"""

import json
import os
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from practice import seed

GuestState = Literal["PendingAcceptance", "Accepted"]
Witness = Callable[[str, int | None], Awaitable[bool]]
"""Told of each call (`POST /invitations`, or the connector's operation: `post`) as it arrives, with None, and once more when
it has taken effect and nobody knows yet, with its status. True cuts the connection there: unheard, or unanswered."""


async def unseen(_call: str, _status: int | None) -> bool:
    """The witness of an ordinary day."""
    return False


def now() -> str:
    """The present, as Graph writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class User:
    """A user object of the tenant; names are Graph's, in snake case."""

    id: str
    display_name: str
    mail: str | None
    user_principal_name: str
    user_type: Literal["Member", "Guest"]
    external_user_state: GuestState | None = None
    other_mails: list[str] = field(default_factory=list)
    account_enabled: bool = True
    preferred_language: str | None = None
    created_date_time: str = field(default_factory=now)
    external_user_state_change_date_time: str | None = None
    deleted: bool = False

    def answers_to(self, email: str) -> bool:
        """Whether `email` is one of this user's addresses, as Entra compares them (case ignored)."""
        return email.casefold() in {address.casefold() for address in (self.mail or "", *self.other_mails)}


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation Graph granted. `redeem_url` is what the entrepreneur clicks."""

    id: str
    email: str
    user_id: str
    redeem_url: str
    redirect_url: str
    language: str


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that left, as it lies in each recipient's mailbox. `content_type` is `html` or `text`."""

    sender: str
    to: tuple[str, ...]
    reply_to: tuple[str, ...]
    subject: str
    content_type: str
    content: str
    at: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in. `path` has no `/v1.0`; `status` is None where the connection was dropped."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int | None


@dataclass(slots=True)
class Fault:
    """What the next `times` matching requests meet. `done`: the request takes effect first, then meets it."""

    method: str
    path: str
    times: int
    done: bool
    status: int | None = None
    code: str = ""
    message: str = ""
    page: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    drop: bool = False


@dataclass
class State:
    """Everything the practice cloud knows. With `path`, what must survive a restart is written there at each change."""

    path: Path | None = None
    base_url: str = ""
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, dict[str, str]] = field(default_factory=dict)  # group id -> user id -> "owner" | "guest" | ""
    teams: set[str] = field(default_factory=set)  # the groups that are teams
    invitations: list[Invitation] = field(default_factory=list)
    mails: list[SentMail] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)  # user ids, in the order they changed: what users/delta tells
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    domains: set[str] = field(default_factory=lambda: {seed.DOMAIN})
    blocked_domains: set[str] = field(default_factory=set)
    allowed_domains: set[str] = field(default_factory=set)  # not empty: only these may be invited
    invitations_allowed: bool = True
    teams_accept_guests: bool = True
    sending_mailboxes: set[str] = field(default_factory=lambda: {seed.MAIL_FROM})
    permissions: set[str] = field(default_factory=lambda: set(seed.PERMISSIONS))  # granted, as tokens tell them
    oldest_delta: int = 0
    page_size: int = 100
    token_seconds: int = 3599
    token_epoch: int = 0
    witness: Witness = unseen
    watchers: list[Callable[[str], None]] = field(default_factory=list)  # told the id of each user that changed
    published: dict[str, str] = field(default_factory=dict)  # https origin -> origin on loopback behind it

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """The tenant kept at `path`, or the seeded firm."""
        state = cls(path=path)
        if path is None or not path.exists():
            state._seed()
            return state
        kept = json.loads(path.read_text(encoding="utf-8"))
        state.users = {user["id"]: User(**user) for user in kept["users"]}
        state.groups, state.teams = kept["groups"], set(kept["teams"])
        state.invitations = [Invitation(**invitation) for invitation in kept["invitations"]]
        state.mails = [
            SentMail(**{**mail, "to": tuple(mail["to"]), "reply_to": tuple(mail["reply_to"])}) for mail in kept["mails"]
        ]
        state.changed = kept["changed"]
        return state

    def _seed(self) -> None:
        self.groups = {seed.TEAM_GROUP_ID: {}, seed.ADMIN_GROUP_ID: {seed.CLAIRE.aad_id: ""}}
        self.teams = {seed.TEAM_GROUP_ID}
        for person in seed.STAFF:
            self.users[person.aad_id] = User(
                id=person.aad_id,
                display_name=person.name,
                mail=person.email,
                user_principal_name=person.email,
                user_type="Member",
                preferred_language=person.locale,
            )
            self.groups[seed.TEAM_GROUP_ID][person.aad_id] = "owner" if person.owner else ""
        mailbox = str(uuid.uuid5(uuid.UUID(seed.TENANT_ID), seed.MAIL_FROM))
        self.users[mailbox] = User(mailbox, seed.FIRM_NAME, seed.MAIL_FROM, seed.MAIL_FROM, "Member")

    def touch(self, user_id: str) -> None:
        """Record that a user changed: users/delta will tell it."""
        self.changed.append(user_id)
        self.save()
        for watcher in self.watchers:
            watcher(user_id)

    def save(self) -> None:
        """Write what survives a restart, whole or not at all."""
        if self.path is None:
            return
        kept = {
            "users": [asdict(user) for user in self.users.values()],
            "groups": self.groups,
            "teams": sorted(self.teams),
            "invitations": [asdict(invitation) for invitation in self.invitations],
            "mails": [asdict(mail) for mail in self.mails],
            "changed": self.changed,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(draft, self.path)

    # -- looking

    def user(self, key: str) -> User | None:
        """A user that exists, by object id, user principal name or mail."""
        found = self.users.get(key) or next(
            (u for u in self.users.values() if not u.deleted and key.casefold() in self._names(u)), None
        )
        return None if found is None or found.deleted else found

    @staticmethod
    def _names(user: User) -> set[str]:
        return {user.user_principal_name.casefold(), (user.mail or "").casefold()}

    def by_email(self, email: str) -> User | None:
        """The user that has this address, the tenant's own people first."""
        found = [u for u in self.users.values() if not u.deleted and u.answers_to(email)]
        return min(found, key=lambda user: user.user_type != "Member", default=None)

    def mailbox(self, email: str) -> list[SentMail]:
        """The mails somebody received, oldest first."""
        return [mail for mail in self.mails if email.casefold() in {to.casefold() for to in mail.to}]

    def count(self, method: str, path: str, status: int | None = None) -> int:
        """How many requests came in; `path` is a glob without `/v1.0`, `status` narrows to one answer."""
        return sum(
            call.method == method and fnmatchcase(call.path, path) and status in (None, call.status)
            for call in self.calls
        )

    # -- what the application asks, through graph.py

    def invite(self, email: str, name: str, redirect_url: str, language: str) -> tuple[Invitation, User]:
        """Grant an invitation: a new pending guest, or the same guest again."""
        user = self.by_email(email)
        if user is None:
            user = self._guest(email, name, "PendingAcceptance")
            user.preferred_language = language
        redeem_url = f"{self.base_url}/redeem?rd={secrets.token_urlsafe(24)}"
        invitation = Invitation(str(uuid.uuid4()), email, user.id, redeem_url, redirect_url, language)
        self.invitations.append(invitation)
        self.save()
        return invitation, user

    def _guest(self, email: str, name: str, state: GuestState | None) -> User:
        upn = f"{email.replace('@', '_')}#EXT#@{seed.DOMAIN}"
        user = User(str(uuid.uuid4()), name, email, upn, "Guest", state, [email])
        self.users[user.id] = user
        self.touch(user.id)
        return user

    # -- what people do

    def redeem(self, redeem_url: str) -> Invitation:
        """A guest follows their link and accepts. KeyError where the link is unknown or the guest is gone."""
        ticket = parse_qs(urlsplit(redeem_url).query).get("rd")
        for invitation in self.invitations:
            if parse_qs(urlsplit(invitation.redeem_url).query).get("rd") == ticket:
                user = self.users[invitation.user_id]
                if user.deleted:
                    break
                user.external_user_state = "Accepted"
                user.external_user_state_change_date_time = now()
                self.touch(user.id)
                return invitation
        raise KeyError(redeem_url)

    def create_guest(self, email: str, name: str, *, accepted: bool | None = True) -> User:
        """Somebody makes a guest by hand in Entra. `accepted` None: Graph shows no externalUserState, as for old guests."""
        state: GuestState | None = None if accepted is None else "Accepted" if accepted else "PendingAcceptance"
        return self._guest(email, name, state)

    def delete_user(self, user_id: str) -> None:
        """Soft-delete a user. KeyError where there is none."""
        user = self.user(user_id)
        if user is None:
            raise KeyError(user_id)
        user.deleted = True
        for members in self.groups.values():
            members.pop(user.id, None)
        self.touch(user.id)

    def forget_deltas(self) -> None:
        """Graph forgets every delta token given so far (seven days passed)."""
        self.changed.append("")
        self.oldest_delta = len(self.changed)

    def revoke_tokens(self) -> None:
        """Every access token given so far is refused from now on."""
        self.token_epoch += 1

    # -- faults

    def fail_next(
        self,
        method: str,
        path: str,
        status: int,
        *,
        code: str = "",
        message: str = "",
        page: str | None = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        done: bool = False,
    ) -> None:
        """Answer `status` to the next matching requests; `path` is a glob without `/v1.0` (`/users/*/sendMail`).

        `code` and `message` are Graph's; `page` is an HTML page instead, as a gateway before Graph gives.
        """
        self.faults.append(Fault(method, path, times, done, status, code, message, page, headers or {}))

    def drop_next(self, method: str, path: str, *, times: int = 1, done: bool = False) -> None:
        """Cut the connection instead of answering; `done`: after the request took effect."""
        self.faults.append(Fault(method, path, times, done, drop=True))

    def delay_next(self, method: str, path: str, seconds: float, *, times: int = 1, done: bool = False) -> None:
        """Answer late; `done`: the request takes effect at once, only the answer waits."""
        self.faults.append(Fault(method, path, times, done, seconds=seconds))

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Take the first fault scripted for this request."""
        for fault in self.faults:
            if fault.method in ("*", method) and fnmatchcase(path, fault.path):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None


def as_graph(user: User) -> dict[str, Any]:
    """A user object as Graph writes it, with every property it can be asked for here."""
    given, _, family = user.display_name.partition(" ")
    return {
        "id": user.id,
        "businessPhones": [],
        "displayName": user.display_name,
        "givenName": given,
        "jobTitle": None,
        "mail": user.mail,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": user.preferred_language,
        "surname": family,
        "userPrincipalName": user.user_principal_name,
        "userType": user.user_type,
        "externalUserState": user.external_user_state,
        "externalUserStateChangeDateTime": user.external_user_state_change_date_time,
        "otherMails": user.other_mails,
        "accountEnabled": user.account_enabled,
        "createdDateTime": user.created_date_time,
    }
