"""Réessayer: an invitation Microsoft refused, once its cause is mended; or made by hand in Entra, step by step."""

from collections.abc import Mapping

from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from services import invitations
from services.errors import Refused
from services.store import Work

ENTRA_URL = "https://entra.microsoft.com"
MAY_NOT_INVITE = "app_may_not_invite"
AGAIN = "again"


async def _start(ctx: Ctx) -> Mapping[str, str]:
    async with ctx.services.store.read() as session:
        invitation = await invitations.get(session, ctx.subject or "")
    invitations.require_retryable(invitation)
    return {"reason": invitation.reason or ""}


def _by_hand(answers: Answers) -> bool:
    return answers.get("reason") == MAY_NOT_INVITE


def _otherwise(answers: Answers) -> bool:
    return not _by_hand(answers)


async def _load(ctx: Ctx, _answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        invitation = await invitations.get(session, ctx.subject or "")
        codes = [one.code for one in await invitations.dossiers_of(session, invitation.id)]
    d = {
        "codes": codes,
        "person": steps.invited_facts(invitation),
        "reason": invitation.reason,
        "entra_url": ENTRA_URL,
    }
    return View(d)


async def _check_made(ctx: Ctx, answers: Answers) -> None:
    """« C’est fait » is believed once Entra shows the guest; trying again needs no look."""
    if answers.get("way") == AGAIN:
        return
    async with ctx.services.store.read() as session:
        invitation = await invitations.get(session, ctx.subject or "")
    if await ctx.services.directory.find_by_email(invitation.email) is None:
        raise Refused("guest_not_found_yet", None, email=invitation.email)


async def _finish(ctx: Ctx, work: Work, _answers: Answers) -> Outcome:
    await invitations.retry(work, ctx.subject or "", ctx.who.aad_id)
    return Outcome("retry_invitation.done")


_SAMPLE = View({"codes": ["BOUMAR"], "person": steps.SAMPLE_PERSON, "reason": "domain_blocked", "entra_url": ENTRA_URL})

DIALOG = Dialog(
    name="retry_invitation",
    steps=(
        Step("by_hand", load=_load, check=_check_made, when=_by_hand, ways=frozenset({AGAIN}), sample=_SAMPLE),
        Step("again", load=_load, when=_otherwise, sample=_SAMPLE),
    ),
    finish=_finish,
    allowed=administrators,
    start=_start,
)
