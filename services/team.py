"""The firm's explicit choice to add accepted guests to its team, where clients see each other (INVITE_TO_TEAM)."""

from services import deliveries, invitations, places
from services.errors import Refused
from services.events import Event
from services.models import InvitationState
from services.record import Services

LEG = "team"


async def add_to_team(event: Event, services: Services) -> None:
    """Reaction to an acceptance. Already a member counts as done, so it may be repeated; a refusal stays visible."""
    if not services.firm.invite_to_team:
        return
    async with services.store.read() as session:
        invitation = await invitations.get(session, event.subject)
    general = await places.find(services.store, places.GENERAL)
    if general is None or general.group_id is None:
        raise Refused("bot_not_installed")
    if invitation.user_id is None or invitation.state != InvitationState.ACCEPTED:
        return  # recognised in Entra, but still to accept: their acceptance comes here too
    try:
        await services.directory.add_to_team(general.group_id, invitation.user_id)
    except Refused as refusal:
        await deliveries.record(services.store, invitation.id, LEG, refusal.key)
        raise
    await deliveries.record(services.store, invitation.id, LEG)
