"""The table behind `suivi`: where each client stands on each dossier, kept equal to what the other tables say.

Every change that moves a client writes a journal line (services.moves and the nouns); `follow` reads who moved from the lines
of a transaction, at its end, and writes their dossiers' paths anew in the same commit. What changes a path without a line
(the Portefeuille, a purge) calls `refresh` itself.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.models import (
    LIVE_INVITATIONS,
    PROPOSING,
    Activation,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    InvitationState,
    JournalLine,
    LoopTask,
    Moment,
    Path,
    Proposition,
    PropositionState,
    Rattachement,
    TaskState,
)

BALL: dict[str, str] = {
    InvitationState.REQUESTED: "passerelle",
    InvitationState.SENT: "entrepreneur",
    InvitationState.ACCEPTED: "administrateur",
    InvitationState.FAILED: "administrateur",
    InvitationState.EXPIRED: "administrateur",
    PropositionState.PROPOSED: "passerelle",
    PropositionState.AWAITING_APPROVAL: "collaborateur",
    PropositionState.REFUSED: "administrateur",
    TaskState.TODO: "administrateur",
}
"""Who must move, by state."""

SHOWN = (*BALL, PropositionState.ACTIVE.value)
"""States of a path; what is withdrawn, ended or revoked is history, and the journal's."""

MOVING = frozenset(
    {"propositions", "invitations", "loop_tasks", "interlocuteurs", "dossiers", "collaborateurs", "offer"}
)
"""What a line that may move a path is about: the first word of its `what`."""

COLUMNS = ("subject", "dossier_id", "state", "offer", "since", "rank", "owner_id", "agency")
_CHUNK = 500


async def follow(session: AsyncSession, lines: Sequence[JournalLine]) -> None:
    """Write anew the paths that these lines of the open transaction may have moved."""
    subjects = {line.subject for line in lines if line.what.partition(".")[0] in MOVING}
    if not subjects:
        return
    await session.flush()
    await refresh(session, set(await session.scalars(_CONCERNED, {"subjects": sorted(subjects)})))


async def refresh(session: AsyncSession, dossier_ids: Collection[str]) -> None:
    """Write anew the paths of these dossiers, from what the transaction has written so far."""
    wanted = sorted(dossier_ids)
    await session.flush()  # what is asked of the connection does not do it
    connection = await session.connection()
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        # Two transactions about one dossier: the second waits here, and reads what the first has committed. The weaker lock,
        # because rows that refer to the dossier hold it shared.
        for statement in (_HOLD, _FORGET, _WRITE):
            await connection.execute(statement, {"dossiers": some})


def truth() -> Select[Any]:
    """Every path as the other tables say it, column by column."""
    paths = union_all(*_PARTS).subquery()
    return select(*(paths.c[name] for name in COLUMNS))


def _propositions() -> Select[Any]:
    since = func.coalesce(Proposition.decided_at, Proposition.awaiting_since, Proposition.proposed_at, type_=Moment)
    return (
        _columns(Proposition.id, Proposition.state, Proposition.offer, since)
        .join(Proposition, Proposition.dossier_id == Dossier.id)
        .where(_state_of(Proposition).in_(SHOWN), ~_settled(), ~left_in_loop())
    )


def _settled() -> ColumnElement[bool]:
    """A refusal that asks nothing more: something was proposed since, or it cannot be proposed again as things stand."""
    since = aliased(Proposition)
    proposed_since = exists().where(
        since.dossier_id == Proposition.dossier_id,
        since.interlocuteur_id == Proposition.interlocuteur_id,
        since.id != Proposition.id,
        since.proposed_at >= Proposition.decided_at,
    )
    return and_(Proposition.state == PropositionState.REFUSED, or_(proposed_since, ~exists(_may_be_proposed())))


def _may_be_proposed() -> Select[Any]:
    """The person is linked to the dossier and invited there, and the offer is on."""
    return (
        select(literal(1))
        .select_from(Rattachement)
        .join(Activation, Activation.dossier_id == Rattachement.dossier_id)
        .join(Interlocuteur, Interlocuteur.id == Rattachement.interlocuteur_id)
        .join(InvitationDossier, InvitationDossier.dossier_id == Rattachement.dossier_id)
        .join(Invitation, Invitation.id == InvitationDossier.invitation_id)
        .where(
            Rattachement.dossier_id == Proposition.dossier_id,
            Rattachement.interlocuteur_id == Proposition.interlocuteur_id,
            Activation.offer == Proposition.offer,
            Activation.ended_at.is_(None),
            Invitation.email_key == Interlocuteur.email_key,
            Invitation.state.in_(LIVE_INVITATIONS),
        )
        .correlate(Proposition)
    )


