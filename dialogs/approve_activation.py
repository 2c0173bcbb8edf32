"""Approuver: the card in « Général » and in the collaborateur's chat; one decision, told to everyone (R22–R25)."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import approving, clients, colleagues, fields, steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View
from dialogs.saying import Posted, Say, carry, link_to
from dialogs.turn import Card, Redraw, Reply
from services import approvals, invitations, loop, places, propositions, reminders
from services.delegations import Approvers
from services.errors import Refused, Unavailable
from services.events import Event
from services.models import PropositionState
from services.ports import Mention
from services.propositions import Proposed
from services.record import Services
from services.store import Work

OPEN = (PropositionState.PROPOSED, PropositionState.AWAITING_APPROVAL)
CLOSED = (PropositionState.WITHDRAWN, PropositionState.ENDED)
SHOWN = {PropositionState.PROPOSED: "awaiting_approval"}


# --- the card


async def _look(services: Services, subject: str) -> tuple[Proposed, Approvers]:
    """The proposition, and who may approve it today."""
    async with services.store.read() as session:
        proposed = await propositions.get(session, subject)
    return proposed, await services.roles.approvers(proposed)


async def _acquainted(services: Services, subject: str) -> tuple[Proposed, Approvers]:
    """The same, with Teams' ids: mentions, refreshes and 1:1 chats need them."""
    may = (await _look(services, subject))[1]
    for one in (may.owner, may.stand_in):
        if one is not None:
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
    elsewhere: bool = False,
    back: str = "",
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
            "barred": may.requester.name if may.requester else None,
            "mention": mention and asked is not None,
            "steps": steps.guide_rows(loop.initialise(proposed.dossier, proposed.offer)),
            "since": row.awaiting_since or row.proposed_at,
            "reminded_at": reminded_at,
            "decided_by": row.closed_by_name or row.decided_by_name,
            "decided_at": row.closed_at or row.decided_at,
            "reason": row.reason,
            "can_decide": can_decide and row.state in OPEN,
            "notice": notice,
            "current": await link_to(services, _about(proposed)) if elsewhere else None,
            "loop_url": services.firm.loop_url,
            "id": row.id,
            "back": clients.back(back) if back else None,
        },
        "about": {"do": POSTED.name, "id": f"{row.id}:{back}" if back else row.id, "v": row.version},
    }
    known = [one.mri for one in may.all if one.mri]
    if refresh and known and row.state in OPEN:
        data["refresh"] = known
    return render.card("approve_activation/request", locale, data)


async def _draw(ctx: Ctx, subject: str, notice: str | None = None, *, elsewhere: bool = False) -> Card:
    """`subject` is the proposition; after a colon, the list that the card was opened from, where it was."""
    proposition_id, _, back = subject.partition(":")
    proposed, may = await _look(ctx.services, proposition_id)
    can = True
    try:
        await ctx.services.roles.require_approver(ctx.who.aad_id, proposed)
    except Refused:
        can = False
    except Unavailable:
        pass  # Entra is silent: show the buttons; the click itself will ask again before anything changes
    return await _card(
        ctx.services, proposed, may, ctx.locale, can_decide=can, notice=notice, elsewhere=elsewhere, back=back
    )


async def _approve(ctx: Ctx, subject: str, inputs: Mapping[str, str]) -> Reply:
    refusal = await approving.approve(ctx, subject.partition(":")[0], ticked=inputs.get("extension") == "true")
    if refusal is None:
        return Redraw(await _draw(ctx, subject))
    notice = render.text(f"errors.{refusal.key}", ctx.locale, **refusal.facts)
    return Redraw(await _draw(ctx, subject, notice, elsewhere=refusal.key == "not_collaborateur"))


POSTED = Posted("approval", draw=_draw, acts={approving.VERB: _approve})


# --- refusing, in a dialog


async def _load_refuse(ctx: Ctx, _answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        proposed = await propositions.get(session, ctx.subject or "")
    return View(
        d={"code": proposed.dossier.code, "company": proposed.dossier.company, "offer_name": proposed.offer.name}
    )


async def _allowed(ctx: Ctx, fresh: bool) -> None:
    await approving.require_approver(ctx, ctx.subject or "", fresh=fresh)


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
        await approvals.tell(event, services)


async def say_request_in_chat(event: Event, services: Services) -> None:
    """The same card in the chat of whom it asks, unless a list asks there; where there is no chat, « Général » has it."""
    proposed, may = await _acquainted(services, event.subject)
    key = await colleagues.chat_with(services, may.asked) if may.asked else None
    if may.asked is None or key is None or await approvals.listed(event, services, may.asked, key):
        return
    await _say(services, proposed, may, key)


async def redraw_request_elsewhere(event: Event, services: Services) -> None:
    """The same card in the chats of those asked before: a delegation began or ended, or the dossier changed hands."""
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
    in_chat = place_key != places.GENERAL
    over = row.state not in OPEN if in_chat else row.state in CLOSED
    async with services.store.read() as session:
        if over and await places.posted(session, _about(proposed), place_key) is None:
            return  # there was no card to ask on; what was decided all the same, « Général » is told
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
        can_decide=theirs if in_chat else not known and may.asked is not None,
        mention=bool(mentions),
        refresh=not in_chat,
        elsewhere=in_chat and not theirs and row.state in OPEN,
    )
    summary = render.text("approve_activation.summary", locale, code=proposed.dossier.code, offer=proposed.offer.name)
    await carry(services, Say(place_key, _about(proposed), card, summary, mentions))
