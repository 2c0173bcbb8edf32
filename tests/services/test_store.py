"""The unit of work: what is owed, and who is woken for it."""

from datetime import timedelta

from sqlalchemy import select

from services.events import OfferProposed
from services.models import Effect
from services.store import Owed, Store
from tests.services.conftest import Hand


async def test_what_is_owed_is_there_at_the_commit_in_the_order_it_was_asked_for(store: Store, clock: Hand) -> None:
    store._owed = {OfferProposed: (Owed("mail", "mail", "mail"), Owed("say", "say", "general"))}
    async with store.work() as work:
        work.emit(OfferProposed("a"))
        work.emit(OfferProposed("b"), after=timedelta(seconds=5))
    async with store.read() as session:
        rows = await session.scalars(select(Effect).order_by(Effect.id))
        assert [(row.lane, row.due_at - clock.now) for row in rows] == [
            ("mail:a", timedelta()),
            ("say:a", timedelta()),
            ("mail:b", timedelta(seconds=5)),
            ("say:b", timedelta(seconds=5)),
        ]


async def test_what_is_owed_can_be_looked_for_before_the_commit(store: Store) -> None:
    store._owed = {OfferProposed: (Owed("mail", "mail"),)}
    async with store.work() as work:
        work.emit(OfferProposed("a"))
        await work.write_owed()
        assert len((await work.session.scalars(select(Effect))).all()) == 1
    async with store.read() as session:
        assert len((await session.scalars(select(Effect))).all()) == 1


async def test_whoever_waits_is_told_in_which_pools_something_is_due(store: Store) -> None:
    store._owed = {OfferProposed: (Owed("mail", "mail", "mail"), Owed("say", "say", "general"))}
    async with store.work() as work:
        work.emit(OfferProposed("a"))
        work.leave()
    assert (store.due, store.committed.is_set()) == (set(), False)
    async with store.work() as work:
        work.emit(OfferProposed("a"))
    assert (store.due, store.committed.is_set()) == ({"mail", "general"}, True)
