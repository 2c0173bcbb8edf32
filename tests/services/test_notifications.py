"""One subscription for all replicas; a crash or a refusal leaves neither a second one nor a secret nobody knows."""

import asyncio
from datetime import datetime

import pytest

from services.errors import Refused, Unavailable
from services.notifications import BUSY, LASTS, REFUSED_FOR, RENEWED_BEFORE, Notice, Notifications
from services.ports import Subscription
from services.store import Store
from tests.services.conftest import Hand

URL = "https://passerelle.example/api/notifications"


class Graph:
    """What Graph was asked, and how it ends: each of `endings` once, then well."""

    def __init__(self, *endings: BaseException | None) -> None:
        self.endings = list(endings)
        self.asked: list[str] = []
        self.secrets: list[str] = []

    async def subscribe(self, url: str, secret: str, until: datetime) -> Subscription:
        self.secrets.append(secret)
        return await self._end(f"subscribe {url}", f"s{len(self.asked) + 1}", until)

    async def renew(self, subscription_id: str, until: datetime) -> Subscription:
        return await self._end(f"renew {subscription_id}", subscription_id, until)

    async def _end(self, asked: str, made: str, until: datetime) -> Subscription:
        self.asked.append(asked)
        await asyncio.sleep(0)
        ending = self.endings.pop(0) if self.endings else None
        if ending is not None:
            raise ending
        return Subscription(made, until)


async def test_two_replicas_have_one_between_them(store: Store) -> None:
    graph = Graph()
    one, other = Notifications(store, graph, URL), Notifications(store, graph, URL)
    await asyncio.gather(one.keep(), other.keep())
    await asyncio.gather(one.keep(), other.keep())
    assert len(graph.asked) == 1
    for replica in (one, other):
        assert replica.heed([Notice("s1", graph.secrets[0])]) == 0
        assert replica.changed.is_set()


async def test_killed_before_it_knew_the_answer_the_notices_are_ours_all_the_same(store: Store, clock: Hand) -> None:
    graph = Graph(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await Notifications(store, graph, URL).keep()
    again = Notifications(store, graph, URL)
    await again.keep()
    assert len(graph.asked) == 1  # somebody may still be asking
    assert again.heed([Notice("unknown", graph.secrets[0])]) == 0
    clock.forward(seconds=BUSY.total_seconds() + 1)
    await again.keep()
    assert len(set(graph.secrets)) == 1


async def test_it_is_renewed_when_little_is_left_and_no_sooner(store: Store, clock: Hand) -> None:
    graph = Graph()
    kept = Notifications(store, graph, URL)
    await kept.keep()
    clock.forward(seconds=(LASTS - RENEWED_BEFORE).total_seconds() - 1)
    await kept.keep()
    assert graph.asked == [f"subscribe {URL}"]
    clock.forward(seconds=1)
    await kept.keep()
    await kept.keep()
    assert graph.asked[1:] == ["renew s1"]
    clock.forward(seconds=LASTS.total_seconds())
    await kept.keep()
    assert graph.asked[2:] == [f"subscribe {URL}"]


async def test_graph_away_is_asked_again_in_a_minute_graph_refusing_in_an_hour(store: Store, clock: Hand) -> None:
    graph = Graph(Unavailable("directory_down"), Refused("notifications_refused"))
    kept = Notifications(store, graph, URL)
    with pytest.raises(Unavailable):
        await kept.keep()
    await kept.keep()
    clock.forward(seconds=BUSY.total_seconds())
    with pytest.raises(Refused):
        await kept.keep()
    clock.forward(seconds=REFUSED_FOR.total_seconds() - 1)
    await kept.keep()
    assert len(graph.asked) == 2
    clock.forward(seconds=1)
    await kept.keep()
    assert len(graph.asked) == 3
    assert kept.changed.is_set()  # what happened meanwhile


async def test_another_address_is_another_subscription_with_a_secret_of_its_own(store: Store) -> None:
    graph = Graph()
    await Notifications(store, graph, URL).keep()
    moved = Notifications(store, graph, f"{URL}/new")
    await moved.keep()
    assert graph.asked == [f"subscribe {URL}", f"subscribe {URL}/new"]
    assert moved.heed([Notice("s1", graph.secrets[0])]) == 1
    assert moved.heed([Notice("s2", graph.secrets[1])]) == 0


async def test_nothing_is_heeded_before_there_is_a_secret(store: Store) -> None:
    fresh = Notifications(store, Graph(), URL)
    assert fresh.heed([Notice("", "")]) == 1
    assert not fresh.changed.is_set()


@pytest.mark.parametrize(
    ("event", "then"), [("subscriptionRemoved", f"subscribe {URL}"), ("reauthorizationRequired", "renew s1")]
)
async def test_what_graph_says_of_the_subscription_is_done_once(
    store: Store, event: str, then: str, clock: Hand
) -> None:
    graph = Graph()
    kept = Notifications(store, graph, URL)
    await kept.keep()
    assert kept.heed([Notice("s1", graph.secrets[0], event), Notice("old", graph.secrets[0], event)]) == 0
    assert kept.unwell.is_set()
    await kept.keep()
    await kept.keep()
    assert graph.asked[1:] == [then]
