"""Who is reminded when, and never twice: whatever the restarts, the replicas, the nights, the pauses and the holidays."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import event, select

from services import calendar, delegations, dossiers, interlocuteurs, invitations, offers, propositions, reminders
from services.calendar import Period, Rhythm
from services.dossiers import DossierRecord
from services.models import (
    Collaborateur,
    Dossier,
    Effect,
    Interlocuteur,
    InvitationState,
    Proposition,
    Reminder,
)
from services.moves import move_invitation
from services.ports import Directory, StaffMember
from services.record import Services
from services.reminders import Batch
from services.roles import Roles
from services.store import Store
from tests.services.conftest import ADMIN, PAUL, Hand
from tests.services.recording import EVERY_EVENT, invited, journal, told

START = date(2026, 3, 2)  # a Monday, at 10 h in Paris
INES = StaffMember("aad-ines", "ines@cabinet.example", "Inès Caradec", False, False)


@dataclass
class Firm:
    """The store, its clock, and ticks."""

    store: Store
    clock: Hand

    async def tick(self, times: int = 1, *, requester_may_approve: bool = False) -> None:
        roles = Roles(self.store, cast(Directory, None), None, requester_may_approve=requester_may_approve)
        services = cast(Services, SimpleNamespace(store=self.store, roles=roles))
        await asyncio.gather(*(reminders.tick(services) for _ in range(times)))

    async def live(self, days: int) -> None:
        """So many days, with a tick now and then and a restart in between."""
        for _ in range(days):
            self.clock.forward(days=1)
            await self.tick()
            await self.tick(2)

    def day(self) -> int:
        """Days since the start."""
        return (self.clock.now.date() - START).days


@pytest.fixture
def firm(store: Store, clock: Hand) -> Firm:
    store._owed = EVERY_EVENT
    return Firm(store, clock)


# --- guests


@pytest.fixture
async def sent(firm: Firm, dossier: Dossier) -> str:
    """Paul's invitation, sent just now."""
    async with firm.store.work() as work:
        invitation = await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    async with firm.store.work() as work:
        changes = {"sent_at": work.now, "redeem_url": "https://redeem.example", "user_id": "u1"}
        await move_invitation(work, invitation.id, InvitationState.SENT, "passerelle", **changes)
    return invitation.id


async def state(firm: Firm, invitation_id: str) -> str:
    async with firm.store.read() as session:
        return (await invitations.get(session, invitation_id)).state


async def days_of(firm: Firm, event: str) -> list[int]:
    """On which days since the start that event was told."""
    async with firm.store.read() as session:
        effects = await session.scalars(select(Effect).where(Effect.event == event).order_by(Effect.id))
        lines = list(effects)
    return [(calendar.day_of(one.due_at) - START).days for one in lines]


async def test_scenario_33_three_reminders_a_decision_then_the_expiry(firm: Firm, sent: str) -> None:
    await firm.live(40)
    assert await days_of(firm, "GuestReminded") == [3, 7, 15]
    assert await days_of(firm, "DecisionDue") == [15]
    assert await days_of(firm, "InvitationExpired") == [30]
    assert await state(firm, sent) == "expired"
    async with firm.store.read() as session:
        assert (await invitations.get(session, sent)).redeem_url is None  # a secret that serves no more
    assert [after for *_, after in await journal(firm.store, "invitations.reminded")] == ["1", "2", "3"]
    assert [actor for actor, *_ in await journal(firm.store, "invitations.expired")] == ["passerelle"]


async def test_many_replicas_at_once_remind_once(firm: Firm, sent: str) -> None:
    firm.clock.forward(days=3)
    await firm.tick(8)
    assert await days_of(firm, "GuestReminded") == [3]


async def test_a_week_of_downtime_leads_to_one_reminder(firm: Firm, sent: str) -> None:
    firm.clock.forward(days=10)
    await firm.tick()
    await firm.tick()
    assert await days_of(firm, "GuestReminded") == [10]
    await firm.live(40)
    assert await days_of(firm, "GuestReminded") == [10, 14, 22]  # the usual gaps: nobody is hurried
    assert await days_of(firm, "InvitationExpired") == [37]


