"""Mes approbations: all that awaits one person, a tick for each dossier, one Ok; each decided on its own."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import approving, colleagues
from dialogs.dialog import Ctx
from dialogs.saying import Posted, Say, carry, link_to
from dialogs.turn import Card, Redraw, Reply
from services import approvals, delegations, places, propositions
from services.approvals import Waiting
from services.errors import Refused
from services.events import Event
from services.models import Collaborateur
from services.record import Services

VERB = "approve_ticked"
TICK = "tick_"
"""Before a proposition's id: its input."""
ROWS = 10


async def _mine(ctx: Ctx) -> Collaborateur:
    """The clicker, as the portfolio knows them: whose card it was says nothing about who clicks."""
    member = await ctx.services.roles.staff_member(ctx.who.aad_id)
    if member is None:
        raise Refused("not_staff")
    async with ctx.services.store.read() as session:
        found = await delegations.collaborateur(session, member.email)
    if found is None:
        return Collaborateur(id="", email=member.email, name=member.name, aad_id=member.user_id)
    found.aad_id = member.user_id
    return found


async def _draw(ctx: Ctx, subject: str) -> Card:
    return await _page(ctx, subject, None)


async def _page(ctx: Ctx, subject: str, done: Mapping[str, Any] | None) -> Card:
    person = await _mine(ctx)
    number = int(subject) if subject.isdecimal() and len(subject) < 9 else 1
    async with ctx.services.store.read() as session:
        waiting = await approvals.of(session, ctx.services, person, number, ROWS)
    return await _card(ctx.services, waiting, ctx.locale, done)


async def _card(services: Services, waiting: Waiting, locale: str, done: Mapping[str, Any] | None = None) -> Card:
    rows = [
        {
            "input": TICK + one.proposition.id,
            "code": one.dossier.code,
            "company": one.dossier.company,
            "offer": one.offer.name,
            "since": one.proposition.awaiting_since or one.proposition.proposed_at,
            "url": await link_to(services, f"proposition:{one.proposition.id}"),
        }
        for one in waiting.rows
    ]
    d = {
        "total": waiting.total,
        "rows": rows,
        "page": waiting.page,
        "pages": waiting.pages,
        "approved": done["approved"] if done else None,
        "not_approved": done["not_approved"] if done else [],
        "loop_url": services.firm.loop_url,
    }
    return render.card("approve_many/card", locale, {"d": d})


async def _approve(ctx: Ctx, subject: str, inputs: Mapping[str, str]) -> Reply:
    """Each ticked one, on its own: one that somebody else decided meanwhile, or that is not theirs, holds up no other."""
    ticked = [name.removeprefix(TICK) for name, value in inputs.items() if name.startswith(TICK) and value == "true"]
    approved, refused = 0, []
    for count, proposition_id in enumerate(ticked[:ROWS]):
        refusal = await approving.approve(ctx, proposition_id, ticked=True, fresh=not count)
        approved += refusal is None
        if refusal is not None:
            refused.append(await _said(ctx, proposition_id, refusal))
    return Redraw(await _page(ctx, subject, {"approved": approved if ticked else 0, "not_approved": refused}))


async def _said(ctx: Ctx, proposition_id: str, refusal: Refused) -> dict[str, str]:
    async with ctx.services.store.read() as session:
        proposed = await propositions.get(session, proposition_id)
    why = render.text(f"errors.{refusal.key}", ctx.locale, **refusal.facts)
    return {"code": proposed.dossier.code, "offer": proposed.offer.name, "why": why}


POSTED = Posted(
    "approve_many",
    draw=_draw,
    acts={VERB: _approve},
    commands=("mes approbations", "approbations", "my approvals", "approvals"),
)


# --- afterwards


async def say_many(event: Event, services: Services) -> None:
    """Reaction to ApprovalsGathered: the list in the chat of whom it is for; once it is empty, the next one is a new message."""
    async with services.store.read() as session:
        person = await delegations.person(session, event.subject)
        waiting = await approvals.of(session, services, person, 1, ROWS)
        standing = await places.posted_in(session, approvals.about(person))
    if not standing and not waiting.total:
        return
    key = await colleagues.chat_with(services, person)
    if key is None:
        raise Refused("no_conversation")
    card = await _card(services, waiting, services.firm.locale)
    await carry(services, Say(key, approvals.about(person), card, card["fallbackText"]))
    if not waiting.total:
        await places.forget_posted(services.store, approvals.about(person), key)
