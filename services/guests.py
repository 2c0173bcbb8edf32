"""The guest accounts of the tenant, through the Directory: made once, recognised, sent a fresh link, removed. Reactions only."""

from sqlalchemy import bindparam, update

from services import invitations
from services.errors import Refused
from services.events import Event, GuestInvited, GuestRecognised, InvitationAccepted, InvitationFailed, OffersChanged
from services.invitations import BOT, locked
from services.models import Invitation, InvitationState
from services.moves import move_invitation
from services.outside import left
from services.ports import DirectoryUser, Invited
from services.record import Firm, Services


async def send_invitation(event: Event, services: Services) -> None:
    """Reaction to InvitationRequested: the one call that makes a guest. Looks the person up first, so it may be repeated."""
    async with services.store.read(brief=True) as session:
        invitation = await invitations.get(session, event.subject)
    if invitation.state != InvitationState.REQUESTED:
        return
    try:
        known = await services.directory.find_by_email(invitation.email)
        # `sent_at` tells our own guest, whose link a crash may have lost, from one made by hand in Entra (R8).
        if known is None or (_is_pending(known) and invitation.sent_at is not None):
            await _mark_sending(services, invitation.id)
            made = await _ask_graph(services, invitation)
            left()
            await _sent(services, invitation.id, made)
        else:
            await _recognised(services, invitation.id, known)
    except Refused as refusal:
        await _failed(services, invitation.id, refusal.key)


async def renew_invitation(event: Event, services: Services) -> None:
    """Reaction to InvitationResent: a fresh link for the same guest, then our mail. Looks first: may be repeated."""
    async with services.store.read() as session:
        invitation = await invitations.get(session, event.subject)
    if invitation.state != InvitationState.SENT:
        return
    try:
        known = await services.directory.find_by_id(invitation.user_id) if invitation.user_id else None
        if known is None or _is_pending(known):
            await _renewed(services, invitation.id, await _ask_graph(services, invitation))
        else:
            await _accepted(services, invitation.id)
    except Refused as refusal:
        await _failed(services, invitation.id, refusal.key)


async def give_up_inviting(event: Event, services: Services, reason: str) -> None:
    """The outbox gave up on inviting: an administrator may ask again."""
    await _failed(services, event.subject, reason if reason.startswith("directory_") else "directory_down")


def require_guest(known: DirectoryUser) -> None:
    """Refused: `already_member`, a person of the firm; `account_disabled`."""
    if not known.guest:
        raise Refused("already_member", "email")
    if not known.enabled:
        raise Refused("account_disabled", "email")


# --- removing


async def remove_pending_guest(event: Event, services: Services) -> None:
    """Reaction to InvitationRevoked: a guest who never accepted goes; looked at first, already gone is done."""
    invitation, known = await _look(event, services)
    if known is not None and _is_pending(known):
        await _remove(services, invitation, known)


async def remove_guest(event: Event, services: Services) -> None:
    """Reaction to GuestDismissed: the guest goes, whatever they accepted; a member of the firm never does."""
    invitation, known = await _look(event, services)
    if known is not None and known.guest:
        await _remove(services, invitation, known)


async def _look(event: Event, services: Services) -> tuple[Invitation, DirectoryUser | None]:
    """The invitation, and its guest as Entra has it now; nobody where the person was invited again meanwhile."""
    async with services.store.read() as session:
        invitation = await invitations.get(session, event.subject)
        if await invitations.live(session, invitation.email) is not None:
            return invitation, None
    if invitation.user_id:
        return invitation, await services.directory.find_by_id(invitation.user_id)
    if invitation.sent_at is None:
        return invitation, None  # Graph was never asked: whoever has that address is not our guest
    return invitation, await services.directory.find_by_email(invitation.email)


async def _remove(services: Services, invitation: Invitation, known: DirectoryUser) -> None:
    reason = None
    try:
        await services.directory.delete_guest(known.id)
    except Refused:
        reason = "guest_not_removed"  # Passerelle may lack the permission: someone has to do it by hand
    async with services.store.work() as work:
        (await locked(work, invitation.id)).reason = reason
        work.journal(BOT, "guests.kept" if reason else "guests.removed", invitation.id, after=reason)
        work.emit(OffersChanged(invitation.id))


def _is_pending(known: DirectoryUser) -> bool:
    return known.guest and known.state == "PendingAcceptance"


async def _ask_graph(services: Services, invitation: Invitation) -> Invited:
    """For a guest still pending, Graph gives the same user and a fresh redeem link: never a second guest."""
    name = f"{invitation.given_name} {invitation.family_name}".strip()
    return await services.directory.invite(invitation.email, name, invitation.language, teams_link(services.firm))


_SENDING = update(Invitation).where(Invitation.id == bindparam("invitation")).values(sent_at=bindparam("at"))


async def _mark_sending(services: Services, invitation_id: str) -> None:
    await services.store.change(_SENDING, invitation=invitation_id, at=services.store.clock())


async def _failed(services: Services, invitation_id: str, reason: str) -> None:
    async with services.store.work() as work:
        invitation = await locked(work, invitation_id)
        sent_at = invitation.sent_at if invitation.state == InvitationState.SENT else None
        changes = {"reason": reason, "sent_at": sent_at}
        if await move_invitation(work, invitation_id, InvitationState.FAILED, BOT, **changes):
            work.emit(InvitationFailed(invitation_id))


async def _sent(services: Services, invitation_id: str, made: Invited) -> None:
    async with services.store.work(brief=True) as work:
        changes = {"user_id": made.user_id, "redeem_url": made.redeem_url, "sent_at": work.now}
        if await move_invitation(work, invitation_id, InvitationState.SENT, BOT, **changes):
            work.emit(GuestInvited(invitation_id))


async def _renewed(services: Services, invitation_id: str, made: Invited) -> None:
    async with services.store.work() as work:
        invitation = await locked(work, invitation_id)
        if invitation.state == InvitationState.SENT:
            invitation.user_id, invitation.redeem_url = made.user_id, made.redeem_url
            work.emit(GuestInvited(invitation_id))


async def _recognised(services: Services, invitation_id: str, known: DirectoryUser) -> None:
    """Made beforehand in Entra: never invited again. Still pending there, our own mail leaves only if it is asked for."""
    require_guest(known)
    pending = _is_pending(known)
    async with services.store.work() as work:
        to = InvitationState.SENT if pending else InvitationState.ACCEPTED
        when = {"sent_at": work.now} if pending else {"accepted_at": work.now}
        if await move_invitation(work, invitation_id, to, BOT, user_id=known.id, made_in_entra=True, **when):
            work.emit(GuestRecognised(invitation_id))


async def _accepted(services: Services, invitation_id: str) -> None:
    async with services.store.work() as work:
        if await move_invitation(work, invitation_id, InvitationState.ACCEPTED, BOT, accepted_at=work.now):
            work.emit(InvitationAccepted(invitation_id))


def teams_link(firm: Firm) -> str:
    """Where a guest lands after accepting: Teams, in the firm's tenant (deep links always carry the tenant id)."""
    return f"https://teams.microsoft.com/?tenantId={firm.tenant_id}"
