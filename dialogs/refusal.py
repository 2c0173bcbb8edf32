"""À corriger: a collaborateur refused an activation, and it is the administrators' turn."""

from cards import render
from dialogs import colleagues
from dialogs.saying import Say, carry
from services import places, propositions, tracking
from services.events import Event
from services.record import Services


async def say_refusal(event: Event, services: Services) -> None:
    """Reaction to a refusal: a card of its own in « Général », since redrawing the request's would tell nobody."""
    await _say(services, event.subject)


async def redraw_refusals(event: Event, services: Services) -> None:
    """Reaction to a proposition: the refusals it corrects ask no more."""
    async with services.store.read() as session:
        corrected = await propositions.refused_before(session, event.subject)
        standing = [one for one in corrected if await places.posted(session, _about(one), places.GENERAL)]
    for one in standing:
        await _say(services, one)


def _about(proposition_id: str) -> str:
    return f"refusal:{proposition_id}"


async def _say(services: Services, proposition_id: str) -> None:
    async with services.store.read() as session:
        proposed = await propositions.get(session, proposition_id)
        waits = await tracking.client(session, proposition_id, proposed.dossier.id) is not None
        if not waits and await places.posted(session, _about(proposition_id), places.GENERAL) is None:
            return  # settled before anybody was told
    row = proposed.proposition
    mention = await colleagues.mentioned(services, row.proposed_by) if waits else None
    d = {
        "code": proposed.dossier.code,
        "company": proposed.dossier.company,
        "offer": proposed.offer.name,
        "by": row.decided_by_name,
        "at": row.decided_at,
        "reason": row.reason,
        "open": waits,
        "mention": mention.name if mention else None,
    }
    about = {"do": "propose_offer", "id": row.id, "v": row.version}
    card = render.card("approve_activation/refused", services.firm.locale, {"d": d, "about": about})
    mentions = (mention,) if mention else ()
    await carry(services, Say(places.GENERAL, _about(row.id), card, card["fallbackText"], mentions))
