"""Approuver: the card in « Général » and in the collaborateur's chat; one decision, told to everyone (R22–R25)."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import colleagues, fields, steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, journal_refusal
from dialogs.saying import Posted, Say, carry
from dialogs.turn import Card, Redraw, Reply
from services import delegations, invitations, loop, places, propositions, reminders
from services.calendar import day_of
from services.delegations import Approvers
from services.errors import Refused, Unavailable
from services.events import Event
from services.models import PropositionState
from services.ports import Mention
from services.propositions import Proposed
from services.record import Services
from services.store import Work

VERB = "approve_activation"
OPEN = (PropositionState.PROPOSED, PropositionState.AWAITING_APPROVAL)
CLOSED = (PropositionState.WITHDRAWN, PropositionState.ENDED)
SHOWN = {PropositionState.PROPOSED: "awaiting_approval"}


# --- the card


async def _look(services: Services, subject: str) -> tuple[Proposed, Approvers]:
    """The proposition, and who may approve it today."""
    async with services.store.read() as session:
        proposed = await propositions.get(session, subject)
        may = await delegations.approvers(session, proposed.dossier, day_of(services.store.clock()))
    return proposed, may


async def _acquainted(services: Services, subject: str) -> tuple[Proposed, Approvers]:
    """The same, with Teams' ids: mentions, refreshes and 1:1 chats need them."""
    for one in (await _look(services, subject))[1].all:
        await colleagues.acquainted(services, one)
    return await _look(services, subject)


async def _card(
    services: Services,
    proposed: Proposed,
    may: Approvers,
    locale: str,
    *,
    can_decide: bool,
    mention: bool = False,
    notice: str | None = None,
    refresh: bool = True,
) -> Card:
    row, asked = proposed.proposition, may.asked
    offer = steps.offer_card(proposed.offer, proposed.qualite)
    async with services.store.read() as session:
        reminded_at = await reminders.reminded_at(session, row)
    data: dict[str, Any] = {
        "d": {
            "code": proposed.dossier.code,
            "company": proposed.dossier.company,
            "offer_name": offer["name"],
            "offer_gives": offer["gives"],
            "state": SHOWN.get(row.state, row.state),
            "collaborateur": {"name": asked.name} if asked else None,
            "stands_in": {"name": may.owner.name, "until": may.until} if may.owner and may.stand_in else None,
            "mention": mention and asked is not None,
            "steps": steps.guide_rows(loop.initialise(proposed.dossier, proposed.offer)),
            "since": row.awaiting_since or row.proposed_at,
            "reminded_at": reminded_at,
            "decided_by": row.closed_by_name or row.decided_by_name,
            "decided_at": row.closed_at or row.decided_at,
            "reason": row.reason,
            "can_decide": can_decide and row.state in OPEN,
            "notice": notice,
            "loop_url": services.firm.loop_url,
        },
        "about": {"do": POSTED.name, "id": row.id, "v": row.version},
    }
    known = [one.mri for one in may.all if one.mri]
    if refresh and known and row.state in OPEN:
        data["refresh"] = known
    return render.card("approve_activation/request", locale, data)


async def _draw(ctx: Ctx, subject: str, notice: str | None = None) -> Card:
    proposed, may = await _look(ctx.services, subject)
    try:
        can = await ctx.services.roles.is_collaborateur_of(ctx.who.aad_id, proposed.dossier.id)
    except Unavailable:
        can = True  # Entra is silent: show the buttons; the click itself will ask again before anything changes
    return await _card(ctx.services, proposed, may, ctx.locale, can_decide=can, notice=notice)


async def _approve(ctx: Ctx, subject: str, inputs: Mapping[str, str]) -> Reply:
    try:
        await _only_collaborateur(ctx, subject, fresh=True)
        async with ctx.services.store.work() as work:
            await propositions.approve_activation(
                work, subject, ctx.who.aad_id, ctx.who.name, ticked=inputs.get("extension") == "true"
            )
    except Refused as refusal:
        if refusal.key in ("not_found", "card_unknown"):
            raise
        await journal_refusal(ctx, VERB, subject, refusal.key)
        notice = render.text(f"errors.{refusal.key}", ctx.locale, **refusal.facts)
        return Redraw(await _draw(ctx, subject, notice))
    return Redraw(await _draw(ctx, subject))


