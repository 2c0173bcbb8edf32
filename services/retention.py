"""The purge that ends what was kept long enough (settings.RETENTION_DAYS). What is live or under way has no term."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from services import journal, paths
from services.models import (
    LIVE_INVITATIONS,
    Activation,
    Delegation,
    DelegationState,
    Delivery,
    Draft,
    Effect,
    EffectState,
    Export,
    Import,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    InvitationState,
    JournalLine,
    LoopTask,
    Pace,
    Pause,
    PlaceRow,
    PostedCard,
    Proposition,
    PropositionState,
    Rattachement,
    Reminder,
    TaskState,
)
from services.personal import BLANK, ERASED_DOMAIN
from services.store import Store, Work

OPERATOR = "operator"


async def purge(store: Store, days: Mapping[str, int], *, dry_run: bool) -> dict[str, int]:
    """End what is past its term, kind by kind, one transaction each; gives how many of each. `dry_run` leaves all as it is."""
    return {name: await _sweep(store, name, timedelta(days=days[name]), dry_run=dry_run) for name in _SWEEPS}


async def _sweep(store: Store, name: str, kept: timedelta, *, dry_run: bool) -> int:
    async with store.work() as work:
        count = await _SWEEPS[name](work, work.now - kept)
        if count and name != "journal":
            work.journal(OPERATOR, "privacy.purged", "-", after=f"{name} {count}")
        if dry_run:
            work.leave()
    return count


def _id_of(column: InstrumentedAttribute[str]) -> ColumnElement[str]:
    """The id at the end of `proposition:<id>`."""
    return func.substr(column, func.length(column) - 31)


async def _with_subjects(work: Work, gone: Select[str]) -> None:
    """What is kept about these subjects elsewhere: where their cards stand, which mails left, which reminders."""
    await work.change(delete(PostedCard).where(_id_of(PostedCard.about).in_(gone)))
    await work.change(delete(Delivery).where(Delivery.subject.in_(gone)))
    await work.change(delete(Reminder).where(Reminder.subject.in_(gone)))


# --- each kind


async def _drafts(work: Work, before: datetime) -> int:
    return await work.change(delete(Draft).where(Draft.created_at < before))


async def _effects(work: Work, before: datetime) -> int:
    await work.change(delete(Pace).where(Pace.free_at < before))
    return await work.change(delete(Effect).where(Effect.state == EffectState.DONE, Effect.finished_at < before))


async def _parked_effects(work: Work, before: datetime) -> int:
    given_up = Effect.state.in_((EffectState.PARKED, EffectState.DROPPED))
    return await work.change(delete(Effect).where(given_up, Effect.finished_at < before))


async def _imports(work: Work, before: datetime) -> int:
    gone = select(Import.id).where(func.coalesce(Import.finished_at, Import.created_at) < before)
    await _with_subjects(work, gone)
    asked = await work.change(delete(Export).where(Export.created_at < before))
    return asked + await work.change(delete(Import).where(Import.id.in_(gone)))


async def _deliveries(work: Work, before: datetime) -> int:
    return await work.change(delete(Delivery).where(Delivery.at < before))


async def _reminders(work: Work, before: datetime) -> int:
    over = (Delegation.state == DelegationState.OVER) & (Delegation.last_day < before.date())
    return (
        await work.change(delete(Reminder).where(Reminder.at < before))
        + await work.change(delete(Pause).where(Pause.last_day < before.date()))
        + await work.change(delete(Delegation).where(over))
    )


async def _tasks(work: Work, before: datetime) -> int:
    ended = LoopTask.state.in_((TaskState.DONE, TaskState.DROPPED))
    gone = select(LoopTask.id).where(ended, func.coalesce(LoopTask.done_at, LoopTask.asked_at) < before)
    await _with_subjects(work, gone)
    return await work.change(delete(LoopTask).where(LoopTask.id.in_(gone)))


async def _invitations(work: Work, before: datetime) -> int:
    """Each move writes a line of the journal, which is kept for longer: no line since means that nothing happened since."""
    since = select(JournalLine.id).where(JournalLine.subject == Invitation.id, JournalLine.at >= before)
    ended = Invitation.state.in_((InvitationState.FAILED, InvitationState.EXPIRED, InvitationState.REVOKED))
    past = (ended, Invitation.requested_at < before, ~since.exists())
    gone = select(Invitation.id).where(*past)
    await _with_subjects(work, gone)
    other = aliased(Invitation)  # invited again since, they may still be chatting
    guests = select(other.user_id).where(other.state.in_(LIVE_INVITATIONS), other.user_id.is_not(None))
    their_chat = select(literal("user:").concat(Invitation.user_id)).where(*past, Invitation.user_id.not_in(guests))
    await work.change(delete(PostedCard).where(PostedCard.place_key.in_(their_chat)))
    await work.change(delete(PlaceRow).where(PlaceRow.key.in_(their_chat)))
    on = select(InvitationDossier.dossier_id).where(InvitationDossier.invitation_id.in_(gone))
    dossiers = set(await work.session.scalars(on))
    count = await work.change(delete(Invitation).where(Invitation.id.in_(gone)))
    await paths.refresh(work.session, dossiers)
    return count


async def _propositions(work: Work, before: datetime) -> int:
    ended = Proposition.state.in_((PropositionState.REFUSED, PropositionState.WITHDRAWN, PropositionState.ENDED))
    at = func.coalesce(Proposition.closed_at, Proposition.decided_at, Proposition.proposed_at)
    gone = select(Proposition.id).where(ended, at < before)
    await _with_subjects(work, gone)
    await work.change(delete(Activation).where(Activation.ended_at < before))
    dossiers = set(await work.session.scalars(select(Proposition.dossier_id).where(Proposition.id.in_(gone))))
    count = await work.change(delete(Proposition).where(Proposition.id.in_(gone)))
    await paths.refresh(work.session, dossiers)
    return count


async def _interlocuteurs(work: Work, before: datetime) -> int:
    """What says who they were goes at once; the row, once no offer of theirs is kept any more."""
    past, known = Interlocuteur.removed_at < before, ~Interlocuteur.email.endswith(ERASED_DOMAIN)
    count = await work.change(update(Interlocuteur).where(past, known).values(**BLANK[Interlocuteur]))
    named = (
        select(link.interlocuteur_id).where(link.interlocuteur_id.is_not(None))
        for link in (Proposition, LoopTask, Rattachement)
    )
    free = (Interlocuteur.id.not_in(one) for one in named)
    await work.change(delete(Interlocuteur).where(past, *free))
    return count


async def _journal(work: Work, before: datetime) -> int:
    count = await journal.purgeable(work.session, before)
    said = await journal.purge(work.session, before)
    if said is not None:
        work.journal(OPERATOR, journal.PURGED, "-", after=said)
    return count


_SWEEPS: Mapping[str, Callable[[Work, datetime], Awaitable[int]]] = {
    "drafts": _drafts,
    "effects": _effects,
    "parked_effects": _parked_effects,
    "imports": _imports,
    "deliveries": _deliveries,
    "reminders": _reminders,
    "tasks": _tasks,
    "invitations": _invitations,
    "propositions": _propositions,
    "interlocuteurs": _interlocuteurs,
    "journal": _journal,
}
