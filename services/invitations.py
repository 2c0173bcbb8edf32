"""Inviting an entrepreneur to the firm's tenant: one live invitation a person, looked up before Graph is asked."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.deliveries import MAIL_IN_DOUBT, delivered, record
from services.errors import Refused
from services.events import (
    Event,
    InvitationAccepted,
    InvitationRequested,
    InvitationResent,
    InvitationRevoked,
    OffersChanged,
)
from services.models import (
    INVITATION_MOVES,
    LIVE_INVITATIONS,
    Bookmark,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    InvitationState,
    Proposition,
)
from services.moves import move_invitation
from services.people import email_key
from services.record import Firm, Services
from services.store import Work

BOT = "passerelle"
DELTA = "users/delta"
RESEND_EVERY = timedelta(days=1)


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


async def newest_for(session: AsyncSession, dossier_id: str, email: str) -> Invitation | None:
    """This person's latest invitation for this dossier, live or not."""
    found: Invitation | None = await session.scalar(
        select(Invitation)
        .join(InvitationDossier, InvitationDossier.invitation_id == Invitation.id)
        .where(InvitationDossier.dossier_id == dossier_id, Invitation.email_key == email_key(email))
        .order_by(Invitation.requested_at.desc())
        .limit(1)
    )
    return found


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


async def locked(work: Work, invitation_id: str) -> Invitation:
    """The invitation as it stands, held until the commit; or Refused("not_found")."""
    found = await work.session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise Refused("not_found")
    return found


def resend_wait(invitation: Invitation, now: datetime) -> timedelta:
    """How long until the invitation may be sent once more; zero when it may be now."""
    if invitation.resent_at is None:
        return timedelta()
    return max(invitation.resent_at + RESEND_EVERY - now, timedelta())


def require_resendable(invitation: Invitation, now: datetime) -> None:
    """Refused: `not_pending`, or `resent_too_soon` with the time left."""
    if invitation.state != InvitationState.SENT:
        raise Refused("not_pending")
    if left := resend_wait(invitation, now):
        raise Refused("resent_too_soon", None, left=left)


async def resend(work: Work, invitation_id: str, actor: str) -> None:
    """Send a pending invitation once more, at most once a day; counted. Refused as `require_resendable` says."""
    invitation = await locked(work, invitation_id)
    require_resendable(invitation, work.now)
    invitation.resends += 1
    invitation.resent_at = work.now
    invitation.reason = None
    invitation.version += 1
    work.journal(actor, "invitations.resent", invitation_id, after=str(invitation.resends))
    work.emit(InvitationResent(invitation_id))


def require_retryable(invitation: Invitation) -> None:
    """Refused("not_to_retry") unless it failed or expired."""
    if InvitationState.REQUESTED not in INVITATION_MOVES[invitation.state]:
        raise Refused("not_to_retry")


async def retry(work: Work, invitation_id: str, actor: str) -> None:
    """Ask again, after a correction or a new decision. Refused: `not_to_retry`, `invited_meanwhile`."""
    invitation = await locked(work, invitation_id)
    require_retryable(invitation)
    # What left once leaves again as a mail of its own.
    resends = invitation.resends + (invitation.sent_at is not None)
    try:
        await move_invitation(
            work, invitation_id, InvitationState.REQUESTED, actor, reason=None, resends=resends, requested_at=work.now
        )
    except IntegrityError:
        raise Refused("invited_meanwhile") from None
    work.emit(InvitationRequested(invitation_id))


def require_revocable(invitation: Invitation) -> None:
    """Refused("not_to_revoke") unless it still holds."""
    if InvitationState.REVOKED not in INVITATION_MOVES[invitation.state]:
        raise Refused("not_to_revoke")


