"""What is parked: told of once however much there is, never about the telling itself; decided once."""

import asyncio
from typing import cast

import pytest
from sqlalchemy import select

from services import parked
from services.errors import Refused
from services.events import Event, OfferProposed, ParkedChanged
from services.models import Effect, EffectState, JournalLine
from services.outbox import MAIL, Outbox, Reaction, owed
from services.record import Services
from services.store import Store
from tests.services.conftest import ADMIN, Hand
from tests.services.outboxes import Recorder, emit


def outbox(store: Store, mail: Recorder, card: Recorder) -> Outbox:
    table: dict[type[Event], tuple[Reaction, ...]] = {
        OfferProposed: (Reaction("mail_welcome", mail, repeatable=False, pool=MAIL),),
        ParkedChanged: (Reaction("say_parked", card, repeatable=False),),
    }
    store._owed = owed(table)
    return Outbox(cast(Services, type("S", (), {"store": store})()), table)


def refusals(count: int) -> Recorder:
    return Recorder(*(Refused("mailbox_refused") for _ in range(count)))


async def shown(store: Store) -> list[parked.ParkedEffect]:
    async with store.read() as session:
        found = list(await parked.newest(session, 10))
        assert await parked.count(session) == len(found)
    return found


async def test_what_is_parked_at_once_is_told_once(store: Store) -> None:
    card = Recorder()
    box = outbox(store, refusals(3), card)
    await emit(store, "a", "b", "c")
    await box.drain()
    assert card.ran == [parked.EVERYTHING]
    assert {(one.reaction, one.subject, one.pool, one.unsure) for one in await shown(store)} == {
        ("mail_welcome", subject, "mail", False) for subject in "abc"
    }


async def test_what_is_parked_while_the_card_is_being_drawn_is_told_once_more(store: Store) -> None:
    mail = refusals(2)

    class Drawing(Recorder):
        async def __call__(self, event: Event, services: Services) -> None:
            await super().__call__(event, services)
            if len(self.ran) == 1:
                async with store.work() as work:
                    await parked.tell(work)

    card = Drawing()
    box = outbox(store, mail, card)
    await emit(store, "a")
    await box.drain()
    assert card.ran == [parked.EVERYTHING] * 2


async def test_a_card_that_cannot_be_posted_owes_no_card(store: Store) -> None:
    card = Recorder(Refused("no_conversation"))
    box = outbox(store, refusals(1), card)
    await emit(store, "a")
    await box.drain()
    assert len(card.ran) == 1
    assert [one.reaction for one in await shown(store)] == ["mail_welcome"]
    assert [one.reaction for one in await parked.everything(store)] == ["mail_welcome", "say_parked"]


@pytest.mark.parametrize("act", [parked.retry, parked.drop], ids=lambda one: str(one.__name__))
async def test_one_decision_however_many_click(store: Store, act: type) -> None:
    box = outbox(store, refusals(1), Recorder())
    await emit(store, "a")
    await box.drain()
    (one,) = await shown(store)

    async def click() -> bool:
        async with store.work() as work:
            return bool(await act(work, one.key, ADMIN))

    assert sorted(await asyncio.gather(*(click() for _ in range(5)))) == [False] * 4 + [True]
    async with store.read() as session:
        lines = [line for line in await session.scalars(select(JournalLine)) if line.what.startswith("effects.")]
    assert [(line.actor, line.subject, line.before, line.after) for line in lines] == [
        (ADMIN, "a", "mailbox_refused", "mail_welcome")
    ]


async def test_a_click_on_an_earlier_parking_changes_nothing(store: Store, clock: Hand) -> None:
    mail = refusals(2)
    box = outbox(store, mail, Recorder())
    await emit(store, "a")
    await box.drain()
    (first,) = await shown(store)
    clock.forward(minutes=5)
    async with store.work() as work:
        assert await parked.retry(work, first.key, ADMIN)
    await box.drain()
    (second,) = await shown(store)
    assert second.id == first.id
    async with store.work() as work:
        assert not await parked.retry(work, first.key, ADMIN)
        assert not await parked.retry(work, "", ADMIN)
        assert not await parked.drop(work, f"{first.id}-x", ADMIN)
        assert await parked.retry(work, second.key, ADMIN)
    await box.drain()
    assert (mail.ran, await shown(store)) == (["a"] * 3, [])


async def test_all_leaves_out_what_may_have_happened(store: Store) -> None:
    box = outbox(store, refusals(3), Recorder())
    await emit(store, "a", "b", "c")
    await box.drain()
    async with store.work() as work:
        doubtful = await work.session.scalar(select(Effect).where(Effect.reaction == "mail_welcome").limit(1))
        assert doubtful is not None
        doubtful.unsure = 1
    async with store.work() as work:
        assert await parked.count_sure(work.session) == 2
        assert await parked.retry_all(work, ADMIN) == 2
        assert await parked.retry_all(work, ADMIN) == 0
    await box.drain()
    (left,) = await shown(store)
    assert left.unsure


async def test_an_operator_tries_again_what_cannot_be_shown_too(store: Store) -> None:
    card = Recorder(Refused("no_conversation"))
    box = outbox(store, refusals(1), card)
    await emit(store, "a")
    await box.drain()
    (_, telling) = await parked.everything(store)
    assert await parked.try_again(store, [telling.id]) == 1
    await box.drain()
    assert len(card.ran) == 2
    async with store.read() as session:
        states = [row.state for row in await session.scalars(select(Effect).order_by(Effect.id))]
    assert states == [EffectState.PARKED, EffectState.DONE]
