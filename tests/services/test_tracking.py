"""The board: whose turn it is, late ones first, filtered and paged by the database."""

from collections.abc import Awaitable, Callable

import pytest

from services import endings, invitations, loop_tasks, my_clients, propositions, tracking
from services.calendar import day_of
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur, InvitationState
from services.moves import move_invitation
from services.store import Store, Work
from services.tracking import Board, Wanted
from tests.services.conftest import ADMIN, PAUL, Hand

CLAIRE = Actor(ADMIN, "Claire")
Settle = Callable[[Work, Dossier, Interlocuteur], Awaitable[None]]


async def board(store: Store, clock: Hand, state: str = "", page: int = 1, size: int = 8, **more: object) -> Board:
    async with store.read() as session:
        return await tracking.board(session, clock.now, Wanted(state, **more), page=page, page_size=size)  # type: ignore[arg-type]


async def propose(store: Store, dossier: Dossier, person: Interlocuteur, offer: str) -> str:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, offer, person, ADMIN, "Claire")
    return made.id


async def test_an_empty_board_has_one_page(store: Store, clock: Hand) -> None:
    assert await board(store, clock) == Board([], [], 0, 1, 1)
    async with store.read() as session:
        assert await tracking.choices(session) == tracking.Choices([], [])


async def test_an_invited_client_until_something_is_proposed(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    (row,) = (await board(store, clock)).rows
    assert (row.code, row.state, row.ball, row.offer) == ("BOUMAR", "requested", "passerelle", None)
    await propose(store, dossier, linked, "consultation")
    (row,) = (await board(store, clock)).rows
    assert (row.state, row.offer) == ("proposed", "Consultation")


async def test_late_ones_first_and_who_is_done_last(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    done = await propose(store, dossier, linked, "start")
    async with store.work() as work:
        await propositions.approve_activation(work, done, "malo", "Malo", ticked=True)
    clock.forward(days=1)
    await propose(store, dossier, linked, "co_production")
    clock.forward(days=3)
    await propose(store, dossier, linked, "consultation")
    clock.forward(hours=1)
    rows = (await board(store, clock)).rows
    assert [row.offer for row in rows] == ["Co-Production", "Consultation", "Start"]
    assert [row.late(clock.now) for row in rows] == [True, False, False]
    assert [row.days(clock.now) for row in rows] == [3, 0, 4]
    assert [row.offer for row in (await board(store, clock, "late")).rows] == ["Co-Production"]
    assert [row.offer for row in (await board(store, clock, "active")).rows] == ["Start"]
    found = await board(store, clock)
    assert (found.counts, found.late) == ([("proposed", 2), ("active", 1)], 1)


async def test_pages(store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur) -> None:
    for offer in ("start", "consultation", "co_production"):
        await propose(store, dossier, linked, offer)
        clock.forward(minutes=1)
    second = await board(store, clock, page=2, size=2)
    assert (second.page, second.pages, [row.offer for row in second.rows]) == (2, 2, ["Co-Production"])
    assert (await board(store, clock, page=99, size=2)).page == 2


async def test_filters_meet(store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur) -> None:
    await propose(store, dossier, linked, "start")
    await propose(store, dossier, linked, "consultation")
    owner = dossier.collaborateur_id or ""
    both = await board(store, clock, owners=(owner,), agency="Vannes", offer="start")
    assert [row.offer for row in both.rows] == ["Start"]
    assert both.counts == [("proposed", 1)]
    assert (await board(store, clock, owners=("nobody",))).rows == []
    assert (await board(store, clock, agency="Nantes")).rows == []
    async with store.read() as session:
        choices = await tracking.choices(session)
    assert choices.owners == [(owner, "malo@cabinet.example")]
    assert choices.agencies == ["Vannes"]


async def test_mine_are_the_dossiers_of_the_one_who_asks(store: Store, clock: Hand, dossier: Dossier) -> None:
    async with store.read() as session:
        mine = await my_clients.answers_for(session, "Malo@Cabinet.example", day_of(clock.now))
        nobody = await my_clients.answers_for(session, "x@y.z", day_of(clock.now))
    assert [one.id for one in mine] == [dossier.collaborateur_id]
    assert nobody == ()


async def test_what_was_left_in_loop_shows_until_it_is_done(store: Store, clock: Hand, dossier: Dossier) -> None:
    async with store.work() as work:
        task = await loop_tasks.ask(work, "activate_offer", dossier, CLAIRE, done=False, offer="start")
    (row,) = (await board(store, clock)).rows
    assert (row.state, row.ball, row.offer) == ("todo", "administrateur", "Start")
    async with store.work() as work:
        await loop_tasks.finish(work, task.id, CLAIRE)
    assert (await board(store, clock)).rows == []


async def test_all_of_it_in_the_boards_order(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    for offer in ("start", "consultation"):
        await propose(store, dossier, linked, offer)
        clock.forward(minutes=1)
    async with store.read() as session:
        every = [one async for one in tracking.every(session)]
    assert every == list((await board(store, clock)).rows)


async def test_left_in_loop_a_client_stands_once_on_the_board(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with store.work() as work:
        await propositions.propose_offer(work, dossier, "start", linked, ADMIN, "Claire", announce=False)
        task = await loop_tasks.ask(
            work, "propose_offer", dossier, CLAIRE, done=False, offer="start", interlocuteur=linked
        )
    assert (await board(store, clock)).counts == [("todo", 1)]
    async with store.work() as work:
        await loop_tasks.finish(work, task.id, CLAIRE)
    assert (await board(store, clock)).counts == [("proposed", 1)]


async def _propose_again(work: Work, dossier: Dossier, person: Interlocuteur) -> None:
    await propositions.propose_offer(work, dossier, "consultation", person, ADMIN, "Claire")


async def _end_offer(work: Work, dossier: Dossier, _person: Interlocuteur) -> None:
    await endings.end_offer(work, dossier, "consultation", CLAIRE, done=True)


async def _revoke(work: Work, _dossier: Dossier, _person: Interlocuteur) -> None:
    mine = await invitations.live(work.session, PAUL.email)
    assert mine is not None
    await endings.revoke_person(work, mine.id, CLAIRE, done=True)


async def _end_mission(work: Work, dossier: Dossier, _person: Interlocuteur) -> None:
    await endings.end_mission(work, dossier, CLAIRE, done=True)


@pytest.mark.parametrize(
    ("settle", "then"),
    [(_propose_again, ["proposed"]), (_end_offer, ["requested"]), (_revoke, []), (_end_mission, [])],
)
async def test_a_refusal_waits_until_it_is_settled(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur, settle: Settle, then: list[str]
) -> None:
    made = await propose(store, dossier, linked, "consultation")
    async with store.work() as work:
        await propositions.refuse_activation(work, made, "malo", "Malo", "pas de widget")
    assert (await board(store, clock)).counts == [("refused", 1)]
    clock.forward(days=1)
    async with store.work() as work:
        await settle(work, dossier, linked)
    assert [row.state for row in (await board(store, clock)).rows] == then


async def test_another_offer_of_the_same_person_does_not_settle_it(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    made = await propose(store, dossier, linked, "consultation")
    await propose(store, dossier, linked, "start")
    clock.forward(days=1)
    async with store.work() as work:
        await propositions.refuse_activation(work, made, "malo", "Malo", "pas de widget")
    assert (await board(store, clock)).counts == [("proposed", 1), ("refused", 1)]


@pytest.mark.parametrize("state", [InvitationState.FAILED, InvitationState.EXPIRED])
async def test_an_invitation_not_to_be_taken_up_again_leaves_the_board(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur, state: InvitationState
) -> None:
    async with store.read() as session:
        old = await invitations.live(session, PAUL.email)
    assert old is not None
    async with store.work() as work:
        await move_invitation(work, old.id, InvitationState.SENT, ADMIN, sent_at=work.now)
        await move_invitation(work, old.id, state, ADMIN, reason="domain_blocked")
    assert (await board(store, clock)).counts == [(state.value, 1)]
    async with store.work() as work:
        await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    assert (await board(store, clock)).counts == [("requested", 1)]  # the same person, invited again
    held = await propose(store, dossier, linked, "start")
    async with store.work() as work:
        await endings.revoke_person(work, old.id, CLAIRE, done=True)
    assert [row.subject for row in (await board(store, clock)).rows] == [held]  # theirs by the invitation that holds


@pytest.mark.parametrize("state", [InvitationState.FAILED, InvitationState.EXPIRED])
async def test_the_end_of_a_mission_leaves_nothing_to_do(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur, state: InvitationState
) -> None:
    async with store.work() as work:
        old = await invitations.live(work.session, PAUL.email)
        assert old is not None
        await move_invitation(work, old.id, InvitationState.SENT, ADMIN, sent_at=work.now)
        await move_invitation(work, old.id, state, ADMIN)
    async with store.work() as work:
        await endings.end_mission(work, dossier, CLAIRE, done=True)
    assert (await board(store, clock)).rows == []
