"""Taking in a list of new clients: no more at once than the window holds, each line once, one bad line alone refused."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import func, select, update

from dialogs.import_clients import reader
from practice import seed
from services import bulk, bulk_check, dossiers, imports, interlocuteurs, invitations, portfolio
from services.bulk_standing import Verdict
from services.errors import Unavailable
from services.events import Event, InvitationRequested
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.models import Dossier, Effect, EffectState, ImportLine, Interlocuteur, Invitation, Proposition, Row
from services.offers import Qualite
from services.outbox import DIRECTORY, Reaction, owed
from services.ports import Directory, DirectoryUser
from services.record import Firm, Services
from services.store import Store
from tests.clients import client, codes, saved
from tests.services.conftest import ADMIN, Hand

FIRM = Firm("Cabinet", "fr", frozenset({"cabinet.example"}), "https://loop.example", "t", False, "#000000")
LINES = 20
ROWS = tuple(client(number) for number in range(LINES))


class Entra:
    """Where nobody is; `down`: it cannot say."""

    def __init__(self, *, down: bool = False) -> None:
        self.asked: list[str] = []
        self._down = down

    async def find_by_email(self, email: str) -> DirectoryUser | None:
        self.asked.append(email)
        if self._down:
            raise Unavailable("directory_down")
        return None


async def _invite(_event: Event, _services: Services) -> None: ...


@pytest.fixture
async def store(database_url: str, clock: Hand) -> AsyncIterator[Store]:
    invite = Reaction("send_invitation", _invite, repeatable=True, pool=DIRECTORY)
    made = Store(database_url, clock, owed({InvitationRequested: (invite,)}), agreed=clock)
    async with made.work() as work:
        await dossiers.keep(
            work, [portfolio.record(one.said) for one in portfolio.read(seed.portfolio_csv(40).encode())]
        )
    yield made
    await made.close()


async def received(store: Store, rows: Sequence[tuple[str, ...]] = ROWS) -> str:
    async with store.work() as work:
        import_id = (await imports.receive(work, "clients.csv", ADMIN)).id
    await imports.check(store, import_id, saved(*rows))
    return import_id


async def confirmed(store: Store, rows: Sequence[tuple[str, ...]] = ROWS) -> str:
    import_id = await received(store, rows)
    while await bulk_check.examine(store, FIRM, cast("Directory", Entra()), import_id, reader("fr")):
        pass
    async with store.work() as work:
        assert await imports.confirm(work, import_id, ADMIN)
    return import_id


async def count(store: Store, row: type[Row]) -> int:
    async with store.read() as session:
        return await session.scalar(select(func.count()).select_from(row)) or 0


async def lines(store: Store) -> list[ImportLine]:
    async with store.read() as session:
        return list(await session.scalars(select(ImportLine).order_by(ImportLine.number)))


async def test_each_look_fills_the_window_and_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "WINDOW", 11)
    monkeypatch.setattr(bulk, "TICK", timedelta(minutes=1))  # a busy machine may not fill it in a moment
    import_id = await confirmed(store)
    for taken in (11, 11):
        await bulk.advance(store, FIRM, import_id, reader("fr"))
        assert await count(store, Invitation) == taken
    async with store.work() as work:  # four have left
        some = select(Effect.id).order_by(Effect.id).limit(4).scalar_subquery()
        await work.session.execute(update(Effect).where(Effect.id.in_(some)).values(state=EffectState.DONE))
    await bulk.advance(store, FIRM, import_id, reader("fr"))
    assert await count(store, Invitation) == 15


async def test_a_line_refused_by_now_is_alone_in_it(store: Store) -> None:
    import_id = await confirmed(store)
    there = client(3)
    namesake = Contact(there[3], there[2], "+33610000317", "", "zoe@ailleurs.example", Qualite.NONE, *[""] * 7)
    async with store.work() as work:
        await interlocuteurs.create(work, namesake, "fr", ADMIN)
    await bulk.advance(store, FIRM, import_id, reader("fr"))
    now = await lines(store)
    assert [one.number for one in now if one.verdict == Verdict.REFUSED] == [now[3].number]
    assert now[3].reason == "same_person"
    assert [one.taken for one in now] == [number != 3 for number in range(LINES)]
    assert await count(store, Invitation) == await count(store, Proposition) == LINES - 1
    assert await count(store, Interlocuteur) == LINES  # with the namesake


async def test_several_lines_about_one_person_make_one_interlocuteur(store: Store) -> None:
    rows = [client(0, **{"Code dossier": code}) for code in codes()[: bulk.TOGETHER]]
    async with store.work() as work:  # nothing of their invitation makes the lines wait for each other
        dossier = (await work.session.scalars(select(Dossier).where(Dossier.code == codes()[0]))).unique().one()
        await invitations.invite_guest(work, NewGuest(rows[0][3], rows[0][2], rows[0][4], "", "fr"), dossier, ADMIN)
    import_id = await confirmed(store, rows)
    await bulk.advance(store, FIRM, import_id, reader("fr"))
    assert [one.taken for one in await lines(store)] == [True] * len(rows)
    assert await count(store, Interlocuteur) == await count(store, Invitation) == 1
    assert await count(store, Proposition) == len(rows)


async def test_each_person_is_asked_of_entra_once_and_nothing_is_kept(store: Store) -> None:
    import_id, entra = await received(store), Entra()
    while await bulk_check.examine(store, FIRM, cast("Directory", entra), import_id, reader("fr")):
        pass
    assert sorted(entra.asked) == sorted(client(number)[4] for number in range(LINES))
    assert {one.verdict for one in await lines(store)} == {Verdict.INVITED}
    assert await count(store, Invitation) == 0


async def test_without_entra_no_line_gets_a_verdict(store: Store) -> None:
    import_id = await received(store)
    with pytest.raises(Unavailable):
        await bulk_check.examine(store, FIRM, cast("Directory", Entra(down=True)), import_id, reader("fr"))
    assert {one.verdict for one in await lines(store)} == {Verdict.UNREAD}
