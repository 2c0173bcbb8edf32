"""An offer of a dossier proposed to one interlocuteur, and the collaborateur's one decision about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import offers
from services.errors import Refused
from services.events import OfferActivated, OfferProposed, OfferRefused
from services.models import (
    LIVE_PROPOSITIONS,
    Dossier,
    Interlocuteur,
    Proposition,
    PropositionState,
    Rattachement,
)
from services.moves import move_proposition
from services.people import email_key
from services.store import Store, Work

MIN_REASON = 3


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposition with what it joins."""

    proposition: Proposition
    dossier: Dossier
    interlocuteur: Interlocuteur

    @property
    def offer(self) -> offers.Offer:
        """The catalogue's entry."""
        return offers.offer(self.proposition.offer)

    @property
    def qualite(self) -> offers.Qualite:
        """The person's qualité, which the rights depend on."""
        return offers.Qualite(self.interlocuteur.qualite)


PROPOSED = (
    select(Proposition, Dossier, Interlocuteur)
    .select_from(Proposition)
    .join(Dossier, Dossier.id == Proposition.dossier_id)
    .join(Interlocuteur, Interlocuteur.id == Proposition.interlocuteur_id)
)
"""Its rows are what `Proposed` is made of."""


async def find(session: AsyncSession, proposition_id: str) -> Proposed | None:
    """The proposition with its dossier and person, None where there is none."""
    row = (await session.execute(PROPOSED.where(Proposition.id == proposition_id))).unique().one_or_none()
    return Proposed(*row) if row else None


async def get(session: AsyncSession, proposition_id: str) -> Proposed:
    """The same, or Refused("not_found")."""
    found = await find(session, proposition_id)
    if found is None:
        raise Refused("not_found")
    return found


async def refused_before(session: AsyncSession, proposition_id: str) -> Sequence[str]:
    """The refusals that this proposition is the answer to: the same person's, on the same dossier."""
    made = await get(session, proposition_id)
    query = select(Proposition.id).where(
        Proposition.dossier_id == made.dossier.id,
        Proposition.interlocuteur_id == made.interlocuteur.id,
        Proposition.state == PropositionState.REFUSED,
        Proposition.decided_at <= made.proposition.proposed_at,
    )
    return (await session.scalars(query.order_by(Proposition.decided_at))).all()


async def live(session: AsyncSession, dossier_id: str, offer: str, interlocuteur_id: str) -> Proposition | None:
    """The live proposition of this triple, if there is one."""
    found: Proposition | None = await session.scalar(
        select(Proposition).where(
            Proposition.dossier_id == dossier_id,
            Proposition.offer == offer,
            Proposition.interlocuteur_id == interlocuteur_id,
            Proposition.state.in_(LIVE_PROPOSITIONS),
        )
    )
    return found


async def of_interlocuteur(session: AsyncSession, interlocuteur_id: str) -> Sequence[Proposition]:
    """Every proposition made to this person, oldest first."""
    query = (
        select(Proposition).where(Proposition.interlocuteur_id == interlocuteur_id).order_by(Proposition.proposed_at)
    )
    return (await session.scalars(query)).all()


async def to_email(session: AsyncSession, email: str, dossier_ids: Sequence[str]) -> Sequence[Proposition]:
    """What was proposed to the person of this e-mail on these dossiers, oldest first."""
    query = (
        select(Proposition)
        .join(Interlocuteur, Interlocuteur.id == Proposition.interlocuteur_id)
        .where(Interlocuteur.email_key == email_key(email), Proposition.dossier_id.in_(dossier_ids))
        .order_by(Proposition.proposed_at)
    )
    return (await session.scalars(query)).all()


async def propose_offer(
    work: Work,
    dossier: Dossier,
    offer: str,
    interlocuteur: Interlocuteur,
    actor: str,
    actor_name: str,
    *,
    announce: bool = True,
) -> tuple[Proposition, bool]:
    """Propose; gives the proposition and whether it is new. The same triple twice creates nothing (R17/R18).

    `announce` when it is done in Loop too: only then do the client's mail and the collaborateur's card make sense (R19).
    """
    if existing := await live(work.session, dossier.id, offer, interlocuteur.id):
        return existing, False
    if await offers.activation(work.session, dossier.id, offer, lock=True) is None:
        raise Refused("offer_not_active", "offer", offer=offers.offer(offer).name)
    if await work.session.get(Rattachement, (interlocuteur.id, dossier.id)) is None:
        raise Refused("not_linked", "interlocuteur")
    made = Proposition(
        dossier_id=dossier.id,
        offer=offer,
        interlocuteur_id=interlocuteur.id,
        proposed_by=actor,
        proposed_by_name=actor_name,
        proposed_at=work.now,
    )
    work.session.add(made)
    try:
        await work.session.flush()
    except IntegrityError:
        raise Refused("proposed_meanwhile", "offer") from None
    work.journal(actor, "propositions.proposed", made.id, after=PropositionState.PROPOSED)
    if announce:
        work.emit(OfferProposed(made.id))
    return made, True


async def announce(work: Work, dossier_id: str, offer: str, interlocuteur_id: str) -> None:
    """What was left to do in Loop for this triple is done: the mail and the card are due."""
    found = await live(work.session, dossier_id, offer, interlocuteur_id)
    if found is not None and found.state == PropositionState.PROPOSED:
        work.emit(OfferProposed(found.id))


async def awaits_approval(store: Store, proposition_id: str, actor: str) -> bool:
    """The collaborateur's card is posted: the ball is theirs. False where it was already, or is no longer."""
    async with store.work() as work:
        return await move_proposition(
            work, proposition_id, PropositionState.AWAITING_APPROVAL, actor, awaiting_since=work.now
        )


async def approve_activation(work: Work, proposition_id: str, actor: str, actor_name: str, *, ticked: bool) -> None:
    """The collaborateur confirms. Without « Activation de l'extension » nothing changes: Refused("tick_needed") (R22–R25).

    Refused("already_decided") tells who was faster, and when.
    """
    if not ticked:
        raise Refused("tick_needed", "extension")
    await _decide(work, proposition_id, PropositionState.ACTIVE, actor, actor_name, None)
    work.emit(OfferActivated(proposition_id))


async def refuse_activation(work: Work, proposition_id: str, actor: str, actor_name: str, reason: str) -> None:
    """The collaborateur refuses, with a reason the administrator will read; the entrepreneur hears nothing."""
    if len(reason) < MIN_REASON:
        raise Refused("reason_needed", "reason")
    await _decide(work, proposition_id, PropositionState.REFUSED, actor, actor_name, reason)
    work.emit(OfferRefused(proposition_id))


async def _decide(
    work: Work, proposition_id: str, to: PropositionState, actor: str, actor_name: str, reason: str | None
) -> None:
    changes = {"decided_by": actor, "decided_by_name": actor_name, "decided_at": work.now, "reason": reason}
    if not await move_proposition(work, proposition_id, to, actor, **changes):
        now = (await get(work.session, proposition_id)).proposition
        by, at = now.closed_by_name or now.decided_by_name, now.closed_at or now.decided_at
        raise Refused("already_decided", None, state=now.state, by=by, at=at)