async def test_who_accepted_is_left_alone(firm: Firm, sent: str) -> None:
    await firm.live(3)
    async with firm.store.work() as work:
        await move_invitation(work, sent, InvitationState.ACCEPTED, "passerelle", accepted_at=work.now)
    await firm.live(40)
    assert await days_of(firm, "GuestReminded") == [3]
    assert await state(firm, sent) == "accepted"


async def test_sent_anew_it_is_waited_for_anew(firm: Firm, sent: str) -> None:
    await firm.live(16)
    async with firm.store.work() as work:
        await invitations.resend(work, sent, ADMIN)
    await firm.live(35)
    assert await days_of(firm, "GuestReminded") == [3, 7, 15, 19, 23, 31]
    assert await days_of(firm, "DecisionDue") == [15, 31]
    assert await days_of(firm, "InvitationExpired") == [46]


async def test_nobody_is_reminded_at_night(firm: Firm, sent: str) -> None:
    firm.clock.now = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
    await firm.tick()
    assert await days_of(firm, "GuestReminded") == []
    firm.clock.now = datetime(2026, 3, 5, 7, 0, tzinfo=UTC)
    await firm.tick()
    assert await days_of(firm, "GuestReminded") == [3]


async def test_sent_late_in_the_evening_counts_from_that_day(firm: Firm, dossier: Dossier) -> None:
    firm.clock.now = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # 23:30 in Paris
    async with firm.store.work() as work:
        invitation = await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    async with firm.store.work() as work:
        await move_invitation(work, invitation.id, InvitationState.SENT, "passerelle", sent_at=work.now)
    firm.clock.now = datetime(2026, 3, 5, 7, 0, tzinfo=UTC)
    await firm.tick()
    assert await days_of(firm, "GuestReminded") == [3]


async def pause(firm: Firm, first: int, last: int) -> str:
    during = Period(START + timedelta(days=first), START + timedelta(days=last))
    async with firm.store.work() as work:
        return (await calendar.pause(work, during, ADMIN)).id


async def test_a_pause_sends_nothing_and_piles_nothing_up(firm: Firm, sent: str) -> None:
    await pause(firm, 2, 100)
    await firm.live(101)
    assert await days_of(firm, "GuestReminded") == []
    assert await state(firm, sent) == "sent"
    await firm.live(40)
    assert await days_of(firm, "GuestReminded") == [102, 106, 114]
    assert await days_of(firm, "InvitationExpired") == [129]


async def test_a_pause_called_off_lets_reminders_go_on(firm: Firm, sent: str) -> None:
    pause_id = await pause(firm, 2, 100)
    await firm.live(10)
    async with firm.store.work() as work:
        await calendar.resume(work, pause_id, ADMIN)
    await firm.live(5)
    assert await days_of(firm, "GuestReminded") == [11, 15]  # one day had counted; today is the second


async def test_the_firms_own_rhythm(firm: Firm, sent: str) -> None:
    async with firm.store.work() as work:
        await calendar.set_rhythm(work, Rhythm((5,), 9), ADMIN)
    await firm.live(12)
    assert await days_of(firm, "GuestReminded") == [5]
    assert await days_of(firm, "DecisionDue") == [5]
    assert await days_of(firm, "InvitationExpired") == [9]


async def test_a_shorter_rhythm_chosen_meanwhile_still_ends(firm: Firm, sent: str) -> None:
    await firm.live(15)
    async with firm.store.work() as work:
        await calendar.set_rhythm(work, Rhythm((5,), 20), ADMIN)
    await firm.live(30)
    assert await days_of(firm, "GuestReminded") == [3, 7, 15]
    assert await days_of(firm, "InvitationExpired") == [30]


async def test_what_a_guest_is_told(firm: Firm, sent: str) -> None:
    async with firm.store.read() as session:
        assert await reminders.guest_wait(session, sent, firm.clock.now) is None
    said = []
    for days in (3, 4, 8):
        await firm.live(days)
        async with firm.store.read() as session:
            wait = await reminders.guest_wait(session, sent, firm.clock.now)
        assert wait is not None
        said.append((wait.number, wait.last, wait.until))
    until = date(2026, 4, 1)
    assert said == [(1, False, until), (2, False, until), (3, True, until)]


