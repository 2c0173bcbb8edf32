"""A new client's part after their invitation: the offer, the rattachement, the proposition, what is left to do in Loop."""

from services import interlocuteurs, loop_tasks, offers, propositions
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur, LoopTask, Proposition
from services.store import Work


async def equip(
    work: Work,
    dossier: Dossier,
    person: Interlocuteur,
    offer: str,
    actor: Actor,
    *,
    subscription_confirmed: bool,
    done: bool,
) -> tuple[Proposition, LoopTask | None]:
    """Activate the offer, link the person, propose it to them. `done` when the person says that Loop has it all already.

    Gives the proposition, and the task asked for in Loop where the proposition is new (R17/R18). Refused as each of them.
    """
    await offers.activate_offer(work, dossier, offer, actor.id, subscription_confirmed=subscription_confirmed)
    await interlocuteurs.link(work, person, dossier, actor.id)
    proposition, made = await propositions.propose_offer(
        work, dossier, offer, person, actor.id, actor.name, announce=done
    )
    if not made:
        return proposition, None
    task = await loop_tasks.ask(work, "new_client", dossier, actor, done=done, offer=offer, interlocuteur=person)
    return proposition, task