async def revoke(work: Work, invitation_id: str, actor: str) -> Invitation:
    """It holds no more, and its link with it. A guest who accepted stays: only the end of a mission dismisses them."""
    invitation = await locked(work, invitation_id)
    require_revocable(invitation)
    await move_invitation(work, invitation_id, InvitationState.REVOKED, actor, redeem_url=None)
    work.emit(InvitationRevoked(invitation_id))
    return invitation


async def replaced(session: AsyncSession, invitation: Invitation) -> bool:
    """Whether another invitation holds for this person: what they have is by that one."""
    holding = await live(session, invitation.email)
    return holding is not None and holding.id != invitation.id


# --- reactions


async def tell_offers_changed(event: Event, services: Services) -> None:
    """Reaction to whatever befalls a proposition: the card of its person's invitation shows it too."""
    async with services.store.work() as work:
        proposition = await work.session.get(Proposition, event.subject)
        person = await work.session.get(Interlocuteur, proposition.interlocuteur_id) if proposition else None
        if proposition is None or person is None:
            return
        invitation = await newest_for(work.session, proposition.dossier_id, person.email)
        if invitation is not None:
            work.emit(OffersChanged(invitation.id))


async def mail_in_doubt(event: Event, services: Services, _reason: str) -> None:
    """The outbox gave up on the mail with the link, sent or not: the card says so, and an administrator may send it again."""
    await tell_mail(services, event.subject, MAIL_IN_DOUBT)


async def tell_mail(services: Services, invitation_id: str, reason: str | None) -> None:
    """Why the mail with the link did not leave, on its invitation's card; None once it did."""
    async with services.store.work() as work:
        invitation = await locked(work, invitation_id)
        if invitation.state == InvitationState.SENT and invitation.reason != reason:
            invitation.reason = reason
            work.emit(OffersChanged(invitation.id))


def offer_mail_in_doubt(leg: str) -> Callable[[Event, Services, str], Awaitable[None]]:
    """The same for a mail that a proposition owes."""

    async def tell(event: Event, services: Services, _reason: str) -> None:
        await record(services.store, event.subject, leg, MAIL_IN_DOUBT)
        await tell_offers_changed(event, services)

    return tell


async def left_after_all(services: Services, subject: str) -> None:
    """A mail about this invitation or proposition left that was told to have failed: the card tells it no more."""
    async with services.store.read() as session:
        invited = await session.get(Invitation, subject) is not None
    if invited:
        await tell_mail(services, subject, None)
    else:
        await tell_offers_changed(Event(subject), services)


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
        for invitation in await _pending(work.session, user_ids):
            if invitation.state == InvitationState.EXPIRED and await live(work.session, invitation.email):
                continue
            changes = {"accepted_at": work.now, "reason": None}
            if await move_invitation(work, invitation.id, InvitationState.ACCEPTED, BOT, **changes):
                work.emit(InvitationAccepted(invitation.id))
                count += 1
        await work.session.merge(Bookmark(name=DELTA, cursor=cursor))
    return count


async def _pending(session: AsyncSession, user_ids: Collection[str]) -> Sequence[Invitation]:
    """Those of these users that are waited for, the newest first; late is accepted too."""
    if not user_ids:  # whoever is invited shows in the delta too
        return ()
    waited_for = Invitation.state.in_((InvitationState.SENT, InvitationState.EXPIRED))
    found = (await session.scalars(select(Invitation).where(waited_for).order_by(Invitation.requested_at.desc()))).all()
    return [one for one in found if one.user_id in user_ids]


async def mail_due(services: Services, invitation_id: str, leg: str) -> tuple[Invitation, str] | None:
    """The invitation whose mail is still to be sent, and the mail's leg, one for each time it is sent.

    None when sent already or no longer meaningful.
    """
    async with services.store.read(brief=True) as session:
        invitation = await get(session, invitation_id)
    leg = f"{leg}_{invitation.resends}" if invitation.resends else leg
    if invitation.state != InvitationState.SENT or await delivered(services.store, invitation_id, leg):
        return None
    return invitation, leg
