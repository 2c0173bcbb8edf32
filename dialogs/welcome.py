"""Bienvenue: after activation, the entrepreneur's vignette, what the offer gives, where to click. Never a password."""

from typing import Any

from cards import render
from dialogs.saying import Say, carry, send_mail
from services import deliveries, invitations, offers, places, propositions
from services.errors import Refused
from services.events import Event
from services.propositions import Proposed
from services.record import Services

MAIL_LEG = "welcome_mail"
TEAMS_LEG = "welcome_teams"


def _data(services: Services, proposed: Proposed) -> dict[str, Any]:
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
    }
    return {"d": d, "firm": {"name": services.firm.name}}


async def mail_welcome(event: Event, services: Services) -> None:
    """Reaction to OfferActivated: the leg that counts as delivered."""
    async with services.store.read() as session:
        proposed = await propositions.get(session, event.subject)
    person = proposed.interlocuteur
    mail = render.mail("welcome/welcome", person.language, _data(services, proposed))
    await send_mail(services, event.subject, MAIL_LEG, person.email, mail)


async def say_welcome(event: Event, services: Services) -> None:
    """Reaction to OfferActivated: the Teams leg, best effort; where it cannot be, the reason is kept and the mail counts."""
    async with services.store.read() as session:
        proposed = await propositions.get(session, event.subject)
        if await deliveries.delivered(session, event.subject, TEAMS_LEG):
            return
        invitation = await invitations.live(session, proposed.interlocuteur.email)
    person = proposed.interlocuteur
    card = render.card("welcome/card", person.language, _data(services, proposed))
    summary = render.text("welcome.summary", person.language, company=proposed.dossier.company)
    key = places.personal(invitation.user_id or "") if invitation else "user:"
    try:
        await carry(services, Say(key, f"welcome:{event.subject}", card, summary))
    except Refused as refusal:
        await deliveries.record(services.store, event.subject, TEAMS_LEG, refusal.key)
        return
    await deliveries.record(services.store, event.subject, TEAMS_LEG)
