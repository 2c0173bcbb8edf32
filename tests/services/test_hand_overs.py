"""Dossiers from one collaborateur to another: what moves, what does not, once, whoever else is about."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from services import delegations, hand_overs, paths, propositions
from services.calendar import Period, day_of
from services.errors import Refused
from services.hand_overs import Moving, Scope
from services.models import Collaborateur, Dossier, Interlocuteur, Path, Proposition, new_id
from services.ports import StaffMember
from services.store import Store
from tests.services.conftest import ADMIN, Hand
from tests.services.recording import EVERY_EVENT, journal, told

INES = StaffMember("aad-ines", "ines@cabinet.example", "Inès Caradec", False, False)
ERWAN = StaffMember("aad-erwan", "erwan@cabinet.example", "Erwan Tanguy", False, False)


@pytest.fixture
async def store(store: Store) -> Store:
    store._owed = EVERY_EVENT
    return store


async def owner_id(store: Store, email: str = "malo@cabinet.example") -> str:
    async with store.read() as session:
        found = await delegations.collaborateur(session, email)
    assert found is not None
    return found.id


async def give(store: Store, scope: Scope, to: StaffMember = INES) -> Moving:
    async with store.work() as work:
        return await hand_overs.hand_over(work, scope, to, ADMIN)


async def awaiting(store: Store, dossier: Dossier, person: Interlocuteur, offer: str = "start") -> str:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, offer, person, ADMIN, "Claire")
    await propositions.awaits_approval(store, made.id, "passerelle")
    return made.id


async def more_dossiers(store: Store, owner: str, count: int, agency: str = "Rennes") -> None:
    rows = [
        {
            "id": new_id(),
            "code": f"{agency}{n}",
            "company": "Garage",
            "siren": "552100554",
            "commune": agency,
            "agency": agency,
            "collaborateur_id": owner,
        }
        for n in range(count)
    ]
    async with store.work() as work:
        await work.session.execute(insert(Dossier), rows)


async def owners(store: Store) -> dict[str, str | None]:
    async with store.read() as session:
        rows = await session.execute(
            select(Dossier.code, Collaborateur.email).join(Dossier.collaborateur, isouter=True)
        )
        return {str(code): email for code, email in rows.all()}


async def test_one_dossier_and_what_awaits_there_is_asked_anew(
    store: Store, dossier: Dossier, linked: Interlocuteur, clock: Hand
) -> None:
    malo = await owner_id(store)
    waiting, still = await awaiting(store, dossier, linked), await awaiting(store, dossier, linked, "consultation")
    async with store.work() as work:
        await propositions.refuse_activation(work, still, "aad-malo", "Malo", "Pas encore")
    clock.forward(days=3)
    assert await give(store, Scope(malo, dossier.id)) == Moving(1, 1)
    assert await owners(store) == {"BOUMAR": INES.email}
    async with store.read() as session:
        row, path = await session.get_one(Proposition, waiting), await session.get_one(Path, (waiting, dossier.id))
        assert (row.awaiting_since, path.since, path.owner_id) == (clock(), clock(), await owner_id(store, INES.email))
        kept = [tuple(one) for one in await session.execute(select(*(getattr(Path, name) for name in paths.COLUMNS)))]
        assert sorted(kept) == sorted(tuple(one) for one in await session.execute(paths.truth()))
    assert [await told(store, one) for one in (waiting, still)] == [
        ["OfferProposed", "ApprovalMoved"],
        ["OfferProposed", "OfferRefused"],
    ]
    line = (ADMIN, dossier.id, malo, await owner_id(store, INES.email))
    assert await journal(store, "hand_overs.dossier") == [line]


async def test_a_dossier_that_changed_hands_meanwhile_stays(store: Store, dossier: Dossier) -> None:
    malo = await owner_id(store)
    await more_dossiers(store, malo, 2)
    await give(store, Scope(malo, dossier.id), ERWAN)
    assert await give(store, Scope(malo)) == Moving(2, 0)
    assert await owners(store) == {"BOUMAR": ERWAN.email, "Rennes0": INES.email, "Rennes1": INES.email}
    with pytest.raises(Refused, match="changed_hands"):
        await give(store, Scope(malo, dossier.id))
    with pytest.raises(Refused, match="hand_over_to_same"):
        await give(store, Scope(await owner_id(store, ERWAN.email)), ERWAN)


async def test_those_of_one_agency_and_those_nobody_has(store: Store, dossier: Dossier) -> None:
    malo = await owner_id(store)
    await more_dossiers(store, malo, 3)
    async with store.read() as session:
        assert await hand_overs.agencies(session, malo) == [("Rennes", 3), ("Vannes", 1)]
        assert await hand_overs.moving(session, Scope(malo, agency="Rennes")) == Moving(3, 0)
    assert await give(store, Scope(malo, agency="Rennes")) == Moving(3, 0)
    assert (await owners(store))["BOUMAR"] == "malo@cabinet.example"
    async with store.work() as work:
        (await work.session.get_one(Dossier, dossier.id)).collaborateur_id = None
    assert await give(store, Scope(None, dossier.id)) == Moving(1, 0)
    assert (await owners(store))["BOUMAR"] == INES.email


async def test_two_at_once_move_each_dossier_once(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    malo, waiting = await owner_id(store), await awaiting(store, dossier, linked)
    await more_dossiers(store, malo, 20)
    both = await asyncio.gather(give(store, Scope(malo)), give(store, Scope(malo), ERWAN), return_exceptions=True)
    assert [one for one in both if isinstance(one, Moving)] == [Moving(21, 1)]
    assert [one.key for one in both if isinstance(one, Refused)] == ["changed_hands"]
    assert len(set((await owners(store)).values())) == 1
    assert (await told(store, waiting)).count("ApprovalMoved") == 1


async def test_a_delegation_of_who_had_it_does_not_follow(store: Store, dossier: Dossier) -> None:
    malo, today = await owner_id(store), day_of(store.clock())
    async with store.work() as work:
        await delegations.entrust(work, malo, ERWAN, Period(today, today + timedelta(days=5)), ADMIN, "Claire")
    await give(store, Scope(malo, dossier.id))
    async with store.read() as session:
        may = await delegations.approvers(session, await session.get_one(Dossier, dossier.id), today)
    assert [one.email for one in may.all] == [INES.email]


async def test_five_thousand_dossiers(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    malo, waiting = await owner_id(store), await awaiting(store, dossier, linked)
    await more_dossiers(store, malo, 5000)
    before = len(await told(store))
    assert await give(store, Scope(malo)) == Moving(5001, 1)
    assert (await told(store))[before:] == ["ApprovalMoved"]
    assert await told(store, waiting) == ["OfferProposed", "ApprovalMoved"]
    assert set((await owners(store)).values()) == {INES.email}
    assert len(await journal(store, "hand_overs.dossier")) == 5001
