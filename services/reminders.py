"""Reminders: to guests who did not accept, to collaborateurs who did not decide; then to those who can do something about it.

Each is claimed by a row of its own in the commit that emits its event. `tick` is safe to call as often as one likes.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import calendar, delegations, invitations, propositions, reviews
from services.calendar import Calendar, day_of
from services.delegations import Approvers
from services.errors import Refused
from services.events import (
    ApprovalChanged,
    ApprovalsEscalated,
    ApprovalsReminded,
    DecisionDue,
    Event,
    GuestReminded,
    InvitationExpired,
    RemindersAnswered,
)
from services.invitations import BOT
from services.models import (
    Collaborateur,
    Dossier,
    Invitation,
    InvitationState,
    Proposition,
    PropositionState,
    Reminder,
    new_id,
)
from services.moves import move_invitation
from services.propositions import Proposed
from services.record import Services
from services.roles import Roles
from services.store import Store, Work

GUEST, APPROVAL = "guest", "approval"
REMINDED, ESCALATED = 1, 2


async def tick(services: Services) -> None:
    """What the clock alone brings about: delegations begin and end, reminders leave, invitations expire, clients are reviewed.

    At night and during a pause nothing leaves; an approval is only asked for on business days.
    """
    store = services.store
    await delegations.turn(store)
    now = store.clock()
    if not calendar.is_daytime(now):
        return
    async with store.read() as session:
        days = await calendar.of_firm(session, now)
        guests = await _guests_due(session, days) if days.counts(days.today) else ()
        approvals = await _approvals_due(session, days, services.roles) if days.works(days.today) else {}
    for invitation_id in guests:
        await _claim(store, partial(_remind_guest, invitation_id=invitation_id, days=days))
    for told, waiting in approvals.items():
        await _claim(store, partial(_tell, told=told, waiting=waiting))
    if days.works(days.today):
        await reviews.tick(store, days)


async def _claim(store: Store, claim: Callable[[Work], Awaitable[None]]) -> None:
    try:
        async with store.work() as work:
            await claim(work)
    except IntegrityError:
        return  # another replica was faster: its commit owes what follows


@dataclass(frozen=True, slots=True)
class Last:
    """The latest reminder of one wait: its number (0: none yet) and when it left."""

    number: int = 0
    at: datetime | None = None


async def _lasts(
    session: AsyncSession, kind: str, subjects: Sequence[str] | Select[str]
) -> Mapping[tuple[str, date], Last]:
    """The latest reminder by subject and beginning of the wait."""
    query = select(Reminder.subject, Reminder.since, func.max(Reminder.number), func.max(Reminder.at))
    query = query.where(Reminder.kind == kind, Reminder.subject.in_(subjects))
    rows = await session.execute(query.group_by(Reminder.subject, Reminder.since))
    return {(subject, since): Last(number, at) for subject, since, number, at in rows.all()}


# --- guests


def waits_since(invitation: Invitation) -> date:
    """The day the wait for this guest began: the invitation's latest sending."""
    sent = [at for at in (invitation.sent_at, invitation.resent_at, invitation.requested_at) if at is not None]
    return day_of(max(sent))


async def _guests_due(session: AsyncSession, days: Calendar) -> Sequence[str]:
    sent = Invitation.state == InvitationState.SENT
    lasts = await _lasts(session, GUEST, select(Invitation.id).where(sent))
    pending = await session.scalars(select(Invitation).where(sent).order_by(Invitation.sent_at))
    return [one.id for one in pending if _guest_due(one, lasts.get((one.id, waits_since(one)), Last()), days)]


def _guest_due(invitation: Invitation, last: Last, days: Calendar) -> bool:
    steps = days.rhythm.guest_steps
    taken = min(last.number, len(steps) - 1)  # with a shorter rhythm chosen meanwhile, only the expiry is left
    since_last = days.days_since(day_of(last.at)) if last.at else None
    return calendar.is_due(steps, taken, days.days_since(waits_since(invitation)), since_last)


