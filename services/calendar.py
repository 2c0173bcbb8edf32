"""The firm's calendar: days as Paris counts them, business days, pauses of the busy season, and the rhythm of reminders."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from dateutil.easter import easter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import Refused
from services.models import FirmSetting, Pause
from services.store import Work

PARIS = ZoneInfo("Europe/Paris")
MORNING, EVENING = time(8), time(19)
LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)
_WEEKEND = 5  # Saturday, as date.weekday() counts


# --- days


def day_of(at: datetime) -> date:
    """The day it is in Paris at that moment: the firms are French."""
    return at.astimezone(PARIS).date()


def is_daytime(at: datetime) -> bool:
    """Whether a message may ring somebody's phone: between 8 and 19 h in Paris."""
    return MORNING <= at.astimezone(PARIS).time() < EVENING


def is_business_day(day: date, *, alsace_moselle: bool = False) -> bool:
    """Monday to Friday but for public holidays; those of Alsace and Moselle alone count only where the firm is there."""
    return day.weekday() < _WEEKEND and day not in _public_holidays(day.year, alsace_moselle)


@cache
def _public_holidays(year: int, alsace_moselle: bool) -> frozenset[date]:
    """Code du travail, L3133-1: eleven days; L3134-13: two more in Alsace and Moselle.

    Written out, since the package that knows them imports every country's: 10 MB, and a third of a second on a busy machine.
    """
    sunday = easter(year)
    moving = [sunday + n * _DAY for n in (1, 39, 50)]  # Easter Monday, Ascension, Whit Monday
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    if alsace_moselle:
        moving.append(sunday - 2 * _DAY)  # Good Friday
        fixed.append((12, 26))
    return frozenset([*moving, *(date(year, month, day) for month, day in fixed)])


@dataclass(frozen=True, slots=True)
class Period:
    """From a day to a day, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def meets(self, other: "Period") -> bool:
        """Whether they have a day in common."""
        return self.first <= other.last and other.first <= self.last


def period(first: date, last: date, today: date) -> Period:
    """A period to come, as asked for. Refused beside its field: `date_past`, `dates_order`, `dates_long`."""
    if first < today:
        raise Refused("date_past", "first_day")
    if last < first:
        raise Refused("dates_order", "last_day")
    if last - first > LONGEST:
        raise Refused("dates_long", "last_day")
    return Period(first, last)


# --- the rhythm of reminders


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When reminders leave: for a guest in days after the sending, for a collaborateur in business days after the asking."""

    guest_days: tuple[int, ...] = (3, 7, 15)
    expire_after: int = 30
    remind_after: int = 2
    escalate_after: int = 4
    alsace_moselle: bool = False

    @property
    def guest_steps(self) -> tuple[int, ...]:
        """The days of each reminder, then that of the expiry."""
        return (*self.guest_days, self.expire_after)

    @property
    def approval_steps(self) -> tuple[int, ...]:
        """The business days of the reminder, then that of the escalation."""
        return (self.remind_after, self.escalate_after)


RHYTHM = "rhythm"
MOST_REMINDERS, LONGEST_WAIT = 5, 365


async def rhythm(session: AsyncSession) -> Rhythm:
    """The firm's own, or the usual one."""
    row = await session.get(FirmSetting, RHYTHM)
    return Rhythm(**{**row.value, "guest_days": tuple(row.value["guest_days"])}) if row else Rhythm()


async def set_rhythm(work: Work, wanted: Rhythm, actor: str) -> None:
    """Reminders follow this rhythm from now on. Refused as `require_rhythm` says."""
    require_rhythm(wanted)
    await work.session.merge(FirmSetting(name=RHYTHM, value={**asdict(wanted), "guest_days": list(wanted.guest_days)}))
    days = "-".join(map(str, wanted.guest_steps))
    work.journal(actor, "reminders.rhythm", "-", after=f"{days} {wanted.remind_after}-{wanted.escalate_after}")


