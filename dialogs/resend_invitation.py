"""Renvoyer: a pending invitation once more, at most once a day. Opened from the invitation's card, by administrators."""

from collections.abc import Mapping

from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from services import invitations
from services.store import Work


async def _start(ctx: Ctx) -> Mapping[str, str]:
    async with ctx.services.store.read() as session:
        invitation = await invitations.get(session, ctx.subject or "")
    invitations.require_resendable(invitation, ctx.services.store.clock())
    return {}


async def _load(ctx: Ctx, _answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        invitation = await invitations.get(session, ctx.subject or "")
        codes = [one.code for one in await invitations.dossiers_of(session, invitation.id)]
    d = {
        "codes": codes,
        "person": steps.invited_facts(invitation),
        "sent_at": invitation.resent_at or invitation.sent_at,
        "resends": invitation.resends,
    }
    return View(d)


async def _finish(ctx: Ctx, work: Work, _answers: Answers) -> Outcome:
    await invitations.resend(work, ctx.subject or "", ctx.who.aad_id)
    return Outcome("resend_invitation.done")


DIALOG = Dialog(
    name="resend_invitation",
    steps=(
        Step(
            "confirm",
            load=_load,
            sample=View({"codes": ["BOUMAR"], "person": steps.SAMPLE_PERSON, "sent_at": None, "resends": 0}),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    start=_start,
)
