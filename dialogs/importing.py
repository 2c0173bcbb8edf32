"""What the cards of both kinds of files ask alike."""

from dialogs.dialog import Ctx, journal_refusal
from services import imports
from services.errors import Refused
from services.models import Import


async def own(ctx: Ctx, card: str, subject: str) -> Import:
    """The file, for who sent it alone; to anybody else it does not exist, and the attempt is journalled. Refused("not_found")."""
    async with ctx.services.store.read() as session:
        found = await imports.get(session, subject)
    if found.owner != ctx.who.aad_id:
        await journal_refusal(ctx, card, subject, "not_yours")
        raise Refused("not_found")
    return found
