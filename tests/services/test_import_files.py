"""A file sent in Teams: fetched, judged, told about; and what an import sets off."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from services import imports, propositions
from services.errors import Refused, Unavailable
from services.events import ImportReceived
from services.models import Dossier, ImportState, Interlocuteur
from services.record import Services
from services.store import Store
from tests.services.conftest import ADMIN, Hand
from tests.services.recording import EVERY_EVENT, told
from tests.services.test_imports import checked, confirm, line, state, take_in
from tests.services.test_portfolio import HEAD, ROW, typed


@dataclass
class Shelf:
    """Where Teams holds files: gives its content, or raises."""

    content: bytes | Exception

    async def fetch(self, url: str, most: int) -> bytes:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


@pytest.fixture
async def telling(database_url: str, clock: Hand) -> AsyncIterator[Store]:
    """The store, with every event recorded."""
    made = Store(database_url, clock, EVERY_EVENT)
    yield made
    await made.close()


async def received(store: Store, shelf: Shelf) -> str:
    services = Services(None, store, None, None, None, None, shelf)  # type: ignore[arg-type]
    async with store.work() as work:
        import_id = (await imports.receive(work, "p.csv\u202e\x00", ADMIN, "https://x.sharepoint.com/f?secret")).id
    await imports.check_file(ImportReceived(import_id), services)
    await imports.check_file(ImportReceived(import_id), services)  # delivered once more
    return import_id


async def test_a_file_sent_in_teams_is_fetched_judged_and_its_address_forgotten(telling: Store) -> None:
    import_id = await received(telling, Shelf(typed(HEAD, ROW).encode()))
    async with telling.read() as session:
        found = await imports.get(session, import_id)
    assert (found.state, found.url, found.file_name) == (ImportState.CHECKED, None, "p.csv")
    await confirm(telling, import_id)
    await imports.take(telling, import_id)
    assert await told(telling, import_id) == ["ImportReceived", "ImportChecked", "ImportConfirmed", "ImportFinished"]


async def test_progress_is_told_between_portions(telling: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK", 2)
    monkeypatch.setattr(imports, "PORTION", 4)
    import_id = await checked(telling, typed(HEAD, *[line(f"D{n:02}") for n in range(17)]).encode())
    await confirm(telling, import_id)
    while await imports.take(telling, import_id):
        pass
    assert (await told(telling, import_id))[2:] == [
        "ImportConfirmed",
        "ImportProgressed",
        "ImportProgressed",
        "ImportFinished",
    ]


async def test_a_file_that_cannot_be_fetched_or_read_says_why(telling: Store) -> None:
    for shelf, key in ((Shelf(Refused("file_gone")), "file_gone"), (Shelf(b"Code\r\nA\r\n"), "portfolio_columns")):
        import_id = await received(telling, shelf)
        async with telling.read() as session:
            found = await imports.get(session, import_id)
        assert (found.state, found.reason, found.url) == (ImportState.DROPPED, key, None)
        assert await told(telling, import_id) == ["ImportReceived", "ImportChecked"]
    with pytest.raises(Unavailable):
        await received(telling, Shelf(Unavailable("files_down")))  # and the outbox comes back
    import_id = await received(telling, Shelf(typed(HEAD, ROW).encode()))
    assert await state(telling, import_id) == ImportState.CHECKED


async def test_what_waits_for_an_approval_follows_the_dossier_to_its_new_collaborateur(
    telling: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with telling.work() as work:
        waits, _ = await propositions.propose_offer(work, dossier, "start", linked, ADMIN, "Claire")
        over, _ = await propositions.propose_offer(work, dossier, "consultation", linked, ADMIN, "Claire")
    async with telling.work() as work:
        await propositions.refuse_activation(work, over.id, ADMIN, "Claire", "non")
    row = ("BOUMAR", "Boulangerie Martin", "552100554", "Vannes", "Vannes", "ines@cabinet.example")
    await take_in(telling, typed(HEAD, row).encode())
    assert (await told(telling, waits.id))[-1] == "ApprovalChanged"
    assert "ApprovalChanged" not in await told(telling, over.id)
