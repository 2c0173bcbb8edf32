"""Approuver: the card in « Général » and in the collaborateur's chat; one decision, told to everyone (R22–R25)."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import fields, steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View
from dialogs.saying import Posted, Say, carry
from dialogs.turn import Card, Redraw, Reply
from services import loop, places, propositions
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


async def _card(
    services: Services,
    proposed: Proposed,
    locale: str,
    *,
    can_decide: bool,
    mention: bool = False,
    notice: str | None = None,
    refresh: tuple[str, ...] = (),
) -> Card:
    row = proposed.proposition
    owner = proposed.dossier.collaborateur
    offer = steps.offer_card(proposed.offer, proposed.qualite)
    data: dict[str, Any] = {
        "d": {
            "code": proposed.dossier.code,
            "company": proposed.dossier.company,
            "offer_name": offer["name"],
            "offer_gives": offer["gives"],
            "state": SHOWN.get(row.state, row.state),
            "collaborateur": {"name": owner.name} if owner else None,
            "mention": mention and owner is not None,
            "steps": steps.guide_rows(loop.initialise(proposed.dossier, proposed.offer)),
            "since": row.proposed_at,
            "decided_by": row.closed_by_name or row.decided_by_name,
            "decided_at": row.closed_at or row.decided_at,
            "reason": row.reason,
            "can_decide": can_decide and row.state in OPEN,
            "notice": notice,
            "loop_url": services.firm.loop_url,
        },
        "about": {"do": POSTED.name, "id": row.id, "v": row.version},
    }
    if refresh:
        data["refresh"] = list(refresh)
    return render.card("approve_activation/request", locale, data)


async def _draw(ctx: Ctx, subject: str, notice: str | None = None) -> Card:
    async with ctx.services.store.read() as session:
        proposed = await propositions.get(session, subject)
    try:
        can = await ctx.services.roles.is_collaborateur_of(ctx.who.aad_id, proposed.dossier.id)
    except Unavailable:
        can = True  # Entra is silent: show the buttons; the click itself will ask again before anything changes
    owner = proposed.dossier.collaborateur
    refresh = (owner.mri,) if owner and owner.mri and proposed.proposition.state in OPEN else ()
    return await _card(ctx.services, proposed, ctx.locale, can_decide=can, notice=notice, refresh=refresh)


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
        notice = render.text(f"errors.{refusal.key}", ctx.locale, **refusal.facts)
        return Redraw(await _draw(ctx, subject, notice))
    return Redraw(await _draw(ctx, subject))


async def _only_collaborateur(ctx: Ctx, subject: str | None, *, fresh: bool) -> None:
    async with ctx.services.store.read() as session:
        proposed = await propositions.get(session, subject or "")
    if not await ctx.services.roles.is_collaborateur_of(ctx.who.aad_id, proposed.dossier.id, fresh=fresh):
        async with ctx.services.store.work() as work:
            work.journal(ctx.who.aad_id, f"refused.{VERB}", subject or "-", after="not_collaborateur")
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
    await _learn_owner(services, event.subject)
    async with services.store.read() as session:
        proposed = await propositions.get(session, event.subject)
    await _say(services, proposed, places.GENERAL)
    await propositions.awaits_approval(services.store, event.subject, "passerelle")


async def say_request_in_chat(event: Event, services: Services) -> None:
    """The same card in the collaborateur's own chat; where there is none, « Général » has it all the same."""
    async with services.store.read() as session:
        proposed = await propositions.get(session, event.subject)
    owner = proposed.dossier.collaborateur
    if owner is None or owner.aad_id is None:
        return
    key = places.personal(owner.aad_id)
    general = await places.find(services.store, places.GENERAL)
    if await places.find(services.store, key) is None and general is not None and owner.mri is not None:
        await places.remember(services.store, key, await services.chat.open_personal(general, owner.mri))
    await _say(services, proposed, key)


async def _say(services: Services, proposed: Proposed, place_key: str) -> None:
    row, owner = proposed.proposition, proposed.dossier.collaborateur
    about = f"proposition:{row.id}"
    async with services.store.read() as session:
        if row.state in CLOSED and await places.posted(session, about, place_key) is None:
            return  # taken back before anybody was asked
    in_chat = place_key != places.GENERAL
    waiting = row.state in OPEN
    known = owner is not None and owner.mri is not None
    locale = services.firm.locale
    card = await _card(
        services,
        proposed,
        locale,
        # Where Teams cannot tell the collaborateur apart (no MRI yet), everyone sees the buttons; the click still asks.
        can_decide=in_chat or not known,
        mention=waiting and not in_chat,
        refresh=(owner.mri,) if owner and owner.mri and waiting and not in_chat else (),
    )
    mentions: tuple[Mention, ...] = ()
    if waiting and not in_chat and owner is not None and owner.aad_id is not None:
        mentions = (Mention(owner.mri or owner.aad_id, owner.name),)
    summary = render.text("approve_activation.summary", locale, code=proposed.dossier.code, offer=proposed.offer.name)
    await carry(services, Say(place_key, about, card, summary, mentions))


async def _learn_owner(services: Services, subject: str) -> None:
    """Match the portfolio's collaborateur (an e-mail) with the team's roster: mentions and refresh need Teams' ids."""
    async with services.store.read() as session:
        owner = (await propositions.get(session, subject)).dossier.collaborateur
    general = await places.find(services.store, places.GENERAL)
    if owner is None or general is None or (owner.aad_id and owner.mri):
        return
    for member in await services.chat.members(general):
        if member.email.casefold() == owner.email.casefold():
            await services.roles.recognise(owner.id, member.aad_id, member.mri, member.name)
