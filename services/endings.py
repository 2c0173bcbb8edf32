"""What ends or changes: one person's offer, an offer of a dossier, a mission. One transaction each; unless confirmed, nothing.

Rows are held in one order, so that two of these never wait for each other: invitation, activation, proposition.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from services import interlocuteurs, invitations, loop_tasks, matrix, offers, propositions
from services.errors import Refused
from services.events import GuestDismissed, OfferEnded, OffersChanged, OfferWithdrawn
from services.loop_tasks import Actor
from services.models import (
    INVITATION_MOVES,
    LIVE_PROPOSITIONS,
    Activation,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    InvitationState,
    Proposition,
    PropositionState,
    Rattachement,
)
from services.moves import move_proposition
from services.propositions import Proposed
from services.store import Work


def require_live(proposition: Proposition) -> None:
    """Refused("already_closed") tells who ended or refused it, and when."""
    if proposition.state not in LIVE_PROPOSITIONS:
        by = proposition.closed_by_name or proposition.decided_by_name
        raise Refused("already_closed", None, by=by, at=proposition.closed_at or proposition.decided_at)


async def require_changeable(session: AsyncSession, held: Proposed, to: str) -> None:
    """Refused: `already_closed`, `same_offer`, `offer_already_proposed`, and what R12 refuses."""
    require_live(held.proposition)
    wanted = offers.offer(to)
    if wanted == held.offer:
        raise Refused("same_offer", "offer", offer=wanted.name)
    if await propositions.live(session, held.dossier.id, to, held.interlocuteur.id):
        raise Refused("offer_already_proposed", "offer", offer=wanted.name)
    await interlocuteurs.require_invited(session, held.dossier.id, held.interlocuteur.email)


async def withdraw_offer(work: Work, proposition_id: str, actor: Actor, *, done: bool) -> None:
    """Take one person's offer back, proposed or active; everybody else keeps theirs. `done`: in Loop too, already.

    Refused("already_closed") tells who was faster, and when.
    """
    held = await _held(work, proposition_id)
    await _close(work, held.proposition, actor)
    await _ask_withdrawal(work, held, actor, done=done)


async def change_offer(
    work: Work, proposition_id: str, to: str, actor: Actor, *, subscription_confirmed: bool, done: bool
) -> Proposition:
    """One offer for another, upward or downward: the old one ends, the new one awaits its collaborateur.

    Refused: what `require_changeable` refuses, and `subscription_needed` (R6).
    """
    dossier = (await propositions.get(work.session, proposition_id)).dossier
    active = await offers.activation(work.session, dossier.id, to, lock=True) is not None
    held = await _held(work, proposition_id)
    person = held.interlocuteur
    await require_changeable(work.session, held, to)
    await _close(work, held.proposition, actor)
    await _ask_withdrawal(work, held, actor, done=done)
    if not active:
        await offers.activate_offer(work, dossier, to, actor.id, subscription_confirmed=subscription_confirmed)
        await loop_tasks.ask(work, "activate_offer", dossier, actor, done=done, offer=to)
    made, _ = await propositions.propose_offer(work, dossier, to, person, actor.id, actor.name, announce=done)
    await loop_tasks.ask(work, "propose_offer", dossier, actor, done=done, offer=to, interlocuteur=person)
    return made


async def end_offer(work: Work, dossier: Dossier, key: str, actor: Actor, *, done: bool) -> None:
    """The offer is no longer on the dossier, and nobody there has it any more. Refused("offer_already_ended")."""
    if not await _switch_off(work, dossier, actor, Activation.offer == key):
        raise Refused("offer_already_ended", "offer", offer=offers.offer(key).name)
    for row in await _live(work, Proposition.dossier_id == dossier.id, Proposition.offer == key):
        await _close(work, row, actor)
    await loop_tasks.ask(work, "end_offer", dossier, actor, done=done, offer=key)


async def end_mission(work: Work, dossier: Dossier, actor: Actor, *, done: bool) -> None:
    """The firm no longer works for this company: every offer and every link ends.

    The guest accounts go too, but for those of people who are on another dossier. Refused("nothing_to_end").
    """
    invited = await _invited(work, dossier)
    switched_off = await _switch_off(work, dossier, actor)
    closing = await _all_live(work, Proposition.dossier_id == dossier.id)
    for row in closing:
        await _close(work, row, actor)
    switched_off += await _switch_off(work, dossier, actor)  # by a change of offer that was faster
    unlinked = await _unlink_everyone(work, dossier, actor)
    for invitation in invited:
        await _let_go(work, dossier, invitation, actor)
    if not (switched_off or closing or unlinked or invited):
        raise Refused("nothing_to_end", None, code=dossier.code)
    work.journal(actor.id, "dossiers.mission_ended", dossier.id, after=dossier.code)
    await loop_tasks.ask(work, "end_mission", dossier, actor, done=done)


async def revoke_person(work: Work, invitation_id: str, actor: Actor, *, done: bool) -> None:
    """Revoke an invitation: what its person has, or is proposed, on its dossiers goes with it. The others keep theirs."""
    invitation = await invitations.revoke(work, invitation_id, actor.id)
    if await invitations.replaced(work.session, invitation):
        return
    on = select(InvitationDossier.dossier_id).where(InvitationDossier.invitation_id == invitation_id)
    person = select(Interlocuteur.id).where(Interlocuteur.email_key == invitation.email_key)
    for row in await _all_live(work, Proposition.dossier_id.in_(on), Proposition.interlocuteur_id.in_(person)):
        held = await propositions.get(work.session, row.id)
        await _close(work, row, actor)
        await _ask_withdrawal(work, held, actor, done=done)


# --- closing


async def _live(work: Work, *where: ColumnElement[bool]) -> Sequence[Proposition]:
    """Live propositions, held until the commit: nobody decides about them meanwhile."""
    query = select(Proposition).where(Proposition.state.in_(LIVE_PROPOSITIONS), *where).order_by(Proposition.id)
    return (await work.session.scalars(query.with_for_update())).all()


async def _all_live(work: Work, *where: ColumnElement[bool]) -> Sequence[Proposition]:
    """As `_live`, until a second look finds the same: a change of offer that was waited for has put another in their place."""
    found = await _live(work, *where)
    while (again := await _live(work, *where)) != found:
        found = again
    return found


async def _held(work: Work, proposition_id: str) -> Proposed:
    await _live(work, Proposition.id == proposition_id)
    held = await propositions.get(work.session, proposition_id)
    require_live(held.proposition)
    return held


async def _close(work: Work, row: Proposition, actor: Actor) -> None:
    active = row.state == PropositionState.ACTIVE
    to = PropositionState.ENDED if active else PropositionState.WITHDRAWN
    changes = {"closed_by": actor.id, "closed_by_name": actor.name, "closed_at": work.now}
    await move_proposition(work, row.id, to, actor.id, **changes)
    work.emit(OfferEnded(row.id) if active else OfferWithdrawn(row.id))


async def _ask_withdrawal(work: Work, held: Proposed, actor: Actor, *, done: bool) -> None:
    await loop_tasks.ask(
        work,
        "withdraw_offer",
        held.dossier,
        actor,
        done=done,
        offer=held.proposition.offer,
        interlocuteur=held.interlocuteur,
    )


async def _switch_off(work: Work, dossier: Dossier, actor: Actor, *where: ColumnElement[bool]) -> int:
    query = select(Activation).where(Activation.dossier_id == dossier.id, Activation.ended_at.is_(None), *where)
    rows = (await work.session.scalars(query.with_for_update())).all()
    for row in rows:
        row.ended_by, row.ended_at = actor.id, work.now
        work.journal(actor.id, "offer.ended", dossier.id, before=row.offer)
    return len(rows)


async def _unlink_everyone(work: Work, dossier: Dossier, actor: Actor) -> int:
    query = delete(Rattachement).where(Rattachement.dossier_id == dossier.id)
    people = (await work.session.scalars(query.returning(Rattachement.interlocuteur_id))).all()
    for interlocuteur_id in people:
        work.journal(actor.id, "interlocuteurs.unlinked", interlocuteur_id, before=dossier.code)
    return len(people)


# --- letting people go


async def _invited(work: Work, dossier: Dossier) -> Sequence[Invitation]:
    query = (
        select(Invitation)
        .join(InvitationDossier, InvitationDossier.invitation_id == Invitation.id)
        .where(InvitationDossier.dossier_id == dossier.id, Invitation.state != InvitationState.REVOKED)
        .order_by(Invitation.id)
    )
    return (await work.session.scalars(query.with_for_update(of=Invitation))).all()


async def _let_go(work: Work, dossier: Dossier, invitation: Invitation, actor: Actor) -> None:
    if await matrix.elsewhere(work.session, dossier.id, invitation.email):
        link = (InvitationDossier.invitation_id == invitation.id) & (InvitationDossier.dossier_id == dossier.id)
        await work.session.execute(delete(InvitationDossier).where(link))
        work.journal(actor.id, "invitations.detached", invitation.id, before=dossier.code)
        work.emit(OffersChanged(invitation.id))
        return
    if InvitationState.REVOKED in INVITATION_MOVES[invitation.state]:
        await invitations.revoke(work, invitation.id, actor.id)
    work.emit(GuestDismissed(invitation.id))
