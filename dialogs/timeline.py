"""The path of one client, opened from a list: who did what and when, where it stands, and what to do about it from here.

Drawn in place, for who asked alone; yet a client that does not know Action.Execute gets it as a message in « Général », so it
carries codes, offers and names of the staff only. Who the client is shows in the dialogs its buttons open.
"""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import clients, steps
from dialogs.dialog import Ctx
from dialogs.saying import Posted
from dialogs.turn import Card
from services import timeline, tracking
from services.errors import Refused
from services.models import InvitationState, PropositionState, TaskState
from services.timeline import Happened, Timeline

LONGEST = 20
ACTORS = ("passerelle", "operator", "entrepreneur")
TO_RETRY = (InvitationState.FAILED, InvitationState.EXPIRED)


async def _draw(ctx: Ctx, subject: str) -> Card:
    if await ctx.services.roles.staff_member(ctx.who.aad_id) is None:
        raise Refused("not_staff")
    which, dossier_id, back = (*subject.split(":"), "", "")[:3]
    async with ctx.services.store.read() as session:
        client = await tracking.client(session, which, dossier_id)
        path = await timeline.of(session, which, dossier_id, client)
    admin = await ctx.services.roles.is_administrator(ctx.who.aad_id)
    names = {**path.names, **{one.user_id: one.name for one in await ctx.services.roles.staff()}}
    now = ctx.services.store.clock()
    d = {
        "code": path.dossier.code,
        "company": path.dossier.company,
        "offer": client.offer if client else None,
        "state": client.state if client else None,
        "ball": client.ball if client else None,
        "named": clients.named(client) if client else None,
        "since": client.since if client else None,
        "late": client.late(now) if client else False,
        "earlier": max(0, len(path.happened) - LONGEST),
        "happened": [_line(one, names, ctx.locale) for one in path.happened[-LONGEST:]],
        "approval": which if client and client.state == PropositionState.AWAITING_APPROVAL else None,
        "opens": _opens(path, which) if admin else [],
        "back": clients.back(back or "1"),
        "key": back or "1",
    }
    return render.card("timeline/path", ctx.locale, {"d": d})


def _line(one: Happened, names: Mapping[str, str], locale: str) -> dict[str, Any]:
    role = one.actor if one.actor in ACTORS else "somebody"
    return {
        "at": one.at,
        "what": _what(one.what, locale),
        "offer": one.offer,
        "who": names.get(one.actor),
        "role": role,
    }


def _what(what: str, locale: str) -> str:
    try:
        said = render.text(f"journal.what.{what}", locale)
    except KeyError:  # written by a version that called it otherwise
        return what
    return said[0].upper() + said[1:]


def _opens(path: Timeline, subject: str) -> list[dict[str, str]]:
    """What an administrator may do about it now: dialogs, with what they are about. Each asks again who clicks."""
    found: list[tuple[str, str]] = []
    state = path.client.state if path.client else None
    invitation = path.invitation
    if state == TaskState.TODO:
        found.append(("do_in_loop", subject))
    if invitation is not None and invitation.state == InvitationState.SENT:
        found.append(("resend_invitation", invitation.id))
    if invitation is not None and invitation.state in TO_RETRY:
        found.append(("retry_invitation", invitation.id))
    if state == InvitationState.ACCEPTED and path.next in steps.NEXT:
        found.append((steps.NEXT[path.next], path.dossier.id))
    if state == PropositionState.REFUSED:
        found.append(("propose_offer", subject))
    if path.person is not None:
        found.append(("interlocuteurs", path.person))
    found.append(("hand_over", path.dossier.id))
    if path.revocable() and invitation is not None:
        found.append(("revoke_invitation", invitation.id))
    return [{"dialog": dialog, "id": about} for dialog, about in found]


POSTED = Posted("timeline", draw=_draw)
