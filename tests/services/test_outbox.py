"""Nothing lost, nothing doubled: what the outbox does with each way an effect can end."""

import asyncio
from typing import cast

import pytest
from sqlalchemy import select

from services.errors import Refused, Unavailable
from services.events import Event, OfferActivated, OfferProposed
from services.models import Effect, EffectState
from services.outbox import LEASE, MAX_TRIES, Outbox, Reaction, depth, owed
from services.record import Services
from services.store import Store
from tests.services.conftest import Hand


class Recorder:
    """Reactions that end as the test says, and remember each run."""

    def __init__(self, *endings: Exception | None) -> None:
        self.endings = list(endings)
        self.ran: list[str] = []

    async def __call__(self, event: Event, _services: Services) -> None:
        self.ran.append(event.subject)
        ending = self.endings.pop(0) if self.endings else None
        if ending is not None:
            raise ending


def outbox(store: Store, *reactions: Reaction, then: Reaction | None = None) -> Outbox:
    table: dict[type[Event], tuple[Reaction, ...]] = {OfferProposed: reactions}
    if then:
        table[OfferActivated] = (then,)
    store._owed = owed(table)
    return Outbox(cast(Services, type("S", (), {"store": store})()), table)


async def emit(store: Store, *subjects: str) -> None:
    async with store.work() as work:
        for subject in subjects:
            work.emit(OfferProposed(subject))


async def states(store: Store) -> list[tuple[str, str | None]]:
    async with store.read() as session:
        return [(row.state, row.reason) for row in await session.scalars(select(Effect).order_by(Effect.id))]


async def test_each_reaction_runs_once(store: Store) -> None:
    mail, card = Recorder(), Recorder()
    box = outbox(store, Reaction("mail", mail, repeatable=False), Reaction("card", card, repeatable=True))
    await emit(store, "a", "b")
    assert await box.drain() == 4
    assert await box.drain() == 0
    assert (sorted(mail.ran), sorted(card.ran)) == (["a", "b"], ["a", "b"])
    assert await depth(store) == {EffectState.DONE: 4}


async def test_nothing_is_owed_for_a_change_that_was_rolled_back(store: Store) -> None:
    mail = Recorder()
    box = outbox(store, Reaction("mail", mail, repeatable=False))

    async def change_its_mind() -> None:
        async with store.work() as work:
            work.emit(OfferProposed("a"))
            raise Refused("no")

    with pytest.raises(Refused):
        await change_its_mind()
    assert await box.drain() == 0


async def test_an_outage_is_retried_later_and_later(store: Store, clock: Hand) -> None:
    mail = Recorder(Unavailable("mailbox_down"), Unavailable("mailbox_down"))
    box = outbox(store, Reaction("mail", mail, repeatable=False))
    await emit(store, "a")
    assert await box.drain() == 1
    assert await states(store) == [(EffectState.DUE, "mailbox_down")]
    clock.forward(seconds=2)
    await box.drain()
    clock.forward(seconds=4)
    await box.drain()
    assert await states(store) == [(EffectState.DONE, None)]
    assert mail.ran == ["a"] * 3


async def test_retry_after_is_respected(store: Store, clock: Hand) -> None:
    mail = Recorder(Unavailable("mailbox_throttled", retry_after=90))
    box = outbox(store, Reaction("mail", mail, repeatable=False))
    await emit(store, "a")
    await box.drain()
    clock.forward(seconds=89)
    assert await box.drain() == 0
    clock.forward(seconds=2)
    assert await box.drain() == 1


async def test_a_refusal_is_parked_with_its_reason(store: Store, clock: Hand) -> None:
    box = outbox(store, Reaction("mail", Recorder(Refused("mailbox_refused")), repeatable=False))
    await emit(store, "a")
    await box.drain()
    assert await states(store) == [(EffectState.PARKED, "mailbox_refused")]


async def test_an_unknown_outcome_of_a_mail_is_replayed_once_at_most(store: Store, clock: Hand) -> None:
    unsure = [Unavailable("mailbox_down", ambiguous=True) for _ in range(5)]
    mail = Recorder(*unsure)
    box = outbox(store, Reaction("mail", mail, repeatable=False))
    await emit(store, "a")
    for _ in range(5):
        await box.drain()
        clock.forward(minutes=10)
    assert len(mail.ran) == 2
    assert await states(store) == [(EffectState.PARKED, "mailbox_down")]


