"""À réessayer: what the program gave up doing, on one card of « Général »; an administrator tries it again, or drops it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cards import render
from cards.words import words_of
from dialogs import reasons
from dialogs.dialog import Ctx, administrators, journal_refusal
from dialogs.saying import Posted, Say, carry
from dialogs.turn import Card, Redraw, Reply
from services import parked, places
from services.calendar import day_of
from services.errors import Refused
from services.events import Event
from services.outbox import MAIL
from services.parked import ParkedEffect
from services.record import Services
from services.store import Work

ROWS = 5
ABOUT = "parked:"
AGAIN, DROP, ALL = "parked_again", "parked_drop", "parked_all"


# --- the card


async def _card(services: Services, locale: str, notice: tuple[str, str] | None = None) -> Card:
    """Codes, states and reasons only: everyone of the firm reads it. `notice` is its kind and its sentence."""
    async with services.store.read() as session:
        shown = await parked.newest(session, ROWS)
        total, sure = await parked.count(session), await parked.count_sure(session)
        codes = await parked.codes(session, [one.subject for one in shown])
    d = {
        "n": total,
        "sure": sure,
        "rows": [_row(one, ", ".join(codes.get(one.subject, ())), locale) for one in shown],
        "more": total - len(shown),
        "moved": False,
        "notice": {"kind": notice[0], "text": notice[1]} if notice else None,
    }
    return _drawn(d, locale)


def _drawn(d: Mapping[str, Any], locale: str) -> Card:
    return render.card("parked/list", locale, {"d": d, "about": {"do": POSTED.name, "id": parked.EVERYTHING, "v": 1}})


def _row(one: ParkedEffect, codes: str, locale: str) -> dict[str, Any]:
    known = f"what.{one.reaction}" in words_of("parked", locale)
    return {
        "id": one.key,
        "what": one.reaction if known else "other",
        "codes": codes,
        "reason": reasons.sentence(one.reason or "outcome_unknown", locale),
        "since": one.since,
        "kind": "mail" if one.pool == MAIL.name else "message" if one.pool else "action",
        "doubt": one.unsure,
    }


async def _draw(ctx: Ctx, _subject: str) -> Card:
    await administrators(ctx, False)
    return await _card(ctx.services, ctx.locale)


# --- its buttons


async def _again(ctx: Ctx, subject: str, _inputs: Mapping[str, str]) -> Reply:
    return await _decide(ctx, AGAIN, subject, lambda work: parked.retry(work, subject, ctx.who.aad_id))


async def _drop(ctx: Ctx, subject: str, _inputs: Mapping[str, str]) -> Reply:
    return await _decide(ctx, DROP, subject, lambda work: parked.drop(work, subject, ctx.who.aad_id))


async def _all(ctx: Ctx, subject: str, _inputs: Mapping[str, str]) -> Reply:
    return await _decide(ctx, ALL, subject, lambda work: parked.retry_all(work, ctx.who.aad_id))


async def _decide(ctx: Ctx, verb: str, subject: str, decide: Callable[[Work], Awaitable[int]]) -> Reply:
    try:
        await administrators(ctx, True)
        async with ctx.services.store.work() as work:
            if not await decide(work):
                raise Refused("parked_settled")
    except Refused as refusal:
        await journal_refusal(ctx, verb, subject, refusal.key)
        return Redraw(
            await _card(ctx.services, ctx.locale, ("warning", render.text(f"errors.{refusal.key}", ctx.locale)))
        )
    done = "dropped" if verb == DROP else "again"
    return Redraw(await _card(ctx.services, ctx.locale, ("good", render.text(f"parked.{done}", ctx.locale))))


POSTED = Posted(
    "parked",
    draw=_draw,
    acts={AGAIN: _again, DROP: _drop, ALL: _all},
    commands=("a reessayer", "reessayer", "incidents", "parked", "retry"),
)


# --- afterwards


async def say_parked(_event: Event, services: Services) -> None:
    """Reaction to ParkedChanged: the card redrawn; a new message on the first day something is parked since, for people to hear.

    The message before it then points to the new one.
    """
    async with services.store.read() as session:
        newest = await parked.newest(session, 1)
        standing = await places.posted_like(session, ABOUT, places.GENERAL)
    days = [*standing, *(f"{ABOUT}{day_of(one.since)}" for one in newest)]
    if not days:
        return
    current = max(days)
    await _say(services, current, await _card(services, services.firm.locale))
    for before in standing:
        if before != current:
            nothing = {"n": 0, "sure": 0, "rows": [], "more": 0, "moved": True, "notice": None}
            await _say(services, before, _drawn(nothing, services.firm.locale))
            await places.forget_posted(services.store, before, places.GENERAL)
    if not newest:
        await places.forget_posted(services.store, current, places.GENERAL)


async def _say(services: Services, about: str, card: Card) -> None:
    await carry(services, Say(places.GENERAL, about, card, card["fallbackText"]))
