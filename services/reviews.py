"""Once a year: is this still a client? Asked of whoever has the dossier; silence is reminded once, and never removes anything.

What is due is a stored date. A dossier is asked about by the conditional UPDATE that gives it to one card (`batch`): however
often `tick` runs, and wherever, it stands on one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, func, literal, or_, select, union, update
from sqlalchemy.ext.asyncio import AsyncSession

from services._missing import insert_into
from services.calendar import Calendar, day_of
from services.errors import Refused
from services.events import ReviewAsked, ReviewChanged, ReviewToEnd
from services.models import (
    Collaborateur,
    Dossier,
    Invitation,
    InvitationDossier,
    InvitationState,
    Proposition,
    PropositionState,
    Review,
    new_id,
)
from services.store import Store, Work

YEAR, WEEK, SILENCE = timedelta(days=365), timedelta(days=7), timedelta(days=14)
AT_MOST = 20
"""So many dossiers a person is asked about in a week."""
STILL, TO_END = "still", "to_end"
BOT = "passerelle"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one card asks: whom, and about which dossiers; `answer` is theirs, None until there is one."""

    person: Collaborateur
    rows: Sequence[tuple[Review, Dossier]]
    reminder: bool

    @property
    def open(self) -> int:
        """How many are still to be answered."""
        return sum(row.answer is None for row, _ in self.rows)


async def tick(store: Store, days: Calendar) -> None:
    """Ask what is due, at most a week's worth of each person; remind once of what had no answer. On business days."""
    async with store.read() as session:
        new = await session.scalar(select(exists(_without_date())))
        people = await _to_ask(session, store.clock(), days.today)
    if new:
        async with store.work() as work:
            dated = _without_date().add_columns(literal(days.today + YEAR), false())
            given = insert_into(work.session, Review).from_select(["dossier_id", "due_on", "reminded"], dated)
            await work.session.execute(given.on_conflict_do_nothing())  # another replica may be doing the same
    for person_id in people:
        async with store.work() as work:
            await _ask(work, person_id, days.today)


def _without_date() -> Select[Any]:
    """Dossiers that somebody is a client of, and that no date was given yet."""
    offered = select(Proposition.dossier_id).where(Proposition.state == PropositionState.ACTIVE)
    guests = select(InvitationDossier.dossier_id).join(Invitation, Invitation.id == InvitationDossier.invitation_id)
    clients = union(offered, guests.where(Invitation.state == InvitationState.ACCEPTED))
    dated = exists().where(Review.dossier_id == Dossier.id)
    return select(Dossier.id).where(Dossier.id.in_(clients), ~dated)


def _has_client() -> ColumnElement[bool]:
    """Somebody has an offer there, or is a guest for it."""
    # An expression: SQLite would start from the index of the states, that is from every client, for each dossier.
    active = func.coalesce(Proposition.state, "") == PropositionState.ACTIVE.value
    offered = exists().where(Proposition.dossier_id == Dossier.id, active)
    guest = exists().where(
        InvitationDossier.dossier_id == Dossier.id,
        Invitation.id == InvitationDossier.invitation_id,
        func.coalesce(Invitation.state, "") == InvitationState.ACCEPTED.value,
    )
    return or_(offered, guest)


def _due(now: datetime, today: date) -> ColumnElement[bool]:
    """Its day has come; or it was asked two weeks ago, nobody answered, and nobody was reminded."""
    silent = (Review.answer.is_(None)) & (Review.batch.is_not(None)) & (Review.asked_at <= now - SILENCE)
    return or_(Review.due_on <= today, silent & ~Review.reminded)


async def _to_ask(session: AsyncSession, now: datetime, today: date) -> Sequence[str]:
    """Who has something due, and was asked nothing for a week."""
    lately = select(Review.collaborateur_id).where(Review.asked_at > now - WEEK, Review.collaborateur_id.is_not(None))
    due = select(Dossier.collaborateur_id).join(Review, Review.dossier_id == Dossier.id)
    due = due.where(_due(now, today), _has_client(), Dossier.collaborateur_id.is_not(None))
    due = due.where(Dossier.collaborateur_id.not_in(lately)).distinct().order_by(Dossier.collaborateur_id)
    return [str(one) for one in await session.scalars(due)]


async def _ask(work: Work, person_id: str, today: date) -> None:
    # Holding the person's row lets two replicas see each other: the second finds that they were asked.
    await work.session.get(Collaborateur, person_id, with_for_update=True)
    if person_id not in await _to_ask(work.session, work.now, today):
        return
    query = select(Review).join(Dossier, Dossier.id == Review.dossier_id)
    query = query.where(Dossier.collaborateur_id == person_id, _due(work.now, today), _has_client())
    rows = (
        await work.session.scalars(
            query.order_by(Review.due_on, Review.dossier_id).limit(AT_MOST).with_for_update(of=Review)
        )
    ).all()
    batch, before = new_id(), {row.batch for row in rows if row.batch and row.answer is None}
    for row in rows:
        row.reminded = row.batch is not None and row.answer is None and row.due_on > today
        row.due_on = today + YEAR
        row.batch, row.collaborateur_id, row.asked_at, row.answer = batch, person_id, work.now, None
        work.journal(BOT, "reviews.asked", row.dossier_id, after=person_id)
    work.emit(ReviewAsked(batch))
    for old in sorted(before):
        work.emit(ReviewChanged(str(old)))


async def asked(session: AsyncSession, batch: str) -> Asked | None:
    """What this card asks; None where a newer one asks all of it."""
    query = select(Review, Dossier).join(Dossier, Dossier.id == Review.dossier_id).where(Review.batch == batch)
    rows = [(row[0], row[1]) for row in (await session.execute(query.order_by(Dossier.code))).unique().all()]
    if not rows:
        return None
    person = await session.get_one(Collaborateur, rows[0][0].collaborateur_id)
    return Asked(person, rows, any(row.reminded for row, _ in rows))


async def answer(work: Work, batch: str, dossier_id: str, said: str, actor: str, actor_name: str) -> None:
    """« Oui, toujours » or « Non » about one dossier, once. Refused("review_answered")."""
    if said not in (STILL, TO_END):
        raise Refused("choice_unknown")
    changes = {"answer": said, "answered_by": actor, "answered_by_name": actor_name, "answered_at": work.now}
    found = await work.session.execute(
        update(Review)
        .where(Review.dossier_id == dossier_id, Review.batch == batch, Review.answer.is_(None))
        .values(due_on=day_of(work.now) + YEAR, **changes)
        .returning(Review.dossier_id)
        .execution_options(synchronize_session=False)
    )
    if not found.scalars().all():
        raise Refused("review_answered")
    work.journal(actor, f"reviews.{said}", dossier_id)
    work.emit(ReviewChanged(batch))
    if said == TO_END:
        work.emit(ReviewToEnd(dossier_id))


async def said_of(session: AsyncSession, dossier_id: str) -> Review:
    """The latest answer about a dossier, or Refused("not_found")."""
    found = await session.get(Review, dossier_id)
    if found is None:
        raise Refused("not_found")
    return found
