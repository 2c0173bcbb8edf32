"""Nothing lost, nothing doubled: what the outbox does with each way an effect can end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import cast
from unittest.mock import patch

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from dialogs import REACTIONS
from services import effects
from services.errors import Refused, Unavailable
from services.events import Event, OfferActivated, OfferProposed
from services.models import Effect, EffectState
from services.outbox import CHAT, DIRECTORY, GENERAL, LEASE, MAIL, MAX_TRIES, TEAM, Outbox, Pool, Reaction, depth, owed
from services.record import Services
from services.store import Store
from tests.services.conftest import Hand

PATIENCE = 10.0


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
    (parked,) = await effects.parked(store)
    assert (parked.reaction, parked.subject, parked.reason) == ("mail", "a", "mailbox_refused")
    assert await effects.try_again(store, [parked.id, parked.id + 1]) == 1  # b is done: there is nothing to try again
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


# --- pools


class Crowd:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self.inside = self.most = self.all = 0

    async def __call__(self, _event: Event, services: Services) -> None:
        self.inside += 1
        self.all += 1
        self.most = max(self.most, self.inside)
        async with services.store.read() as session:
            await session.execute(select(Effect.id))
        self.inside -= 1


async def test_a_pool_takes_so_many_at_once_in_all_replicas(store: Store) -> None:
    crowd = Crowd()
    reaction = Reaction("mail", crowd, repeatable=False, pool=Pool("mail", 4))
    boxes = [outbox(store, reaction) for _ in range(3)]
    await emit(store, *(f"s{n}" for n in range(40)))
    await asyncio.gather(*(box.drain() for box in boxes))
    await boxes[0].drain()
    assert crowd.all == 40
    assert 1 < crowd.most <= 4


async def test_a_pool_rests_as_long_as_its_outside_asks(store: Store, clock: Hand) -> None:
    busy = Recorder(Unavailable("mailbox_throttled", retry_after=30))
    other = Recorder()
    box = outbox(
        store,
        Reaction("mail", busy, repeatable=False, pool=Pool("mail", 1)),
        Reaction("card", other, repeatable=False, pool=Pool("chat", 1)),
    )
    await emit(store, "a", "b")
    await box.drain()
    assert (busy.ran, sorted(other.ran)) == (["a"], ["a", "b"])  # b's mail would only meet the same answer
    clock.forward(seconds=31)
    await box.drain()
    assert sorted(busy.ran) == ["a", "a", "b"]


async def test_no_outside_is_left_alone_for_more_than_an_hour(store: Store, clock: Hand) -> None:
    mail = Recorder(Unavailable("mailbox_throttled", retry_after=1e12))
    box = outbox(store, Reaction("mail", mail, repeatable=False, pool=MAIL))
    await emit(store, "a")
    await box.drain()
    clock.forward(hours=1, seconds=1)
    assert await box.drain() == 1


@asynccontextmanager
async def running(box: Outbox, *, paced: bool = True) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(box.run(stop, paced=paced))
    yield
    stop.set()
    await asyncio.wait_for(task, PATIENCE)


async def until_run(recorder: Recorder, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if len(recorder.ran) >= count:
                return
            await asyncio.sleep(0.005)


async def a_few_turns(store: Store) -> None:
    """Long enough for the worker to have taken what it may take."""
    for _ in range(5):
        store.committed.set()
        async with store.read() as session:
            await session.execute(select(Effect.id))
        await asyncio.sleep(0.02)


async def test_a_pool_keeps_its_pace(store: Store, clock: Hand) -> None:
    card = Recorder()
    box = outbox(store, Reaction("card", card, repeatable=False, pool=Pool("general", 2, every=60)))
    await emit(store, "a", "b", "c")
    async with running(box):
        await until_run(card, 1)
        await a_few_turns(store)
        assert len(card.ran) == 1
        clock.forward(seconds=61)
        store.committed.set()
        await until_run(card, 2)
        await a_few_turns(store)
        assert len(card.ran) == 2


async def test_unpaced_a_pool_follows_at_once(store: Store) -> None:
    card = Recorder()
    box = outbox(store, Reaction("card", card, repeatable=False, pool=Pool("general", 2, every=60)))
    await emit(store, "a", "b", "c")
    async with running(box, paced=False):
        await until_run(card, 3)


def test_each_reaction_of_the_program_is_in_the_pool_of_its_outside() -> None:
    everything = {one.name: one for follow in REACTIONS.values() for one in follow}.values()
    for one in everything:
        match one.name.split("_"):
            case ["mail", *_]:
                assert one.pool == MAIL, one.name
            case ["say" | "redraw", *_] | ["tell", "delegate" | "absent"]:
                assert one.pool in (GENERAL, CHAT), one.name
            case _ if one.lane == "guest":
                assert one.pool == DIRECTORY, one.name
    assert next(one.pool for one in everything if one.name == "add_to_team") == TEAM


def test_what_cannot_be_looked_for_is_not_repeated_freely() -> None:
    for one in {one for follow in REACTIONS.values() for one in follow}:
        if one.name.startswith(("mail_", "say_")):
            assert not one.repeatable, one.name


# --- the worker


async def test_run_wakes_on_a_commit_and_stops_when_told(store: Store) -> None:
    mail = Recorder()
    async with running(outbox(store, Reaction("mail", mail, repeatable=False))):
        await emit(store, "a")
        await until_run(mail, 1)


async def test_none_is_forgotten_when_many_end_while_others_are_recorded(store: Store) -> None:
    crowd = Crowd()
    box = outbox(store, Reaction("mail", crowd, repeatable=False))
    await emit(store, *(f"s{n}" for n in range(150)))
    async with running(box), asyncio.timeout(PATIENCE):
        while True:
            if (await depth(store)).get(EffectState.DONE) == 150:
                break
            await asyncio.sleep(0.01)
    assert crowd.all == 150


async def test_what_is_under_way_at_the_stop_is_finished_and_recorded(store: Store) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_event: Event, _services: Services) -> None:
        started.set()
        await go_on.wait()

    box, stop = outbox(store, Reaction("mail", slow, repeatable=False)), asyncio.Event()
    await emit(store, "a")
    task = asyncio.create_task(box.run(stop))
    await asyncio.wait_for(started.wait(), PATIENCE)
    stop.set()
    go_on.set()
    await asyncio.wait_for(task, PATIENCE)
    assert await states(store) == [(EffectState.DONE, None)]


async def test_what_is_done_when_time_is_up_is_recorded_and_the_rest_is_unsure(store: Store) -> None:
    done, hangs = Recorder(), asyncio.Event()

    async def hang(_event: Event, _services: Services) -> None:
        hangs.set()
        await asyncio.Event().wait()

    box = outbox(store, Reaction("done", done, repeatable=False), Reaction("hang", hang, repeatable=False))
    await emit(store, "a")
    task = asyncio.create_task(box.run(asyncio.Event()))
    await asyncio.wait_for(hangs.wait(), PATIENCE)
    await until_run(done, 1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert await states(store) == [(EffectState.DONE, None), (EffectState.RUNNING, None)]


async def test_a_database_that_fails_for_a_while_ends_neither_the_worker_nor_what_it_did(store: Store) -> None:
    mail, record, failures = Recorder(), effects.record, iter([True, True])

    async def failing(*arguments: object) -> None:
        if mail.ran and next(failures, False):
            raise OperationalError("UPDATE", {}, Exception("gone"))
        await record(*arguments)  # type: ignore[arg-type]

    box = outbox(store, Reaction("mail", mail, repeatable=False))
    with patch("services.outbox.IDLE_POLL", 0.01), patch.object(effects, "record", failing):
        await emit(store, "a")
        async with running(box), asyncio.timeout(PATIENCE):
            while True:
                if await states(store) == [(EffectState.DONE, None)]:
                    break
                await asyncio.sleep(0.01)
    assert mail.ran == ["a"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_alone_it_takes_up_at_its_start_what_a_kill_cut_before_anything_else(store: Store, clock: Hand) -> None:
    again = Recorder()
    reaction = Reaction("mail", again, repeatable=False, pool=Pool("mail", 1))
    outbox(store, reaction)
    await emit(store, "cut")
    await killed_while_running(store, reaction)
    await emit(store, "later")
    async with running(outbox(store, reaction)):
        await until_run(again, 2)
    assert again.ran == ["cut", "later"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_starting_replica_leaves_the_others_their_effects(store: Store) -> None:
    again = Recorder()
    reaction = Reaction("mail", again, repeatable=False)
    outbox(store, reaction)
    await emit(store, "a")
    await killed_while_running(store, reaction)
    async with running(outbox(store, reaction)):
        await a_few_turns(store)
    assert again.ran == []


async def test_what_is_open_follows_its_reaction_into_another_pool(store: Store) -> None:
    mail = Recorder()
    outbox(store, Reaction("mail", mail, repeatable=False))
    await emit(store, "a")
    async with running(outbox(store, Reaction("mail", mail, repeatable=False, pool=MAIL))):
        await until_run(mail, 1)


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
