"""Where each client stands, who holds the ball, since when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import offers
from services.models import (
    Dossier,
    Invitation,
    InvitationDossier,
    InvitationState,
    Proposition,
    PropositionState,
)

LATE_AFTER = timedelta(days=3)

BALL: dict[str, str] = {
    InvitationState.REQUESTED: "passerelle",
    InvitationState.SENT: "entrepreneur",
    InvitationState.ACCEPTED: "administrateur",
    InvitationState.FAILED: "administrateur",
    InvitationState.EXPIRED: "administrateur",
    PropositionState.PROPOSED: "collaborateur",
    PropositionState.AWAITING_APPROVAL: "collaborateur",
    PropositionState.REFUSED: "administrateur",
}


@dataclass(frozen=True, slots=True)
class Path:
    """One client's path on one dossier: the furthest thing that happened. `ball` is a role, None where nobody waits."""

    code: str
    company: str
    offer: str | None
    state: str
    ball: str | None
    since: datetime

    def days(self, now: datetime) -> int:
        """Whole days since it stands there."""
        return (now - self.since).days

    def late(self, now: datetime) -> bool:
        """Whether someone should have moved by now."""
        return self.ball is not None and now - self.since > LATE_AFTER


async def paths(session: AsyncSession) -> Sequence[Path]:
    """Every path, those someone must move first, the oldest of them first."""
    found = [*await _proposed(session), *await _invited(session)]
    return sorted(found, key=lambda path: (path.ball is None, path.since))


def counts(of: Sequence[Path]) -> Counter[str]:
    """How many stand in each state."""
    return Counter(path.state for path in of)


async def _proposed(session: AsyncSession) -> list[Path]:
    rows = await session.execute(select(Proposition, Dossier).join(Dossier, Dossier.id == Proposition.dossier_id))
    return [
        Path(
            dossier.code,
            dossier.company,
            offers.offer(row.offer).name,
            row.state,
            BALL.get(row.state),
            row.decided_at or row.proposed_at,
        )
        for row, dossier in rows.unique().all()
    ]


async def _invited(session: AsyncSession) -> list[Path]:
    proposed = select(Proposition.dossier_id)
    rows = await session.execute(
        select(Invitation, Dossier)
        .join(InvitationDossier, InvitationDossier.invitation_id == Invitation.id)
        .join(Dossier, Dossier.id == InvitationDossier.dossier_id)
        .where(Dossier.id.not_in(proposed))
    )
    return [
        Path(
            dossier.code,
            dossier.company,
            None,
            row.state,
            BALL.get(row.state),
            row.accepted_at or row.sent_at or row.requested_at,
        )
        for row, dossier in rows.unique().all()
    ]
