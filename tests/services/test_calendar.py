"""Days as Paris counts them, business days, what a rhythm may be, when a step is due, pauses."""

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest

from services import calendar
from services.calendar import Calendar, Period, Rhythm, day_of, is_business_day, is_daytime, is_due
from services.errors import Refused
from services.store import Store
from tests.services.conftest import ADMIN, Hand
from tests.services.recording import journal

MONDAY = date(2026, 3, 2)


def days(today: date, *pauses: Period, **rhythm: bool) -> Calendar:
    return Calendar(today, Rhythm(**rhythm), pauses)  # type: ignore[arg-type]


# --- days


def test_a_day_is_parisian() -> None:
    assert day_of(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)) == MONDAY
    assert day_of(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == date(2026, 7, 2)


@pytest.mark.parametrize(
    ("hour", "minute", "rings"), [(6, 59, False), (7, 0, True), (17, 59, True), (18, 0, False), (23, 0, False)]
)
def test_nothing_rings_at_night(hour: int, minute: int, rings: bool) -> None:
    assert is_daytime(datetime(2026, 3, 2, hour, minute, tzinfo=UTC)) is rings  # Paris is an hour ahead


@pytest.mark.parametrize(
    ("day", "business"),
    [
        (date(2026, 3, 2), True),
        (date(2026, 3, 7), False),  # Saturday
        (date(2026, 3, 8), False),
        (date(2026, 4, 6), False),  # Easter Monday
        (date(2026, 5, 14), False),  # Ascension
        (date(2026, 5, 15), True),  # the day after, whatever people do
        (date(2026, 7, 14), False),
        (date(2026, 12, 25), False),
        (date(2026, 4, 3), True),  # Good Friday
        (date(2029, 12, 26), True),
    ],
)
def test_business_days(day: date, business: bool) -> None:
    assert is_business_day(day) is business


@pytest.mark.parametrize("day", [date(2026, 4, 3), date(2029, 12, 26), date(2026, 7, 14)])
def test_alsace_and_moselle_have_two_holidays_more(day: date) -> None:
    assert not is_business_day(day, alsace_moselle=True)


@pytest.mark.parametrize(("subdivision", "alsace_moselle"), [(None, False), ("57", True)])
def test_public_holidays_are_those_others_know(subdivision: str | None, alsace_moselle: bool) -> None:
    years = range(2008, 2101)  # what that package knows; before, Whit Monday was a day of work for three years
    known = holidays.country_holidays("FR", subdiv=subdivision, years=years)
    first = date(years[0], 1, 1)
    for day in (first + timedelta(days=n) for n in range((date(years[-1], 12, 31) - first).days + 1)):
        business = day.weekday() < 5 and day not in known
        assert is_business_day(day, alsace_moselle=alsace_moselle) is business, day


def test_waiting_counts_the_days_after() -> None:
    assert days(MONDAY).days_since(MONDAY) == 0
    assert days(date(2026, 3, 9)).days_since(MONDAY) == 7
    assert days(date(2026, 3, 9)).business_days_since(MONDAY) == 5
    assert days(date(2026, 4, 7)).business_days_since(date(2026, 4, 2)) == 2  # Good Friday, and after Easter
    assert days(date(2026, 4, 7), alsace_moselle=True).business_days_since(date(2026, 4, 2)) == 1
    assert days(MONDAY).days_since(date(2026, 3, 5)) == 0  # a clock set back counts nothing


def test_paused_days_count_for_nothing() -> None:
    pauses = (Period(date(2026, 3, 4), date(2026, 3, 10)), Period(date(2026, 3, 9), date(2026, 3, 12)))
    on = days(date(2026, 3, 13), *pauses)
    assert on.days_since(MONDAY) == 2
    assert on.business_days_since(MONDAY) == 2
    assert on.after(MONDAY, 2) == date(2026, 3, 13)
    assert not on.counts(date(2026, 3, 4))
    assert not on.works(date(2026, 3, 12))
    assert on.works(date(2026, 3, 13))


# --- periods


@pytest.mark.parametrize(
    ("first", "last", "key", "field"),
    [
        (date(2026, 3, 1), date(2026, 3, 5), "date_past", "first_day"),
        (date(2026, 3, 5), date(2026, 3, 4), "dates_order", "last_day"),
        (date(2026, 3, 5), date(2027, 3, 7), "dates_long", "last_day"),
    ],
)
def test_a_period_that_cannot_be(first: date, last: date, key: str, field: str) -> None:
    with pytest.raises(Refused, match=key) as refused:
        calendar.period(first, last, MONDAY)
    assert refused.value.field == field


def test_a_period_of_one_day_and_of_a_year() -> None:
    assert MONDAY in calendar.period(MONDAY, MONDAY, MONDAY)
    assert date(2027, 3, 3) in calendar.period(MONDAY, date(2027, 3, 3), MONDAY)


@pytest.mark.parametrize(
    ("first", "last", "meets"), [(1, 2, False), (1, 3, True), (4, 4, True), (5, 9, True), (6, 9, False), (1, 9, True)]
)
def test_periods_meet_on_a_day_they_share(first: int, last: int, meets: bool) -> None:
    one = Period(date(2026, 3, 3), date(2026, 3, 5))
    other = Period(date(2026, 3, first), date(2026, 3, last))
    assert one.meets(other) is other.meets(one) is meets


# --- the rhythm


def test_each_step_waits_for_its_day_and_for_the_usual_gap() -> None:
    steps = (3, 7, 15, 30)
    assert not is_due(steps, 0, 2, None)
    assert is_due(steps, 0, 3, None)
    assert is_due(steps, 0, 10, None)  # a week of downtime: one is due
    assert not is_due(steps, 1, 10, 0)  # and not the next
    assert not is_due(steps, 1, 13, 3)
    assert is_due(steps, 1, 14, 4)
    assert is_due(steps, 3, 30, 15)


@pytest.mark.parametrize(
    ("wanted", "key", "field"),
    [
        (Rhythm(guest_days=()), "rhythm_days", "guest_days"),
        (Rhythm(guest_days=(7, 3)), "rhythm_days", "guest_days"),
        (Rhythm(guest_days=(3, 3)), "rhythm_days", "guest_days"),
        (Rhythm(guest_days=(0, 3)), "rhythm_days", "guest_days"),
        (Rhythm(guest_days=(1, 2, 3, 4, 5, 6)), "rhythm_days", "guest_days"),
        (Rhythm(expire_after=15), "rhythm_expiry", "expire_after"),
        (Rhythm(expire_after=366), "rhythm_expiry", "expire_after"),
        (Rhythm(remind_after=0), "rhythm_escalation", "escalate_after"),
        (Rhythm(remind_after=4), "rhythm_escalation", "escalate_after"),
    ],
)
async def test_a_rhythm_that_makes_no_sense_is_refused_beside_its_field(
    store: Store, wanted: Rhythm, key: str, field: str
) -> None:
    async def choose() -> None:
        async with store.work() as work:
            await calendar.set_rhythm(work, wanted, ADMIN)

    with pytest.raises(Refused, match=key) as refused:
        await choose()
    assert refused.value.field == field
    async with store.read() as session:
        assert await calendar.rhythm(session) == Rhythm()


async def test_the_firm_chooses_its_rhythm_and_changes_its_mind(store: Store) -> None:
    for wanted in (Rhythm((5,), 20, 1, 2, True), Rhythm((2, 4), 40, 3, 6, False)):
        async with store.work() as work:
            await calendar.set_rhythm(work, wanted, ADMIN)
        async with store.read() as session:
            assert await calendar.rhythm(session) == wanted
    lines = await journal(store, "reminders.rhythm")
    assert [after for *_, after in lines] == ["5-20 1-2", "2-4-40 3-6"]


# --- pauses


async def paused(store: Store, first: date, last: date) -> str:
    async with store.work() as work:
        return (await calendar.pause(work, Period(first, last), ADMIN)).id


async def resumed(store: Store, pause_id: str) -> None:
    async with store.work() as work:
        await calendar.resume(work, pause_id, ADMIN)


async def standing(store: Store, clock: Hand) -> list[tuple[date, date]]:
    async with store.read() as session:
        rows = await calendar.pauses(session, day_of(clock.now))
    return [(row.first_day, row.last_day) for row in rows]


async def test_a_pause_from_a_day_to_a_day(store: Store, clock: Hand) -> None:
    await paused(store, date(2026, 3, 4), date(2026, 3, 6))
    async with store.read() as session:
        on = await calendar.of_firm(session, clock.now)
    assert [on.counts(date(2026, 3, day)) for day in (3, 4, 6, 7)] == [True, False, False, True]
    assert len(await standing(store, clock)) == 1
    clock.forward(days=5)
    assert await standing(store, clock) == []


async def test_a_pause_ended_early_still_explains_the_days_it_took(store: Store, clock: Hand) -> None:
    pause_id = await paused(store, MONDAY, date(2026, 5, 31))
    clock.forward(days=10)
    await resumed(store, pause_id)
    async with store.read() as session:
        on = await calendar.of_firm(session, clock.now)
    assert on.counts(on.today)
    assert on.days_since(date(2026, 3, 1)) == 1  # of eleven days, ten were paused
    assert [after for *_, after in await journal(store, "reminders.paused")] == ["2026-03-02/2026-05-31"]
    assert [before for _, _, before, _ in await journal(store, "reminders.resumed")] == ["2026-03-02/2026-05-31"]


async def test_a_pause_that_has_not_begun_is_called_off_once(store: Store, clock: Hand) -> None:
    pause_id = await paused(store, date(2026, 4, 1), date(2026, 4, 30))
    await resumed(store, pause_id)
    assert await standing(store, clock) == []
    with pytest.raises(Refused, match="pause_over"):
        await resumed(store, pause_id)


async def test_a_pause_of_the_past_is_over(store: Store, clock: Hand) -> None:
    pause_id = await paused(store, MONDAY, date(2026, 3, 3))
    clock.forward(days=3)
    with pytest.raises(Refused, match="pause_over"):
        await resumed(store, pause_id)
