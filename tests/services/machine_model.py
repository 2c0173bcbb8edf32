"""What the program should do, told a second time and much more simply: the model `test_machine` holds it against.

Written from the product's rules. It knows no database and no journal; of the services it imports nothing.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

OFFERS = ("start", "consultation", "co_production")
PAID = ("consultation", "co_production")
QUALITES = ("direction_tpe", "administratif_tpe", "")

INVITATIONS = {
    "requested": {"sent", "accepted", "failed", "revoked"},
    "sent": {"accepted", "failed", "revoked", "expired"},
    "accepted": {"revoked"},
    "failed": {"requested", "revoked"},
    "expired": {"requested", "accepted", "revoked"},
    "revoked": set[str](),
}
PROPOSITIONS = {
    "proposed": {"awaiting_approval", "active", "refused", "withdrawn"},
    "awaiting_approval": {"active", "refused", "withdrawn"},
    "active": {"ended"},
    "refused": set[str](),
    "withdrawn": set[str](),
    "ended": set[str](),
}
LIVE_INVITATION = ("requested", "sent", "accepted")
LIVE = ("proposed", "awaiting_approval", "active")

EVERY_OFFER = {"ged", "deposit", "mobile_dashboard"}
RIGHTS = {
    "start": EVERY_OFFER,
    "consultation": EVERY_OFFER | {"loop_read"},
    "co_production": EVERY_OFFER | {"loop_work"},
}


def rights(offer: str, qualite: str) -> set[str]:
    """R2 to R5 and R13, as keys of what is given."""
    return RIGHTS[offer] | ({"gs_ged"} if qualite == "direction_tpe" else set())


@dataclass
class Invited:
    id: str
    email: str
    on: set[int]
    requested_at: datetime
    state: str = "requested"
    resent_at: datetime | None = None
    asked_graph: bool = False
    user: str | None = None


@dataclass
class Contact:
    id: str
    email: str
    qualite: str
    links: set[int] = field(default_factory=set)
    version: int = 1
    removed: bool = False


@dataclass
class Proposed:
    id: str
    dossier: int
    offer: str
    person: Contact
    by: str
    state: str = "proposed"

    @property
    def live(self) -> bool:
        return self.state in LIVE


class No(Exception):
    """The model refuses, with the key the services are to refuse with."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Model:
    """The firm as it should be. Each method does what one service function should, or raises No; `owed` counts events."""

    def __init__(self) -> None:
        self.invitations: list[Invited] = []
        self.people: list[Contact] = []
        self.propositions: list[Proposed] = []
        self.active: set[tuple[int, str]] = set()
        self.owed: Counter[tuple[str, str]] = Counter()

    # --- reading

    def live_invitation(self, email: str) -> Invited | None:
        return next((one for one in self.invitations if one.email == email and one.state in LIVE_INVITATION), None)

    def invited_for(self, dossier: int) -> list[Invited]:
        return [one for one in self.invitations if dossier in one.on and one.state in LIVE_INVITATION]

    def require_invited(self, dossier: int, email: str) -> None:
        invited = self.invited_for(dossier)
        if not invited:
            raise No("not_invited")
        if email not in {one.email for one in invited}:
            raise No("email_differs")

    def live(self, dossier: int, offer: str, person: Contact) -> Proposed | None:
        same = [one for one in self.propositions if (one.dossier, one.offer, one.person) == (dossier, offer, person)]
        return next((one for one in same if one.live), None)

    def elsewhere(self, dossier: int, email: str) -> bool:
        kept = [one.on for one in self.invitations if one.email == email and one.state != "revoked"]
        kept += [one.links for one in self.people if one.email == email and not one.removed]
        return bool(set().union(*kept) - {dossier})

    # --- invitations

    def move(self, one: Invited, to: str, event: str) -> None:
        assert to in INVITATIONS[one.state], (one.state, to)
        one.state = to
        self.owe(event, one.id)

    def resend(self, one: Invited, now: datetime) -> None:
        if one.state != "sent":
            raise No("not_pending")
        if one.resent_at and now < one.resent_at + timedelta(days=1):
            raise No("resent_too_soon")
        one.resent_at = now
        self.owe("InvitationResent", one.id)

    def retry(self, one: Invited, now: datetime) -> None:
        if "requested" not in INVITATIONS[one.state]:
            raise No("not_to_retry")
        if self.live_invitation(one.email):
            raise No("invited_meanwhile")
        one.requested_at = now
        self.move(one, "requested", "InvitationRequested")

    def revoke(self, one: Invited) -> None:
        if "revoked" not in INVITATIONS[one.state]:
            raise No("not_to_revoke")
        self.move(one, "revoked", "InvitationRevoked")

    def revoke_person(self, one: Invited) -> None:
        self.revoke(one)
        if self.live_invitation(one.email):
            return
        for held in self.propositions:
            if held.live and held.dossier in one.on and held.person.email == one.email:
                self.close(held)

    # --- people

    def link(self, person: Contact, dossier: int) -> None:
        if person.removed:
            raise No("interlocuteur_unknown")
        self.require_invited(dossier, person.email)
        person.links.add(dossier)

    def modify(self, person: Contact, email: str, qualite: str, seen: int) -> None:
        if person.removed:
            raise No("interlocuteur_unknown")
        if person.version != seen:
            raise No("changed_meanwhile")
        if (person.email, person.qualite) == (email, qualite):
            return
        if email != person.email:
            for dossier in sorted(person.links):
                self.require_invited(dossier, email)
        person.email, person.qualite = email, qualite
        person.version += 1

    def remove(self, person: Contact) -> None:
        for held in self.propositions:
            if held.live and held.person is person:
                self.close(held)
        person.links.clear()
        person.removed = True
        person.version += 1

    # --- propositions

    def require_proposable(self, dossier: int, offer: str, person: Contact) -> None:
        if (dossier, offer) not in self.active:
            raise No("offer_not_active")
        if dossier not in person.links:
            raise No("not_linked")

    def decide(self, held: Proposed, to: str) -> None:
        if to not in PROPOSITIONS[held.state]:
            raise No("already_decided")
        held.state = to
        self.owe({"active": "OfferActivated", "refused": "OfferRefused"}[to], held.id)

    def close(self, held: Proposed) -> None:
        to, event = ("ended", "OfferEnded") if held.state == "active" else ("withdrawn", "OfferWithdrawn")
        assert to in PROPOSITIONS[held.state]
        held.state = to
        self.owe(event, held.id)

    def withdraw(self, held: Proposed) -> None:
        if not held.live:
            raise No("already_closed")
        self.close(held)

    def require_changeable(self, held: Proposed, to: str, *, confirmed: bool) -> None:
        if not held.live:
            raise No("already_closed")
        if held.offer == to:
            raise No("same_offer")
        if self.live(held.dossier, to, held.person):
            raise No("offer_already_proposed")
        self.require_invited(held.dossier, held.person.email)
        if (held.dossier, to) not in self.active and to in PAID and not confirmed:
            raise No("subscription_needed")

    def end_offer(self, dossier: int, offer: str) -> None:
        if (dossier, offer) not in self.active:
            raise No("offer_already_ended")
        self.active.discard((dossier, offer))
        for held in self.propositions:
            if held.live and (held.dossier, held.offer) == (dossier, offer):
                self.close(held)

    def end_mission(self, dossier: int) -> None:
        invited = sorted(
            (one for one in self.invitations if dossier in one.on and one.state != "revoked"), key=lambda one: one.id
        )
        closing = [held for held in self.propositions if held.live and held.dossier == dossier]
        linked = [one for one in self.people if dossier in one.links]
        on = {one for one in self.active if one[0] == dossier}
        if not (invited or closing or linked or on):
            raise No("nothing_to_end")
        self.active -= on
        for held in closing:
            self.close(held)
        for person in linked:
            person.links.discard(dossier)
        for one in invited:
            if self.elsewhere(dossier, one.email):
                one.on.discard(dossier)
                continue
            if "revoked" in INVITATIONS[one.state]:
                self.revoke(one)
            self.owe("GuestDismissed", one.id)

    def owe(self, event: str, subject: str) -> None:
        self.owed[event, subject] += 1
