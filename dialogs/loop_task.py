"""À faire dans Loop: a step someone left for later — who holds the ball, the guide in private, « C'est fait »."""

from cards import render
from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from dialogs.saying import Posted, Say, carry
from dialogs.turn import Card
from services import dossiers, loop_tasks, offers, places
from services.events import Event
from services.record import Services
from services.store import Work


async def _card(services: Services, task_id: str, locale: str) -> Card:
    """Code, offer, state and who holds the ball: what to copy into Loop shows only in the dialog."""
    async with services.store.read() as session:
        task = await loop_tasks.get(session, task_id)
        dossier = await dossiers.get(session, task.dossier_id)
    d = {
        "what": task.what,
        "code": dossier.code,
        "company": dossier.company,
        "offer": offers.offer(task.offer).name if task.offer else None,
        "state": task.state,
        "since": task.done_at or task.asked_at,
        "done_by": task.done_by_name,
    }
    about = {"do": POSTED.name, "id": task.id, "v": task.version}
    return render.card("loop_task/task", locale, {"d": d, "about": about})


async def _draw(ctx: Ctx, subject: str) -> Card:
    return await _card(ctx.services, subject, ctx.locale)


POSTED = Posted("loop_task", draw=_draw)


# --- doing it, in a dialog


async def _load(ctx: Ctx, _answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        task = await loop_tasks.get(session, ctx.subject or "")
        dossier = await dossiers.get(session, task.dossier_id)
        guide = await loop_tasks.guide(session, task)
    return View(
        {
            "what": task.what,
            "dossier": steps.dossier_facts(dossier),
            "steps": steps.guide_rows(guide),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def _finish(ctx: Ctx, work: Work, _answers: Answers) -> Outcome:
    await loop_tasks.finish(work, ctx.subject or "", ctx.actor)
    return Outcome("do_in_loop.done")


DIALOG = Dialog(
    name="do_in_loop",
    steps=(
        Step(
            "do",
            load=_load,
            template="loop_task/do",
            sample=View(
                {
                    "what": "activate_offer",
                    "dossier": steps.SAMPLE_DOSSIER,
                    "steps": steps.SAMPLE_GUIDE,
                    "loop_url": "https://loop.example/",
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
)


# --- afterwards


async def say_task(event: Event, services: Services) -> None:
    """Reaction to a step left and to a step done: the card in « Général », redrawn."""
    card = await _card(services, event.subject, services.firm.locale)
    await carry(services, Say(places.GENERAL, f"loop_task:{event.subject}", card, card["fallbackText"]))
