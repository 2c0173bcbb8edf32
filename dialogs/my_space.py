"""Mon espace: whatever an entrepreneur writes, their own companies and where each stands; nothing of anybody else."""

from typing import Any

from cards import render
from dialogs.dialog import Ctx
from dialogs.saying import Posted
from dialogs.turn import Card
from services import offers, spaces
from services.spaces import Company


async def _draw(ctx: Ctx, _subject: str) -> Card:
    async with ctx.services.store.read() as session:
        space = await spaces.of_account(session, ctx.who.aad_id)
    firm = ctx.services.firm
    companies = [_company(one, firm.loop_url) for one in space.companies] if space else []
    locale = space.language if space else ctx.locale
    return render.card("my_space/space", locale, {"d": {"companies": companies}, "firm": {"name": firm.name}})


def _company(one: Company, loop_url: str) -> dict[str, Any]:
    held = [(each.offer.name, offers.rights(each.offer, each.qualite)) for each in one.active]
    return {
        "company": one.name,
        "offers": ", ".join(name for name, _ in held),
        "launch_url": loop_url if any(rights.may_launch for _, rights in held) else None,
        "ged_url": loop_url,
        "held": [{"name": name, "gives": rights.gives()} for name, rights in held],
        "coming": list(one.coming),
    }


POSTED = Posted("my_space", draw=_draw, for_guests=True)
