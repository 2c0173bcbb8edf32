"""Where each client stands, who holds the ball, since when: one list of invitations, propositions and steps left in Loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, exists, func, literal, null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services import offers
from services.models import (
    Collaborateur,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    InvitationState,
    LoopTask,
    Moment,
    Proposition,
    PropositionState,
    TaskState,
)

LATE_AFTER = timedelta(days=3)

BALL: dict[str, str] = {
    InvitationState.REQUESTED: "passerelle",
    InvitationState.SENT: "entrepreneur",
    InvitationState.ACCEPTED: "administrateur",
    InvitationState.FAILED: "administrateur",
    InvitationState.EXPIRED: "administrateur",
    PropositionState.PROPOSED: "administrateur",
    PropositionState.AWAITING_APPROVAL: "collaborateur",
    PropositionState.REFUSED: "administrateur",
    TaskState.TODO: "administrateur",
}
SHOWN = (*BALL, PropositionState.ACTIVE.value)
"""States the board shows; what is withdrawn, ended or revoked is history, and the journal's."""

LATE, MINE = "late", "mine"


@dataclass(frozen=True, slots=True)
class Path:
    """Where one client stands on one dossier. `ball` is a role, None where nobody is waited for."""

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


@dataclass(frozen=True, slots=True)
class Board:
    """One page of the paths that the filter lets through, and how many stand in each state in all."""

    rows: Sequence[Path]
    counts: Sequence[tuple[str, int]]
    page: int
    pages: int


async def board(session: AsyncSession, now: datetime, *, show: str, aad_email: str, page: int, page_size: int) -> Board:
    """Paths someone must move first, the oldest of them first.

    `show` is a state, `late`, `mine` (dossiers of the collaborateur with this e-mail) or anything else for all.
    """
    paths = _paths()
    waiting = paths.c.state.in_(tuple(BALL))
    wanted = _filter(paths, show, now, aad_email)
    counted = await session.execute(select(paths.c.state, func.count()).group_by(paths.c.state))
    counts = sorted(((state, n) for state, n in counted.all()), key=lambda row: SHOWN.index(row[0]))
    total = await session.scalar(select(func.count()).select_from(paths).where(*wanted)) or 0
    pages = max(1, -(-total // page_size))
    page = min(max(page, 1), pages)
    query = (
        select(paths)
        .where(*wanted)
        .order_by(case((waiting, 0), else_=1), paths.c.since, paths.c.code)
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    rows = [
        Path(
            row.code,
            row.company,
            offers.offer(row.offer).name if row.offer else None,
            row.state,
            BALL.get(row.state),
            row.since,
        )
        for row in (await session.execute(query)).all()
    ]
    return Board(rows, counts, page, pages)


def _filter(paths: Subquery, show: str, now: datetime, email: str) -> list[ColumnElement[bool]]:
    if show == LATE:
        return [paths.c.state.in_(tuple(BALL)), paths.c.since < now - LATE_AFTER]
    if show == MINE:
        owner = select(Collaborateur.id).where(func.lower(Collaborateur.email) == email.lower())
        return [paths.c.collaborateur_id.in_(owner)]
    return [paths.c.state == show] if show in SHOWN else []


def _paths() -> Subquery:
    return union_all(_propositions(), _invitations(), _tasks()).subquery()


def _propositions() -> Select[tuple[object, ...]]:
    since = func.coalesce(Proposition.decided_at, Proposition.proposed_at, type_=Moment)
    return (
        _columns(Proposition.offer, Proposition.state, since)
        .join(Proposition, Proposition.dossier_id == Dossier.id)
        .where(Proposition.state.in_(SHOWN))
    )


def _invitations() -> Select[tuple[object, ...]]:
    """Until something is proposed to the person; then the proposition says where they stand."""
    since = func.coalesce(Invitation.accepted_at, Invitation.sent_at, Invitation.requested_at, type_=Moment)
    proposed = (
        select(literal(1))
        .select_from(Proposition)
        .join(Interlocuteur, Interlocuteur.id == Proposition.interlocuteur_id)
        .where(Proposition.dossier_id == Dossier.id, Interlocuteur.email_key == Invitation.email_key)
        .where(Proposition.state.in_(SHOWN))
    )
    settled = (InvitationState.ACCEPTED, InvitationState.SENT, InvitationState.REQUESTED)
    return (
        _columns(null(), Invitation.state, since)
        .join(InvitationDossier, InvitationDossier.dossier_id == Dossier.id)
        .join(Invitation, Invitation.id == InvitationDossier.invitation_id)
        .where(Invitation.state.in_(SHOWN), or_(Invitation.state.not_in(settled), ~exists(proposed)))
    )


def _tasks() -> Select[tuple[object, ...]]:
    return (
        _columns(LoopTask.offer, LoopTask.state, LoopTask.asked_at)
        .join(LoopTask, LoopTask.dossier_id == Dossier.id)
        .where(LoopTask.state == TaskState.TODO)
    )


def _columns(offer: Any, state: Any, since: Any) -> Select[tuple[object, ...]]:
    return select(
        Dossier.code,
        Dossier.company,
        Dossier.collaborateur_id,
        offer.label("offer"),
        state.label("state"),
        since.label("since"),
    ).select_from(Dossier)
