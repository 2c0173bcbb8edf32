"""What people still have to do by hand in Loop: left undone, it shows; done, it says who and when."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import dossiers, interlocuteurs, loop, offers
from services.errors import Refused
from services.events import LoopTaskDone, LoopTaskLeft
from services.loop import GuidedStep
from services.models import NO_LIMIT, Dossier, Interlocuteur, LoopTask, Rattachement, TaskState
from services.moves import move_task
from services.offers import Qualite
from services.store import Work


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: Entra object id and shown name."""

    id: str
    name: str


async def ask(
    work: Work,
    what: str,
    dossier: Dossier,
    actor: Actor,
    *,
    done: bool,
    offer: str | None = None,
    interlocuteur: Interlocuteur | None = None,
) -> LoopTask:
    """Something to do in Loop; `done` when the person says at once that it is. Left undone, its card is due."""
    task = LoopTask(
        what=what,
        dossier_id=dossier.id,
        offer=offer,
        interlocuteur_id=interlocuteur.id if interlocuteur else None,
        state=TaskState.DONE if done else TaskState.TODO,
        asked_by=actor.id,
        asked_by_name=actor.name,
        asked_at=work.now,
        done_by=actor.id if done else None,
        done_by_name=actor.name if done else None,
        done_at=work.now if done else None,
    )
    work.session.add(task)
    await work.session.flush()
    work.journal(actor.id, f"loop_tasks.{task.state}", task.id, after=f"{what} {dossier.code}")
    if not done:
        work.emit(LoopTaskLeft(task.id))
    return task


async def finish(work: Work, task_id: str, actor: Actor) -> None:
    """« C'est fait »: once; Refused("already_done") tells who was faster, and when."""
    changes = {"done_by": actor.id, "done_by_name": actor.name, "done_at": work.now}
    if not await move_task(work, task_id, TaskState.DONE, actor.id, **changes):
        task = await get(work.session, task_id)
        raise Refused("already_done", None, by=task.done_by_name, at=task.done_at)
    work.emit(LoopTaskDone(task_id))


async def get(session: AsyncSession, task_id: str) -> LoopTask:
    """The task, or Refused("not_found")."""
    found = await session.get(LoopTask, task_id)
    if found is None:
        raise Refused("not_found")
    return found


async def left(session: AsyncSession) -> Sequence[tuple[LoopTask, Dossier]]:
    """What is still to do, the oldest first."""
    query = (
        select(LoopTask, Dossier)
        .join(Dossier, Dossier.id == LoopTask.dossier_id)
        .where(LoopTask.state == TaskState.TODO)
        .order_by(LoopTask.asked_at)
    )
    return [(task, dossier) for task, dossier in (await session.execute(query)).unique().all()]


async def guide(session: AsyncSession, task: LoopTask) -> tuple[GuidedStep, ...]:
    """Who clicks what for this task, with today's values. Refused when what it is about is gone."""
    dossier = await dossiers.get(session, task.dossier_id)
    offer = offers.offer(task.offer) if task.offer else None
    person = await interlocuteurs.get(session, task.interlocuteur_id) if task.interlocuteur_id else None
    match task.what, offer, person:
        case "activate_offer", offers.Offer(), _:
            return loop.activate_offer(dossier, offer)
        case "link_interlocuteur", _, Interlocuteur():
            link = await session.get(Rattachement, (person.id, dossier.id))
            return loop.link_interlocuteur(
                dossier,
                person.family_name,
                person.given_name,
                person.email,
                Qualite(person.qualite),
                link.limited_to if link else NO_LIMIT,
            )
        case "propose_offer", offers.Offer(), Interlocuteur():
            return loop.propose_offer(dossier, offer, person.family_name, person.given_name)
        case _:
            raise Refused("not_found")
