"""Activer: an offer on a dossier of the Portefeuille; what it gives and does not, the subscription where it is paid."""

from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from services import loop, loop_tasks, offers
from services.dossiers import get as get_dossier
from services.store import Work


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    offer = offers.offer(answers["offer"])
    return View(
        d={
            "dossier": steps.dossier_facts(dossier),
            "offer": steps.offer_card(offer),
            "steps": steps.guide_rows(loop.activate_offer(dossier, offer)),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    dossier = await get_dossier(work.session, answers["dossier"])
    before = await offers.activation(work.session, dossier.id, answers["offer"])
    await offers.activate_offer(
        work, dossier, answers["offer"], ctx.who.aad_id, subscription_confirmed=bool(answers.get("subscription"))
    )
    if before is None:
        await loop_tasks.ask(
            work, "activate_offer", dossier, ctx.actor, done=steps.done_in_loop(answers), offer=answers["offer"]
        )
    facts = {"offer": offers.offer(answers["offer"]).name, "code": dossier.code}
    return Outcome("activate_offer.already" if before else "activate_offer.done", facts)


DIALOG = Dialog(
    name="activate_offer",
    steps=(
        steps.DOSSIER,
        steps.OFFER,
        steps.SUBSCRIPTION,
        Step(
            "recap",
            load=_load_recap,
            ways=frozenset({steps.LATER}),
            sample=View(
                d={
                    "dossier": steps.SAMPLE_DOSSIER,
                    "offer": steps.SAMPLE_OFFERS[1],
                    "steps": steps.SAMPLE_GUIDE,
                    "loop_url": "https://loop.example/",
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    start=steps.start_on_dossier,
    commands=("activer", "activate"),
)
