"""Inviter: who, for which dossier, the recap; then one Graph invitation and our own mail with the redeem link."""

from datetime import datetime
from typing import Any

from cards import render
from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from dialogs.saying import Posted, Say, carry, letterhead, send_mail
from dialogs.turn import Card
from services import deliveries, invitations, journey, offers, places, propositions
from services.dossiers import get as get_dossier
from services.errors import Refused
from services.events import Event
from services.models import Invitation, InvitationState
from services.record import Services
from services.store import Work

BALL = {
    InvitationState.REQUESTED: "passerelle",
    InvitationState.SENT: "entrepreneur",
    InvitationState.ACCEPTED: "administrateur",
    InvitationState.FAILED: "administrateur",
    InvitationState.EXPIRED: "administrateur",
    InvitationState.REVOKED: None,
}


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    state = await steps.guest_state(ctx, answers["email"])
    return View(
        d={
            "person": steps.person_facts(answers),
            "dossier": steps.dossier_facts(dossier),
            "to_team": ctx.services.firm.invite_to_team,
            "guest": {"state": state},
        }
    )


async def _check_recap(ctx: Ctx, answers: Answers) -> None:
    if await steps.guest_state(ctx, answers["email"]) == "member":
        raise Refused("already_member", "email")


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    dossier = await get_dossier(work.session, answers["dossier"])
    invitation = await invitations.invite_guest(work, steps.guest_of(answers), dossier, ctx.who.aad_id)
    again = invitation.state != InvitationState.REQUESTED
    return Outcome("invite_guest.attached" if again else "invite_guest.done", {"code": dossier.code})


DIALOG = Dialog(
    name="invite_guest",
    steps=(
        steps.PERSON,
        steps.DOSSIER,
        Step(
            "recap",
            load=_load_recap,
            check=_check_recap,
            sample=View(
                d={
                    "person": steps.SAMPLE_PERSON,
                    "dossier": steps.SAMPLE_DOSSIER,
                    "to_team": True,
                    "guest": {"state": "none"},
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    commands=("inviter", "invite"),
    start=steps.start_with_language,
)


# --- afterwards


async def mail_invitation(event: Event, services: Services) -> None:
    """Reaction to GuestInvited: our own mail with the redeem link, in the guest's language (Graph sends none)."""
    due = await invitations.mail_due(services, event.subject, deliveries.INVITATION)
    if due is None:
        return
    invitation, leg = due
    data = {
        "given_name": invitation.given_name,
        "redeem_url": invitation.redeem_url,
    }
    firm = letterhead(services.firm)
    mail = render.mail("invite_guest/invitation", invitation.language, {"d": data, "firm": firm})
    try:
        await send_mail(services, invitation.id, leg, invitation.email, mail)
    except Refused as refusal:
        await invitations.tell_mail(services, invitation.id, refusal.key)  # the card in « Général » says why
        raise


async def say_status(event: Event, services: Services) -> None:
    """Reaction to anything that befalls an invitation: one card in « Général », redrawn, without personal data."""
    async with services.store.read() as session:
        invitation = await invitations.get(session, event.subject)
    locale = services.firm.locale
    card = await _status_card(services, invitation, locale)
    summary = card["fallbackText"]
    await carry(services, Say(places.GENERAL, f"invitation:{invitation.id}", card, summary))


async def _status_card(services: Services, invitation: Invitation, locale: str) -> Card:
    async with services.store.read() as session:
        dossiers = await invitations.dossiers_of(session, invitation.id)
        proposed = await propositions.to_email(session, invitation.email, [one.id for one in dossiers])
        paths = [(one, await journey.of_person(session, invitation, one)) for one in dossiers]
    on_the_way = [(one, path) for one, path in paths if path is not None]
    only = on_the_way[0][1] if len(paths) == len(on_the_way) == 1 else None
    d: dict[str, Any] = {
        "code": ", ".join(one.code for one in dossiers),
        "company": ", ".join(one.company for one in dossiers),
        "state": invitation.state,
        "reason": invitation.reason or (only.reason if only else None),
        "ball": only.ball if only else None if on_the_way else BALL[invitation.state],
        "since": only.since if only else _since(invitation),
        "resends": invitation.resends,
        "made_in_entra": invitation.made_in_entra,
    }
    d["paths"] = [
        {
            "code": one.code,
            "company": one.company,
            "steps": [{"key": step, "done": step in path.done} for step in journey.STEPS],
            "next": path.next,
            "do": {"dialog": steps.NEXT[path.next], "id": one.id} if path.next in steps.NEXT else None,
            "at": journey.STEPS.index(path.next) + 1 if path.next else None,
            "ball": path.ball,
        }
        for one, path in on_the_way
    ]
    d["offers"] = [{"name": offers.offer(one.offer).name, "state": one.state} for one in proposed]
    about = {"do": POSTED.name, "id": invitation.id, "v": invitation.version}
    return render.card("invite_guest/status", locale, {"d": d, "about": about})


def _since(invitation: Invitation) -> datetime:
    return invitation.accepted_at or invitation.resent_at or invitation.sent_at or invitation.requested_at


async def _draw(ctx: Ctx, subject: str) -> Card:
    async with ctx.services.store.read() as session:
        invitation = await invitations.get(session, subject)
    return await _status_card(ctx.services, invitation, ctx.locale)


POSTED = Posted("invitation", draw=_draw)
