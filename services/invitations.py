"""Inviting an entrepreneur to the firm's tenant: one live invitation a person, looked up before Graph is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.deliveries import delivered
from services.errors import Refused
from services.events import (
    Event,
    GuestInvited,
    GuestRecognised,
    InvitationAccepted,
    InvitationFailed,
    InvitationRequested,
)
from services.models import (
    LIVE_INVITATIONS,
    Bookmark,
    Dossier,
    Invitation,
    InvitationDossier,
    InvitationState,
)
from services.moves import move_invitation
from services.people import email_key
from services.ports import DirectoryUser
from services.record import Firm, Services
from services.store import Work

BOT = "passerelle"
TEAMS_URL = "https://teams.microsoft.com/l/app"
DELTA = "users/delta"


@dataclass(frozen=True, slots=True)
class NewGuest:
    """The person to invite, as checked by the form. `mobile` in E.164, `language` "fr" or "en"."""

    family_name: str
    given_name: str
    email: str
    mobile: str
    language: str

    @property
    def display_name(self) -> str:
        """The name Entra and Teams will show."""
        return f"{self.given_name} {self.family_name}".strip()


async def live(session: AsyncSession, email: str) -> Invitation | None:
    """The person's live invitation, whatever the case of the address."""
    found: Invitation | None = await session.scalar(
        select(Invitation).where(Invitation.email_key == email_key(email), Invitation.state.in_(LIVE_INVITATIONS))
    )
    return found


async def invited_for(session: AsyncSession, dossier_id: str) -> Sequence[Invitation]:
    """The live invitations of a dossier's people, oldest first."""
    query = (
        select(Invitation)
        .join(InvitationDossier, InvitationDossier.invitation_id == Invitation.id)
        .where(InvitationDossier.dossier_id == dossier_id, Invitation.state.in_(LIVE_INVITATIONS))
        .order_by(Invitation.requested_at)
    )
    return (await session.scalars(query)).all()


async def dossiers_of(session: AsyncSession, invitation_id: str) -> Sequence[Dossier]:
    """The dossiers this person was invited for, by code."""
    query = (
        select(Dossier)
        .join(InvitationDossier, InvitationDossier.dossier_id == Dossier.id)
        .where(InvitationDossier.invitation_id == invitation_id)
        .order_by(Dossier.code)
    )
    return (await session.scalars(query)).unique().all()


async def get(session: AsyncSession, invitation_id: str) -> Invitation:
    """The invitation, or Refused("not_found")."""
    found = await session.get(Invitation, invitation_id)
    if found is None:
        raise Refused("not_found")
    return found


def refuse_own_domain(firm: Firm, email: str) -> None:
    """A person of the firm is a collaborateur, not a guest."""
    if email.rpartition("@")[2].casefold() in firm.domains:
        raise Refused("own_domain", "email")


async def invite_guest(work: Work, guest: NewGuest, dossier: Dossier, actor: str) -> Invitation:
    """Ask for the guest, for this dossier. Someone already invited is only attached to the dossier: never twice (R8)."""
    invitation = await live(work.session, guest.email)
    if invitation is None:
        invitation = Invitation(
            email=guest.email,
            email_key=email_key(guest.email),
            family_name=guest.family_name,
            given_name=guest.given_name,
            mobile=guest.mobile,
            language=guest.language,
            requested_by=actor,
            requested_at=work.now,
        )
        work.session.add(invitation)
        try:
            await work.session.flush()
        except IntegrityError:
            raise Refused("invited_meanwhile", "email") from None
        work.journal(actor, "invitations.requested", invitation.id, after=InvitationState.REQUESTED)
        work.emit(InvitationRequested(invitation.id))
    if await work.session.get(InvitationDossier, (invitation.id, dossier.id)) is None:
        work.session.add(InvitationDossier(invitation_id=invitation.id, dossier_id=dossier.id))
        work.journal(actor, "invitations.attached", invitation.id, after=dossier.code)
    return invitation


