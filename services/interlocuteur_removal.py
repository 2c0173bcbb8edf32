"""Removing an interlocuteur (R10/R11): first what the person loses; then links, propositions and all, in one commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import endings, interlocuteur_search, interlocuteurs
from services.errors import Refused
from services.events import LoopTaskDropped
from services.loop_tasks import Actor
from services.models import LIVE_PROPOSITIONS, Dossier, LoopTask, Proposition, PropositionState, Rattachement, TaskState
from services.moves import move_task
from services.store import Work


@dataclass(frozen=True, slots=True)
class Loss:
    """What a person would lose: links to dossiers, and live propositions with their dossiers."""

    links: Sequence[tuple[Rattachement, Dossier]]
    propositions: Sequence[tuple[Proposition, Dossier]]

    @property
    def key(self) -> str:
        """The same as long as the loss is: who confirmed one loss did not confirm another."""
        links = [dossier.id for _, dossier in self.links]
        live = [f"{one.id}:{one.state == PropositionState.ACTIVE}" for one, _ in self.propositions]
        return " ".join(sorted([*links, *live]))


async def loss(session: AsyncSession, interlocuteur_id: str) -> Loss:
    """What the person would lose now."""
    query = (
        select(Proposition, Dossier)
        .join(Dossier, Dossier.id == Proposition.dossier_id)
        .where(Proposition.interlocuteur_id == interlocuteur_id, Proposition.state.in_(LIVE_PROPOSITIONS))
        .order_by(Dossier.code, Proposition.proposed_at)
    )
    live = (await session.execute(query)).unique().all()
    return Loss(await interlocuteurs.links_of(session, interlocuteur_id), [(one, dossier) for one, dossier in live])


async def remove(work: Work, interlocuteur_id: str, confirmed: str, actor: Actor) -> None:
    """Take the person off the list, as done in Loop: live propositions are withdrawn (ended, when active), links go.

    `confirmed` is the `key` of the loss the administrator saw. The guest account is not touched. Refused:
    `interlocuteur_unknown`; `more_to_lose` when the loss is another one by now; `already_closed`.
    """
    person = await interlocuteurs.get(work.session, interlocuteur_id, lock=True)
    now = await loss(work.session, person.id)
    if now.key != confirmed:
        raise Refused("more_to_lose")
    for proposition, _ in now.propositions:
        await endings.withdraw_offer(work, proposition.id, actor, done=True)
    for link, dossier in now.links:
        await work.session.delete(link)
        work.journal(actor.id, "interlocuteurs.unlinked", person.id, before=dossier.code)
    await _drop_tasks(work, person.id, actor)
    person.removed_at = work.now
    person.version += 1
    await work.session.flush()
    await interlocuteur_search.keep_words(work, person)
    work.journal(actor.id, "interlocuteurs.removed", person.id)


async def _drop_tasks(work: Work, interlocuteur_id: str, actor: Actor) -> None:
    """What was left to do in Loop for this person is needed no more, but for an offer's activation: that is the dossier's."""
    query = select(LoopTask).where(LoopTask.interlocuteur_id == interlocuteur_id, LoopTask.state == TaskState.TODO)
    for task in (await work.session.scalars(query)).all():
        if task.what == "activate_offer":
            task.interlocuteur_id = None
        elif await move_task(work, task.id, TaskState.DROPPED, actor.id):
            work.emit(LoopTaskDropped(task.id))
