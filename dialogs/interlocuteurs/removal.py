"""Removing somebody: what they lose is said first, and is what is confirmed."""

from collections.abc import Mapping

from dialogs import fields, steps
from dialogs.dialog import Answers, Asks, Ctx, Fix, Outcome, Step, View
from dialogs.interlocuteurs.choice import REMOVE, SAMPLE_LOSS, chosen, doing, loss_facts, person_of
from services import interlocuteur_removal, interlocuteurs, loop
from services.interlocuteur_removal import Loss
from services.models import Interlocuteur
from services.store import Work

SEEN = "loss"


async def begin(ctx: Ctx, person: Interlocuteur) -> Mapping[str, str]:
    """The draft remembers the loss about to be shown."""
    return {SEEN: (await _loss(ctx, person)).key}


async def _loss(ctx: Ctx, person: Interlocuteur) -> Loss:
    async with ctx.services.store.read() as session:
        return await interlocuteur_removal.loss(session, person.id)


def _ask_more(loss: Loss, answers: Answers) -> None:
    """Somebody linked, proposed or decided meanwhile: the loss confirmed is no longer the loss."""
    if loss.key != answers[SEEN]:
        raise Asks("more_to_lose", None, (Fix("remove_anyway", {SEEN: loss.key}),))


async def _load(ctx: Ctx, answers: Answers) -> View:
    person = await person_of(ctx, answers)
    guide = loop.remove_interlocuteur(person.family_name, person.given_name)
    return View(
        d={
            "name": interlocuteurs.full_name(person),
            **loss_facts(await _loss(ctx, person)),
            "steps": steps.guide_rows(guide),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def _check(ctx: Ctx, answers: Answers) -> None:
    _ask_more(await _loss(ctx, await person_of(ctx, answers)), answers)


async def finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    """Remove the person, and all that the confirmed loss says."""
    person = await interlocuteurs.get(work.session, chosen(answers) or "", lock=True)
    _ask_more(await interlocuteur_removal.loss(work.session, person.id), answers)
    await interlocuteur_removal.remove(work, person.id, answers[SEEN], ctx.actor)
    return Outcome("interlocuteurs.removed")


REMOVAL = Step(
    "removal",
    fields=(fields.tick("confirm", must="tick"),),
    load=_load,
    check=_check,
    when=lambda answers: doing(answers) == REMOVE,
    sample=View(
        d={"name": "Martin Paul", **SAMPLE_LOSS, "steps": steps.SAMPLE_GUIDE, "loop_url": "https://loop.example/"}
    ),
)
