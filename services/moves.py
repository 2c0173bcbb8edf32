"""The one way a state changes: allowed by its table, decided by one conditional UPDATE, written in the journal."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import CursorResult, select, update

from services.errors import Refused
from services.models import (
    DELEGATION_MOVES,
    IMPORT_MOVES,
    INVITATION_MOVES,
    PROPOSITION_MOVES,
    TASK_MOVES,
    Delegation,
    DelegationState,
    Import,
    ImportState,
    Invitation,
    InvitationState,
    LoopTask,
    Proposition,
    PropositionState,
    TaskState,
)
from services.store import Work

StateT = TypeVar("StateT", bound=StrEnum)


async def move_invitation(work: Work, subject: str, to: InvitationState, actor: str, **changes: object) -> bool:
    """Bring an invitation to `to`; False when it stands elsewhere (someone was faster, or it is not allowed)."""
    return await _move(work, Invitation, INVITATION_MOVES, subject, to, actor, changes)


async def move_proposition(work: Work, subject: str, to: PropositionState, actor: str, **changes: object) -> bool:
    """Bring a proposition to `to`; False when it stands elsewhere: one decision only."""
    return await _move(work, Proposition, PROPOSITION_MOVES, subject, to, actor, changes)


async def move_task(work: Work, subject: str, to: TaskState, actor: str, **changes: object) -> bool:
    """Bring something to do in Loop to `to`; False when it stands elsewhere."""
    return await _move(work, LoopTask, TASK_MOVES, subject, to, actor, changes)


async def move_delegation(work: Work, subject: str, to: DelegationState, actor: str, **changes: object) -> bool:
    """Bring a delegation to `to`; False when it stands elsewhere."""
    return await _move(work, Delegation, DELEGATION_MOVES, subject, to, actor, changes)


async def move_import(work: Work, subject: str, to: ImportState, actor: str, **changes: object) -> bool:
    """Bring an import to `to`; False when it stands elsewhere: a second click."""
    return await _move(work, Import, IMPORT_MOVES, subject, to, actor, changes)


async def _move(
    work: Work,
    row: type[Invitation] | type[Proposition] | type[LoopTask] | type[Delegation] | type[Import],
    table: Mapping[StateT, frozenset[StateT]],
    subject: str,
    to: StateT,
    actor: str,
    changes: Mapping[str, object],
) -> bool:
    before = await work.session.scalar(select(row.state).where(row.id == subject))
    if before is None:
        raise Refused("not_found")
    if to not in table[before]:  # type: ignore[index]
        return False
    result = await work.session.execute(
        update(row)
        .where(row.id == subject, row.state == before)
        .values(state=to, version=row.version + 1, **changes)
        .execution_options(synchronize_session="fetch")
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        return False
    work.journal(actor, f"{row.__tablename__}.{to}", subject, before, to)
    return True