async def send_invitation(event: Event, services: Services) -> None:
    """Reaction to InvitationRequested: the one call that makes a guest. Looks the person up first, so it may be repeated."""
    async with services.store.read() as session:
        invitation = await get(session, event.subject)
    if invitation.state != InvitationState.REQUESTED:
        return
    try:
        known = await services.directory.find_by_email(invitation.email)
        if known is None or known.state == "PendingAcceptance":
            # For a guest still pending, Graph gives the same user and a fresh redeem link: never a second guest.
            name = f"{invitation.given_name} {invitation.family_name}".strip()
            made = await services.directory.invite(
                invitation.email, name, invitation.language, teams_link(services.firm)
            )
            await _sent(services, invitation.id, made.user_id, made.redeem_url, made_in_entra=known is not None)
        else:
            await _recognised(services, invitation.id, known)
    except Refused as refusal:
        async with services.store.work() as work:
            if await move_invitation(work, invitation.id, InvitationState.FAILED, BOT, reason=refusal.key):
                work.emit(InvitationFailed(invitation.id))


def teams_link(firm: Firm) -> str:
    """Where a guest lands after accepting: Teams, in the firm's tenant (deep links always carry the tenant id)."""
    return f"https://teams.microsoft.com/?tenantId={firm.tenant_id}"


async def _sent(services: Services, invitation_id: str, user_id: str, redeem_url: str, *, made_in_entra: bool) -> None:
    async with services.store.work() as work:
        changes = {
            "user_id": user_id,
            "redeem_url": redeem_url,
            "sent_at": work.now,
            "made_in_entra": made_in_entra,
        }
        if await move_invitation(work, invitation_id, InvitationState.SENT, BOT, **changes):
            work.emit(GuestInvited(invitation_id))


async def _recognised(services: Services, invitation_id: str, known: DirectoryUser) -> None:
    if not known.guest:
        raise Refused("already_member", "email")
    if not known.enabled:
        raise Refused("account_disabled", "email")
    async with services.store.work() as work:
        changes = {"user_id": known.id, "accepted_at": work.now, "made_in_entra": True}
        if await move_invitation(work, invitation_id, InvitationState.ACCEPTED, BOT, **changes):
            work.emit(GuestRecognised(invitation_id))


async def notice_acceptances(services: Services) -> int:
    """Read what changed in the tenant since last time and mark the invitations accepted; gives how many."""
    async with services.store.read() as session:
        bookmark = await session.get(Bookmark, DELTA)
    try:
        changes = await services.directory.changes(bookmark.cursor if bookmark else None)
    except Refused as refusal:
        if refusal.key != "cursor_expired":
            raise
        changes = await services.directory.changes(None)
    accepted = {user.id for user in changes.users if user.state == "Accepted" and not user.deleted}
    if bookmark is None or bookmark.cursor != changes.cursor:
        return await _record_acceptances(services, accepted, changes.cursor)
    return 0


async def _record_acceptances(services: Services, user_ids: set[str], cursor: str) -> int:
    count = 0
    async with services.store.work() as work:
        pending = await work.session.scalars(select(Invitation).where(Invitation.state == InvitationState.SENT))
        for invitation in pending.all():
            if invitation.user_id in user_ids and await move_invitation(
                work, invitation.id, InvitationState.ACCEPTED, BOT, accepted_at=work.now
            ):
                work.emit(InvitationAccepted(invitation.id))
                count += 1
        await work.session.merge(Bookmark(name=DELTA, cursor=cursor))
    return count


async def mail_due(services: Services, invitation_id: str, leg: str) -> Invitation | None:
    """The invitation whose mail of this leg is still to be sent; None when sent already or no longer meaningful."""
    async with services.store.read() as session:
        invitation = await get(session, invitation_id)
        if invitation.state != InvitationState.SENT or await delivered(session, invitation_id, leg):
            return None
    return invitation
