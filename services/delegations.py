"""Dated delegation: a collaborateur's dossiers entrusted to a colleague. It begins and ends by the clock.

One colleague at a time stands in for somebody. Chains are not followed: whoever stands in for Malo answers for Malo's
dossiers, and passes on only their own. A right that travels further than its giver could see would be nobody's decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.calendar import Period, day_of
from services.errors import Refused
from services.events import ApprovalChanged, DelegationChanged
from services.models import (
    Collaborateur,
    Delegation,
    DelegationState,
    Dossier,
    Proposition,
    PropositionState,
)
from services.moves import move_delegation
from services.ports import StaffMember
from services.store import Store, Work

CLOCK = "passerelle"


@dataclass(frozen=True, slots=True)
class Delegated:
    """A delegation with the two people it joins."""

    row: Delegation
    absent: Collaborateur
    delegate: Collaborateur

    @property
    def period(self) -> Period:
        """Its days."""
        return Period(self.row.first_day, self.row.last_day)


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve on a dossier today: its collaborateur, and who stands in for them until a day.

    `requester` is whichever of the two made the request, where that bars them from approving it.
    """

    owner: Collaborateur | None
    stand_in: Collaborateur | None = None
    until: date | None = None
    requester: Collaborateur | None = None

    @property
    def asked(self) -> Collaborateur | None:
        """Whom to turn to: nobody absent is disturbed while somebody else may."""
        return next(reversed(self.all), None)

    @property
    def all(self) -> tuple[Collaborateur, ...]:
        """Everyone who may."""
        return tuple(one for one in (self.owner, self.stand_in) if one is not None and one is not self.requester)


# --- reading


async def get(session: AsyncSession, delegation_id: str) -> Delegated:
    """The delegation, or Refused("not_found")."""
    found = await _joined(session, Delegation.id == delegation_id)
    if not found:
        raise Refused("not_found")
    return found[0]


async def live(session: AsyncSession, today: date, person_id: str | None = None) -> Sequence[Delegated]:
    """Those that hold or will, the nearest first; of one absent person, where given."""
    whose = [Delegation.absent_id == person_id] if person_id else []
    return await _joined(session, Delegation.state != DelegationState.OVER, Delegation.last_day >= today, *whose)


async def replaced_by(session: AsyncSession, person_id: str, during: Period) -> Sequence[Delegated]:
    """The delegations by which this person stands in for others in that period."""
    found = await live(session, during.first)
    return [one for one in found if one.row.delegate_id == person_id and one.period.meets(during)]


async def stand_ins(session: AsyncSession, today: date) -> Mapping[str, Delegated]:
    """Who stands in today, by the id of who is absent."""
    return {one.row.absent_id: one for one in await live(session, today) if today in one.period}


async def approvers(session: AsyncSession, dossier: Dossier, today: date) -> Approvers:
    """Who may approve on this dossier today."""
    owner = dossier.collaborateur
    found = await live(session, today, owner.id) if owner else ()
    holding = next((one for one in found if today in one.period), None)
    return Approvers(owner, holding.delegate, holding.row.last_day) if holding else Approvers(owner)


async def collaborateur(session: AsyncSession, email: str) -> Collaborateur | None:
    """The portfolio's person with this e-mail, whatever its case."""
    found: Collaborateur | None = await session.scalar(
        select(Collaborateur).where(func.lower(Collaborateur.email) == email.lower())
    )
    return found


async def person(session: AsyncSession, collaborateur_id: str) -> Collaborateur:
    """The portfolio's person, or Refused("not_found")."""
    found = await session.get(Collaborateur, collaborateur_id)
    if found is None:
        raise Refused("not_found")
    return found


async def with_dossiers(session: AsyncSession) -> Sequence[Collaborateur]:
    """Everyone responsible for a dossier, by name: who may have something to entrust."""
    has = exists().where(Dossier.collaborateur_id == Collaborateur.id)
    return (await session.scalars(select(Collaborateur).where(has).order_by(Collaborateur.name))).all()


async def concerned(session: AsyncSession, absent_id: str) -> tuple[int, Sequence[str]]:
    """How many dossiers this person is responsible for, and the propositions that await an approval there."""
    dossiers = await session.scalar(select(func.count()).where(Dossier.collaborateur_id == absent_id)) or 0
    query = (
        select(Proposition.id)
        .join(Dossier, Dossier.id == Proposition.dossier_id)
        .where(Dossier.collaborateur_id == absent_id, Proposition.state == PropositionState.AWAITING_APPROVAL)
    )
    return dossiers, (await session.scalars(query.order_by(Proposition.id))).all()


