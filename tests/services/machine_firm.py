"""The services as `test_machine` drives them: one function a gesture."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast

from sqlalchemy import delete, func, select

from dialogs import approve_activation
from dialogs.dialog import Ctx
from dialogs.turn import Sender
from services import (
    delegations,
    dossiers,
    endings,
    guests,
    interlocuteur_removal,
    interlocuteurs,
    invitations,
    loop_tasks,
    offers,
    places,
    propositions,
    reminders,
)
from services.calendar import Period, day_of
from services.dossiers import DossierRecord
from services.errors import Refused, Unavailable
from services.events import GuestDismissed, InvitationRequested, InvitationResent, InvitationRevoked
from services.invitations import NewGuest
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur, LoopTask, Row
from services.offers import Qualite
from services.ports import Chat, Files, Mailbox, Place, PlaceKind
from services.record import Services
from services.roles import Roles
from services.store import Store
from tests.services.conftest import CONTACT, Hand
from tests.services.machine_model import No
from tests.services.machine_tenant import STAFF, Tenant
from tests.services.recording import EVERY_EVENT, FIRM

EMAILS = ("paul@a.example", "zoe@b.example", "luc@c.example")
OWNERS = ("claire", "malo", "ines")


@dataclass
class Delegated:
    id: str
    who: str
    to: str
    first: date
    last: date
    over: bool = False

    def holds(self, today: date) -> bool:
        return not self.over and self.first <= today <= self.last


class Practice:
    """A firm of two dossiers, on a database emptied first. `opened` once it is."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = Hand()
        self.tenant = Tenant()
        self.opened = False
        self.owners = {0: "malo", 1: "claire"}
        self.delegations: list[Delegated] = []
        self.known: set[str] = set()

    async def open(self) -> None:
        self.store = Store(self.url, self.clock, EVERY_EVENT, agreed=self.clock)
        roles = Roles(self.store, cast(Any, self.tenant), None)
        ends = (cast(Mailbox, None), cast(Chat, None), roles, cast(Files, None))
        self.services = Services(FIRM, self.store, cast(Any, self.tenant), *ends)
        async with self.store.work() as work:
            for table in reversed(Row.metadata.sorted_tables):
                await work.session.execute(delete(table))
        place = Place(PlaceKind.CHANNEL, "19:g", "https://teams.example", "tenant", "28:bot", "19:g", "group")
        await places.remember(self.store, places.GENERAL, place)
        self.dossiers: dict[int, Dossier] = {}
        for number, owner in self.owners.items():
            await self.reassign(number, owner)
        self.opened = True

    async def close(self) -> None:
        await self.store.close()

    async def attempt(self, gesture: Coroutine[Any, Any, Any]) -> tuple[str | None, Any]:
        """The key it was refused with, or None and what it gave."""
        try:
            return None, await gesture
        except (Refused, Unavailable) as no:
            return no.key, None

    def number_of(self, dossier_id: str) -> int:
        return next(number for number, one in self.dossiers.items() if one.id == dossier_id)

    # --- invitations

    async def invite(self, email: str, dossier: int, admin: str) -> str:
        guest = NewGuest("Nom", "Prénom", email, "+33612345678", "fr")
        async with self.store.work() as work:
            return (await invitations.invite_guest(work, guest, self.dossiers[dossier], admin)).id

    async def send_invitation(self, subject: str) -> None:
        await guests.send_invitation(InvitationRequested(subject), self.services)

    async def renew_invitation(self, subject: str) -> None:
        await guests.renew_invitation(InvitationResent(subject), self.services)

    async def remove_guest(self, subject: str, *, dismissed: bool) -> None:
        if dismissed:
            await guests.remove_guest(GuestDismissed(subject), self.services)
        else:
            await guests.remove_pending_guest(InvitationRevoked(subject), self.services)

    async def notice(self) -> None:
        await invitations.notice_acceptances(self.services)

    async def resend(self, subject: str) -> None:
        async with self.store.work() as work:
            await invitations.resend(work, subject, "claire")

    async def retry(self, subject: str) -> None:
        async with self.store.work() as work:
            await invitations.retry(work, subject, "claire")

    async def revoke(self, subject: str, *, done: bool) -> None:
        async with self.store.work() as work:
            await endings.revoke_person(work, subject, Actor("claire", "Claire"), done=done)

    async def user_of(self, subject: str) -> str | None:
        async with self.store.read() as session:
            return (await invitations.get(session, subject)).user_id

    async def state_of(self, subject: str) -> str:
        async with self.store.read() as session:
            return (await invitations.get(session, subject)).state

    # --- offers and people

    async def activate(self, dossier: int, offer: str, *, confirmed: bool) -> None:
        async with self.store.work() as work:
            one = self.dossiers[dossier]
            await offers.activate_offer(work, one, offer, "claire", subscription_confirmed=confirmed)

    async def create(self, email: str, qualite: str) -> str:
        async with self.store.work() as work:
            contact = replace(CONTACT, email=email, qualite=Qualite(qualite))
            return (await interlocuteurs.create(work, contact, "fr", "claire")).id

    async def link(self, person_id: str, dossier: int) -> None:
        async with self.store.work() as work:
            person = await interlocuteurs.get(work.session, person_id)
            await interlocuteurs.link(work, person, self.dossiers[dossier], "claire")

    async def modify(self, person_id: str, email: str, qualite: str, seen: int) -> None:
        async with self.store.work() as work:
            contact = replace(CONTACT, email=email, qualite=Qualite(qualite))
            await interlocuteurs.modify(work, person_id, contact, seen, "claire")

    async def remove(self, person_id: str, *, stale: bool) -> None:
        async with self.store.work() as work:
            loss = await interlocuteur_removal.loss(work.session, person_id)
            seen = "what was" if stale else loss.key
            await interlocuteur_removal.remove(work, person_id, seen, Actor("claire", "Claire"))

    # --- propositions

    async def propose_at_once(
        self, dossier: int, offer: str, person_id: str, admin: str, *, done: bool, times: int
    ) -> str:
        """Everybody at once; gives the one proposition there is."""
        wanted = (self._propose(dossier, offer, person_id, admin, done=done) for _ in range(times))
        ended = await asyncio.gather(*wanted, return_exceptions=True)
        made = [one for one in ended if isinstance(one, str)]
        others = [one for one in ended if not isinstance(one, str)]
        if not made:
            raise others[0]
        assert len(set(made)) == 1
        assert all(isinstance(one, Refused) and one.key == "proposed_meanwhile" for one in others)
        return made[0]

    async def _propose(self, dossier: int, offer: str, person_id: str, admin: str, *, done: bool) -> str:
        one = self.dossiers[dossier]
        async with self.store.work() as work:
            person = await work.session.get_one(Interlocuteur, person_id)
            made, new = await propositions.propose_offer(work, one, offer, person, admin, admin.title(), announce=done)
            if new:
                actor = Actor(admin, admin.title())
                await loop_tasks.ask(work, "propose_offer", one, actor, done=done, offer=offer, interlocuteur=person)
        return made.id

    async def awaits(self, subject: str) -> None:
        await propositions.awaits_approval(self.store, subject, "passerelle")

    async def approve(self, subject: str, who: str, *, ticked: bool, times: int) -> None:
        """The card's click, so many times at once: one is taken."""
        ended = await asyncio.gather(
            *(self._approve(subject, who, ticked=ticked) for _ in range(times)), return_exceptions=True
        )
        others = [one for one in ended if one is not None]
        if len(others) == times:
            raise others[0]
        assert len(others) == times - 1
        assert all(isinstance(one, Refused) and one.key == "already_decided" for one in others)

    async def _approve(self, subject: str, who: str, *, ticked: bool) -> None:
        async with self.store.read() as session:
            proposed = await propositions.get(session, subject)
        await self.services.roles.require_approver(who, proposed, fresh=True)
        async with self.store.work() as work:
            await propositions.approve_activation(work, subject, who, who.title(), ticked=ticked)

    async def refuse(self, subject: str, reason: str) -> None:
        async with self.store.work() as work:
            await propositions.refuse_activation(work, subject, "malo", "Malo", reason)

    async def withdraw(self, subject: str, *, done: bool) -> None:
        async with self.store.work() as work:
            await endings.withdraw_offer(work, subject, Actor("claire", "Claire"), done=done)

    async def change(self, subject: str, offer: str, *, confirmed: bool, done: bool) -> str:
        async with self.store.work() as work:
            actor = Actor("claire", "Claire")
            return (
                await endings.change_offer(work, subject, offer, actor, subscription_confirmed=confirmed, done=done)
            ).id

    async def end_offer(self, dossier: int, offer: str, *, done: bool) -> None:
        async with self.store.work() as work:
            await endings.end_offer(work, self.dossiers[dossier], offer, Actor("claire", "Claire"), done=done)

    async def end_mission(self, dossier: int) -> None:
        async with self.store.work() as work:
            await endings.end_mission(work, self.dossiers[dossier], Actor("claire", "Claire"), done=True)

    async def task(self, which: int) -> LoopTask | None:
        async with self.store.read() as session:
            found = (await session.scalars(select(LoopTask).order_by(LoopTask.asked_at, LoopTask.id))).all()
        return found[which % len(found)] if found else None

    async def does(self, task_id: str) -> None:
        async with self.store.work() as work:
            await loop_tasks.finish(work, task_id, Actor("yann", "Yann"))

    async def draw(self, subject: str, who: str) -> None:
        """Nothing is written while a card is drawn."""
        before = await self._rows()
        sender = Sender(who, f"29:{who}", who.title(), "fr-FR", "tenant")
        await approve_activation.POSTED.draw(Ctx(self.services, sender, "fr"), subject)
        assert await self._rows() == before

    # --- who answers, and time

    async def reassign(self, dossier: int, who: str) -> None:
        record = DossierRecord(f"D{dossier}", "Société", "552100554", "Vannes", "Vannes", f"{who}@cabinet.example")
        async with self.store.work() as work:
            await dossiers.keep(work, [record])
        async with self.store.read() as session:
            query = select(Dossier).where(Dossier.code == record.code)
            self.dossiers[dossier] = (await session.scalars(query)).unique().one()
        self.owners[dossier] = who
        self.known.add(who)

    async def entrust(self, who: str, to: str, first: int, days: int) -> None:
        today = day_of(self.clock())
        wanted = Period(today + timedelta(days=first), today + timedelta(days=first + days))
        member = next(one for one in STAFF if one.user_id == to)
        async with self.store.read() as session:
            absent = await delegations.collaborateur(session, f"{who}@cabinet.example")
        if absent is None:
            raise Refused("not_found")
        async with self.store.work() as work:
            made = await delegations.entrust(work, absent.id, member, wanted, who, who.title())
        self.delegations.append(Delegated(made.id, who, to, wanted.first, wanted.last))

    async def end_delegation(self, which: int) -> None:
        async with self.store.work() as work:
            await delegations.end(work, self.delegations[which % len(self.delegations)].id, "claire")

    async def tick(self, times: int) -> None:
        await asyncio.gather(*(reminders.tick(self.services) for _ in range(times)))
        today = day_of(self.clock())
        for one in self.delegations:
            one.over = one.over or one.last < today

    async def _rows(self) -> Mapping[str, int]:
        async with self.store.read() as session:
            tables = Row.metadata.sorted_tables
            return {one.name: await session.scalar(select(func.count()).select_from(one)) or 0 for one in tables}

    # --- what should follow

    def expect_approver(self, who: str, dossier: int, by: str) -> None:
        """A collaborateur of the dossier or who stands in today (R7), and not who proposed it."""
        owner, today = self.owners[dossier], day_of(self.clock())
        standing = [one.to for one in self.delegations if one.who == owner and one.holds(today)]
        if who not in (owner, *standing):
            raise No("not_collaborateur")
        if who == by:
            raise No("own_request" if standing else "own_request_alone")

    def expect_entrusted(self, who: str, to: str, first: int, days: int) -> None:
        start = day_of(self.clock()) + timedelta(days=first)
        end = start + timedelta(days=days)
        if who not in self.known:
            raise No("not_found")
        if who == to:
            raise No("delegate_is_absent")
        others = [one for one in self.delegations if one.who == who and not one.over]
        if any(one.first <= end and start <= one.last for one in others):
            raise No("delegation_overlaps")
        self.known.add(to)

    def expect_ended(self, which: int) -> None:
        one = self.delegations[which % len(self.delegations)]
        if one.over:
            raise No("delegation_over")
        one.over = True
