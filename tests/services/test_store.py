"""The unit of work: what is owed, who is woken for it, and which thread SQLite's statements take."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.events import OfferProposed
from services.models import LIVE_INVITATIONS, Effect, Invitation, InvitationState
from services.store import Owed, Store
from tests.services.conftest import Hand
from tests.services.recording import invited

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_what_is_owed_is_there_at_the_commit_in_the_order_it_was_asked_for(store: Store, clock: Hand) -> None:
    store._owed = {OfferProposed: (Owed("mail", "mail", "mail"), Owed("say", "say", "general"))}
    async with store.work() as work:
        work.emit(OfferProposed("a"))
        work.emit(OfferProposed("b"), after=timedelta(seconds=5))
    async with store.read() as session:
        rows = await session.scalars(select(Effect).order_by(Effect.id))
        assert [(row.lane, row.due_at - clock.now) for row in rows] == [
            ("mail:a", timedelta()),
            ("say:a", timedelta()),
            ("mail:b", timedelta(seconds=5)),
            ("say:b", timedelta(seconds=5)),
        ]


async def test_what_is_owed_can_be_looked_for_before_the_commit(store: Store) -> None:
    store._owed = {OfferProposed: (Owed("mail", "mail"),)}
    async with store.work() as work:
        work.emit(OfferProposed("a"))
        await work.write_owed()
        assert len((await work.session.scalars(select(Effect))).all()) == 1
    async with store.read() as session:
        assert len((await session.scalars(select(Effect))).all()) == 1


async def test_whoever_waits_is_told_in_which_pools_something_is_due(store: Store) -> None:
    store._owed = {OfferProposed: (Owed("mail", "mail", "mail"), Owed("say", "say", "general"))}
    async with store.work() as work:
        work.emit(OfferProposed("a"))
        work.leave()
    assert (store.due, store.committed.is_set()) == (set(), False)
    async with store.work() as work:
        work.emit(OfferProposed("a"))
    assert (store.due, store.committed.is_set()) == ({"mail", "general"}, True)


@only_sqlite
async def test_what_is_brief_goes_without_a_thread_until_its_end(store: Store) -> None:
    here = threading.get_ident()
    async with store.work(brief=True) as work:
        assert await _thread(work.session) == here
    async with store.work() as work:
        assert await _thread(work.session) != here
    async with store.read(brief=True) as session:
        assert await _thread(session) == here
    async with store.read() as session:
        assert await _thread(session) != here


@only_sqlite
async def test_after_a_fault_nothing_is_brief_any_more(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.work(brief=True):
            raise ZeroDivisionError
    async with store.work() as work:
        assert await _thread(work.session) != threading.get_ident()


async def _thread(session: AsyncSession) -> int:
    """The thread that runs this session's statements."""
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    driver.held.create_function("thread_of_it", 0, threading.get_ident)
    return int(await session.scalar(text("SELECT thread_of_it()")) or 0)


# --- what every turn asks, on both databases


WHEN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_ASKED = select(Invitation.state, Invitation.sent_at, Invitation.made_in_entra).where(
    Invitation.state.in_(LIVE_INVITATIONS), Invitation.email == bindparam("email")
)
_SENT = (
    update(Invitation)
    .where(Invitation.email == bindparam("address"), Invitation.state.in_(LIVE_INVITATIONS))
    .values(sent_at=bindparam("at"), made_in_entra=bindparam("made"), state=InvitationState.SENT)
)


async def test_values_go_in_and_come_out_as_their_columns_have_them(store: Store) -> None:
    async with store.work() as work:
        for number, state in enumerate((InvitationState.REQUESTED, InvitationState.FAILED)):
            work.session.add(invited(f"paul{number}@entreprise.example", state, work.now))
    for made in (True, False):  # prepared once, asked again with other values
        assert await store.change(_SENT, address="paul0@entreprise.example", at=WHEN, made=made) == 1
        assert await store.ask(_ASKED, email="paul0@entreprise.example") == [(InvitationState.SENT, WHEN, made)]
    assert await store.change(_SENT, address="paul1@entreprise.example", at=WHEN, made=True) == 0
    assert await store.ask(_ASKED, email="paul1@entreprise.example") == []
