"""A migrated store on each database, and a clock the test moves."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from services import dossiers, interlocuteurs, invitations, offers
from services.dossiers import DossierRecord
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.models import Dossier, Interlocuteur
from services.offers import Qualite
from services.store import Store

ADMIN = "aad-claire"
PAUL = NewGuest("Martin", "Paul", "paul@boulangerie.example", "+33612345678", "fr")
CONTACT = Contact("Martin", "Paul", "+33612345678", "", "paul@boulangerie.example", Qualite.DIRECTION_TPE, *[""] * 7)


@dataclass
class Hand:
    """A clock the test holds."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
async def store(database_url: str, clock: Hand) -> AsyncIterator[Store]:
    made = Store(database_url, clock, {}, agreed=clock)
    yield made
    await made.close()


@pytest.fixture
async def dossier(store: Store) -> Dossier:
    record = DossierRecord("BOUMAR", "Boulangerie Martin", "552 100 554", "Vannes", "Vannes", "malo@cabinet.example")
    async with store.work() as work:
        await dossiers.keep(work, [record])
    async with store.read() as session:
        return (await dossiers.search(session, "boumar"))[0]


@pytest.fixture
async def linked(store: Store, dossier: Dossier) -> Interlocuteur:
    """Paul, invited, linked to the dossier, whose three offers are active."""
    async with store.work() as work:
        await invitations.invite_guest(work, PAUL, dossier, ADMIN)
        for key in offers.CATALOGUE:
            await offers.activate_offer(work, dossier, key, ADMIN, subscription_confirmed=True)
        person = await interlocuteurs.create(work, CONTACT, "fr", ADMIN)
        await interlocuteurs.link(work, person, dossier, ADMIN)
    return person