async def require_free(session: AsyncSession, absent_id: str, wanted: Period) -> None:
    """Refused("delegation_overlaps") tells who stands in for this person already, and when."""
    for one in await live(session, wanted.first, absent_id):
        if one.period.meets(wanted):
            facts = {"name": one.delegate.name, "first": one.row.first_day, "last": one.row.last_day}
            raise Refused("delegation_overlaps", "first_day", **facts)


async def _joined(session: AsyncSession, *where: object) -> Sequence[Delegated]:
    absent, delegate = aliased(Collaborateur), aliased(Collaborateur)
    query = (
        select(Delegation, absent, delegate)
        .join(absent, absent.id == Delegation.absent_id)
        .join(delegate, delegate.id == Delegation.delegate_id)
        .where(*where)  # type: ignore[arg-type]
        .order_by(Delegation.first_day, Delegation.id)
    )
    return [Delegated(*row) for row in (await session.execute(query)).all()]


# --- making and ending


async def entrust(
    work: Work, absent_id: str, delegate: StaffMember, wanted: Period, actor: str, actor_name: str
) -> Delegation:
    """Entrust somebody's dossiers to a colleague of the firm; begins at once when its first day is today.

    Refused: `delegation_overlaps`, `delegate_is_absent` (to themselves), `not_found`.
    """
    # Holding the absent person's row lets two who entrust the same dossiers at once see each other.
    absent = await work.session.get(Collaborateur, absent_id, with_for_update=True)
    if absent is None:
        raise Refused("not_found")
    stand_in = await known(work, delegate)
    if stand_in.id == absent.id:
        raise Refused("delegate_is_absent", "delegate")
    await require_free(work.session, absent_id, wanted)
    made = Delegation(
        absent_id=absent_id,
        delegate_id=stand_in.id,
        first_day=wanted.first,
        last_day=wanted.last,
        made_by=actor,
        made_by_name=actor_name,
        made_at=work.now,
    )
    work.session.add(made)
    await work.session.flush()
    work.journal(actor, "delegations.planned", made.id, after=f"{wanted.first}/{wanted.last}")
    work.emit(DelegationChanged(made.id))
    if day_of(work.now) in wanted:
        await _turn(work, made, DelegationState.RUNNING, actor)
    return made


async def end(work: Work, delegation_id: str, actor: str) -> None:
    """Cut it short, now; one that has not begun is called off. Refused("delegation_over")."""
    row = await work.session.get(Delegation, delegation_id, with_for_update=True)
    if row is None or not await _turn(work, row, DelegationState.OVER, actor):
        raise Refused("delegation_over")
    row.last_day = max(row.first_day, min(row.last_day, day_of(work.now)))


async def turn(store: Store) -> None:
    """What the clock begins and ends today; once each, by whichever replica comes first."""
    today = day_of(store.clock())
    over = Delegation.last_day < today
    begins = (Delegation.state == DelegationState.PLANNED) & (Delegation.first_day <= today)
    async with store.read() as session:
        query = select(Delegation.id).where(Delegation.state != DelegationState.OVER, or_(over, begins))
        due = (await session.scalars(query)).all()
    for delegation_id in due:
        async with store.work() as work:
            row = await work.session.get_one(Delegation, delegation_id, with_for_update=True)
            to = DelegationState.OVER if row.last_day < today else DelegationState.RUNNING
            await _turn(work, row, to, CLOCK)


async def _turn(work: Work, row: Delegation, to: DelegationState, actor: str) -> bool:
    """Bring it to `to` and tell; the cards of what awaits an approval show who may give it now."""
    if not await move_delegation(work, row.id, to, actor):
        return False
    work.emit(DelegationChanged(row.id))
    for proposition_id in (await concerned(work.session, row.absent_id))[1]:
        work.emit(ApprovalChanged(proposition_id))
    return True


async def known(work: Work, member: StaffMember) -> Collaborateur:
    """The portfolio's person for this member of the staff; written down when the portfolio never named them.

    A name the portfolio did not give is Entra's.
    """
    found = await collaborateur(work.session, member.email)
    if found is not None:
        if found.name == found.email:
            found.name = member.name
        return found
    made = Collaborateur(email=member.email.lower(), name=member.name, aad_id=member.user_id)
    try:
        async with work.session.begin_nested():
            work.session.add(made)
    except IntegrityError:  # written down by somebody else, in this very moment
        made = await work.session.scalar(select(Collaborateur).where(Collaborateur.email == member.email.lower()))  # type: ignore[assignment]
    return made
