"""Finding a person on the list, and finding that a person is there already: accents, case and order aside."""

import pytest

from services import interlocuteur_removal, interlocuteur_search, interlocuteurs
from services.interlocuteurs import Contact
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur
from services.offers import Qualite
from services.store import Store
from tests.services.conftest import ADMIN, CONTACT


def someone(family_name: str, given_name: str = "", email: str = "", mobile: str = "+33600000000") -> Contact:
    blank = [""] * 7
    return Contact(family_name, given_name, mobile, "", email or f"{given_name}@x.fr", Qualite.NONE, *blank)


async def make(store: Store, *contacts: Contact) -> None:
    async with store.work() as work:
        for contact in contacts:
            await interlocuteurs.create(work, contact, "fr", ADMIN)


async def found(store: Store, typed: str, number: int = 1, size: int = 8) -> list[str]:
    async with store.read() as session:
        page = await interlocuteur_search.page(session, typed, number, size)
    return [interlocuteurs.full_name(one) for one in page.people]


class TestFinding:
    async def test_everybody_by_nom_then_prenom_accents_aside(self, store: Store) -> None:
        await make(store, someone("Zola"), someone("élodie"), someone("Martin", "Zoé"), someone("Martin", "Anne"))
        assert await found(store, "") == ["élodie", "Martin Anne", "Martin Zoé", "Zola"]

    async def test_page_by_page_nobody_twice_nobody_missing(self, store: Store) -> None:
        await make(store, *(someone(f"Le Goff {n:02}") for n in range(11)))
        pages = [await found(store, "goff", number, 4) for number in (1, 2, 3)]
        assert [len(page) for page in pages] == [4, 4, 3]
        assert len({name for page in pages for name in page}) == 11

    async def test_beyond_the_last_page_is_the_last_page(self, store: Store) -> None:
        await make(store, someone("Martin"))
        async with store.read() as session:
            page = await interlocuteur_search.page(session, "", 99, 8)
            assert (page.number, page.pages, page.total, len(page.people)) == (1, 1, 1, 1)
            nobody = await interlocuteur_search.page(session, "zzz", 1, 8)
            assert (nobody.number, nobody.pages, nobody.total) == (1, 1, 0)

    @pytest.mark.parametrize("typed", ["nguyen", "NGUYỄN", "thi ngu", "hong.nguyen@", "fleurs.example", "Hồng"])
    async def test_by_name_or_e_mail_in_any_case(self, store: Store, typed: str) -> None:
        await make(store, someone("Nguyễn", "Thị Hồng", "hong.nguyen@fleurs.example"), someone("Martin", "Paul"))
        assert await found(store, typed) == ["Nguyễn Thị Hồng"]

    @pytest.mark.parametrize("typed", ["boumar", "BOUM", "boulangerie", "552100554", "martin boumar"])
    async def test_by_the_dossier(self, store: Store, dossier: Dossier, linked: Interlocuteur, typed: str) -> None:
        await make(store, someone("Autre"))
        assert await found(store, typed) == ["Martin Paul"]
        async with store.read() as session:
            people = (await interlocuteur_search.page(session, "", 1, 8)).people
            codes = await interlocuteur_search.codes_of(session, people)
        assert sorted(codes.values()) == [[], ["BOUMAR"]]

    @pytest.mark.parametrize("typed", ["%", "_", "' OR 1=1 --", "\U0010ffff", "***"])
    async def test_whatever_is_typed_is_only_text(self, store: Store, typed: str) -> None:
        await make(store, someone("Martin"))
        assert len(await found(store, typed)) <= 1


class TestSamePerson:
    async def known(self, store: Store, contact: Contact) -> list[str]:
        async with store.read() as session:
            return [interlocuteurs.full_name(one) for one in await interlocuteurs.known_as(session, contact)]

    async def test_by_e_mail_whatever_its_case(self, store: Store) -> None:
        await make(store, someone("Martin", "Paul", "paul@martin.fr"))
        assert await self.known(store, someone("Autre", "Nom", "PAUL@Martin.fr", "+33611111111")) == ["Martin Paul"]

    async def test_by_name_accents_aside_and_mobile(self, store: Store) -> None:
        await make(store, someone("Lefèvre", "Élodie", "elodie@a.fr", "+33612345678"))
        assert await self.known(store, someone("LEFEVRE", "elodie", "other@b.fr", "+33612345678")) == ["Lefèvre Élodie"]
        assert await self.known(store, someone("Lefèvre", "Élodie", "other@b.fr", "+33687654321")) == []

    async def test_the_same_e_mail_comes_first(self, store: Store) -> None:
        await make(store, someone("Martin", "Paul", "old@a.fr"), someone("Martin", "P.", "paul@martin.fr"))
        assert await self.known(store, someone("Martin", "Paul", "paul@martin.fr")) == ["Martin P.", "Martin Paul"]

    async def test_who_was_removed_is_nobody(self, store: Store, linked: Interlocuteur) -> None:
        async with store.work() as work:
            key = (await interlocuteur_removal.loss(work.session, linked.id)).key
            await interlocuteur_removal.remove(work, linked.id, key, Actor(ADMIN, "Claire"))
        assert await self.known(store, CONTACT) == []
