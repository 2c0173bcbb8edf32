"""The nine steps from an invitation to the welcome, for one person on one dossier: what is done, what is next, whose turn."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import deliveries
from services.models import (
    LIVE_PROPOSITIONS,
    Activation,
    DeliveryState,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationState,
    LoopTask,
    Proposition,
    PropositionState,
    Rattachement,
    TaskState,
)

INVITE, ACCEPT, ACTIVATE, DESCRIBE, LINK, PROPOSE, TELL, APPROVE, WELCOME = STEPS = (
    *("invite", "accept", "activate", "describe", "link", "propose", "tell", "approve", "welcome"),
)
BALL = dict.fromkeys(STEPS, "administrateur") | {
    INVITE: "passerelle",
    ACCEPT: "entrepreneur",
    TELL: "passerelle",
    APPROVE: "collaborateur",
    WELCOME: "passerelle",
}
LEFT_IN_LOOP = {
    "activate_offer": ACTIVATE,
    "new_client": ACTIVATE,
    "link_interlocuteur": LINK,
    "propose_offer": PROPOSE,
}
MAILS = {deliveries.IDENTIFIER: TELL, deliveries.WELCOME: WELCOME}

Moments = dict[str, datetime | None]


@dataclass(frozen=True, slots=True)
class Journey:
    """`done` may have gaps: a whole path is asked for at once, and the guest accepts when they like.

    `next` is the first step not done and `ball` who is to do it, None once all nine are; `since` when it began to be
    waited for. `reason` is the key of what went wrong with it.
    """

    done: tuple[str, ...]
    next: str | None
    ball: str | None
    since: datetime
    reason: str | None = None


async def of_person(session: AsyncSession, invitation: Invitation, dossier: Dossier) -> Journey | None:
    """Where this invited person stands on this dossier; None where the path was given up (revoked, expired, taken back)."""
    if invitation.state in (InvitationState.REVOKED, InvitationState.EXPIRED):
        return None
    person = await person_of(session, invitation.email_key, dossier.id)
    proposition = await _proposition(session, person, dossier.id)
    if proposition is not None and proposition.state in (PropositionState.WITHDRAWN, PropositionState.ENDED):
        return None
    at = _invited(invitation) | _proposed(proposition)
    at[ACTIVATE] = await _activated_at(session, dossier.id, proposition)
    at[DESCRIBE] = person.created_at if person else None
    link = await session.get(Rattachement, (person.id, dossier.id)) if person else None
    at[LINK] = link.linked_at if link else None
    at |= dict.fromkeys(await _left_in_loop(session, dossier.id, person))
    failed = await _failed(session, proposition)
    following = next((step for step in STEPS if at[step] is None or step in failed), None)
    reason = invitation.reason if following == INVITE else failed.get(following or "")
    refused = proposition is not None and proposition.state == PropositionState.REFUSED and following == APPROVE
    return Journey(
        done=tuple(step for step in STEPS if at[step] is not None and step not in failed),
        next=following,
        ball="administrateur" if reason or refused else BALL.get(following or ""),
        since=_since(
            at, following, invitation.requested_at, proposition.decided_at if proposition and refused else None
        ),
        reason=reason,
    )


def _invited(invitation: Invitation) -> Moments:
    gone = invitation.state in (InvitationState.SENT, InvitationState.ACCEPTED)
    sent_at = invitation.resent_at or invitation.sent_at or invitation.requested_at
    return {INVITE: sent_at if gone else None, ACCEPT: invitation.accepted_at}


def _proposed(proposition: Proposition | None) -> Moments:
    if proposition is None:
        return dict.fromkeys((PROPOSE, TELL, APPROVE, WELCOME))
    told = proposition.state != PropositionState.PROPOSED
    active_since = proposition.decided_at if proposition.state == PropositionState.ACTIVE else None
    return {
        PROPOSE: proposition.proposed_at,
        TELL: (proposition.awaiting_since or proposition.proposed_at) if told else None,
        APPROVE: active_since,
        WELCOME: active_since,  # the commit that activates owes the mail, unless it is known to have failed
    }


def _since(at: Moments, following: str | None, requested_at: datetime, refused_at: datetime | None) -> datetime:
    """When what is waited for now began to be: the latest of what had to come before it."""
    before = STEPS[: STEPS.index(following)] if following else STEPS
    known = (requested_at, refused_at, *(at[step] for step in before))
    return max(moment for moment in known if moment is not None)


async def person_of(session: AsyncSession, email_key: str, dossier_id: str) -> Interlocuteur | None:
    """The interlocuteur of that e-mail; of two, the one linked to the dossier."""
    linked = select(Rattachement.interlocuteur_id).where(Rattachement.dossier_id == dossier_id)
    found: Interlocuteur | None = await session.scalar(
        select(Interlocuteur)
        .where(Interlocuteur.email_key == email_key, Interlocuteur.removed_at.is_(None))
        .order_by(case((Interlocuteur.id.in_(linked), 0), else_=1), Interlocuteur.created_at)
        .limit(1)
    )
    return found


async def _proposition(session: AsyncSession, person: Interlocuteur | None, dossier_id: str) -> Proposition | None:
    """The one that has waited longest for somebody, else an active one, else the latest of all."""
    if person is None:
        return None
    query = (
        select(Proposition)
        .where(Proposition.dossier_id == dossier_id, Proposition.interlocuteur_id == person.id)
        .order_by(Proposition.proposed_at)
    )
    made = (await session.scalars(query)).all()
    live = [one for one in made if one.state in LIVE_PROPOSITIONS]
    waiting = [one for one in live if one.state != PropositionState.ACTIVE]
    return next(iter([*waiting, *live, *reversed(made)]), None)


async def _activated_at(session: AsyncSession, dossier_id: str, proposition: Proposition | None) -> datetime | None:
    query = select(func.min(Activation.activated_at)).where(
        Activation.dossier_id == dossier_id, Activation.ended_at.is_(None)
    )
    if proposition is not None:
        query = query.where(Activation.offer == proposition.offer)
    found: datetime | None = await session.scalar(query)
    return found


async def _left_in_loop(session: AsyncSession, dossier_id: str, person: Interlocuteur | None) -> list[str]:
    """The steps that are recorded here, and still to be done in Loop."""
    whose = LoopTask.interlocuteur_id.is_(None) | (LoopTask.interlocuteur_id == (person.id if person else ""))
    query = select(LoopTask.what).where(LoopTask.dossier_id == dossier_id, LoopTask.state == TaskState.TODO, whose)
    return [LEFT_IN_LOOP[what] for what in await session.scalars(query) if what in LEFT_IN_LOOP]


async def _failed(session: AsyncSession, proposition: Proposition | None) -> dict[str, str]:
    """The mails that could not leave, by their step, and why."""
    legs = await deliveries.of(session, proposition.id) if proposition else ()
    return {MAILS[one.leg]: one.reason or "" for one in legs if one.leg in MAILS and one.state == DeliveryState.FAILED}