# --- approvals


async def asked(firm: Firm, dossier: Dossier, person: Interlocuteur, offer: str = "start", by: str = ADMIN) -> str:
    """A proposition whose card was posted just now."""
    async with firm.store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, offer, person, by, by.title())
    await propositions.awaits_approval(firm.store, made.id, "passerelle")
    return made.id


async def decide(firm: Firm, proposition_id: str) -> None:
    async with firm.store.work() as work:
        await propositions.approve_activation(work, proposition_id, "malo", "Malo", ticked=True)


async def batches(firm: Firm) -> list[Batch]:
    async with firm.store.read() as session:
        found = await session.execute(select(Reminder.batch, Reminder.at).where(Reminder.kind == "approval").distinct())
        rows = sorted(found.all(), key=lambda row: row.at)
        return [await reminders.batch(session, row.batch) for row in rows]


async def another(firm: Firm, code: str, collaborateur: str = "malo@cabinet.example") -> tuple[Dossier, Interlocuteur]:
    """One more dossier, with somebody linked and Start active."""
    async with firm.store.work() as work:
        record = DossierRecord(code, f"Société {code}", "552 100 554", "Vannes", "Vannes", collaborateur)
        await dossiers.keep(work, [record])
    async with firm.store.work() as work:
        dossier = (await dossiers.search(work.session, code))[0]
        await invitations.invite_guest(work, PAUL, dossier, ADMIN)
        await offers.activate_offer(work, dossier, "start", ADMIN, subscription_confirmed=False)
        person = (await work.session.scalars(select(Interlocuteur))).first()
        assert person is not None
        await interlocuteurs.link(work, person, dossier, ADMIN)
    return dossier, person


async def test_scenario_26_a_reminder_then_the_administrators(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    waiting = await asked(firm, dossier, linked)
    await firm.live(20)
    assert await days_of(firm, "ApprovalsReminded") == [2]
    assert await days_of(firm, "ApprovalsEscalated") == [4]
    assert (await told(firm.store, waiting))[-2:] == ["ApprovalChanged"] * 2
    reminded, escalated = await batches(firm)
    assert reminded.person is not None
    assert reminded.person.email == "malo@cabinet.example"
    assert (reminded.escalated, escalated.escalated) == (False, True)
    assert [subject for _, subject, *_ in await journal(firm.store, "propositions.reminded")] == [waiting]
    assert [subject for _, subject, *_ in await journal(firm.store, "propositions.escalated")] == [waiting]


async def test_weekends_and_holidays_do_not_count(firm: Firm, dossier: Dossier, linked: Interlocuteur) -> None:
    firm.clock.now = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)  # the Thursday before Easter
    await asked(firm, dossier, linked)
    await firm.live(14)
    reminded, escalated = await days_of(firm, "ApprovalsReminded"), await days_of(firm, "ApprovalsEscalated")
    assert [START + timedelta(days=one) for one in reminded] == [date(2026, 4, 7)]  # Tuesday
    assert [START + timedelta(days=one) for one in escalated] == [date(2026, 4, 9)]


async def test_in_alsace_good_friday_does_not_count_either(firm: Firm, dossier: Dossier, linked: Interlocuteur) -> None:
    firm.clock.now = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
    async with firm.store.work() as work:
        await calendar.set_rhythm(work, Rhythm(alsace_moselle=True), ADMIN)
    await asked(firm, dossier, linked)
    await firm.live(14)
    assert [START + timedelta(days=one) for one in await days_of(firm, "ApprovalsReminded")] == [date(2026, 4, 8)]


