"""Révoquer: one person's invitation, and their offers with it; the others keep theirs. From the invitation's card."""

from collections.abc import Mapping
from typing import Any

from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from dialogs.impacts import SAMPLE_IMPACT, impact
from services import endings, invitations, loop, matrix
from services.loop import GuidedStep
from services.matrix import Line
from services.models import Dossier
from services.people import email_key
from services.store import Work


async def _start(ctx: Ctx) -> Mapping[str, str]:
    async with ctx.services.store.read() as session:
        invitations.require_revocable(await invitations.get(session, ctx.subject or ""))
    return {}


async def _load(ctx: Ctx, _answers: Answers) -> View:
    rows: list[dict[str, Any]] = []
    guide: list[GuidedStep] = []
    async with ctx.services.store.read() as session:
        invitation = await invitations.get(session, ctx.subject or "")
        dossiers = await invitations.dossiers_of(session, invitation.id)
        for dossier in dossiers if not await invitations.replaced(session, invitation) else ():
            for line in (await matrix.of_dossier(session, dossier)).lines:
                if email_key(line.email) == invitation.email_key and any(cell.live for cell in line.cells):
                    rows.append(impact(line, lambda _: True, name=f"{dossier.code} — {dossier.company}"))
                    guide += _guide(dossier, line)
    d = {
        "codes": [one.code for one in dossiers],
        "person": steps.invited_facts(invitation),
        "state": invitation.state,
        "rows": rows,
        "steps": steps.guide_rows(tuple(guide)),
        "loop_url": ctx.services.firm.loop_url,
    }
    return View(d)


def _guide(dossier: Dossier, line: Line) -> list[GuidedStep]:
    if line.person is None:
        return []
    person = line.person
    return [
        step
        for cell in line.cells
        if cell.live
        for step in loop.withdraw_offer(dossier, cell.offer, person.family_name, person.given_name)
    ]


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    await endings.revoke_person(work, ctx.subject or "", ctx.actor, done=steps.done_in_loop(answers))
    return Outcome("revoke_invitation.done")


DIALOG = Dialog(
    name="revoke_invitation",
    steps=(
        Step(
            "confirm",
            load=_load,
            ways=frozenset({steps.LATER}),
            sample=View(
                {
                    "codes": ["BOUMAR"],
                    "person": steps.SAMPLE_PERSON,
                    "state": "accepted",
                    "rows": [{**SAMPLE_IMPACT, "name": "BOUMAR — Boulangerie Martin"}],
                    "steps": steps.SAMPLE_GUIDE,
                    "loop_url": "https://loop.example/",
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    start=_start,
)
