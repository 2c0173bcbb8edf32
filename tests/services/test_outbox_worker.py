"""The outbox at work: how many at once, how fast, who takes what, and what a stop or a failing database leaves."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from unittest.mock import patch

import pytest
from sqlalchemy.exc import OperationalError

from dialogs import REACTIONS
from services import effects
from services.effects import Outcome
from services.errors import Unavailable
from services.events import Event
from services.models import EffectState
from services.outbox import CHAT, DIRECTORY, GENERAL, MAIL, TEAM, Pool, Reaction, depth
from services.outside import left
from services.record import Services
from services.store import Store, Work
from tests.services.conftest import Hand
from tests.services.outboxes import (
    PATIENCE,
    Crowd,
    Recorder,
    a_few_turns,
    emit,
    killed_while_running,
    outbox,
    running,
    states,
    until_run,
)

# --- pools


async def test_a_pool_takes_so_many_at_once_in_all_replicas(store: Store) -> None:
    crowd = Crowd()
    reaction = Reaction("mail", crowd, repeatable=False, pool=Pool("mail", 4))
    boxes = [outbox(store, reaction) for _ in range(3)]
    await emit(store, *(f"s{n}" for n in range(40)))
    await asyncio.gather(*(box.drain() for box in boxes))
    await boxes[0].drain()
    assert crowd.all == 40
    assert 1 < crowd.most <= 4


async def test_nor_are_there_more_where_each_leaves_before_it_is_recorded(store: Store) -> None:
    crowd = Crowd(leaving=True)
    reaction = Reaction("mail", crowd, repeatable=False, pool=Pool("mail", 4))
    boxes = [outbox(store, reaction) for _ in range(1 if store.single_writer else 3)]
    await emit(store, *(f"s{n}" for n in range(40)))
    async with AsyncExitStack() as replicas, asyncio.timeout(PATIENCE):
        for box in boxes:
            await replicas.enter_async_context(running(box))
        while (await depth(store)).get(EffectState.DONE) != 40:  # noqa: ASYNC110 - only the database tells
            await asyncio.sleep(0.01)
    assert crowd.all == 40
    assert 1 < crowd.most <= 4


async def test_who_has_left_its_outside_keeps_nobody_from_it(store: Store) -> None:
    called, go_on = Recorder(), asyncio.Event()

    async def mail(event: Event, services: Services) -> None:
        await called(event, services)
        left()
        left()  # said twice, it is one place
        await go_on.wait()

    box = outbox(store, Reaction("mail", mail, repeatable=False, pool=Pool("mail", 1)))
    await emit(store, "a", "b", "c")
    async with running(box):
        await until_run(called, 3)
        assert (await depth(store))[EffectState.RUNNING] == 3
        go_on.set()
    assert await states(store) == [(EffectState.DONE, None)] * 3


def test_left_is_said_in_no_effect_too() -> None:
    left()


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
    mail, record = Recorder(), effects.record
    failures = [OperationalError("UPDATE", {}, Exception("gone")) for _ in range(2)]

    async def failing(work: Work, outcomes: Iterable[Outcome]) -> None:
        if mail.ran and failures:
            raise failures.pop()
        await record(work, outcomes)

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