async def test_a_week_of_downtime_reminds_first_and_escalates_later(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    await asked(firm, dossier, linked)
    firm.clock.forward(days=9)
    await firm.tick(4)
    assert await days_of(firm, "ApprovalsReminded") == [9]
    assert await days_of(firm, "ApprovalsEscalated") == []
    await firm.live(5)
    assert await days_of(firm, "ApprovalsEscalated") == [11]


async def test_who_decides_is_left_alone(firm: Firm, dossier: Dossier, linked: Interlocuteur) -> None:
    waiting = await asked(firm, dossier, linked)
    await firm.live(2)
    await decide(firm, waiting)
    await firm.live(10)
    assert await days_of(firm, "ApprovalsReminded") == [2]
    assert await days_of(firm, "ApprovalsEscalated") == []


async def test_what_nobody_was_asked_yet_is_not_reminded_of(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with firm.store.work() as work:  # left to do in Loop: no card was posted
        await propositions.propose_offer(work, dossier, "start", linked, ADMIN, "Claire", announce=False)
    await firm.live(10)
    assert await batches(firm) == []


async def test_everything_that_awaits_somebody_is_one_card_a_day(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    first = await asked(firm, dossier, linked)
    second = await asked(firm, *await another(firm, "GARMAR"))
    await firm.live(1)
    third = await asked(firm, dossier, linked, "consultation")
    await firm.live(4)
    told_on = [(one.escalated, [row.proposition.id for row in one.waiting]) for one in await batches(firm)]
    expected = [(False, {first, second}), (False, {third}), (True, {first, second})]
    assert [(escalated, set(ids)) for escalated, ids in told_on] == expected
    assert await days_of(firm, "ApprovalsReminded") == [2, 3]
    assert await days_of(firm, "ApprovalsEscalated") == [4]


async def test_never_two_the_same_day(firm: Firm, dossier: Dossier, linked: Interlocuteur) -> None:
    await asked(firm, dossier, linked)
    await firm.live(2)
    async with firm.store.work() as work:  # a new rhythm makes one more due in the afternoon
        await calendar.set_rhythm(work, Rhythm(remind_after=1, escalate_after=5), ADMIN)
    firm.clock.forward(days=-1)
    later = await asked(firm, dossier, linked, "consultation")
    firm.clock.forward(days=1)
    await firm.tick()
    assert await days_of(firm, "ApprovalsReminded") == [2]
    await firm.live(1)
    assert await days_of(firm, "ApprovalsReminded") == [2, 3]
    assert [row.proposition.id for row in (await batches(firm))[-1].waiting] == [later]


async def test_each_administrator_hears_of_what_they_asked_for(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    await asked(firm, dossier, linked, "start", "aad-claire")
    await asked(firm, dossier, linked, "consultation", "aad-yann")
    await firm.live(6)
    told_on = [{row.proposition.proposed_by for row in one.waiting} for one in await batches(firm) if one.escalated]
    assert sorted(told_on, key=str) == [{"aad-claire"}, {"aad-yann"}]
    assert await days_of(firm, "ApprovalsEscalated") == [4, 4]


async def test_while_somebody_stands_in_they_are_reminded_and_the_absent_person_is_not(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with firm.store.work() as work:
        malo = await delegations.collaborateur(work.session, "malo@cabinet.example")
        assert malo is not None
        during = Period(START, START + timedelta(days=10))
        await delegations.entrust(work, malo.id, INES, during, malo.id, "Malo")
    await asked(firm, dossier, linked)
    await firm.live(6)
    reminded, escalated = await batches(firm)
    assert reminded.person is not None
    assert reminded.person.email == INES.email
    assert escalated.person is not None
    assert escalated.person.id == malo.id  # whose dossiers they are


async def test_without_a_collaborateur_only_the_administrators_hear(firm: Firm, linked: Interlocuteur) -> None:
    await asked(firm, *await another(firm, "SANS", ""))
    await firm.live(10)
    assert await days_of(firm, "ApprovalsReminded") == []
    assert await days_of(firm, "ApprovalsEscalated") == [4]
    assert (await batches(firm))[0].person is None


async def known_to_teams(firm: Firm, email: str, aad_id: str) -> Collaborateur:
    """As a collaborateur is once the bot has met them."""
    async with firm.store.work() as work:
        person = await delegations.collaborateur(work.session, email)
        assert person is not None
        person.aad_id = aad_id
    return person


async def test_who_proposed_is_not_reminded_to_approve_it_the_administrators_hear(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    await known_to_teams(firm, "malo@cabinet.example", "aad-malo")
    await asked(firm, dossier, linked, by="aad-malo")
    await firm.live(10)
    assert await days_of(firm, "ApprovalsReminded") == []
    assert await days_of(firm, "ApprovalsEscalated") == [4]


async def test_what_somebody_else_proposed_is_reminded_of_all_the_same(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    await known_to_teams(firm, "malo@cabinet.example", "aad-malo")
    await asked(firm, dossier, linked, by="aad-malo")
    others = await asked(firm, dossier, linked, "consultation", by="aad-claire")
    await firm.live(3)
    (reminded,) = await batches(firm)
    assert [one.proposition.id for one in reminded.waiting] == [others]


async def test_where_the_stand_in_proposed_who_is_absent_is_reminded(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    malo = await known_to_teams(firm, "malo@cabinet.example", "aad-malo")
    async with firm.store.work() as work:
        during = Period(START, START + timedelta(days=10))
        await delegations.entrust(work, malo.id, INES, during, malo.id, "Malo")
    await asked(firm, dossier, linked, by=INES.user_id)
    await firm.live(3)
    (reminded,) = await batches(firm)
    assert reminded.person is not None
    assert reminded.person.id == malo.id


async def test_who_may_approve_what_they_proposed_is_reminded_of_it(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    await known_to_teams(firm, "malo@cabinet.example", "aad-malo")
    await asked(firm, dossier, linked, by="aad-malo")
    firm.clock.forward(days=2)
    await firm.tick(requester_may_approve=True)
    assert await days_of(firm, "ApprovalsReminded") == [2]


async def test_a_pause_holds_approvals_too(firm: Firm, dossier: Dossier, linked: Interlocuteur) -> None:
    await pause(firm, 1, 13)
    await asked(firm, dossier, linked)
    await firm.live(20)
    assert await days_of(firm, "ApprovalsReminded") == [15]
    assert await days_of(firm, "ApprovalsEscalated") == [17]


async def test_many_replicas_at_once_tell_once(firm: Firm, dossier: Dossier, linked: Interlocuteur) -> None:
    await asked(firm, dossier, linked)
    await asked(firm, *await another(firm, "GARMAR"))
    firm.clock.forward(days=2)
    await firm.tick(8)
    assert await days_of(firm, "ApprovalsReminded") == [2]


async def test_the_cards_that_reminded_hear_of_the_decision(
    firm: Firm, dossier: Dossier, linked: Interlocuteur
) -> None:
    waiting = await asked(firm, dossier, linked)
    await firm.live(4)
    await decide(firm, waiting)
    event = SimpleNamespace(subject=waiting)
    await reminders.tell_answered(event, cast(Services, SimpleNamespace(store=firm.store)))  # type: ignore[arg-type]
    told_of = {one.id: await told(firm.store, one.id) for one in await batches(firm)}
    assert sorted(map(tuple, told_of.values())) == [
        ("ApprovalsEscalated", "RemindersAnswered"),
        ("ApprovalsReminded", "RemindersAnswered"),
    ]
    assert all(one.open == () for one in await batches(firm))


async def test_when_it_was_last_reminded_of(firm: Firm, dossier: Dossier, linked: Interlocuteur) -> None:
    waiting = await asked(firm, dossier, linked)
    dates = []
    for _ in range(3):
        async with firm.store.read() as session:
            row = await session.get_one(Proposition, waiting)
            dates.append(await reminders.reminded_at(session, row))
        await firm.live(2)
    assert dates[0] is None
    assert [calendar.day_of(one) for one in dates[1:] if one] == [date(2026, 3, 4), date(2026, 3, 6)]


async def test_a_thousand_pending_are_looked_at_in_a_moment(firm: Firm, dossier: Dossier) -> None:
    """The tick runs every minute: what is not due must cost next to nothing."""
    async with firm.store.work() as work:
        for n in range(1000):
            row = invited(f"client{n}@example.fr", InvitationState.SENT, work.now, requested_by=ADMIN, sent_at=work.now)
            work.session.add(row)
    firm.clock.forward(days=1)
    said: list[str] = []
    event.listen(firm.store.engine.sync_engine, "before_cursor_execute", lambda *facts: said.append(facts[2]))
    await firm.tick()
    assert len(said) < 30, "as many questions for a thousand as for none"
    assert await days_of(firm, "GuestReminded") == []
