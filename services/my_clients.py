"""Whose dossiers somebody answers for today, their own and those of the colleagues they stand in for; and what waits for them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, exists, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services import delegations, tracking
from services.models import (
    Collaborateur,
    Dossier,
    InvitationState,
    Path,
    Proposition,
    PropositionState,
    TaskState,
)
from services.pages import page_of
from services.tracking import Client

FOR_ADMINISTRATORS = (
    TaskState.TODO,
    InvitationState.FAILED,
    InvitationState.EXPIRED,
    InvitationState.ACCEPTED,
    PropositionState.REFUSED,
)
"""Where an administrator must move. (What is only proposed has its step left in Loop, or is about to be asked for.)"""


async def answers_for(session: AsyncSession, email: str, today: date) -> tuple[Collaborateur, ...]:
    """The member of the staff with this e-mail, where the Portefeuille knows them, then everyone they stand in for."""
    own = await delegations.collaborateur(session, email)
    if own is None:
        return ()
    standing = (await delegations.stand_ins(session, today)).values()
    return (own, *(one.absent for one in standing if one.row.delegate_id == own.id))


async def dossiers_of(session: AsyncSession, owners: Collection[str]) -> int:
    """How many dossiers of the Portefeuille these people are responsible for."""
    return await session.scalar(select(func.count()).where(Dossier.collaborateur_id.in_(owners))) or 0


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks what waits for them: their Entra id, whom they answer for, and what they may.

    `approves_own`: also what they proposed themselves.
    """

    aad_id: str
    owners: tuple[str, ...]
    administrator: bool
    approves_own: bool


@dataclass(frozen=True, slots=True)
class ToDo:
    """One page of what waits for somebody, and how much there is in all."""

    rows: Sequence[Client]
    total: int
    page: int
    pages: int


async def to_do(session: AsyncSession, reader: Reader, *, page: int, page_size: int) -> ToDo:
    """What this person may do something about, the longest wait first."""
    waiting = _waiting(reader)
    if waiting is None:
        return ToDo((), 0, 1, 1)
    some = waiting.subquery()
    total = await session.scalar(select(func.count()).select_from(some)) or 0
    page, pages = page_of(page, total, page_size)
    first = select(some.c.subject, some.c.dossier_id).order_by(some.c.since, some.c.subject, some.c.dossier_id)
    rows = await tracking.clients(session, first.limit(page_size).offset((page - 1) * page_size))
    return ToDo(rows, total, page, pages)


def _waiting(reader: Reader) -> CompoundSelect[Any] | None:
    """Each part is read from an index of its own."""
    parts = []
    if reader.owners:
        parts.append(_approvals(reader))
    if reader.administrator:
        parts += [_columns().where(Path.state == state) for state in FOR_ADMINISTRATORS]
    return union_all(*parts) if parts else None


def _approvals(reader: Reader) -> Select[str, str, datetime]:
    awaiting = _columns().where(Path.owner_id.in_(reader.owners), Path.state == PropositionState.AWAITING_APPROVAL)
    if reader.approves_own:
        return awaiting
    theirs = exists().where(Proposition.id == Path.subject, Proposition.proposed_by == reader.aad_id)
    return awaiting.where(~theirs)


def _columns() -> Select[str, str, datetime]:
    return select(Path.subject, Path.dossier_id, Path.since)
