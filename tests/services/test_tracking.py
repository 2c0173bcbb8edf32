"""The board: whose turn it is, late ones first, filtered and paged by the database."""

from services import loop_tasks, my_clients, propositions, tracking
from services.calendar import day_of
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur
from services.store import Store
from services.tracking import Board, Wanted
from tests.services.conftest import ADMIN, Hand

CLAIRE = Actor(ADMIN, "Claire")


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
