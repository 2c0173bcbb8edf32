"""What ends, and for whom: one transaction each, the others untouched, one winner whoever clicks at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
from sqlalchemy import select

from services import dossiers, endings, interlocuteurs, invitations, loop_tasks, matrix, offers, propositions
from services.dossiers import DossierRecord
from services.errors import Refused
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur, LoopTask, Proposition, PropositionState, TaskState
from services.offers import CATALOGUE, Qualite
from services.store import Store
from tests.services.conftest import ADMIN, CONTACT, PAUL, Hand
from tests.services.recording import EVERY_EVENT, invitation, journal, told

CLAIRE = Actor(ADMIN, "Claire")
YANN = Actor("aad-yann", "Yann")
SOPHIE = replace(PAUL, family_name="Kervella", given_name="Sophie", email="sophie@boulangerie.example")


@pytest.fixture
async def store(database_url: str, clock: Hand) -> AsyncIterator[Store]:
    made = Store(database_url, clock, EVERY_EVENT)
    yield made
    await made.close()


@pytest.fixture
async def sophie(store: Store, dossier: Dossier) -> Interlocuteur:
    """A second person of the same dossier."""
    async with store.work() as work:
        await invitations.invite_guest(work, SOPHIE, dossier, ADMIN)
        contact = replace(CONTACT, family_name="Kervella", given_name="Sophie", email=SOPHIE.email)
        person = await interlocuteurs.create(work, contact, "fr", ADMIN)
        await interlocuteurs.link(work, person, dossier, ADMIN)
    return person


@pytest.fixture
async def other_dossier(store: Store) -> Dossier:
    """A second company."""
    record = DossierRecord("FLEKER", "Fleurs Kervella", "732 829 320", "Vannes", "Vannes", "malo@cabinet.example")
    async with store.work() as work:
        await dossiers.keep(work, [record])
    async with store.read() as session:
        return next(one for one in (await session.scalars(select(Dossier))).unique() if one.code == "FLEKER")


async def propose(
    store: Store, dossier: Dossier, person: Interlocuteur, offer: str = "consultation", *, active: bool = True
) -> str:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, offer, person, ADMIN, "Claire")
        if active:
            await propositions.approve_activation(work, made.id, "malo", "Malo", ticked=True)
    return made.id


async def states(store: Store) -> Mapping[str, str]:
    async with store.read() as session:
        return {one.id: one.state for one in await session.scalars(select(Proposition))}


async def tasks(store: Store, state: TaskState = TaskState.TODO) -> list[tuple[str, str | None]]:
    async with store.read() as session:
        rows = await session.scalars(select(LoopTask).where(LoopTask.state == state).order_by(LoopTask.asked_at))
        return [(one.what, one.offer) for one in rows]


async def withdraw(store: Store, proposition_id: str, actor: Actor = CLAIRE, *, done: bool = True) -> None:
    async with store.work() as work:
        await endings.withdraw_offer(work, proposition_id, actor, done=done)


async def change(store: Store, proposition_id: str, to: str, *, confirmed: bool = False, done: bool = True) -> str:
    async with store.work() as work:
        made = await endings.change_offer(work, proposition_id, to, CLAIRE, subscription_confirmed=confirmed, done=done)
    return made.id


async def end_offer(store: Store, dossier: Dossier, key: str, *, done: bool = True) -> None:
    async with store.work() as work:
        await endings.end_offer(work, dossier, key, CLAIRE, done=done)


async def end_mission(store: Store, dossier: Dossier, *, done: bool = True) -> None:
    async with store.work() as work:
        await endings.end_mission(work, dossier, CLAIRE, done=done)


# -- one person's offer (scenario 18)


async def test_scenario_18_one_person_loses_it_the_others_keep_theirs(
    store: Store, dossier: Dossier, linked: Interlocuteur, sophie: Interlocuteur
) -> None:
    his, hers = await propose(store, dossier, linked), await propose(store, dossier, sophie)
    await withdraw(store, his)
    assert await states(store) == {his: PropositionState.ENDED, hers: PropositionState.ACTIVE}
    assert (await told(store, his))[-1] == "OfferEnded"
    assert await journal(store, "propositions.ended") == [(ADMIN, his, "active", "ended")]
    assert await tasks(store, TaskState.DONE) == [("withdraw_offer", "consultation")]
    async with store.read() as session:
        row = (await propositions.get(session, his)).proposition
        assert (row.closed_by_name, row.decided_by_name) == ("Claire", "Malo")
        assert await offers.activation(session, dossier.id, "consultation") is not None


async def test_before_the_approval_it_is_withdrawn_and_can_be_proposed_anew(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    first = await propose(store, dossier, linked, active=False)
    await withdraw(store, first)
    assert (await states(store))[first] == PropositionState.WITHDRAWN
    assert (await told(store, first))[-1] == "OfferWithdrawn"
    with pytest.raises(Refused) as late:
        async with store.work() as work:
            await propositions.approve_activation(work, first, "malo", "Malo", ticked=True)
    assert (late.value.key, late.value.facts["by"]) == ("already_decided", "Claire")
    assert await propose(store, dossier, linked) != first


async def test_the_second_to_withdraw_is_told_who_did_and_when(
    store: Store, dossier: Dossier, linked: Interlocuteur, clock: Hand
) -> None:
    mine = await propose(store, dossier, linked)
    start = await propose(store, dossier, linked, "start")
    await withdraw(store, mine)
    at = clock.now
    clock.forward(minutes=5)
    with pytest.raises(Refused) as closed:
        await withdraw(store, mine, YANN)
    assert (closed.value.key, closed.value.facts) == ("already_closed", {"by": "Claire", "at": at})
    await withdraw(store, start, YANN)
    assert set((await states(store)).values()) == {PropositionState.ENDED}


async def test_withdrawn_and_approved_at_once_it_ends_in_any_order(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    async def approve(proposition_id: str) -> None:
        async with store.work() as work:
            await propositions.approve_activation(work, proposition_id, "malo", "Malo", ticked=True)

    for _ in range(4):
        mine = await propose(store, dossier, linked, active=False)
        outcomes = await asyncio.gather(
            approve(mine), withdraw(store, mine), withdraw(store, mine, YANN), return_exceptions=True
        )
        refused = [one.key for one in outcomes if isinstance(one, Refused)]
        assert sorted(refused) in (["already_closed"], ["already_closed", "already_decided"])
        assert (await states(store))[mine] in (PropositionState.ENDED, PropositionState.WITHDRAWN)


# -- one offer for another (scenario 20)


async def test_scenario_20_a_downgrade_ends_the_old_and_asks_for_the_new_in_one_commit(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    old = await propose(store, dossier, linked)
    new = await change(store, old, "start")
    assert await states(store) == {old: PropositionState.ENDED, new: PropositionState.PROPOSED}
    assert await told(store, new) == ["OfferProposed"]
    assert await tasks(store, TaskState.DONE) == [("withdraw_offer", "consultation"), ("propose_offer", "start")]


async def test_a_paid_offer_that_is_not_on_asks_for_its_subscription_and_until_then_nothing_changes(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    await end_offer(store, dossier, "co_production")
    old = await propose(store, dossier, linked, "start")
    with pytest.raises(Refused, match="subscription_needed"):
        await change(store, old, "co_production")
    assert await states(store) == {old: PropositionState.ACTIVE}
    assert await tasks(store) == []
    new = await change(store, old, "co_production", confirmed=True)
    assert await states(store) == {old: PropositionState.ENDED, new: PropositionState.PROPOSED}
    async with store.read() as session:
        activation = await offers.activation(session, dossier.id, "co_production")
    assert activation is not None
    assert activation.subscription_confirmed_by == ADMIN


async def test_a_paid_offer_already_on_asks_for_nothing(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    old = await propose(store, dossier, linked, "start")
    await change(store, old, "consultation")
    assert (await states(store))[old] == PropositionState.ENDED


async def test_the_same_offer_or_one_the_person_has_is_no_change_another_is(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    mine = await propose(store, dossier, linked)
    await propose(store, dossier, linked, "start")
    with pytest.raises(Refused, match="same_offer"):
        await change(store, mine, "consultation")
    with pytest.raises(Refused, match="offer_already_proposed"):
        await change(store, mine, "start")
    with pytest.raises(Refused, match="unknown_offer"):
        await change(store, mine, "or")
    await change(store, mine, "co_production")
    assert (await states(store))[mine] == PropositionState.ENDED


async def test_left_for_later_the_collaborateur_is_asked_once_it_is_done_in_loop(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    old = await propose(store, dossier, linked)
    new = await change(store, old, "start", done=False)
    assert await told(store, new) == []
    assert await tasks(store) == [("withdraw_offer", "consultation"), ("propose_offer", "start")]
    async with store.read() as session:
        task = next(task for task, _ in await loop_tasks.left(session) if task.what == "propose_offer")
    async with store.work() as work:
        await loop_tasks.finish(work, task.id, CLAIRE)
    assert await told(store, new) == ["OfferProposed"]


async def test_who_is_no_longer_invited_is_offered_nothing_new(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    mine = await propose(store, dossier, linked)
    async with store.work() as work:
        invited = await invitations.live(work.session, PAUL.email)
        assert invited is not None
        await invitations.revoke(work, invited.id, ADMIN)
    with pytest.raises(Refused, match="not_invited"):
        await change(store, mine, "start")
    async with store.work() as work:
        await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    assert await change(store, mine, "start")


# -- an offer of the whole dossier


async def test_an_ended_offer_ends_for_everybody_and_for_nothing_else(
    store: Store, dossier: Dossier, linked: Interlocuteur, sophie: Interlocuteur, clock: Hand
) -> None:
    his, hers = await propose(store, dossier, linked), await propose(store, dossier, sophie, active=False)
    start = await propose(store, dossier, sophie, "start")
    await end_offer(store, dossier, "consultation")
    assert await states(store) == {
        his: PropositionState.ENDED,
        hers: PropositionState.WITHDRAWN,
        start: PropositionState.ACTIVE,
    }
    assert await journal(store, "offer.ended") == [(ADMIN, dossier.id, "consultation", None)]
    with pytest.raises(Refused, match="offer_already_ended"):
        await end_offer(store, dossier, "consultation")
    with pytest.raises(Refused, match="offer_not_active"):
        await propose(store, dossier, linked)
    async with store.work() as work:
        await offers.activate_offer(work, dossier, "consultation", ADMIN, subscription_confirmed=True)
    assert await propose(store, dossier, linked)


async def test_nobody_keeps_an_offer_that_ended_while_it_was_proposed(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    for _ in range(5):
        outcomes = await asyncio.gather(
            propose(store, dossier, linked, "start", active=False),
            end_offer(store, dossier, "start"),
            return_exceptions=True,
        )
        assert not [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, Refused)]
        assert {one.key for one in outcomes if isinstance(one, Refused)} <= {"offer_not_active"}
        async with store.read() as session:
            assert await propositions.live(session, dossier.id, "start", linked.id) is None
        async with store.work() as work:
            await offers.activate_offer(work, dossier, "start", ADMIN, subscription_confirmed=False)


async def test_everything_at_once_leaves_nothing_half_done(
    store: Store, dossier: Dossier, linked: Interlocuteur, sophie: Interlocuteur
) -> None:
    his, hers = await propose(store, dossier, linked), await propose(store, dossier, sophie)
    async with store.read() as session:
        mine = await invitations.live(session, PAUL.email)
    assert mine is not None

    async def revoke() -> None:
        async with store.work() as work:
            await endings.revoke_person(work, mine.id, CLAIRE, done=True)

    outcomes = await asyncio.gather(
        change(store, his, "start"),
        change(store, hers, "co_production"),
        revoke(),
        end_offer(store, dossier, "consultation"),
        end_offer(store, dossier, "start"),
        end_mission(store, dossier),
        return_exceptions=True,
    )
    assert not [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, Refused)]
    assert outcomes[-1] is None
    assert set((await states(store)).values()) <= {PropositionState.ENDED, PropositionState.WITHDRAWN}
    async with store.read() as session:
        assert await offers.active_on(session, dossier.id) == ()


@pytest.mark.parametrize("ends", ["the mission", "the person's access"])
async def test_who_ends_after_an_offer_was_changed_ends_the_new_one_too(
    store: Store, dossier: Dossier, linked: Interlocuteur, ends: str
) -> None:
    his = await propose(store, dossier, linked)
    async with store.read() as session:
        mine = await invitations.live(session, PAUL.email)
    assert mine is not None

    async def end() -> None:
        async with store.work() as work:
            if ends == "the mission":
                await endings.end_mission(work, dossier, YANN, done=True)
            else:
                await endings.revoke_person(work, mine.id, YANN, done=True)

    async with store.work() as work:
        await endings.change_offer(work, his, "start", CLAIRE, subscription_confirmed=False, done=True)
        ending = asyncio.create_task(end())
        await asyncio.wait({ending}, timeout=0.3)  # it began before this commit, and waits for it
        assert not ending.done()
    await ending
    assert set((await states(store)).values()) == {PropositionState.ENDED, PropositionState.WITHDRAWN}
    if ends == "the mission":
        async with store.read() as session:
            assert await offers.active_on(session, dossier.id) == ()


# -- the end of a mission (scenario 19)


async def test_scenario_19_offers_links_and_guests_go_but_for_who_is_on_another_dossier(
    store: Store, dossier: Dossier, other_dossier: Dossier, linked: Interlocuteur, sophie: Interlocuteur
) -> None:
    his, hers = await propose(store, dossier, linked), await propose(store, dossier, sophie, active=False)
    async with store.work() as work:
        his_invitation = await invitations.live(work.session, PAUL.email)
        her_invitation = await invitations.invite_guest(work, SOPHIE, other_dossier, ADMIN)
    assert his_invitation is not None
    await end_mission(store, dossier)

    assert await states(store) == {his: PropositionState.ENDED, hers: PropositionState.WITHDRAWN}
    async with store.read() as session:
        assert await interlocuteurs.linked_to(session, dossier.id) == []
        assert await offers.active_on(session, dossier.id) == ()
        assert await invitations.invited_for(session, dossier.id) == []
        assert [one.code for one in await invitations.dossiers_of(session, her_invitation.id)] == ["FLEKER"]
    assert (await invitation(store, his_invitation.id)).state == "revoked"
    assert (await told(store, his_invitation.id))[-2:] == ["InvitationRevoked", "GuestDismissed"]
    assert (await invitation(store, her_invitation.id)).state == "requested"
    assert "GuestDismissed" not in await told(store, her_invitation.id)
    assert [subject for _, subject, *_ in await journal(store, "dossiers.mission_ended")] == [dossier.id]
    assert await tasks(store, TaskState.DONE) == [("end_mission", None)]
    with pytest.raises(Refused, match="nothing_to_end"):
        await end_mission(store, dossier)


async def test_a_link_to_another_dossier_keeps_the_guest_too(
    store: Store, dossier: Dossier, other_dossier: Dossier, linked: Interlocuteur
) -> None:
    async with store.work() as work:
        mine = await invitations.invite_guest(work, PAUL, other_dossier, ADMIN)
        await interlocuteurs.link(work, linked, other_dossier, ADMIN)
    async with store.read() as session:
        assert await matrix.elsewhere(session, dossier.id, PAUL.email.upper()) == ("FLEKER",)
    await end_mission(store, dossier)
    assert "GuestDismissed" not in await told(store, mine.id)
    await end_mission(store, other_dossier)
    assert (await told(store, mine.id))[-1] == "GuestDismissed"


async def test_ended_at_once_by_two_it_ends_once(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    await propose(store, dossier, linked)
    outcomes = await asyncio.gather(*(end_mission(store, dossier) for _ in range(3)), return_exceptions=True)
    assert [one for one in outcomes if one is None] == [None]
    assert {one.key for one in outcomes if isinstance(one, Refused)} == {"nothing_to_end"}
    assert (await told(store)).count("GuestDismissed") == 1


# -- one person, revoked


async def test_revoked_the_person_loses_their_offers_and_nobody_else_does(
    store: Store, dossier: Dossier, linked: Interlocuteur, sophie: Interlocuteur
) -> None:
    his, hers = await propose(store, dossier, linked), await propose(store, dossier, sophie)
    async with store.work() as work:
        mine = await invitations.live(work.session, PAUL.email)
        assert mine is not None
        await endings.revoke_person(work, mine.id, CLAIRE, done=False)
    assert await states(store) == {his: PropositionState.ENDED, hers: PropositionState.ACTIVE}
    assert (await invitation(store, mine.id)).state == "revoked"
    assert await tasks(store) == [("withdraw_offer", "consultation")]


# -- what is left to do in Loop


async def test_what_was_left_to_do_and_makes_no_sense_any_more_is_dropped(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(
            work, dossier, "consultation", linked, ADMIN, "Claire", announce=False
        )
        task = await loop_tasks.ask(
            work, "new_client", dossier, CLAIRE, done=False, offer="consultation", interlocuteur=linked
        )
    await withdraw(store, made.id, done=False)
    assert await tasks(store, TaskState.DROPPED) == [("new_client", "consultation")]
    assert sorted(await tasks(store)) == [
        ("activate_offer", "consultation"),
        ("link_interlocuteur", "consultation"),
        ("withdraw_offer", "consultation"),
    ]
    assert await told(store, task.id) == ["LoopTaskLeft", "LoopTaskDropped"]
    with pytest.raises(Refused, match="task_dropped"):
        async with store.work() as work:
            await loop_tasks.finish(work, task.id, CLAIRE)
    await end_mission(store, dossier, done=False)
    assert await tasks(store) == [("end_mission", None)]


async def test_each_task_has_its_guide(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    his = await propose(store, dossier, linked)
    start = await propose(store, dossier, linked, "start")
    keys: dict[str, list[str]] = {}

    async def read_guides() -> None:
        async with store.read() as session:
            for task, _ in await loop_tasks.left(session):
                keys[task.what] = [step.key for step in await loop_tasks.guide(session, task)]

    await withdraw(store, his, done=False)
    await end_offer(store, dossier, "consultation", done=False)
    await read_guides()
    await withdraw(store, start, done=False)
    await read_guides()
    await end_mission(store, dossier, done=False)
    await read_guides()
    assert keys == {
        "withdraw_offer": ["open_dossier", "withdraw_offer", "ok"],
        "end_offer": ["open_dossier", "end_offer", "ok"],
        "end_mission": ["open_dossier", "end_every_offer", "unlink_everyone", "ok"],
    }


# -- the matrix (scenarios 12 and 34)


async def test_scenario_12_the_matrix_shows_everyone_and_every_offer(
    store: Store, dossier: Dossier, linked: Interlocuteur, sophie: Interlocuteur
) -> None:
    await propose(store, dossier, linked)
    await propose(store, dossier, sophie, "start", active=False)
    again = await propose(store, dossier, linked, "start")
    await withdraw(store, again)
    async with store.work() as work:
        await invitations.invite_guest(work, replace(SOPHIE, email="luc@boulangerie.example"), dossier, ADMIN)
    async with store.read() as session:
        found = await matrix.of_dossier(session, dossier)
    shown = {line.email: [cell.state for cell in line.cells] for line in found.lines if line.person}
    assert shown == {
        PAUL.email: ["ended", "active", "not_proposed"],
        SOPHIE.email: ["proposed", "not_proposed", "not_proposed"],
    }
    assert [line.email for line in found.lines if line.person is None] == ["luc@boulangerie.example"]
    assert {line.invitation.state for line in found.lines if line.invitation} == {"requested"}
    assert [(one.offer, one.subscription_confirmed_by) for one in found.active] == [
        ("start", None),
        ("consultation", ADMIN),
        ("co_production", ADMIN),
    ]
    assert len(found.live) == 2


async def test_what_somebody_loses_is_what_their_other_offers_do_not_give(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    await propose(store, dossier, linked)
    await propose(store, dossier, linked, "start")
    await propose(store, dossier, linked, "co_production", active=False)
    async with store.read() as session:
        [line] = (await matrix.of_dossier(session, dossier)).lines
    assert line.lost(lambda cell: cell.offer.key == "consultation") == ("loop_read",)
    assert line.lost(lambda cell: cell.offer.key == "start") == ()
    assert line.lost(lambda cell: cell.offer.key == "co_production") == ()
    assert line.lost(lambda _: True) == ("ged", "deposit", "mobile_dashboard", "loop_read", "gs_ged")


@pytest.mark.parametrize(
    ("before", "after", "lost", "gained"),
    [
        ("consultation", "start", ("loop_read",), ()),
        ("co_production", "start", ("loop_work",), ()),
        ("co_production", "consultation", ("loop_work",), ()),
        ("start", "consultation", (), ("loop_read",)),
        ("start", "co_production", (), ("loop_work",)),
        ("consultation", "co_production", (), ("loop_work",)),
    ],
)
def test_what_a_change_takes_and_gives(before: str, after: str, lost: tuple[str, ...], gained: tuple[str, ...]) -> None:
    old, new = (offers.rights(CATALOGUE[key], Qualite.DIRECTION_TPE) for key in (before, after))
    assert matrix.difference([old], [new]) == (lost, gained)


async def test_scenario_34_one_person_and_two_companies_the_latest_first(
    store: Store, dossier: Dossier, other_dossier: Dossier, linked: Interlocuteur, clock: Hand
) -> None:
    await propose(store, dossier, linked)
    clock.forward(days=1)
    async with store.work() as work:
        await invitations.invite_guest(work, PAUL, other_dossier, ADMIN)
        await offers.activate_offer(work, other_dossier, "start", ADMIN, subscription_confirmed=False)
        twin = await interlocuteurs.create(work, CONTACT, "fr", ADMIN)
        await interlocuteurs.link(work, twin, other_dossier, ADMIN)
    await propose(store, other_dossier, twin, "start")
    async with store.read() as session:
        held = await matrix.active_for(session, PAUL.email.upper())
    assert [(one.dossier.code, one.offer.key) for one in held] == [("FLEKER", "start"), ("BOUMAR", "consultation")]
