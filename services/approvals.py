"""What awaits one person's approval, over all the dossiers they answer for today: several are decided on one card."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import delegations, effects, my_clients, places
from services.calendar import day_of
from services.events import ApprovalsGathered, Event
from services.models import Collaborateur, Dossier, Proposition, PropositionState
from services.pages import page_of
from services.propositions import PROPOSED, Proposed, get
from services.record import Services
from services.store import Work

MANY = 3
"""From so many on, one card in their chat lists them."""
LANE = "say_many"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A page of them, the longest wait first; how many there are, and the page that was found (from 1)."""

    rows: tuple[Proposed, ...]
    total: int
    page: int
    pages: int


def about(person: Collaborateur) -> str:
    """The subject of their card."""
    return f"approvals:{person.id}"


def _of(owners: Sequence[Collaborateur], barred: str | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [
        Proposition.state == PropositionState.AWAITING_APPROVAL,
        Dossier.collaborateur_id.in_([one.id for one in owners]),
    ]
    return [*where, Proposition.proposed_by != barred] if barred else where


async def of(session: AsyncSession, services: Services, person: Collaborateur, page: int = 1, size: int = 1) -> Waiting:
    """What this person may decide today: as owner or stand-in, but not what they proposed where that bars them."""
    owners = await my_clients.answers_for(session, person.email, day_of(services.store.clock()))
    where = _of(owners, None if services.roles.requester_may_approve else person.aad_id)
    joined = PROPOSED.where(*where)
    total = await session.scalar(joined.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    page, pages = page_of(page, total, size)
    query = joined.order_by(Proposition.awaiting_since, Proposition.id).limit(size).offset((page - 1) * size)
    rows = (await session.execute(query)).unique().all()
    return Waiting(tuple(Proposed(*row) for row in rows), total, page, pages)


async def tell(event: Event, services: Services) -> None:
    """Reaction to whatever changes who decides what: the lists of those asked, now or before, are due."""
    async with services.store.read() as session:
        may = await services.roles.approvers(await get(session, event.subject))
        chats = await places.posted_in(session, f"proposition:{event.subject}")
        before = select(Collaborateur.id).where(
            Collaborateur.aad_id.in_([key.removeprefix(places.personal("")) for key in chats])
        )
        people = {one.id for one in may.all} | set(await session.scalars(before))
    async with services.store.work() as work:
        for person_id in sorted(people):
            await _gather(work, services, person_id)


async def _gather(work: Work, services: Services, person_id: str) -> None:
    """Their card is due, where there is one or should be, and is not due already."""
    if await effects.is_due(work.session, f"{LANE}:{person_id}"):
        return
    person = await delegations.person(work.session, person_id)
    if await places.posted_in(work.session, about(person)) or (await of(work.session, services, person)).total >= MANY:
        work.emit(ApprovalsGathered(person_id))
