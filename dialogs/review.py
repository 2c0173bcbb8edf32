"""Toujours client ? Once a year in the chat of whoever has the dossiers; a « Non » goes to the administrators."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import colleagues
from dialogs.dialog import Ctx, journal_refusal
from dialogs.saying import Posted, Say, carry
from dialogs.turn import Card, Redraw, Reply
from services import dossiers, places, reviews
from services.errors import Refused
from services.events import Event
from services.record import Services

VERB = "review_answer"
CLIENT = "client_"
"""Before a dossier's id: its input."""


async def _draw(ctx: Ctx, subject: str) -> Card:
    return await _card(ctx.services, subject, ctx.locale)


async def _card(services: Services, batch: str, locale: str, notices: tuple[str, ...] = ()) -> Card:
    """What the card asks, and what was answered; once a newer one asks, that it does."""
    async with services.store.read() as session:
        found = await reviews.asked(session, batch)
    rows = [
        {
            "input": CLIENT + dossier.id,
            "code": dossier.code,
            "company": dossier.company,
            "state": row.answer,
            "by": row.answered_by_name if row.answer else None,
            "at": row.answered_at if row.answer else None,
        }
        for row, dossier in (found.rows if found else ())
    ]
    d: dict[str, Any] = {
        "open": found.open if found else 0,
        "moved": found is None,
        "reminder": found.reminder if found else False,
        "rows": rows,
        "notices": list(notices),
    }
    return render.card("review/ask", locale, {"d": d, "about": {"do": POSTED.name, "id": batch, "v": 1}})


async def _answer(ctx: Ctx, subject: str, inputs: Mapping[str, str]) -> Reply:
    """Each answered dossier on its own; one that somebody answered meanwhile, or that is not theirs, holds up no other."""
    said = {name.removeprefix(CLIENT): value for name, value in inputs.items() if name.startswith(CLIENT) and value}
    notices = []
    for count, (dossier_id, value) in enumerate(list(said.items())[: reviews.AT_MOST]):
        try:
            await _record(ctx, subject, dossier_id, value, fresh=not count)
        except Refused as refusal:
            await journal_refusal(ctx, VERB, dossier_id, refusal.key)
            notices.append(render.text(f"errors.{refusal.key}", ctx.locale, **refusal.facts))
    if not said:
        notices.append(render.text("review.none", ctx.locale))
    return Redraw(await _card(ctx.services, subject, ctx.locale, tuple(dict.fromkeys(notices))))


async def _record(ctx: Ctx, batch: str, dossier_id: str, value: str, *, fresh: bool) -> None:
    async with ctx.services.store.read() as session:
        dossier = await dossiers.get(session, dossier_id)
    if not await ctx.services.roles.is_collaborateur_of(ctx.who.aad_id, dossier.id, fresh=fresh):
        raise Refused("not_collaborateur", None, code=dossier.code)
    async with ctx.services.store.work() as work:
        await reviews.answer(work, batch, dossier.id, value, ctx.who.aad_id, ctx.who.name)


POSTED = Posted("review", draw=_draw, acts={VERB: _answer})


# --- afterwards


async def say_review(event: Event, services: Services) -> None:
    """Reaction to ReviewAsked: one card in the chat of whoever has these dossiers."""
    async with services.store.read() as session:
        found = await reviews.asked(session, event.subject)
    if found is None:
        return
    key = await colleagues.chat_with(services, found.person)
    if key is None:
        raise Refused("no_conversation")
    await _say(services, event.subject, key)


async def redraw_review(event: Event, services: Services) -> None:
    """Reaction to an answer, or to a reminder: the card shows it."""
    async with services.store.read() as session:
        standing = await places.posted_in(session, f"review:{event.subject}")
    for key in standing:
        await _say(services, event.subject, key)


async def _say(services: Services, batch: str, key: str) -> None:
    card = await _card(services, batch, services.firm.locale)
    await carry(services, Say(key, f"review:{batch}", card, card["fallbackText"]))


async def say_to_end(event: Event, services: Services) -> None:
    """Reaction to a « Non »: a card in « Général », whose button opens the end of the mission on that dossier."""
    async with services.store.read() as session:
        dossier = await dossiers.get(session, event.subject)
        said = await reviews.said_of(session, dossier.id)
    d = {"code": dossier.code, "company": dossier.company, "by": said.answered_by_name, "at": said.answered_at}
    about = {"do": "dossier", "id": dossier.id, "v": 1}
    card = render.card("review/to_end", services.firm.locale, {"d": d, "about": about})
    subject = f"to_end:{dossier.id}:{said.batch}"
    await carry(services, Say(places.GENERAL, subject, card, card["fallbackText"]))
