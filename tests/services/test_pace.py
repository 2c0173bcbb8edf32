"""No faster than Teams allows: in a conversation, in all, and whatever the number of replicas."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter

import pytest

from services import pace
from services.errors import Unavailable
from services.pace import LONGEST_WAIT, PacedChat
from services.ports import FileOffer, Message, Place, PlaceKind, RosterMember, Upload
from services.store import Store
from tests.services.conftest import Hand

GENERAL = Place(PlaceKind.CHANNEL, "19:general", "https://smba.example", "tenant", "28:bot")
CARD = Message({}, "a card")
MOMENT = timedelta(milliseconds=1)


class Calls:
    """A Teams that notes when each call comes, and where."""

    def __init__(self, clock: Hand) -> None:
        self.at: list[tuple[float, str]] = []
        self._clock = clock
        self._began = clock.now

    def _note(self, place: Place) -> None:
        self.at.append(((self._clock.now - self._began).total_seconds(), place.conversation_id))

    async def post(self, place: Place, message: Message | FileOffer | Upload) -> str:
        self._note(place)
        return "1"

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        self._note(place)

    async def members(self, place: Place) -> tuple[RosterMember, ...]:
        self._note(place)
        return ()

    async def open_personal(self, place: Place, mri: str) -> Place:
        self._note(place)
        return place


def chat(number: int) -> Place:
    return replace(GENERAL, kind=PlaceKind.PERSONAL, conversation_id=f"a:{number}")


@pytest.fixture
def calls(clock: Hand) -> Calls:
    return Calls(clock)


@pytest.fixture
def paced(store: Store, clock: Hand, calls: Calls) -> PacedChat:
    async def sleep(seconds: float) -> None:
        clock.forward(seconds=seconds)

    return PacedChat(calls, store, sleep=sleep)


def gaps(calls: Calls, place: Place | None = None) -> Iterator[float]:
    times = [at for at, where in calls.at if place is None or where == place.conversation_id]
    return (later - earlier for earlier, later in pairwise(times))


async def test_one_message_a_second_in_a_conversation_new_or_redrawn(paced: PacedChat, calls: Calls) -> None:
    for number in range(4):
        await paced.post(GENERAL, CARD) if number % 2 else await paced.update(GENERAL, "1", CARD)
    assert len(calls.at) == 4
    assert min(gaps(calls, GENERAL)) >= 1


async def test_conversations_do_not_wait_for_each_other(paced: PacedChat, calls: Calls, clock: Hand) -> None:
    began = clock.now
    await paced.post(GENERAL, CARD)
    for number in range(5):
        await paced.post(chat(number), CARD)
    assert clock.now - began < timedelta(seconds=1)


async def test_ten_calls_a_second_in_all(paced: PacedChat, calls: Calls) -> None:
    for number in range(30):
        await paced.post(chat(number), CARD)
    await paced.members(GENERAL)
    await paced.open_personal(GENERAL, "29:x")
    times = [at for at, _ in calls.at]
    assert all(later - earlier >= 1 - MOMENT.total_seconds() for earlier, later in zip(times, times[10:], strict=False))


class Sleepers:
    """Time in which several sleep: it moves on only when nobody is awake, to the moment at which the first one wakes."""

    def __init__(self, clock: Hand, awake: int) -> None:
        self._clock, self._awake = clock, awake
        self._asleep: list[tuple[datetime, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        alarm = asyncio.Event()
        self._asleep.append((self._clock.now + timedelta(seconds=seconds), alarm))
        self.leave()
        await alarm.wait()

    def leave(self) -> None:
        """One fewer is awake."""
        self._awake -= 1
        if self._awake or not self._asleep:
            return
        first, alarm = min(self._asleep, key=itemgetter(0))
        self._asleep.remove((first, alarm))
        self._clock.now = max(self._clock.now, first)
        self._awake = 1
        alarm.set()


async def test_replicas_share_the_pace(store: Store, clock: Hand, calls: Calls) -> None:
    sleepers = Sleepers(clock, awake=3)

    async def post() -> None:
        await PacedChat(calls, store, sleep=sleepers.sleep).post(GENERAL, CARD)
        sleepers.leave()

    await asyncio.gather(post(), post(), post())
    assert len(calls.at) == 3
    assert min(gaps(calls, GENERAL)) >= 1


async def test_a_turn_too_far_away_is_not_waited_for_and_nothing_was_sent(
    store: Store, paced: PacedChat, calls: Calls
) -> None:
    async with store.work() as work:
        await pace.rest(work, {f"thread:{GENERAL.conversation_id}": LONGEST_WAIT * 2})
    with pytest.raises(Unavailable) as busy:
        await paced.post(GENERAL, CARD)
    assert (busy.value.key, busy.value.ambiguous) == ("chat_throttled", False)
    assert busy.value.retry_after == pytest.approx(LONGEST_WAIT.total_seconds() * 2, abs=1)
    assert calls.at == []


async def test_a_rest_is_only_ever_prolonged(store: Store, clock: Hand) -> None:
    async with store.work() as work:
        await pace.rest(work, {"pool:mail": timedelta(seconds=60)})
        await pace.rest(work, {"pool:mail": timedelta(seconds=5)})
        assert await pace.held(work, ["pool:mail"]) == {"pool:mail": clock.now + timedelta(seconds=60)}


async def test_two_at_once_make_one_row(store: Store) -> None:
    async def hold() -> None:
        async with store.work() as work:
            await pace.held(work, ["pool:mail", "pool:chat", "thread:x"])

    await asyncio.gather(*(hold() for _ in range(5)))
