"""Entra as it may be in `test_machine`, and what should follow from what it knows."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from services.errors import Refused, Unavailable
from services.ports import Changes, DirectoryUser, Invited, StaffMember
from tests.services import machine_model as should
from tests.services.machine_model import Model, No

ADMINS = ("claire", "yann")
NAMES = ("claire", "yann", "malo", "ines")
STAFF = tuple(StaffMember(one, f"{one}@cabinet.example", one.title(), one in ADMINS, False) for one in NAMES)


class Tenant:
    """Entra as it may be: `mood` says how the next calls go (`lost`: done, and nobody heard)."""

    def __init__(self) -> None:
        self.users: dict[str, DirectoryUser] = {}
        self.mood = "well"

    def _mind(self, *moods: str) -> None:
        if self.mood in moods:
            raise Refused("domain_blocked") if self.mood == "blocked" else Unavailable("directory_down")

    def known(self, email: str) -> DirectoryUser | None:
        return next((one for one in self.users.values() if one.email == email.casefold()), None)

    async def find_by_email(self, email: str) -> DirectoryUser | None:
        self._mind("down")
        return self.known(email)

    async def find_by_id(self, user_id: str) -> DirectoryUser | None:
        self._mind("down")
        return self.users.get(user_id)

    async def invite(self, email: str, name: str, language: str, redirect_url: str) -> Invited:
        self._mind("blocked")
        found = self.known(email) or self.make(email, "PendingAcceptance")
        self._mind("lost")
        return Invited(found.id, f"https://redeem.example/{uuid4().hex}")

    async def changes(self, cursor: str | None) -> Changes:
        return Changes(tuple(self.users.values()), uuid4().hex)

    async def delete_guest(self, user_id: str) -> None:
        self.users.pop(user_id, None)

    async def team_members(self, group_id: str) -> tuple[StaffMember, ...]:
        return STAFF

    def make(self, email: str, state: Any) -> DirectoryUser:
        found = self.known(email)
        if found is None:
            found = DirectoryUser(uuid4().hex, email.casefold(), email, True, state)
            self.users[found.id] = found
        return found

    def accept(self, email: str) -> None:
        if found := self.known(email):
            self.users[found.id] = replace(found, state="Accepted")

    # what should follow, from what Entra knows

    def expect_sent(self, model: Model, one: should.Invited) -> None:
        if one.state != "requested":
            return
        if self.mood == "down":
            raise No("directory_down")
        known = self.known(one.email)
        pending = known is not None and known.state == "PendingAcceptance"
        if known is not None and not (pending and one.asked_graph):
            model.move(one, "sent" if pending else "accepted", "GuestRecognised")
            one.asked_graph = one.asked_graph or pending
            return
        one.asked_graph = True
        if self.mood == "blocked":
            one.asked_graph = False
            model.move(one, "failed", "InvitationFailed")
            return
        if self.mood == "lost":
            raise No("directory_down")
        model.move(one, "sent", "GuestInvited")

    def expect_renewed(self, model: Model, one: should.Invited) -> None:
        if one.state != "sent":
            return
        if self.mood == "down" and one.user:
            raise No("directory_down")
        known = self.users.get(one.user or "")
        if known is not None and known.state == "Accepted":
            model.move(one, "accepted", "InvitationAccepted")
            return
        if self.mood == "blocked":
            model.move(one, "failed", "InvitationFailed")
            return
        model.owe("GuestInvited", one.id)

    def expect_noticed(self, model: Model) -> None:
        for one in sorted(model.invitations, key=lambda one: one.requested_at, reverse=True):
            user = self.users.get(one.user or "")
            if user is None or user.state != "Accepted" or one.state not in ("sent", "expired"):
                continue
            if one.state == "sent" or model.live_invitation(one.email) is None:
                model.move(one, "accepted", "InvitationAccepted")
