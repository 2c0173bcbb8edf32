"""Dated delegation: who may approve when, by the clock; one stand-in at a time, and no chains."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import cast

import pytest

from services import delegations, dossiers, propositions
from services.calendar import Period, day_of
from services.delegations import Delegated
from services.dossiers import DossierRecord
from services.errors import Refused
from services.models import Collaborateur, Delegation, Dossier, Interlocuteur
from services.places import GENERAL, remember
from services.ports import Directory, Place, PlaceKind, StaffMember
from services.roles import Roles
from services.store import Store
from tests.services.conftest import ADMIN, Hand
from tests.services.recording import EVERY_EVENT, journal, told

MALO = StaffMember("aad-malo", "Malo@Cabinet.example", "Malo Le Goff", False, False)
INES = StaffMember("aad-ines", "ines@cabinet.example", "Inès Caradec", False, False)
YANN = StaffMember("aad-yann", "yann@cabinet.example", "Yann Guillou", True, False)
STAFF = (MALO, INES, YANN)
TODAY = date(2026, 3, 2)


@pytest.fixture
async def store(store: Store) -> Store:
    store._owed = EVERY_EVENT
    return store


@pytest.fixture
async def malo(store: Store, dossier: Dossier) -> Collaborateur:
    """Responsible for BOUMAR."""
    async with store.read() as session:
        found = await delegations.collaborateur(session, MALO.email)
    assert found is not None
    return found


def within(first: int, last: int) -> Period:
    """So many days from today."""
    return Period(TODAY + timedelta(days=first), TODAY + timedelta(days=last))


async def entrust(store: Store, absent: Collaborateur, to: StaffMember, during: Period) -> Delegation:
    async with store.work() as work:
        return await delegations.entrust(work, absent.id, to, during, ADMIN, "Claire")


async def end(store: Store, delegation_id: str) -> None:
    async with store.work() as work:
        await delegations.end(work, delegation_id, ADMIN)


async def may_approve(store: Store, dossier: Dossier) -> set[str]:
    async with store.read() as session:
        may = await delegations.approvers(session, dossier, day_of(store.clock()))
    return {one.email for one in may.all}


async def one(store: Store, delegation_id: str) -> Delegated:
    async with store.read() as session:
        return await delegations.get(session, delegation_id)


async def awaiting(store: Store, dossier: Dossier, person: Interlocuteur) -> str:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, "start", person, ADMIN, "Claire")
    await propositions.awaits_approval(store, made.id, "passerelle")
    return made.id


# --- by the clock


async def test_it_holds_from_its_first_day_to_its_last(
    store: Store, clock: Hand, dossier: Dossier, malo: Collaborateur
) -> None:
    await entrust(store, malo, INES, within(2, 4))
    holds = []
    for _ in range(7):
        holds.append(INES.email in await may_approve(store, dossier))
        clock.forward(days=1)
    assert holds == [False, False, True, True, True, False, False]
    assert await may_approve(store, dossier) == {malo.email}


async def test_the_absent_person_may_still_approve(store: Store, dossier: Dossier, malo: Collaborateur) -> None:
    await entrust(store, malo, INES, within(0, 4))
    assert await may_approve(store, dossier) == {malo.email, INES.email}


async def test_the_clock_tells_its_beginning_and_its_end_once(store: Store, clock: Hand, malo: Collaborateur) -> None:
    made = await entrust(store, malo, INES, within(2, 4))
    for _ in range(6):
        await asyncio.gather(*(delegations.turn(store) for _ in range(3)))  # three replicas
        clock.forward(days=1)
    assert await told(store, made.id) == ["DelegationChanged"] * 3
    lines = [*await journal(store, "delegations.planned"), *await journal(store, "delegations.running")]
    lines += await journal(store, "delegations.over")
    assert [actor for actor, *_ in lines] == [ADMIN, "passerelle", "passerelle"]


async def test_after_a_long_downtime_it_is_over_at_once(store: Store, clock: Hand, malo: Collaborateur) -> None:
    made = await entrust(store, malo, INES, within(2, 4))
    clock.forward(days=30)
    await delegations.turn(store)
    assert (await one(store, made.id)).row.state == "over"
    assert await journal(store, "delegations.running") == []


async def test_beginning_today_it_holds_at_once_and_the_cards_are_told(
    store: Store, dossier: Dossier, linked: Interlocuteur, malo: Collaborateur
) -> None:
    waiting = await awaiting(store, dossier, linked)
    made = await entrust(store, malo, INES, within(0, 4))
    assert (await one(store, made.id)).row.state == "running"
    assert (await told(store, waiting))[-1] == "ApprovalChanged"
    await delegations.turn(store)
    assert (await told(store, waiting)).count("ApprovalChanged") == 1


async def test_the_end_tells_the_cards_too(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur, malo: Collaborateur
) -> None:
    waiting = await awaiting(store, dossier, linked)
    await entrust(store, malo, INES, within(0, 1))
    clock.forward(days=2)
    await delegations.turn(store)
    assert (await told(store, waiting)).count("ApprovalChanged") == 2


# --- one at a time


@pytest.mark.parametrize(("first", "last"), [(0, 3), (3, 9), (4, 5), (0, 9), (6, 6)])
async def test_two_that_overlap_are_one_too_many(store: Store, malo: Collaborateur, first: int, last: int) -> None:
    await entrust(store, malo, INES, within(3, 6))
    with pytest.raises(Refused, match="delegation_overlaps") as refused:
        await entrust(store, malo, YANN, within(first, last))
    assert refused.value.facts["name"] == INES.name
    assert refused.value.field == "first_day"


async def test_one_after_the_other_is_fine(store: Store, clock: Hand, dossier: Dossier, malo: Collaborateur) -> None:
    await entrust(store, malo, INES, within(0, 2))
    await entrust(store, malo, YANN, within(3, 5))
    clock.forward(days=3)
    assert await may_approve(store, dossier) == {malo.email, YANN.email}


async def test_of_two_made_at_once_one_holds(store: Store, malo: Collaborateur) -> None:
    made = await asyncio.gather(
        *(entrust(store, malo, to, within(0, 5)) for to in (INES, YANN, INES)), return_exceptions=True
    )
    assert len([row for row in made if isinstance(row, Delegation)]) == 1
    assert {row.key for row in made if isinstance(row, Refused)} == {"delegation_overlaps"}


async def test_a_colleague_the_portfolio_never_named_is_written_down_once(store: Store, clock: Hand) -> None:
    records = [
        DossierRecord(f"D{n}", f"Dossier {n}", "552 100 554", "Vannes", "Vannes", f"c{n}@cabinet.example")
        for n in range(4)
    ]
    async with store.work() as work:
        await dossiers.keep(work, records)
    async with store.read() as session:
        people = await delegations.with_dossiers(session)
    await asyncio.gather(*(entrust(store, person, YANN, within(0, 5)) for person in people))
    async with store.read() as session:
        found = await delegations.live(session, TODAY)
        assert len({row.delegate.id for row in found}) == 1
        known = await delegations.collaborateur(session, YANN.email)
    assert known is not None
    assert known.aad_id == YANN.user_id


async def test_a_colleague_the_portfolio_knows_by_e_mail_only_is_called_by_name(
    store: Store, malo: Collaborateur
) -> None:
    async with store.work() as work:
        await dossiers.keep(work, [DossierRecord("INE", "Garage", "552 100 554", "Vannes", "Vannes", INES.email)])
    await entrust(store, malo, INES, within(1, 5))
    with pytest.raises(Refused) as refused:
        await entrust(store, malo, YANN, within(3, 8))
    assert refused.value.facts["name"] == INES.name


async def test_nobody_stands_in_for_themselves(store: Store, malo: Collaborateur) -> None:
    with pytest.raises(Refused, match="delegate_is_absent"):
        await entrust(store, malo, MALO, within(0, 5))


async def test_cut_short_it_holds_no_more_and_makes_room(store: Store, dossier: Dossier, malo: Collaborateur) -> None:
    made = await entrust(store, malo, INES, within(0, 20))
    await end(store, made.id)
    assert await may_approve(store, dossier) == {malo.email}
    assert (await one(store, made.id)).row.last_day == TODAY
    await entrust(store, malo, YANN, within(0, 20))
    with pytest.raises(Refused, match="delegation_over"):
        await end(store, made.id)


async def test_called_off_before_it_begins(store: Store, clock: Hand, dossier: Dossier, malo: Collaborateur) -> None:
    made = await entrust(store, malo, INES, within(3, 6))
    await end(store, made.id)
    clock.forward(days=4)
    await delegations.turn(store)
    assert await may_approve(store, dossier) == {malo.email}
    assert await journal(store, "delegations.over") == [(ADMIN, made.id, "planned", "over")]


async def test_what_does_not_exist_cannot_be_ended(store: Store, malo: Collaborateur) -> None:
    with pytest.raises(Refused, match="delegation_over"):
        await end(store, "0" * 32)


# --- no chains


async def test_a_delegation_is_not_passed_on(store: Store, dossier: Dossier, malo: Collaborateur) -> None:
    await entrust(store, malo, INES, within(0, 5))
    async with store.read() as session:
        ines = await delegations.collaborateur(session, INES.email)
    assert ines is not None
    await entrust(store, ines, YANN, within(0, 5))
    assert await may_approve(store, dossier) == {malo.email, INES.email}
    async with store.read() as session:
        replaced = await delegations.replaced_by(session, ines.id, within(5, 9))
        assert [row.absent.id for row in replaced] == [malo.id]
        assert await delegations.replaced_by(session, ines.id, within(6, 9)) == []


# --- rights, as Entra and the portfolio give them


class Tenant:
    """A directory that knows the firm's team only."""

    async def team_members(self, group_id: str) -> tuple[StaffMember, ...]:
        return STAFF


