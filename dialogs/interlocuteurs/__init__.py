"""Interlocuteurs: the list, then one person — modify, link to more dossiers, remove — or somebody new (R10–R15, R29)."""

from collections.abc import Mapping

from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, administrators
from dialogs.interlocuteurs import choice, editing, linking, removal
from services.store import Work


async def _start(ctx: Ctx) -> Mapping[str, str]:
    """A card about somebody opens the form on them; without a subject they are looked for."""
    if not ctx.subject:
        return {}
    about = {"interlocuteur": ctx.subject, steps.KNOWN: "yes"}
    await choice.person_of(ctx, about)
    return about


async def _begin(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """What the draft remembers of the person as seen when the work on them began."""
    person = await choice.person_of(ctx, answers)
    if choice.doing(answers) == choice.MODIFY:
        return editing.begin(person, answers)
    if choice.doing(answers) == choice.REMOVE:
        return await removal.begin(ctx, person)
    return {}


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    match choice.doing(answers):
        case choice.MODIFY:
            return await editing.finish(ctx, work, answers)
        case choice.REMOVE:
            return await removal.finish(ctx, work, answers)
        case _:
            return await linking.finish(ctx, work, answers)


DIALOG = Dialog(
    name="interlocuteurs",
    steps=(
        choice.list_step(editing.begin_new),
        choice.person_step(_begin),
        editing.FORM,
        editing.CHANGES,
        linking.DOSSIERS,
        linking.LINKS,
        removal.REMOVAL,
    ),
    finish=_finish,
    allowed=administrators,
    commands=("interlocuteurs", "contacts"),
    start=_start,
)
