"""The menu: what one may ask, as buttons; also the answer to a word the bot does not know."""

from cards import render
from dialogs.dialog import Ctx
from dialogs.saying import Posted
from dialogs.turn import Card
from services import dossiers, parked
from services.errors import Refused, Unavailable

COMMANDS = ("aide", "help", "menu", "bonjour", "hello")
ROWS = 15
UNKNOWN = 80


async def menu_card(ctx: Ctx, unknown: str | None = None) -> Card:
    """The menu, saying first which words were not understood."""
    try:
        admin = await ctx.services.roles.is_administrator(ctx.who.aad_id)
    except (Refused, Unavailable):
        admin = True  # Entra is silent: the buttons ask again before anything opens
    to_retry = await parked.count_alone(ctx.services.store) if admin else 0
    data = {
        "d": {"parked": to_retry, "unknown": unknown[:UNKNOWN] if unknown else None, "admin": admin},
        "firm": {"name": ctx.services.firm.name},
        "about": {"do": POSTED.name, "id": "1", "v": 1},
    }
    return render.card("menu/menu", ctx.locale, data)


def launch_card(ctx: Ctx, dialog: str) -> Card:
    """The answer to a typed command: a bot can open a Teams dialog only from a button."""
    return render.card("menu/launch", ctx.locale, {"d": {"dialog": dialog}, "firm": {"name": ctx.services.firm.name}})


def notice_card(ctx: Ctx, sentence: str) -> Card:
    """One sentence where a card is due."""
    return render.card(
        "common/notice", ctx.locale, {"d": {"kind": "attention", "title": ctx.services.firm.name, "text": sentence}}
    )


async def search_rows(ctx: Ctx, dataset: str, text: str, top: int) -> tuple[tuple[str, str], ...]:
    """Rows of the dossier typeahead; no row in an outage: the text search remains. Refused("not_administrator")."""
    if dataset != "dossiers":
        raise Refused("card_unknown")
    try:
        if not await ctx.services.roles.is_administrator(ctx.who.aad_id):
            raise Refused("not_administrator")
    except Unavailable:
        return ()
    async with ctx.services.store.read() as session:
        found = await dossiers.search(session, text, min(top, ROWS))
    return tuple((one.id, dossiers.title(one)) for one in found)


async def _draw(ctx: Ctx, _subject: str) -> Card:
    return await menu_card(ctx)


POSTED = Posted("menu", draw=_draw, commands=COMMANDS)