async def test_what_looks_first_is_repeated_until_it_works(store: Store, clock: Hand) -> None:
    invite = Recorder(*[Unavailable("directory_down", ambiguous=True) for _ in range(MAX_TRIES - 1)])
    box = outbox(store, Reaction("invite", invite, repeatable=True))
    await emit(store, "a")
    for _ in range(MAX_TRIES):
        await box.drain()
        clock.forward(minutes=10)
    assert await states(store) == [(EffectState.DONE, None)]


async def test_after_the_last_try_it_is_parked(store: Store, clock: Hand) -> None:
    invite = Recorder(*[Unavailable("directory_down") for _ in range(MAX_TRIES + 3)])
    box = outbox(store, Reaction("invite", invite, repeatable=True))
    await emit(store, "a")
    for _ in range(MAX_TRIES + 3):
        await box.drain()
        clock.forward(minutes=10)
    assert len(invite.ran) == MAX_TRIES
    assert await states(store) == [(EffectState.PARKED, "directory_down")]


async def test_a_bug_in_one_reaction_stops_no_other(store: Store) -> None:
    fine = Recorder()
    box = outbox(
        store, Reaction("broken", Recorder(KeyError("x")), repeatable=True), Reaction("fine", fine, repeatable=True)
    )
    await emit(store, "a")
    await box.drain()
    assert fine.ran == ["a"]
    assert await states(store) == [(EffectState.DUE, "fault"), (EffectState.DONE, None)]


async def test_a_lane_keeps_its_order_and_holds_no_other(store: Store, clock: Hand) -> None:
    card = Recorder(Unavailable("chat_down"))
    box = outbox(store, Reaction("card", card, repeatable=True))
    await emit(store, "a")
    await emit(store, "a")
    await emit(store, "b")
    await box.drain()
    assert card.ran == ["a", "b"]  # the second word about a waits for the first
    clock.forward(seconds=10)
    await box.drain()
    assert card.ran == ["a", "b", "a", "a"]


async def killed_while_running(store: Store, reaction: Reaction) -> None:
    """A process that died between its intent and its record."""
    started = asyncio.Event()

    async def forever(_event: Event, _services: Services) -> None:
        started.set()
        await asyncio.Event().wait()

    doomed = outbox(store, Reaction(reaction.name, forever, reaction.repeatable))
    task = asyncio.create_task(doomed.drain())
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("repeatable", [True, False])
async def test_after_a_kill_the_lease_runs_out_and_it_is_done_again_once(
    store: Store, clock: Hand, repeatable: bool
) -> None:
    again = Recorder()
    reaction = Reaction("mail", again, repeatable)
    outbox(store, reaction)
    await emit(store, "a")
    await killed_while_running(store, reaction)
    box = outbox(store, reaction)
    assert await box.drain() == 0  # another process may still be at it
    clock.now += LEASE
    assert await box.drain() == 1
    assert await states(store) == [(EffectState.DONE, None)]


async def test_killed_twice_a_mail_is_parked_rather_than_sent_a_third_time(store: Store, clock: Hand) -> None:
    reaction = Reaction("mail", Recorder(), repeatable=False)
    outbox(store, reaction)
    await emit(store, "a")
    for _ in range(2):
        await killed_while_running(store, reaction)
        clock.now += LEASE
    box = outbox(store, reaction)
    await box.drain()
    assert await states(store) == [(EffectState.PARKED, "outcome_unknown")]


async def test_two_workers_never_take_the_same_effect(store: Store) -> None:
    mail = Recorder()
    reaction = Reaction("mail", mail, repeatable=False)
    boxes = [outbox(store, reaction) for _ in range(3)]
    await emit(store, *(f"s{n}" for n in range(60)))
    await asyncio.gather(*(box.drain() for box in boxes))
    assert sorted(mail.ran) == sorted(f"s{n}" for n in range(60))


async def test_run_wakes_on_a_commit_and_stops_when_told(store: Store) -> None:
    done = asyncio.Event()

    async def tell(_event: Event, _services: Services) -> None:
        done.set()

    box = outbox(store, Reaction("mail", tell, repeatable=False))
    stop = asyncio.Event()
    task = asyncio.create_task(box.run(stop))
    await emit(store, "a")
    await asyncio.wait_for(done.wait(), 5)
    stop.set()
    await asyncio.wait_for(task, 5)