async def _remind_guest(work: Work, invitation_id: str, days: Calendar) -> None:
    """Claim the reminder that is due, or let the invitation expire; looked at again, since it may have been answered."""
    invitation = await invitations.locked(work, invitation_id)
    since = waits_since(invitation)
    last = (await _lasts(work.session, GUEST, [invitation_id])).get((invitation_id, since), Last())
    if invitation.state != InvitationState.SENT or not _guest_due(invitation, last, days):
        return
    number = last.number + 1
    if number > len(days.rhythm.guest_days):
        if await move_invitation(work, invitation_id, InvitationState.EXPIRED, BOT, redeem_url=None):
            work.emit(InvitationExpired(invitation_id))
        return
    work.session.add(_row(work, GUEST, invitation_id, since, number, new_id()))
    await work.session.flush()
    work.journal(BOT, "invitations.reminded", invitation_id, after=str(number))
    work.emit(GuestReminded(invitation_id))
    if number == len(days.rhythm.guest_days):
        work.emit(DecisionDue(invitation_id))


@dataclass(frozen=True, slots=True)
class GuestWait:
    """How far the reminders to one guest have come: the latest's number, how many there are, when nobody waits any more."""

    since: date
    number: int
    reminders: int
    until: date

    @property
    def last(self) -> bool:
        """Whether no further reminder follows."""
        return self.number >= self.reminders


async def guest_wait(session: AsyncSession, invitation_id: str, now: datetime) -> GuestWait | None:
    """The latest wait for this guest that was reminded of; None when none was."""
    waits = await _lasts(session, GUEST, [invitation_id])
    if not waits:
        return None
    (_, since), last = max(waits.items(), key=lambda wait: wait[0][1])
    days = await calendar.of_firm(session, now)
    steps = days.rhythm.guest_steps
    left = steps[-1] - steps[min(last.number, len(steps) - 1) - 1]
    return GuestWait(since, last.number, len(steps) - 1, days.after(day_of(last.at or now), left))


# --- approvals


@dataclass(frozen=True, slots=True)
class _Told:
    """What one card of reminders says to whom: a collaborateur, or the administrator who waits for one."""

    number: int
    collaborateur_id: str | None
    administrator: str = ""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A proposition whose next step is due."""

    proposition_id: str
    since: date


async def _approvals_due(session: AsyncSession, days: Calendar, roles: Roles) -> Mapping[_Told, Sequence[_Waiting]]:
    """What is due today, card by card. Whoever was told today already is not told a second time."""
    awaiting = Proposition.state == PropositionState.AWAITING_APPROVAL
    lasts = await _lasts(session, APPROVAL, select(Proposition.id).where(awaiting))
    absent = await delegations.stand_ins(session, days.today)
    told_today = await _told_on(session, days.today)
    query = (
        select(Proposition, Collaborateur)
        .join(Dossier, Dossier.id == Proposition.dossier_id)
        .outerjoin(Collaborateur, Collaborateur.id == Dossier.collaborateur_id)
        .where(awaiting)
        .order_by(Proposition.awaiting_since, Proposition.id)
    )
    due: dict[_Told, list[_Waiting]] = defaultdict(list)
    for row, owner in (await session.execute(query)).all():
        since = _asked_on(row)
        last = lasts.get((row.id, since), Last())
        stand_in = absent[owner.id].delegate if owner and owner.id in absent else None
        asked = roles.barring(Approvers(owner, stand_in), row.proposed_by).asked
        # Where nobody may approve, the portfolio naming nobody or who proposed it alone, there is nobody to remind: the
        # administrators hear of it in due course.
        taken = last.number if asked else ESCALATED - 1
        if last.number >= ESCALATED or not _approval_due(since, taken, last, days):
            continue
        told = _Told(ESCALATED, owner.id if asked else None, row.proposed_by)
        if asked and taken < REMINDED:
            told = _Told(REMINDED, asked.id)
        if (told.number, told.collaborateur_id) not in told_today:
            due[told].append(_Waiting(row.id, since))
    return due


def _asked_on(proposition: Proposition) -> date:
    return day_of(proposition.awaiting_since or proposition.proposed_at)


def _approval_due(since: date, taken: int, last: Last, days: Calendar) -> bool:
    since_last = days.business_days_since(day_of(last.at)) if last.at else None
    return calendar.is_due(days.rhythm.approval_steps, taken, days.business_days_since(since), since_last)


async def _told_on(session: AsyncSession, today: date) -> set[tuple[int, str | None]]:
    since = datetime.combine(today, time(), calendar.PARIS)
    query = select(Reminder.number, Reminder.collaborateur_id).where(Reminder.kind == APPROVAL, Reminder.at >= since)
    return {(number, person) for number, person in (await session.execute(query)).all()}


async def _tell(work: Work, told: _Told, waiting: Sequence[_Waiting]) -> None:
    """Claim one card's reminders together: those still to be decided, in this very moment."""
    query = select(Proposition.id).where(Proposition.state == PropositionState.AWAITING_APPROVAL)
    query = query.where(Proposition.id.in_([one.proposition_id for one in waiting])).order_by(Proposition.id)
    still = set((await work.session.scalars(query.with_for_update())).all())
    claimed = [one for one in waiting if one.proposition_id in still]
    if not claimed:
        return
    batch, what = new_id(), "reminded" if told.number == REMINDED else "escalated"
    for one in claimed:
        row = _row(work, APPROVAL, one.proposition_id, one.since, told.number, batch, told.collaborateur_id)
        work.session.add(row)
    await work.session.flush()
    for one in claimed:
        work.journal(BOT, f"propositions.{what}", one.proposition_id, after=told.collaborateur_id)
        work.emit(ApprovalChanged(one.proposition_id))
    work.emit(ApprovalsReminded(batch) if told.number == REMINDED else ApprovalsEscalated(batch))