async def test_the_right_to_approve_follows_the_days(
    store: Store, clock: Hand, dossier: Dossier, malo: Collaborateur
) -> None:
    place = Place(PlaceKind.CHANNEL, "19:general", "https://teams.example", "tenant", "28:bot", "19:general", "group")
    await remember(store, GENERAL, place)
    roles = Roles(store, cast(Directory, Tenant()), None)
    await entrust(store, malo, INES, within(1, 2))
    may: list[Mapping[str, bool]] = []
    for _ in range(4):
        may.append({who.name: await roles.is_collaborateur_of(who.user_id, dossier.id) for who in STAFF})
        clock.forward(days=1)
    assert [day["Inès Caradec"] for day in may] == [False, True, True, False]
    assert all(day["Malo Le Goff"] for day in may)
    assert not any(day["Yann Guillou"] for day in may)
    assert not await roles.is_collaborateur_of("aad-nobody", dossier.id)
    assert not await roles.is_collaborateur_of(INES.user_id, "0" * 32)
    assert [one.name for one in await roles.staff()] == ["Inès Caradec", "Malo Le Goff", "Yann Guillou"]


async def test_a_dossier_without_collaborateur_has_nobody(store: Store, dossier: Dossier, malo: Collaborateur) -> None:
    async with store.work() as work:
        nobodys = DossierRecord("SANS", "Sans collaborateur", "552 100 554", "Vannes", "Vannes", "")
        await dossiers.keep(work, [nobodys])
    async with store.read() as session:
        found = (await dossiers.search(session, "sans"))[0]
    assert await may_approve(store, found) == set()
