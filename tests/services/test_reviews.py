"""« Toujours client ? »: due by its date, a week's worth at a time, once; silence is reminded once and removes nothing."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from services import delegations, reviews
from services.calendar import Calendar, Rhythm, day_of
from services.errors import Refused
from services.models import Dossier, Interlocuteur, Proposition, PropositionState, Review, new_id
from services.store import Store
from tests.services.conftest import ADMIN, Hand
from tests.services.recording import EVERY_EVENT, journal, told


@pytest.fixture
async def store(store: Store, dossier: Dossier, linked: Interlocuteur) -> Store:
    """Malo has BOUMAR and twenty-nine others; each has an active offer."""
    store._owed = EVERY_EVENT
    async with store.work() as work:
        malo = await delegations.collaborateur(work.session, "malo@cabinet.example")
        assert malo is not None
        rows = [
            {"id": new_id(), "code": f"D{n:02}", "company": "Garage", "siren": "552100554", "commune": "Vannes",
             "agency": "", "collaborateur_id": malo.id}
            for n in range(29)
        ]  # fmt: skip
        await work.session.execute(insert(Dossier), rows)
        for one in [dossier.id, *(str(row["id"]) for row in rows)]:
            work.session.add(
                Proposition(
                    dossier_id=one,
                    offer="start",
                    interlocuteur_id=linked.id,
                    state=PropositionState.ACTIVE,
                    proposed_by=ADMIN,
                    proposed_by_name="Claire",
                    proposed_at=work.now,
                )
            )
    return store


async def tick(store: Store) -> None:
    await reviews.tick(store, Calendar(day_of(store.clock()), Rhythm()))


async def batches(store: Store) -> list[str]:
    """The cards asked for so far, the oldest first."""
    async with store.read() as session:
        query = select(Review.batch, Review.asked_at).where(Review.batch.is_not(None)).distinct()
        rows = (await session.execute(query.order_by(Review.asked_at))).all()
    return [str(row[0]) for row in rows]


async def a_year_later(store: Store, clock: Hand) -> None:
    await tick(store)
    assert await told(store) == []
    clock.forward(days=365)


async def test_a_weeks_worth_at_a_time_whoever_comes_first(store: Store, clock: Hand) -> None:
    await a_year_later(store, clock)
    await asyncio.gather(tick(store), tick(store))
    await tick(store)
    assert await told(store) == ["ReviewAsked"]
    async with store.read() as session:
        asked = await reviews.asked(session, (await batches(store))[0])
    assert asked is not None
    assert asked.open == reviews.AT_MOST
    clock.forward(days=6)
    await tick(store)
    assert len(await told(store)) == 1
    clock.forward(days=1)
    await tick(store)
    async with store.read() as session:
        rest = await reviews.asked(session, (await batches(store))[1])
    assert rest is not None
    assert rest.open == 10
    assert len(await journal(store, "reviews.asked")) == 30


async def test_silence_is_reminded_once_and_removes_nothing(store: Store, clock: Hand) -> None:
    async with store.work() as work:
        await tick_only_one(work.session)
    await a_year_later(store, clock)
    await tick(store)
    first = (await batches(store))[0]
    clock.forward(days=14)
    await tick(store)
    assert await told(store) == ["ReviewAsked", "ReviewAsked", "ReviewChanged"]
    for _ in range(5):
        clock.forward(days=30)
        await tick(store)
    assert len(await told(store)) == 3
    async with store.read() as session:
        assert await reviews.asked(session, first) is None
        again = await reviews.asked(session, (await batches(store))[0])
        assert again is not None
        assert (again.reminder, again.open) == (True, 1)
        assert set(await session.scalars(select(Proposition.state))) <= {
            PropositionState.ACTIVE,
            PropositionState.ENDED,
        }


async def tick_only_one(session: object) -> None:
    """The others have no offer any more."""
    keep = select(Dossier.id).where(Dossier.code == "BOUMAR").scalar_subquery()
    ended = update(Proposition).where(Proposition.dossier_id != keep).values(state=PropositionState.ENDED)
    await session.execute(ended)  # type: ignore[attr-defined]


async def test_one_answer_each_and_another_year(store: Store, clock: Hand, dossier: Dossier) -> None:
    async with store.work() as work:
        await tick_only_one(work.session)
    await a_year_later(store, clock)
    await tick(store)
    batch = (await batches(store))[0]

    async def says(what: str) -> None:
        async with store.work() as work:
            await reviews.answer(work, batch, dossier.id, what, "aad-malo", "Malo Le Goff")

    both = await asyncio.gather(says(reviews.TO_END), says(reviews.STILL), return_exceptions=True)
    assert [one.key for one in both if isinstance(one, Refused)] == ["review_answered"]
    lines = [*await journal(store, "reviews.still"), *await journal(store, "reviews.to_end")]
    assert [line[:2] for line in lines] == [("aad-malo", dossier.id)]
    clock.forward(days=60)
    await tick(store)
    assert (await told(store)).count("ReviewAsked") == 1
    clock.forward(days=305)
    await tick(store)
    assert (await told(store)).count("ReviewAsked") == 2


async def test_who_is_no_client_any_more_is_not_asked_about(store: Store, clock: Hand) -> None:
    await tick(store)
    async with store.work() as work:
        await work.session.execute(update(Proposition).values(state=PropositionState.ENDED))
    clock.now += timedelta(days=400)
    await tick(store)
    assert await told(store) == []


async def test_many_replicas_give_the_first_date_at_once(store: Store) -> None:
    await asyncio.gather(*(tick(store) for _ in range(12)))
    assert await told(store) == []
