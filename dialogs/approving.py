"""One approval, as every card that offers it gives it: the same right, the same transition, the same line in the journal."""

from dialogs.dialog import Ctx, journal_refusal
from services import propositions
from services.errors import Refused

VERB = "approve_activation"


async def require_approver(ctx: Ctx, proposition_id: str, *, fresh: bool) -> None:
    """Whoever may decide about this proposition today; Refused as services.roles says, or `not_found`."""
    async with ctx.services.store.read() as session:
        proposed = await propositions.get(session, proposition_id)
    await ctx.services.roles.require_approver(ctx.who.aad_id, proposed, fresh=fresh)


async def approve(ctx: Ctx, proposition_id: str, *, ticked: bool, fresh: bool = True) -> Refused | None:
    """Approve as this person; gives why not, an attempt being written down. What never existed is Refused("not_found")."""
    try:
        await require_approver(ctx, proposition_id, fresh=fresh)
        async with ctx.services.store.work() as work:
            await propositions.approve_activation(work, proposition_id, ctx.who.aad_id, ctx.who.name, ticked=ticked)
    except Refused as refusal:
        if refusal.key == "not_found":
            raise
        await journal_refusal(ctx, VERB, proposition_id, refusal.key)
        return refusal
    return None
