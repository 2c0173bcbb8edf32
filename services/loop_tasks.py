"""What people still have to do by hand in Loop: left undone, it shows; done, it says who and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import dossiers, interlocuteurs, invitations, loop, offers, propositions
from services.errors import Refused
from services.events import LoopTaskDone, LoopTaskDropped, LoopTaskLeft, OffersChanged
from services.loop import GuidedStep
from services.models import NO_LIMIT, PROPOSING, Dossier, Interlocuteur, LoopTask, Rattachement, TaskState
from services.moves import move_task
from services.offers import Qualite
from services.store import Work

MOOT: Mapping[str, tuple[str, ...]] = {
    "activate_offer": ("end_offer",),
    "new_client": ("end_offer", "withdraw_offer"),
    "propose_offer": ("withdraw_offer",),
    "withdraw_offer": PROPOSING,
    "end_offer": ("activate_offer", "withdraw_offer", *PROPOSING),
}
"""Beside a task just asked, those still to do that would undo it or that it undoes. The end of a mission leaves none."""

REST_OF_NEW_CLIENT: Mapping[str, tuple[str, ...]] = {
    "withdraw_offer": ("activate_offer", "link_interlocuteur"),
    "end_offer": ("link_interlocuteur",),
}


ON_THE_PATH = ("activate_offer", "link_interlocuteur")
"""Tasks that move an invited person's path on, which nothing else tells the card of their invitation."""


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
    await _drop_moot(work, task, dossier, actor)
    await _tell_invited(work, task)
    if not done:
        work.emit(LoopTaskLeft(task.id))
    return task


async def finish(work: Work, task_id: str, actor: Actor) -> None:
    """« C'est fait »: once; Refused("already_done") tells who was faster, and when."""
    changes = {"done_by": actor.id, "done_by_name": actor.name, "done_at": work.now}
    moved = await move_task(work, task_id, TaskState.DONE, actor.id, **changes)
    task = await get(work.session, task_id)
    if task.state == TaskState.DROPPED:
        raise Refused("task_dropped")
    if not moved:
        raise Refused("already_done", None, by=task.done_by_name, at=task.done_at)
    if task.what in PROPOSING and task.offer and task.interlocuteur_id:
        await propositions.announce(work, task.dossier_id, task.offer, task.interlocuteur_id)
    await _tell_invited(work, task)
    work.emit(LoopTaskDone(task_id))


async def _tell_invited(work: Work, task: LoopTask) -> None:
    if task.what in ON_THE_PATH:
        for invitation in await invitations.invited_for(work.session, task.dossier_id):
            work.emit(OffersChanged(invitation.id))


async def _drop_moot(work: Work, task: LoopTask, dossier: Dossier, actor: Actor) -> None:
    """What was left to do and makes no sense any more beside this. The rest of a `new_client` stays to be done."""
    query = select(LoopTask).where(LoopTask.dossier_id == dossier.id, LoopTask.state == TaskState.TODO)
    for other in (await work.session.scalars(query.where(LoopTask.id != task.id))).all():
        if not _moot(other, task) or not await move_task(work, other.id, TaskState.DROPPED, actor.id):
            continue
        work.emit(LoopTaskDropped(other.id))
        if other.what == "new_client" and other.interlocuteur_id and task.what in REST_OF_NEW_CLIENT:
            person = await work.session.get(Interlocuteur, other.interlocuteur_id)
            for rest in REST_OF_NEW_CLIENT[task.what]:
                await ask(work, rest, dossier, actor, done=False, offer=other.offer, interlocuteur=person)


def _moot(other: LoopTask, task: LoopTask) -> bool:
    """Whether `task` leaves nothing to do of `other`: for the same offer and person, where both name them."""
    if task.what == "end_mission":
        return True
    return (
        other.what in MOOT.get(task.what, ())
        and task.offer in (None, other.offer)
        and (None in (task.interlocuteur_id, other.interlocuteur_id) or task.interlocuteur_id == other.interlocuteur_id)
    )


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
        case "new_client", offers.Offer(), Interlocuteur():
            return loop.new_client(
                dossier, offer, person.family_name, person.given_name, person.email, Qualite(person.qualite)
            )
        case "withdraw_offer", offers.Offer(), Interlocuteur():
            return loop.withdraw_offer(dossier, offer, person.family_name, person.given_name)
        case "end_offer", offers.Offer(), _:
            return loop.end_offer(dossier, offer)
        case "end_mission", _, _:
            return loop.end_mission(dossier)
        case _:
            raise Refused("not_found")
