"""Nothing lost, nothing doubled: what the outbox does with each way an effect can end."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import select

from services import effects, parked
from services.effects import HELD
from services.errors import Refused, Unavailable
from services.events import Event, OfferProposed
from services.models import Effect, EffectState
from services.outbox import LEASE, MAX_TRIES, Pool, Reaction, depth
from services.record import Services
from services.store import Store
from tests.services.conftest import Hand
from tests.services.outboxes import Recorder, emit, killed_while_running, outbox, states


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


async def test_the_wait_grows_and_never_passes_ten_minutes(store: Store, clock: Hand) -> None:
    invite = Recorder(*[Unavailable("directory_down") for _ in range(30)])
    box = outbox(store, Reaction("invite", invite, repeatable=True))
    await emit(store, "a")
    waits = []
    for _ in range(15):
        await box.drain()
        async with store.read() as session:
            due_at = (await session.execute(select(Effect.due_at))).scalar_one()
        waits.append(due_at - clock.now)
        clock.now = due_at
    assert all(timedelta(seconds=2.0**n / 2) <= wait for n, wait in enumerate(waits[:9], start=1))
    assert all(timedelta(minutes=5) <= wait <= timedelta(minutes=10) for wait in waits[9:])


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


async def test_what_a_kill_has_cut_keeps_the_others_waiting_for_a_moment_only(store: Store, clock: Hand) -> None:
    mail = Recorder()
    reaction = Reaction("mail", mail, repeatable=False, pool=Pool("mail", 1))
    outbox(store, reaction)
    await emit(store, "a")
    await killed_while_running(store, reaction)
    await emit(store, "b")
    box = outbox(store, reaction)
    assert await box.drain() == 0  # it may be under way in another process
    clock.now += HELD
    assert await box.drain() == 1
    assert mail.ran == ["b"]
    clock.now += LEASE - HELD
    await box.drain()
    assert mail.ran == ["b", "a"]


async def test_a_reaction_may_be_taken_for_cut_sooner(store: Store, clock: Hand) -> None:
    soon = timedelta(seconds=5)
    quick, slow = Recorder(), Recorder()
    reactions = Reaction("look", quick, repeatable=True, lease=soon), Reaction("mail", slow, repeatable=False)
    outbox(store, *reactions)
    await emit(store, "a")
    await killed_while_running(store, *reactions)
    box = outbox(store, *reactions)
    assert await box.drain() == 0
    clock.now += soon
    await box.drain()
    assert (quick.ran, slow.ran) == (["a"], [])


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


# --- what is given up


class Told:
    """Who is told that something was given up, and why."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    async def __call__(self, event: Event, _services: Services, reason: str) -> None:
        self.heard.append((event.subject, reason))


async def test_giving_up_is_told_once(store: Store, clock: Hand) -> None:
    told = Told()
    unsure = Recorder(*[Unavailable("mailbox_down", ambiguous=True) for _ in range(5)])
    box = outbox(store, Reaction("mail", unsure, repeatable=False, gave_up=told))
    await emit(store, "a")
    for _ in range(4):
        await box.drain()
        clock.forward(minutes=10)
    assert told.heard == [("a", "mailbox_down")]


async def test_after_two_kills_giving_up_is_told(store: Store, clock: Hand) -> None:
    told = Told()
    reaction = Reaction("mail", Recorder(), repeatable=False, gave_up=told)
    outbox(store, reaction)
    await emit(store, "a")
    for _ in range(2):
        await killed_while_running(store, reaction)
        clock.now += LEASE
    await outbox(store, reaction).drain()
    assert told.heard == [("a", "outcome_unknown")]
    assert await states(store) == [(EffectState.PARKED, "outcome_unknown")]


async def test_a_refusal_was_seen_by_the_reaction_itself(store: Store) -> None:
    told = Told()
    box = outbox(store, Reaction("mail", Recorder(Refused("mailbox_refused")), repeatable=False, gave_up=told))
    await emit(store, "a")
    await box.drain()
    assert told.heard == []


async def test_what_was_parked_can_be_tried_again(store: Store) -> None:
    mail = Recorder(Refused("mailbox_refused"))
    box = outbox(store, Reaction("mail", mail, repeatable=False))
    await emit(store, "a", "b")
    await box.drain()
    (one,) = await parked.everything(store)
    assert (one.reaction, one.subject, one.reason) == ("mail", "a", "mailbox_refused")
    assert await parked.try_again(store, [one.id, one.id + 1]) == 1  # b is done: there is nothing to try again
    await box.drain()
    assert mail.ran == ["a", "b", "a"]


async def test_a_reaction_of_another_version_is_left_to_it(store: Store) -> None:
    box = outbox(store, Reaction("mail", Recorder(), repeatable=False))
    outbox(store, Reaction("from_the_next_version", Recorder(), repeatable=False))
    await emit(store, "a")
    assert await box.drain() == 0
    assert await states(store) == [(EffectState.DUE, None)]


async def test_a_restored_copy_looks_first_and_leaves_mails_to_people(store: Store) -> None:
    mail, invite = Recorder(), Recorder()
    box = outbox(store, Reaction("mail", mail, repeatable=False), Reaction("invite", invite, repeatable=True))
    await emit(store, "a")
    async with store.work() as work:
        assert await effects.distrust(work, {"invite"}, "restored") == 1
    await box.drain()
    assert (mail.ran, invite.ran) == ([], ["a"])
    assert await states(store) == [(EffectState.PARKED, "restored"), (EffectState.DONE, None)]


# --- time on which replicas agree


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_replica_whose_clock_is_wrong_takes_no_lease_that_holds(database_url: str, hours: int) -> None:
    right, wrong = Store(database_url, Hand(), {}), Store(database_url, Hand(), {})
    cast(Hand, wrong.clock).forward(hours=hours)
    again = Recorder()
    reaction = Reaction("mail", again, repeatable=False)
    outbox(right, reaction)
    await emit(right, "a")
    await killed_while_running(right, reaction)
    assert await outbox(wrong, reaction).drain() == 0
    assert again.ran == []
    await right.close()
    await wrong.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("hours", [-1, 1])
async def test_what_a_replica_whose_clock_is_wrong_owes_is_due_at_once(database_url: str, hours: int) -> None:
    right, wrong = Store(database_url, Hand(), {}), Store(database_url, Hand(), {})
    cast(Hand, wrong.clock).forward(hours=hours)
    mail = Recorder()
    reaction = Reaction("mail", mail, repeatable=False)
    outbox(wrong, reaction)
    await emit(wrong, "a")
    assert await outbox(right, reaction).drain() == 1
    await right.close()
    await wrong.close()