async def _only_collaborateur(ctx: Ctx, subject: str | None, *, fresh: bool) -> None:
    async with ctx.services.store.read() as session:
        proposed = await propositions.get(session, subject or "")
    if not await ctx.services.roles.is_collaborateur_of(ctx.who.aad_id, proposed.dossier.id, fresh=fresh):
        raise Refused("not_collaborateur", None, code=proposed.dossier.code)


POSTED = Posted("approval", draw=_draw, acts={VERB: _approve})


# --- refusing, in a dialog


async def _load_refuse(ctx: Ctx, _answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        proposed = await propositions.get(session, ctx.subject or "")
    return View(
        d={"code": proposed.dossier.code, "company": proposed.dossier.company, "offer_name": proposed.offer.name}
    )


async def _allowed(ctx: Ctx, fresh: bool) -> None:
    await _only_collaborateur(ctx, ctx.subject, fresh=fresh)


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    await propositions.refuse_activation(work, ctx.subject or "", ctx.who.aad_id, ctx.who.name, answers["reason"])
    return Outcome("refuse_activation.done")


DIALOG = Dialog(
    name="refuse_activation",
    steps=(
        Step(
            "refuse",
            fields=(fields.note("reason", required=True),),
            load=_load_refuse,
            template="approve_activation/refuse",
            sample=View(d={"code": "BOUMAR", "company": "Boulangerie Martin", "offer_name": "Consultation"}),
        ),
    ),
    finish=_finish,
    allowed=_allowed,
)


# --- afterwards


async def say_request(event: Event, services: Services) -> None:
    """Reaction to a proposition and to its decision: the card in « Général », redrawn for everyone."""
    proposed, may = await _acquainted(services, event.subject)
    await _say(services, proposed, may, places.GENERAL)
    if await propositions.awaits_approval(services.store, event.subject, "passerelle"):
        await invitations.tell_offers_changed(event, services)


async def say_request_in_chat(event: Event, services: Services) -> None:
    """The same card in the chat of whom it asks; where there is none, « Général » has it all the same."""
    proposed, may = await _acquainted(services, event.subject)
    key = await colleagues.chat_with(services, may.asked) if may.asked else None
    if key is not None:
        await _say(services, proposed, may, key)


async def redraw_request_elsewhere(event: Event, services: Services) -> None:
    """The same card in the chats of those asked before: a delegation began or ended meanwhile."""
    proposed, may = await _acquainted(services, event.subject)
    now_asked = places.personal(may.asked.aad_id or "") if may.asked else ""
    async with services.store.read() as session:
        standing = await places.posted_in(session, _about(proposed))
    for key in standing:
        if key not in (places.GENERAL, now_asked):
            await _say(services, proposed, may, key)


def _about(proposed: Proposed) -> str:
    return f"proposition:{proposed.proposition.id}"


async def _say(services: Services, proposed: Proposed, may: Approvers, place_key: str) -> None:
    row, asked = proposed.proposition, may.asked
    async with services.store.read() as session:
        if row.state in CLOSED and await places.posted(session, _about(proposed), place_key) is None:
            return  # taken back before anybody was asked
    in_chat = place_key != places.GENERAL
    known = bool(may.all) and all(one.mri for one in may.all)
    theirs = place_key in {places.personal(one.aad_id) for one in may.all if one.aad_id}
    locale = services.firm.locale
    mentions: tuple[Mention, ...] = ()
    if row.state in OPEN and not in_chat and asked is not None and asked.aad_id is not None:
        mentions = (Mention(asked.mri or asked.aad_id, asked.name),)
    card = await _card(
        services,
        proposed,
        may,
        locale,
        # Where Teams cannot tell the collaborateur apart (no MRI yet), everyone sees the buttons; the click still asks.
        can_decide=theirs if in_chat else not known,
        mention=bool(mentions),
        refresh=not in_chat,
    )
    summary = render.text("approve_activation.summary", locale, code=proposed.dossier.code, offer=proposed.offer.name)
    await carry(services, Say(place_key, _about(proposed), card, summary, mentions))