def left_in_loop() -> ColumnElement[bool]:
    """Proposed here, and still to be in Loop: the step says so, once."""
    left = exists().where(
        LoopTask.dossier_id == Proposition.dossier_id,
        LoopTask.interlocuteur_id == Proposition.interlocuteur_id,
        LoopTask.offer == Proposition.offer,
        LoopTask.what.in_(PROPOSING),
        _state_of(LoopTask) == TaskState.TODO,
    )
    return and_(Proposition.state == PropositionState.PROPOSED, left)


def _invitations() -> Select[Any]:
    """Until something is proposed to the person; then the proposition says where they stand."""
    proposed = (
        select(literal(1))
        .select_from(Proposition)
        .join(Interlocuteur, Interlocuteur.id == Proposition.interlocuteur_id)
        .where(Proposition.dossier_id == Dossier.id, Interlocuteur.email_key == Invitation.email_key)
        .where(_state_of(Proposition).in_(SHOWN), ~_settled())
    )
    return (
        _columns(Invitation.id, Invitation.state, literal(""), _invited_since())
        .join(InvitationDossier, InvitationDossier.dossier_id == Dossier.id)
        .join(Invitation, Invitation.id == InvitationDossier.invitation_id)
        .where(
            _state_of(Invitation).in_(SHOWN), case((_is_live(Invitation), ~exists(proposed)), else_=~_invited_again())
        )
    )


def _is_live(row: type[Invitation]) -> ColumnElement[bool]:
    return row.state.in_(LIVE_INVITATIONS)


def _invited_again() -> ColumnElement[bool]:
    """The same person, for the same dossier, by an invitation that holds."""
    other, link = aliased(Invitation), aliased(InvitationDossier)
    return exists().where(
        other.email_key == Invitation.email_key,
        _is_live(other),
        link.invitation_id == other.id,
        link.dossier_id == Dossier.id,
    )


def _invited_since() -> ColumnElement[datetime]:
    """When the state began, as far as it is known: sent anew is waited for anew."""
    sent = func.coalesce(Invitation.sent_at, Invitation.requested_at, type_=Moment)
    left = case((Invitation.resent_at > sent, Invitation.resent_at), else_=sent)
    return case(
        (Invitation.state == InvitationState.ACCEPTED, func.coalesce(Invitation.accepted_at, Invitation.requested_at)),
        (Invitation.state.in_((InvitationState.SENT, InvitationState.EXPIRED)), left),
        else_=Invitation.requested_at,
    )


def _tasks() -> Select[Any]:
    return (
        _columns(LoopTask.id, LoopTask.state, func.coalesce(LoopTask.offer, ""), LoopTask.asked_at)
        .join(LoopTask, LoopTask.dossier_id == Dossier.id)
        .where(_state_of(LoopTask) == TaskState.TODO)
    )


def _state_of(row: type[Proposition | Invitation | LoopTask]) -> ColumnElement[str]:
    # An expression: for some hundred dossiers SQLite would start from the index of the states, that is from every client.
    return func.coalesce(row.state, "")


def _columns(subject: Any, state: Any, offer: Any, since: Any) -> Select[Any]:
    rank = case((state == PropositionState.ACTIVE.value, 1), else_=0)
    values = (subject, Dossier.id, state, offer, since, rank, Dossier.collaborateur_id, Dossier.agency)
    labelled = (value.label(name) for name, value in zip(COLUMNS, values, strict=True))
    return select(*labelled).select_from(Dossier)


# Every change runs them: they are put together once.

_SUBJECTS: BindParameter[str] = bindparam("subjects", expanding=True)
_CONCERNED = union(
    select(Proposition.dossier_id).where(Proposition.id.in_(_SUBJECTS)),
    select(Proposition.dossier_id).where(Proposition.interlocuteur_id.in_(_SUBJECTS)),
    select(LoopTask.dossier_id).where(LoopTask.id.in_(_SUBJECTS)),
    select(InvitationDossier.dossier_id).where(InvitationDossier.invitation_id.in_(_SUBJECTS)),
    select(Dossier.id).where(Dossier.id.in_(_SUBJECTS)),
    select(Path.dossier_id).where(Path.subject.in_(_SUBJECTS)),
    select(Path.dossier_id).where(Path.owner_id.in_(_SUBJECTS)),
)
"""The dossiers that something about these subjects may move: also those they were on until now."""

_PARTS = _propositions(), _invitations(), _tasks()

_DOSSIERS: BindParameter[str] = bindparam("dossiers", expanding=True)
_HOLD = select(Dossier.id).where(Dossier.id.in_(_DOSSIERS)).order_by(Dossier.id).with_for_update(key_share=True)
_FORGET = delete(Path).where(Path.dossier_id.in_(_DOSSIERS))
_WRITE = insert(Path).from_select(COLUMNS, union_all(*(part.where(Dossier.id.in_(_DOSSIERS)) for part in _PARTS)))
