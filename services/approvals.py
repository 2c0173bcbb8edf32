"""What awaits one person's approval, over all the dossiers they answer for today: several are decided on one card."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services import bulk_standing, delegations, effects, my_clients, paths, places
from services.calendar import day_of
from services.events import ApprovalsGathered, Event, OfferProposed
from services.models import Collaborateur, Dossier, Import, PostedCard, Proposition, PropositionState
from services.pages import page_of
from services.propositions import PROPOSED, Proposed, get
from services.record import Services
from services.store import Work

MANY = 3
"""From so many on, one card in their chat lists them."""
LANE = "say_many"
LISTED = "listed"
"""Before a proposition's id: where a list asks for it, and which."""


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


Decides = Callable[[InstrumentedAttribute[str]], list[ColumnElement[bool]]]
"""What somebody decides about, from the column that holds who proposed it."""


async def _theirs(session: AsyncSession, services: Services, person: Collaborateur) -> Decides:
    """What this person decides about today: as owner or stand-in, but not what they proposed where that bars them."""
    owners = await my_clients.answers_for(session, person.email, day_of(services.store.clock()))
    where: list[ColumnElement[bool]] = [Dossier.collaborateur_id.in_([one.id for one in owners])]
    barred = None if services.roles.requester_may_approve else person.aad_id
    return lambda proposer: [*where, proposer != barred] if barred else where


async def _count(session: AsyncSession, joined: Select[*tuple[Any, ...]]) -> int:
    return await session.scalar(joined.with_only_columns(func.count(), maintain_column_froms=True)) or 0


async def _awaiting(session: AsyncSession, services: Services, person: Collaborateur) -> Select[*tuple[Any, ...]]:
    theirs = await _theirs(session, services, person)
    return PROPOSED.where(Proposition.state == PropositionState.AWAITING_APPROVAL, *theirs(Proposition.proposed_by))


async def of(session: AsyncSession, services: Services, person: Collaborateur, page: int = 1, size: int = 1) -> Waiting:
    """What awaits this person's decision."""
    joined = await _awaiting(session, services, person)
    total = await _count(session, joined)
    page, pages = page_of(page, total, size)
    query = joined.order_by(Proposition.awaiting_since, Proposition.id).limit(size).offset((page - 1) * size)
    rows = (await session.execute(query)).unique().all()
    return Waiting(tuple(Proposed(*row) for row in rows), total, page, pages)


async def listed(event: Event, services: Services, person: Collaborateur, chat: str) -> bool:
    """Whether their list asks for it in their chat, so that no card of its own does.

    They are to hear of it all the same: of a new request because « Général » mentions them, else because the list is new. One
    that stands is only redrawn, and a request that comes to them by another way has its card.
    """
    asked_by_list = f"{LISTED}:{event.subject}"
    async with services.store.read() as session:
        standing = bool(await places.posted_in(session, about(person)))
        if await places.posted(session, f"proposition:{event.subject}", chat) is not None:
            return False
        if standing and await places.posted(session, asked_by_list, chat) is not None:
            return True
        if (standing and not isinstance(event, OfferProposed)) or not await _are_many(session, services, person):
            return False
    await places.record_posted(services.store, asked_by_list, chat, about(person))
    # Once that is committed: what makes it await approval looks for it then, so one of the two sees the other.
    async with services.store.work() as work:
        await _gather(work, services, person.id)
    return True


async def _are_many(session: AsyncSession, services: Services, person: Collaborateur) -> bool:
    """Whether so much awaits this person's decision, or is about to, that one card lists it."""
    asked = Proposition.state.in_((PropositionState.PROPOSED, PropositionState.AWAITING_APPROVAL))
    theirs = await _theirs(session, services, person)
    count = await _count(session, PROPOSED.where(asked, ~paths.left_in_loop(), *theirs(Proposition.proposed_by)))
    if count < MANY:
        # Of a list of clients under way the first requests are there before the others.
        coming = bulk_standing.DONE_IN_LOOP.where(*theirs(Import.owner))
        count += len((await session.execute(coming.limit(MANY))).all())
    return count >= MANY


async def tell(event: Event, services: Services) -> None:
    """Reaction to whatever changes who decides what: the lists of those asked, now or before, are due."""
    async with services.store.read() as session:
        may = await services.roles.approvers(await get(session, event.subject))
        chats = [
            *await places.posted_in(session, f"proposition:{event.subject}"),
            *await places.posted_in(session, f"{LISTED}:{event.subject}"),
        ]
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
    if await places.posted_in(work.session, about(person)) or await _ask_for_a_list(work.session, services, person):
        work.emit(ApprovalsGathered(person_id))


async def _ask_for_a_list(session: AsyncSession, services: Services, person: Collaborateur) -> bool:
    """So many of them; or fewer, where nothing else asks for one: others of its list of clients never came."""
    awaiting = await _awaiting(session, services, person)
    listed = exists().where(
        PostedCard.about == literal(f"{LISTED}:").concat(Proposition.id),
        PostedCard.place_key == places.personal(person.aad_id or ""),
    )
    return await _count(session, awaiting) >= MANY or await _count(session, awaiting.where(listed)) > 0
