"""What leaves by the clock: a mail to a guest, a word to a collaborateur, a card when it is the administrators' turn."""

from collections.abc import Sequence
from typing import Any

from cards import render
from dialogs import colleagues
from dialogs.saying import Say, carry, letterhead, link_to, send_mail
from services import invitations, places, reminders
from services.errors import Refused
from services.events import Event
from services.models import InvitationState
from services.ports import Mention
from services.propositions import Proposed
from services.record import Services
from services.reminders import Batch

ROWS = 8


# --- to a guest, then to the administrators


async def mail_guest(event: Event, services: Services) -> None:
    """Reaction to GuestReminded: one more mail with the redeem link, in the guest's language; moot once they answered."""
    async with services.store.read() as session:
        invitation = await invitations.get(session, event.subject)
        wait = await reminders.guest_wait(session, invitation.id, services.store.clock())
    if wait is None or invitation.state != InvitationState.SENT or not invitation.redeem_url:
        return
    if wait.since != reminders.waits_since(invitation):
        return  # sent anew meanwhile: that mail has the link
    d = {
        "given_name": invitation.given_name,
        "redeem_url": invitation.redeem_url,
        "last": wait.last,
        "until": wait.until,
    }
    mail = render.mail("reminders/guest", invitation.language, {"d": d, "firm": letterhead(services.firm)})
    await send_mail(services, invitation.id, f"reminder_{wait.since}_{wait.number}", invitation.email, mail)


async def say_decision(event: Event, services: Services) -> None:
    """Reaction to DecisionDue: a card of its own in « Général », since redrawing the invitation's would tell nobody."""
    await _say_decision(event.subject, services, anew=True)


async def redraw_decision(event: Event, services: Services) -> None:
    """Reaction to whatever befalls the invitation afterwards: the card that asked shows it, and asks no more."""
    await _say_decision(event.subject, services, anew=False)


async def _say_decision(invitation_id: str, services: Services, *, anew: bool) -> None:
    async with services.store.read() as session:
        invitation = await invitations.get(session, invitation_id)
        wait = await reminders.guest_wait(session, invitation_id, services.store.clock())
        about = f"decision:{invitation_id}:{wait.since}" if wait else ""
        if wait is None or not (anew or await places.posted(session, about, places.GENERAL)):
            return
        dossiers = await invitations.dossiers_of(session, invitation_id)
    sent = invitation.state == InvitationState.SENT
    same = wait.since == reminders.waits_since(invitation)
    d = {
        "code": ", ".join(one.code for one in dossiers),
        "company": ", ".join(one.company for one in dossiers),
        "state": invitation.state,
        "waiting": sent and same,
        "resent": sent and not same,
        "since": wait.since,
        "reminders": wait.number,
        "until": wait.until,
    }
    about_it = {"do": "reminders", "id": invitation_id, "v": invitation.version}
    card = render.card("reminders/decide", services.firm.locale, {"d": d, "about": about_it})
    await carry(services, Say(places.GENERAL, about, card, card["fallbackText"]))


# --- to a collaborateur, then to the administrators


async def say_approvals(event: Event, services: Services) -> None:
    """Reaction to a batch of reminders: one card that lists them, in the collaborateur's chat or (escalated) in « Général »."""
    await _say_approvals(event.subject, services, anew=True)


async def redraw_approvals(event: Event, services: Services) -> None:
    """Reaction to a decision about one of them: the card shows it."""
    await _say_approvals(event.subject, services, anew=False)


async def _say_approvals(batch_id: str, services: Services, *, anew: bool) -> None:
    async with services.store.read() as session:
        batch = await reminders.batch(session, batch_id)
        standing = await places.posted_in(session, f"reminders:{batch_id}")
    if not standing and not (anew and batch.open):
        return
    key = standing[0] if standing else await _where(services, batch)
    asked_by = batch.open[0].proposition.proposed_by if batch.escalated and batch.open else None
    mention = await colleagues.mentioned(services, asked_by) if asked_by else None
    card = await _approvals_card(services, batch, mention)
    await carry(services, Say(key, f"reminders:{batch_id}", card, card["fallbackText"], (mention,) if mention else ()))


async def _where(services: Services, batch: Batch) -> str:
    if batch.escalated or batch.person is None:
        return places.GENERAL
    key = await colleagues.chat_with(services, batch.person)
    if key is None:
        raise Refused("no_conversation")
    return key


async def _approvals_card(services: Services, batch: Batch, mention: Mention | None) -> dict[str, Any]:
    shown = batch.waiting[:ROWS]
    d = {
        "escalated": batch.escalated,
        "name": batch.person.name if batch.person else None,
        "mention": mention.name if mention else None,
        "open": len(batch.open),
        "rows": await _rows(services, shown),
        "more": len(batch.waiting) - len(shown),
    }
    about = {"do": "reminders", "id": batch.person.id if batch.person else None, "v": 1}
    return render.card("reminders/approvals", services.firm.locale, {"d": d, "about": about})


async def _rows(services: Services, shown: Sequence[Proposed]) -> list[dict[str, Any]]:
    return [
        {
            "code": one.dossier.code,
            "company": one.dossier.company,
            "offer": one.offer.name,
            "state": one.proposition.state,
            "since": one.proposition.awaiting_since or one.proposition.proposed_at,
            "url": await link_to(services, f"proposition:{one.proposition.id}"),
        }
        for one in shown
    ]
