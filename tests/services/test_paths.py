"""The table behind the board always says what the other tables say, whatever happens and whoever happens at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import select

from services import (
    dossiers,
    endings,
    interlocuteur_removal,
    interlocuteurs,
    invitations,
    loop_tasks,
    offers,
    paths,
    propositions,
    retention,
    settings,
)
from services.dossiers import DossierRecord
from services.errors import Refused
from services.loop_tasks import Actor
from services.models import (
    INVITATION_MOVES,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationState,
    LoopTask,
    Path,
    Proposition,
)
from services.moves import move_invitation, move_proposition
from services.store import Store, Work
from tests.services.conftest import ADMIN, CONTACT, PAUL, Hand

CLAIRE = Actor(ADMIN, "Claire")
PEOPLE = [replace(PAUL, email=f"p{n}@client.example") for n in range(4)]
RECORDS = [
    DossierRecord(f"D{n}", f"Entreprise {n}", "552100554", "Vannes", "Vannes", "malo@cabinet.example") for n in range(3)
]
OWNERS, AGENCIES = ("malo@cabinet.example", "ines@cabinet.example"), ("Vannes", "Nantes", "")

Step = Callable[[Work, Random], Awaitable[object]]


async def _one(work: Work, chance: Random, row: type) -> object:
    found: Sequence[object] = (await work.session.scalars(select(row).order_by(row.id))).unique().all()  # type: ignore[attr-defined]
    if not found:
        raise Refused("not_found")
    return chance.choice(found)


async def invite(work: Work, chance: Random) -> None:
    dossier = await _one(work, chance, Dossier)
    await invitations.invite_guest(work, chance.choice(PEOPLE), dossier, ADMIN)  # type: ignore[arg-type]


async def move(work: Work, chance: Random) -> None:
    one: Invitation = await _one(work, chance, Invitation)  # type: ignore[assignment]
    to = chance.choice(sorted(INVITATION_MOVES[one.state] - {InvitationState.REQUESTED}) or [one.state])
    when = {InvitationState.SENT: "sent_at", InvitationState.ACCEPTED: "accepted_at"}.get(to)
    await move_invitation(work, one.id, to, ADMIN, **({when: work.now} if when else {}))


async def resend(work: Work, chance: Random) -> None:
    await invitations.resend(work, (await _one(work, chance, Invitation)).id, ADMIN)  # type: ignore[attr-defined]


async def retry(work: Work, chance: Random) -> None:
    await invitations.retry(work, (await _one(work, chance, Invitation)).id, ADMIN)  # type: ignore[attr-defined]


async def describe(work: Work, chance: Random) -> None:
    invitation: Invitation = await _one(work, chance, Invitation)  # type: ignore[assignment]
    on = await invitations.dossiers_of(work.session, invitation.id)
    if not on:
        raise Refused("not_invited")
    person = await interlocuteurs.create(work, replace(CONTACT, email=invitation.email), "fr", ADMIN)
    await interlocuteurs.link(work, person, chance.choice(on), ADMIN)


async def modify(work: Work, chance: Random) -> None:
    person: Interlocuteur = await _one(work, chance, Interlocuteur)  # type: ignore[assignment]
    contact = replace(interlocuteurs.contact_of(person), email=chance.choice(PEOPLE).email)
    await interlocuteurs.modify(work, person.id, contact, person.version, ADMIN)


async def remove(work: Work, chance: Random) -> None:
    person: Interlocuteur = await _one(work, chance, Interlocuteur)  # type: ignore[assignment]
    loss = await interlocuteur_removal.loss(work.session, person.id)
    await interlocuteur_removal.remove(work, person.id, loss.key, CLAIRE)


async def propose(work: Work, chance: Random) -> None:
    dossier: Dossier = await _one(work, chance, Dossier)  # type: ignore[assignment]
    people = await interlocuteurs.linked_to(work.session, dossier.id)
    if not people:
        raise Refused("not_linked")
    offer = chance.choice(list(offers.CATALOGUE))
    if await offers.activation(work.session, dossier.id, offer) is None:
        await offers.activate_offer(work, dossier, offer, ADMIN, subscription_confirmed=True)
    await propositions.propose_offer(work, dossier, offer, chance.choice(people), ADMIN, "Claire")


async def decide(work: Work, chance: Random) -> None:
    one: Proposition = await _one(work, chance, Proposition)  # type: ignore[assignment]
    match chance.randrange(4):
        case 0:
            await move_proposition(work, one.id, "awaiting_approval", ADMIN, awaiting_since=work.now)  # type: ignore[arg-type]
        case 1:
            await propositions.refuse_activation(work, one.id, ADMIN, "Claire", "pas prêt")
        case 2:
            await endings.withdraw_offer(work, one.id, CLAIRE, done=chance.random() < 0.5)
        case _:
            await propositions.approve_activation(work, one.id, ADMIN, "Claire", ticked=True)


async def task(work: Work, chance: Random) -> None:
    if chance.random() < 0.5:
        dossier: Dossier = await _one(work, chance, Dossier)  # type: ignore[assignment]
        await loop_tasks.ask(work, "activate_offer", dossier, CLAIRE, done=False, offer="start")
    else:
        await loop_tasks.finish(work, (await _one(work, chance, LoopTask)).id, CLAIRE)  # type: ignore[attr-defined]


async def end(work: Work, chance: Random) -> None:
    dossier: Dossier = await _one(work, chance, Dossier)  # type: ignore[assignment]
    if chance.random() < 0.2:
        await endings.end_mission(work, dossier, CLAIRE, done=True)
    else:
        await endings.end_offer(work, dossier, chance.choice(list(offers.CATALOGUE)), CLAIRE, done=True)


async def revoke(work: Work, chance: Random) -> None:
    await endings.revoke_person(work, (await _one(work, chance, Invitation)).id, CLAIRE, done=True)  # type: ignore[attr-defined]


async def reimport(work: Work, chance: Random) -> None:
    record = replace(chance.choice(RECORDS), agency=chance.choice(AGENCIES), collaborateur=chance.choice(OWNERS))
    await dossiers.keep(work, [record])


STEPS: tuple[Step, ...] = (
    *(invite, invite, move, move, resend, retry, describe, describe, modify, propose, propose, propose, decide, decide),
    *(remove, task, end, revoke, reimport),
)


async def _both(store: Store) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    columns = [getattr(Path, name) for name in paths.COLUMNS]
    async with store.read() as session:
        kept = [tuple(row) for row in await session.execute(select(*columns))]
        true = [tuple(row) for row in await session.execute(paths.truth())]
    return sorted(kept, key=repr), sorted(true, key=repr)


@pytest.mark.parametrize("seed", range(4))
async def test_it_is_always_the_truth(store: Store, clock: Hand, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = (UUID(int=n) for n in count(1))
    monkeypatch.setattr("services.models.uuid4", lambda: next(numbers))  # a walk that fails fails again
    chance = Random(seed)
    async with store.work() as work:
        await dossiers.keep(work, RECORDS)
    seen = set()
    for _ in range(150):
        clock.forward(hours=chance.choice((0, 1, 30)))
        step = chance.choice(STEPS)
        try:
            async with store.work() as work:
                await step(work, chance)
        except Refused:
            continue
        kept, true = await _both(store)
        assert kept == true, step.__name__
        seen |= {row[2] for row in kept}
    assert len(seen) >= 4  # the walk went somewhere


async def test_a_purge_shows_again_what_an_ended_offer_hid(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, "start", linked, ADMIN, "Claire")
        await propositions.refuse_activation(work, made.id, ADMIN, "Claire", "pas prêt")
    clock.forward(days=4000)
    await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)
    kept, true = await _both(store)
    assert kept == true
    assert [row[2] for row in kept] == ["requested"]


async def test_two_at_once_about_one_dossier_leave_both(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    async def propose_one(offer: str) -> None:
        async with store.work() as work:
            await propositions.propose_offer(work, dossier, offer, linked, ADMIN, "Claire")

    async def ask_one() -> None:
        async with store.work() as work:
            await loop_tasks.ask(work, "activate_offer", dossier, CLAIRE, done=False, offer="start")

    asked = [propose_one(offer) for offer in offers.CATALOGUE] + [ask_one() for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*asked), timedelta(seconds=30).total_seconds())
    kept, true = await _both(store)
    assert kept == true
    assert len(kept) == 6
