"""Bienvenue: after activation, the entrepreneur's vignette, what the offer gives, where to click. Never a password."""

from collections.abc import Sequence
from typing import Any

from cards import render
from dialogs.saying import Say, carry, letterhead, send_mail
from services import deliveries, invitations, matrix, offers, places, propositions
from services.errors import Refused
from services.events import Event
from services.propositions import Proposed
from services.record import Services


async def _welcomed(services: Services, proposition_id: str) -> tuple[Proposed, dict[str, Any]] | None:
    """Whom to welcome, with every company of theirs (one guest, several vignettes); None where the offer is over already."""
    async with services.store.read() as session:
        proposed = await propositions.get(session, proposition_id)
        held = await matrix.active_for(session, proposed.interlocuteur.email)
    if proposed.proposition.id not in {one.proposition.id for one in held}:
        return None
    others = [one for one in held if one.dossier.id != proposed.dossier.id]
    return proposed, _data(services, proposed, _vignettes(services, others))


def _vignettes(services: Services, held: Sequence[Proposed]) -> list[dict[str, Any]]:
    """One for each company, the latest first."""
    by_dossier: dict[str, list[Proposed]] = {}
    for one in held:
        by_dossier.setdefault(one.dossier.id, []).append(one)
    return [
        {
            "company": of_one[0].dossier.company,
            "offers": ", ".join(one.offer.name for one in of_one),
            "launch_url": services.firm.loop_url if any(_may_launch(one) for one in of_one) else None,
            "ged_url": services.firm.loop_url,
        }
        for of_one in by_dossier.values()
    ]


def _may_launch(one: Proposed) -> bool:
    return offers.rights(one.offer, one.qualite).may_launch


def _data(services: Services, proposed: Proposed, others: list[dict[str, Any]]) -> dict[str, Any]:
    rights = offers.rights(proposed.offer, proposed.qualite)
    d = {
        "given_name": proposed.interlocuteur.given_name,
        "company": proposed.dossier.company,
        "offer_name": proposed.offer.name,
        "gives": rights.gives(),
        "email": proposed.interlocuteur.email,
        "space_url": services.firm.loop_url,
        "launch_url": services.firm.loop_url if rights.may_launch else None,
        "ged_url": services.firm.loop_url,
        "others": others,
    }
    return {"d": d, "firm": letterhead(services.firm)}


async def mail_welcome(event: Event, services: Services) -> None:
    """Reaction to OfferActivated: the leg that counts as delivered."""
    welcomed = await _welcomed(services, event.subject)
    if welcomed is None:
        return
    proposed, data = welcomed
    person = proposed.interlocuteur
    mail = render.mail("welcome/welcome", person.language, data)
    try:
        await send_mail(services, event.subject, deliveries.WELCOME, person.email, mail)
    except Refused:
        await invitations.tell_offers_changed(event, services)  # the card in « Général » says why
        raise


async def say_welcome(event: Event, services: Services) -> None:
    """Reaction to OfferActivated: the Teams leg, best effort; where it cannot be, the reason is kept and the mail counts."""
    welcomed = await _welcomed(services, event.subject)
    if welcomed is None:
        return
    proposed, data = welcomed
    if await deliveries.delivered(services.store, event.subject, deliveries.WELCOME_TEAMS):
        return
    async with services.store.read() as session:
        invitation = await invitations.live(session, proposed.interlocuteur.email)
    person = proposed.interlocuteur
    card = render.card("welcome/card", person.language, data)
    summary = render.text("welcome.summary", person.language, company=proposed.dossier.company)
    key = places.personal(invitation.user_id or "") if invitation else "user:"
    try:
        await carry(services, Say(key, f"welcome:{event.subject}", card, summary))
    except Refused as refusal:
        await deliveries.record(services.store, event.subject, deliveries.WELCOME_TEAMS, refusal.key)
        return
    await deliveries.record(services.store, event.subject, deliveries.WELCOME_TEAMS)


async def teams_in_doubt(event: Event, services: Services, _reason: str) -> None:
    """The outbox gave up on the Teams leg, posted or not: an administrator sees it on the dossier; the mail counts."""
    await deliveries.record(services.store, event.subject, deliveries.WELCOME_TEAMS, deliveries.MESSAGE_IN_DOUBT)
