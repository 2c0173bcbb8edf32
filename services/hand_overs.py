"""Hand-over: dossiers go from one collaborateur to another for good, and what awaits an approval there goes with them.

A dated delegation is its giver's (services.delegations): it does not follow a dossier they no longer have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services import delegations, paths
from services.errors import Refused
from services.events import ApprovalMoved
from services.models import Dossier, Proposition, PropositionState
from services.ports import StaffMember
from services.store import Work

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Which dossiers: one, or all that somebody has, in one agency where it is named. `owner_id` None: nobody has it."""

    owner_id: str | None
    dossier_id: str | None = None
    agency: str | None = None


@dataclass(frozen=True, slots=True)
class Moving:
    """How many dossiers, and how many of the approvals they await."""

    dossiers: int
    waiting: int


def _within(scope: Scope) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [Dossier.collaborateur_id == scope.owner_id]
    if scope.dossier_id is not None:
        where.append(Dossier.id == scope.dossier_id)
    if scope.agency is not None:
        where.append(Dossier.agency == scope.agency)
    return where


async def moving(session: AsyncSession, scope: Scope) -> Moving:
    """What would move now."""
    dossiers = await session.scalar(select(func.count()).select_from(Dossier).where(*_within(scope))) or 0
    waiting = (
        select(func.count())
        .select_from(Proposition)
        .join(Dossier, Dossier.id == Proposition.dossier_id)
        .where(Proposition.state == PropositionState.AWAITING_APPROVAL, *_within(scope))
    )
    return Moving(dossiers, await session.scalar(waiting) or 0)


async def agencies(session: AsyncSession, owner_id: str) -> Sequence[tuple[str, int]]:
    """Where somebody has dossiers, and how many, by name."""
    query = (
        select(Dossier.agency, func.count())
        .where(Dossier.collaborateur_id == owner_id)
        .group_by(Dossier.agency)
        .order_by(Dossier.agency)
    )
    return [(agency, count) for agency, count in (await session.execute(query)).all()]


async def hand_over(work: Work, scope: Scope, to: StaffMember, actor: str) -> Moving:
    """Give them to a colleague of the firm; gives what did move: a dossier that changed hands meanwhile stays where it is.

    What awaits an approval is asked anew, of whoever has it now. Refused: `hand_over_to_same`, `changed_hands` (nothing moved).
    """
    person = await delegations.known(work, to)
    if person.id == scope.owner_id:
        raise Refused("hand_over_to_same", "to")
    # In the order in which services.paths locks dossiers; who comes second finds them gone.
    held = select(Dossier.id).where(*_within(scope)).order_by(Dossier.id).with_for_update(key_share=True)
    moved = (await work.session.scalars(held)).all()
    if not moved:
        raise Refused("changed_hands")
    waiting = 0
    for start in range(0, len(moved), _CHUNK):
        waiting += await _give(work, moved[start : start + _CHUNK], person.id)
    for dossier_id in moved:
        work.journal(actor, "hand_overs.dossier", dossier_id, before=scope.owner_id, after=person.id)
    await paths.refresh(work.session, moved)
    return Moving(len(moved), waiting)


async def _give(work: Work, dossier_ids: Sequence[str], to: str) -> int:
    """A chunk of locked dossiers; gives how many approvals moved with it."""
    await work.session.execute(
        update(Dossier)
        .where(Dossier.id.in_(dossier_ids))
        .values(collaborateur_id=to)
        .execution_options(synchronize_session=False)
    )
    waits = Proposition.dossier_id.in_(dossier_ids), Proposition.state == PropositionState.AWAITING_APPROVAL
    asked = await work.session.scalars(
        update(Proposition)
        .where(*waits)
        .values(awaiting_since=work.now, version=Proposition.version + 1)
        .returning(Proposition.id)
        .execution_options(synchronize_session=False)
    )
    ids = sorted(asked.all())
    for proposition_id in ids:
        work.emit(ApprovalMoved(proposition_id))
    return len(ids)
