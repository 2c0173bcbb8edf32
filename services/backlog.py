"""What the program owes, and what it waits for: the numbers an operator watches."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from services import effects
from services.models import (
    Effect,
    EffectState,
    Invitation,
    InvitationState,
    Proposition,
    PropositionState,
    is_open,
)
from services.store import Store

WATCHED = (EffectState.DUE, EffectState.RUNNING, EffectState.PARKED)


@dataclass(frozen=True, slots=True)
class Backlog:
    """`effects` by state, `late` in seconds: how long the one that waits longest could have run. `pending` by what for."""

    effects: Mapping[str, int]
    late: float
    pending: Mapping[str, int]


async def count(store: Store) -> Backlog:
    """As it stands now. Raises SQLAlchemyError where the database does not answer."""
    depth = await effects.depth(store)
    waiting = select(func.min(Effect.due_at)).where(is_open())
    acceptances = select(func.count()).where(Invitation.state == InvitationState.SENT)
    approvals = select(func.count()).where(Proposition.state == PropositionState.AWAITING_APPROVAL)
    async with store.read() as session:
        oldest = await session.scalar(waiting)
        pending = {
            "acceptances": await session.scalar(acceptances) or 0,
            "approvals": await session.scalar(approvals) or 0,
        }
    late = (store.clock() - oldest).total_seconds() if oldest else 0.0
    return Backlog({state.value: depth.get(state, 0) for state in WATCHED}, max(late, 0.0), pending)
