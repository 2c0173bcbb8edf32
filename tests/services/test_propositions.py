"""One live proposition a triple, one decision only, whoever clicks at once."""

import asyncio

import pytest
from sqlalchemy import select

from services import propositions
from services.errors import Refused
from services.models import Dossier, Interlocuteur, JournalLine, Proposition, PropositionState
from services.store import Store
from tests.services.conftest import ADMIN


async def propose(store: Store, dossier: Dossier, person: Interlocuteur, offer: str = "consultation") -> str:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, offer, person, ADMIN, "Claire")
    return made.id


async def approve(store: Store, proposition_id: str, who: str, *, ticked: bool = True) -> str | Refused:
    try:
        async with store.work() as work:
            await propositions.approve_activation(work, proposition_id, who, who.title(), ticked=ticked)
    except Refused as refusal:
        return refusal
    return who


async def refuse(store: Store, proposition_id: str, reason: str) -> None:
    async with store.work() as work:
        await propositions.refuse_activation(work, proposition_id, "malo", "Malo", reason)


async def test_the_same_triple_twice_creates_nothing(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    first = await propose(store, dossier, linked)
    assert await propose(store, dossier, linked) == first
    assert await propose(store, dossier, linked, "start") != first


async def test_two_proposing_at_once_create_one(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    outcomes = await asyncio.gather(*(propose(store, dossier, linked) for _ in range(6)), return_exceptions=True)
    assert len({one for one in outcomes if isinstance(one, str)}) == 1
    assert {one.key for one in outcomes if isinstance(one, Refused)} <= {"proposed_meanwhile"}
    assert all(isinstance(one, str | Refused) for one in outcomes)
    async with store.read() as session:
        assert len((await session.scalars(select(Proposition))).all()) == 1


async def test_two_approvals_at_once_have_one_winner(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    proposition_id = await propose(store, dossier, linked)
    outcomes = await asyncio.gather(*(approve(store, proposition_id, who) for who in ("malo", "ines", "yann")))
    winners = [one for one in outcomes if isinstance(one, str)]
    assert len(winners) == 1
    for one in outcomes:
        if isinstance(one, Refused):
            assert one.key == "already_decided"
            assert one.facts["by"] == winners[0].title()
    async with store.read() as session:
        lines = await session.scalars(select(JournalLine).where(JournalLine.what == "propositions.active"))
        assert [line.actor for line in lines] == winners


async def test_without_the_tick_the_offer_stays_open(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    proposition_id = await propose(store, dossier, linked)
    refused = await approve(store, proposition_id, "malo", ticked=False)
    assert isinstance(refused, Refused)
    assert refused.key == "tick_needed"
    async with store.read() as session:
        assert (await propositions.get(session, proposition_id)).proposition.state == PropositionState.PROPOSED
    assert await approve(store, proposition_id, "malo") == "malo"


async def test_a_refusal_needs_a_reason_and_frees_the_triple(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    proposition_id = await propose(store, dossier, linked)
    with pytest.raises(Refused, match="reason_needed"):
        await refuse(store, proposition_id, "")
    await refuse(store, proposition_id, "Widget absent")
    assert isinstance(await approve(store, proposition_id, "ines"), Refused)
    assert await propose(store, dossier, linked) != proposition_id
