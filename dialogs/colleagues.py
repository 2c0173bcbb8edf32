"""The firm's people as Teams knows them: the ids that mentions and refreshes need, and their 1:1 chat with the bot."""

from services import delegations, places
from services.models import Collaborateur
from services.record import Services


async def acquainted(services: Services, person: Collaborateur) -> Collaborateur:
    """The same person with Teams' ids, where the team's roster has their e-mail."""
    general = await places.find(services.store, places.GENERAL)
    if general is None or (person.aad_id and person.mri):
        return person
    for member in await services.chat.members(general):
        if member.email.casefold() == person.email.casefold():
            await services.roles.recognise(person.id, member.aad_id, member.mri, member.name)
    async with services.store.read() as session:
        return await delegations.collaborateur(session, person.email) or person


async def chat_with(services: Services, person: Collaborateur) -> str | None:
    """The key of their 1:1 chat, opened if need be; None where Teams does not know them."""
    person = await acquainted(services, person)
    if person.aad_id is None:
        return None
    key = places.personal(person.aad_id)
    if await places.find(services.store, key) is None:
        general = await places.find(services.store, places.GENERAL)
        if general is None or person.mri is None:
            return None
        await places.remember(services.store, key, await services.chat.open_personal(general, person.mri))
    return key
