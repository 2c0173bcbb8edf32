"""What one entrepreneur may know: their own companies and where each stands. Found by their account, never by what they write."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import invitations
from services.models import LIVE_INVITATIONS, Dossier, Interlocuteur, Invitation, Proposition, PropositionState
from services.propositions import PROPOSED, Proposed

UNDER_WAY = (PropositionState.PROPOSED, PropositionState.AWAITING_APPROVAL)


@dataclass(frozen=True, slots=True)
class Company:
    """One of the person's companies: the offers they have, the names of those being prepared. A refusal is the firm's affair."""

    name: str
    active: tuple[Proposed, ...]
    coming: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Space:
    """Everything that is theirs. `language` is the one the firm writes to them in."""

    language: str
    companies: Sequence[Company]


async def of_account(session: AsyncSession, aad_id: str) -> Space | None:
    """The space of the guest with this account; None when the firm has invited nobody under it."""
    invitation = await session.scalar(
        select(Invitation).where(Invitation.user_id == aad_id, Invitation.state.in_(LIVE_INVITATIONS))
    )
    if invitation is None:
        return None
    query = (
        PROPOSED.where(Interlocuteur.email_key == invitation.email_key, Interlocuteur.removed_at.is_(None))
        .where(Proposition.state.in_((*UNDER_WAY, PropositionState.ACTIVE)))
        .order_by(Proposition.proposed_at, Proposition.id)
    )
    held = [Proposed(*row) for row in (await session.execute(query)).unique().all()]
    invited = {one.id: one for one in await invitations.dossiers_of(session, invitation.id)}
    every = invited | {one.dossier.id: one.dossier for one in held}
    companies = [_company(dossier, held) for dossier in sorted(every.values(), key=lambda one: one.company.casefold())]
    return Space(invitation.language, companies)


def _company(dossier: Dossier, held: Sequence[Proposed]) -> Company:
    here = [one for one in held if one.dossier.id == dossier.id]
    return Company(
        dossier.company,
        tuple(one for one in here if one.proposition.state == PropositionState.ACTIVE),
        tuple(one.offer.name for one in here if one.proposition.state in UNDER_WAY),
    )