def require_rhythm(wanted: Rhythm) -> None:
    """Refused beside its field: `rhythm_days` (one to five, growing), `rhythm_expiry`, `rhythm_escalation` (each later)."""
    days = wanted.guest_days
    if not 1 <= len(days) <= MOST_REMINDERS or list(days) != sorted(set(days)) or days[0] < 1:
        raise Refused("rhythm_days", "guest_days", most=MOST_REMINDERS)
    if not days[-1] < wanted.expire_after <= LONGEST_WAIT:
        raise Refused("rhythm_expiry", "expire_after", most=LONGEST_WAIT)
    if not 1 <= wanted.remind_after < wanted.escalate_after <= LONGEST_WAIT:
        raise Refused("rhythm_escalation", "escalate_after", most=LONGEST_WAIT)


def is_due(steps: Sequence[int], taken: int, waited: int, since_last: int | None) -> bool:
    """Whether the step after those `taken` is due: its day has come, and the usual time has passed since the one before.

    The second half is what keeps a week of downtime from ending in three reminders at once. Each count is in days.
    """
    gap = steps[taken] - (steps[taken - 1] if taken else 0)
    return waited >= steps[taken] and (since_last is None or since_last >= gap)


# --- the calendar on a day


@dataclass(frozen=True, slots=True)
class Calendar:
    """What counts on a given day. Paused days count for nothing: when a pause ends, waiting goes on where it stood."""

    today: date
    rhythm: Rhythm
    pauses: tuple[Period, ...] = ()

    def counts(self, day: date) -> bool:
        """Whether reminders come nearer on that day."""
        return not any(day in pause for pause in self.pauses)

    def works(self, day: date) -> bool:
        """Whether a collaborateur may be reminded on that day."""
        return self.counts(day) and is_business_day(day, alsace_moselle=self.rhythm.alsace_moselle)

    def days_since(self, day: date) -> int:
        """Days after that one, up to today."""
        return self._counted(day, self.counts)

    def business_days_since(self, day: date) -> int:
        """Business days after that one, up to today."""
        return self._counted(day, self.works)

    def after(self, day: date, days: int) -> date:
        """The day on which so many more have passed."""
        while days > 0:
            day += _DAY
            days -= self.counts(day)
        return day

    def _counted(self, day: date, counts: Callable[[date], bool]) -> int:
        return sum(counts(day + n * _DAY) for n in range(1, (self.today - day).days + 1))


async def of_firm(session: AsyncSession, now: datetime) -> Calendar:
    """The firm's calendar as of today."""
    rows = await session.scalars(select(Pause))
    return Calendar(day_of(now), await rhythm(session), tuple(Period(row.first_day, row.last_day) for row in rows))


# --- pauses


async def pauses(session: AsyncSession, today: date) -> Sequence[Pause]:
    """Those of today and to come, the nearest first."""
    return (await session.scalars(select(Pause).where(Pause.last_day >= today).order_by(Pause.first_day))).all()


async def pause(work: Work, wanted: Period, actor: str) -> Pause:
    """No reminder leaves on these days, and none piles up for afterwards."""
    made = Pause(first_day=wanted.first, last_day=wanted.last, made_by=actor, made_at=work.now)
    work.session.add(made)
    await work.session.flush()
    work.journal(actor, "reminders.paused", made.id, after=f"{wanted.first}/{wanted.last}")
    return made


async def resume(work: Work, pause_id: str, actor: str) -> None:
    """End a pause before its last day, today included; one that has not begun is called off. Refused("pause_over")."""
    row = await work.session.get(Pause, pause_id, with_for_update=True)
    today = day_of(work.now)
    if row is None or row.last_day < today:
        raise Refused("pause_over")
    before = f"{row.first_day}/{row.last_day}"
    if row.first_day >= today:
        await work.session.delete(row)
    else:
        row.last_day = today - _DAY
    work.journal(actor, "reminders.resumed", pause_id, before=before)