def _row(
    work: Work, kind: str, subject: str, since: date, number: int, batch: str, person: str | None = None
) -> Reminder:
    return Reminder(
        subject=subject, kind=kind, since=since, number=number, batch=batch, collaborateur_id=person, at=work.now
    )


# --- for the cards


@dataclass(frozen=True, slots=True)
class Batch:
    """What one card of reminders is about: whom it is for (or awaits), since when it stands, and each proposition."""

    id: str
    escalated: bool
    person: Collaborateur | None
    at: datetime
    waiting: tuple[Proposed, ...]

    @property
    def open(self) -> tuple[Proposed, ...]:
        """Those still to be decided."""
        return tuple(one for one in self.waiting if one.proposition.state == PropositionState.AWAITING_APPROVAL)


async def batch(session: AsyncSession, batch_id: str) -> Batch:
    """The batch, the longest wait first; Refused("not_found")."""
    rows = (await session.scalars(select(Reminder).where(Reminder.batch == batch_id).order_by(Reminder.since))).all()
    if not rows:
        raise Refused("not_found")
    first = rows[0]
    person = await session.get(Collaborateur, first.collaborateur_id) if first.collaborateur_id else None
    waiting = [await propositions.get(session, row.subject) for row in rows]
    return Batch(batch_id, first.number == ESCALATED, person, first.at, tuple(waiting))


async def reminded_at(session: AsyncSession, proposition: Proposition) -> datetime | None:
    """When somebody was last reminded of this proposition."""
    lasts = await _lasts(session, APPROVAL, [proposition.id])
    return lasts.get((proposition.id, _asked_on(proposition)), Last()).at


async def tell_answered(event: Event, services: Services) -> None:
    """Reaction to whatever is decided about a proposition: the cards that reminded of it show it too."""
    async with services.store.work() as work:
        query = select(Reminder.batch).where(Reminder.kind == APPROVAL, Reminder.subject == event.subject).distinct()
        for batch_id in (await work.session.scalars(query.order_by(Reminder.batch))).all():
            work.emit(RemindersAnswered(batch_id))
