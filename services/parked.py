"""What the program gave up doing: listed, tried again, dropped; and the administrators' card told of every change."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, select, union, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.events import ParkedChanged
from services.models import (
    Dossier,
    Effect,
    EffectState,
    InvitationDossier,
    LoopTask,
    Proposition,
    Reminder,
    is_open,
)
from services.retention import OPERATOR
from services.store import Store, Work

EVERYTHING = "parked"
"""The one subject of every ParkedChanged: its card is about all of them."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ParkedEffect:
    """Something owed that will not happen by itself: which reaction to what about whom, why not, and since when.

    `pool` is that of its outside; `unsure`: it may nevertheless have happened.
    """

    id: int
    reaction: str
    pool: str
    event: str
    subject: str
    reason: str | None
    since: datetime
    unsure: bool

    @property
    def key(self) -> str:
        """Names this parking: once tried again and parked anew, an effect goes by another."""
        return f"{self.id}-{int(self.since.timestamp())}"


def _is_parked() -> ColumnElement[bool]:
    # Written out, as in `is_open`.
    return Effect.state == bindparam("parked", EffectState.PARKED.value, literal_execute=True)


def _is_shown() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _is_parked(), Effect.event != ParkedChanged.__name__  # the card cannot tell that it cannot be shown


_WAITING = select(func.count()).select_from(Effect).where(*_is_shown())


async def everything(store: Store) -> Sequence[ParkedEffect]:
    """All that is parked, the oldest first, the redrawing of the administrators' card included: for operators."""
    async with store.read() as session:
        rows = await session.scalars(select(Effect).where(_is_parked()).order_by(Effect.id))
        return [_parked(row) for row in rows]


async def newest(session: AsyncSession, most: int) -> Sequence[ParkedEffect]:
    """At most so many, the newest first: for administrators."""
    query = select(Effect).where(*_is_shown()).order_by(Effect.finished_at.desc(), Effect.id.desc()).limit(most)
    return [_parked(row) for row in await session.scalars(query)]


async def count(session: AsyncSession) -> int:
    """How many effects wait for an administrator."""
    return await session.scalar(_WAITING) or 0


async def count_alone(store: Store) -> int:
    """The same, where nothing else is asked: on every menu."""
    ((waiting,),) = await store.ask(_WAITING)
    return waiting


async def count_sure(session: AsyncSession) -> int:
    """How many of them surely did not happen: `retry_all` takes them up."""
    return await session.scalar(_WAITING.where(Effect.unsure == 0)) or 0


async def codes(session: AsyncSession, subjects: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The codes of the dossiers that each of these invitations, propositions, steps in Loop, reminders is about."""
    invited = (
        select(InvitationDossier.invitation_id.label("subject"), Dossier.code)
        .join(Dossier, Dossier.id == InvitationDossier.dossier_id)
        .where(InvitationDossier.invitation_id.in_(subjects))
    )
    proposed = (
        select(Proposition.id, Dossier.code)
        .join(Dossier, Dossier.id == Proposition.dossier_id)
        .where(Proposition.id.in_(subjects))
    )
    to_do = (
        select(LoopTask.id, Dossier.code)
        .join(Dossier, Dossier.id == LoopTask.dossier_id)
        .where(LoopTask.id.in_(subjects))
    )
    reminded = (
        select(Reminder.batch, Dossier.code)
        .join(Proposition, Proposition.id == Reminder.subject)
        .join(Dossier, Dossier.id == Proposition.dossier_id)
        .where(Reminder.batch.in_(subjects))
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for subject, code in (await session.execute(union(invited, proposed, to_do, reminded).order_by("code"))).all():
        found[subject].append(code)
    return found


# --- deciding


async def retry(work: Work, key: str, actor: str) -> bool:
    """Make this parking's effect due once more, as if never tried; False when somebody decided before."""
    return await _decide(work, key, actor, "effects.tried_again", state=EffectState.DUE, **_anew(work))


async def drop(work: Work, key: str, actor: str) -> bool:
    """It is not to be done any more; False when somebody decided before."""
    return await _decide(work, key, actor, "effects.dropped", state=EffectState.DROPPED, finished_at=work.now)


async def retry_all(work: Work, actor: str) -> int:
    """Make everything that surely did not happen due once more; gives how many."""
    done = await _set(work, *_is_shown(), Effect.unsure == 0, state=EffectState.DUE, **_anew(work))
    if done:
        work.journal(actor, "effects.tried_again", "-", after=str(done))
        await tell(work)
    return done


async def try_again(store: Store, ids: Collection[int]) -> int:
    """The same for these effects, whatever is known of them, by an operator; gives how many."""
    async with store.work() as work:
        done = await _set(work, Effect.id.in_(ids), _is_parked(), state=EffectState.DUE, **_anew(work))
        work.journal(OPERATOR, "effects.tried_again", "-", after=str(done))
        await tell(work)
    return done


def _anew(work: Work) -> dict[str, object]:
    return {"due_at": work.moment, "tries": 0, "unsure": 0}


async def _decide(work: Work, key: str, actor: str, what: str, **values: object) -> bool:
    number, _, second = key.partition("-")
    if not (number.isdecimal() and second.isdecimal()):
        return False
    since = datetime.fromtimestamp(int(second), UTC)
    parked_then = (Effect.finished_at >= since, Effect.finished_at < since + _SECOND)
    if not await _set(work, Effect.id == int(number), _is_parked(), *parked_then, **values):
        return False
    effect = await work.session.get_one(Effect, int(number), populate_existing=True)
    work.journal(actor, what, effect.payload["subject"], before=effect.reason, after=effect.reaction)
    await tell(work)
    return True


async def _set(work: Work, *where: ColumnElement[bool], **values: object) -> int:
    return await work.change(update(Effect).where(*where).values(**values))


async def tell(work: Work) -> None:
    """Owe the card a redraw, where none is owed that will see this too: many change at once while an outside is down."""
    owed = select(Effect.id).where(is_open(), Effect.event == ParkedChanged.__name__, Effect.state == EffectState.DUE)
    held = owed.with_for_update()  # not to be claimed before this is committed
    if (await work.session.scalars(held)).first() is None:
        work.emit(ParkedChanged(EVERYTHING))
        await work.write_owed()  # whoever tells next looks for it


def _parked(row: Effect) -> ParkedEffect:
    assert row.finished_at is not None  # set by whatever parks
    return ParkedEffect(
        row.id,
        row.reaction,
        row.pool,
        row.event,
        row.payload["subject"],
        row.reason,
        row.finished_at,
        row.unsure > 0,
    )
