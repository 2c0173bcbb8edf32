"""The unit of work: who is woken for what is owed."""

from services.events import OfferProposed
from services.store import Owed, Store


async def test_whoever_waits_is_told_in_which_pools_something_is_due(store: Store) -> None:
    store._owed = {OfferProposed: (Owed("mail", "mail", "mail"), Owed("say", "say", "general"))}
    async with store.work() as work:
        work.emit(OfferProposed("a"))
        work.leave()
    assert (store.due, store.committed.is_set()) == (set(), False)
    async with store.work() as work:
        work.emit(OfferProposed("a"))
    assert (store.due, store.committed.is_set()) == ({"mail", "general"}, True)
