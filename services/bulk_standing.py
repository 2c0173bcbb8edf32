"""How far a list of new clients is: its lines by verdict, what became of those taken in, what is left to do in Loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import client_list, imports
from services.events import Event, InvitationChanged, LoopTaskChanged
from services.models import (
    LIVE_INVITATIONS,
    Delivery,
    Dossier,
    Import,
    ImportLine,
    ImportState,
    Invitation,
    InvitationState,
    LoopTask,
    PostedCard,
    TaskState,
)
from services.record import Services


class Verdict(StrEnum):
    """`recognised`: the guest is there already, or was invited; `announced`: proposed before, and now done in Loop too."""

    UNREAD = imports.UNREAD
    INVITED = "invited"
    RECOGNISED = "recognised"
    ANNOUNCED = "announced"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


TO_TAKE = (Verdict.INVITED, Verdict.RECOGNISED, Verdict.ANNOUNCED)


@dataclass(frozen=True, slots=True)
class Standing:
    """Lines by verdict; of those to take in, how many are, and are `left`. Of their guests: `under_way` (their invitation or
    its mail is still to leave), `failed`. `in_loop`: lines whose part in Loop is left to do."""

    counts: Mapping[Verdict, int]
    taken: int
    left: int
    guests: int
    under_way: int
    failed: int
    in_loop: int

    @property
    def told(self) -> str:
        """The same as one word, to see whether anything moved."""
        return f"{self.taken}/{self.under_way}/{self.failed}/{self.in_loop}/{self.counts[Verdict.REFUSED]}"


async def standing(session: AsyncSession, import_id: str) -> Standing:
    """Where the list stands now."""
    of_import = ImportLine.import_id == import_id
    counts = dict.fromkeys(Verdict, 0)
    taken = left = 0
    query = select(ImportLine.verdict, ImportLine.taken, func.count()).where(of_import)
    for verdict, is_taken, count in await session.execute(query.group_by(ImportLine.verdict, ImportLine.taken)):
        counts[Verdict(verdict)] += count
        if verdict in TO_TAKE:
            taken, left = (taken + count, left) if is_taken else (taken, left + count)
    theirs = select(ImportLine.invitation_id).where(of_import, ImportLine.taken)
    of_lines = select(func.count()).select_from(Invitation).where(Invitation.id.in_(theirs))
    tasks = select(ImportLine.task_id).where(of_import)
    todo = select(func.count()).select_from(LoopTask).where(LoopTask.id.in_(tasks), LoopTask.state == TaskState.TODO)
    return Standing(
        counts,
        taken,
        left,
        guests=await session.scalar(of_lines) or 0,
        under_way=await session.scalar(of_lines.where(_under_way())) or 0,
        failed=await session.scalar(of_lines.where(Invitation.state == InvitationState.FAILED)) or 0,
        in_loop=await session.scalar(todo) or 0,
    )


def _under_way() -> ColumnElement[bool]:
    """Not asked of Graph yet; or sent, and its mail neither left nor given up."""
    mailed = exists().where(Delivery.subject == Invitation.id)
    unsent = and_(~Invitation.made_in_entra, Invitation.reason.is_(None), ~mailed)
    return or_(Invitation.state == InvitationState.REQUESTED, and_(Invitation.state == InvitationState.SENT, unsent))


DONE_IN_LOOP = (
    select(ImportLine.number)
    .join(Import, Import.id == ImportLine.import_id)
    .join(Dossier, Dossier.code == ImportLine.said["code"].as_string())
    .where(
        Import.state == ImportState.RUNNING,
        ~ImportLine.taken,
        ImportLine.verdict.in_(TO_TAKE),
        # Not quite what client_list.typed makes of the cell: who asks must do with nearly.
        func.lower(func.coalesce(ImportLine.said["loop"].as_string(), "")).not_in(client_list.NO),
    )
)
"""Lines still to be taken in, of lists under way, that say that Loop has it all already: each is about to be a request."""


async def lines_of(
    session: AsyncSession, import_id: str, *which: ColumnElement[bool], first: int | None = None
) -> Sequence[tuple[ImportLine, Invitation | None, LoopTask | None]]:
    """The list's lines, in the file's order, each with its invitation and its task in Loop."""
    query = (
        select(ImportLine, Invitation, LoopTask)
        .outerjoin(Invitation, Invitation.id == ImportLine.invitation_id)
        .outerjoin(LoopTask, LoopTask.id == ImportLine.task_id)
        .where(ImportLine.import_id == import_id, *which)
        .order_by(ImportLine.number)
    )
    rows = await session.execute(query.limit(first))
    return [(line, invitation, task) for line, invitation, task in rows]


async def refused(session: AsyncSession, import_id: str, first: int) -> Sequence[ImportLine]:
    """The first refused lines."""
    found = await lines_of(session, import_id, ImportLine.verdict == Verdict.REFUSED, first=first)
    return [line for line, _, _ in found]


# --- what « Général » need not see


def _silent(of_a_list: ColumnElement[bool]) -> ColumnElement[bool]:
    """One of a list shares the list's card, as long as it has none of its own."""
    return and_(of_a_list, ~exists().where(PostedCard.about == bindparam("about")))


_SUBJECT: BindParameter[str] = bindparam("subject")
# Thousands look and few have something to tell: written once, and asked without a transaction.
_SILENT_INVITATION = select(
    and_(
        Invitation.state.in_(LIVE_INVITATIONS),
        Invitation.reason.is_(None),
        _silent(exists().where(ImportLine.invitation_id == _SUBJECT, ImportLine.taken)),
    )
).where(Invitation.id == _SUBJECT)
_SILENT_TASK = select(_silent(exists().where(ImportLine.task_id == _SUBJECT, ImportLine.taken)))


async def tell_invitation(event: Event, services: Services) -> None:
    """Reaction to what an invitation's card would show: one of a list's shares the list's card until a person is needed."""
    await _tell_unless(_SILENT_INVITATION, services, InvitationChanged(event.subject), f"invitation:{event.subject}")


async def tell_task(event: Event, services: Services) -> None:
    """Reaction to what a Loop task's card would show: those of a list are counted on the list's card."""
    await _tell_unless(_SILENT_TASK, services, LoopTaskChanged(event.subject), f"loop_task:{event.subject}")


async def _tell_unless(silent: Select[bool], services: Services, changed: Event, about: str) -> None:
    """Tell it, unless it is silent, or gone."""
    rows = await services.store.ask(silent, subject=changed.subject, about=about)
    if rows and not rows[0][0]:
        async with services.store.work() as work:
            work.emit(changed)
