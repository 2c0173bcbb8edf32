"""A guest who forges what the firm's cards send: each button, form and search is answered, tells nothing and changes nothing."""

import pytest
from sqlalchemy import select

from dialogs import DIALOGS, POSTED
from services.models import Dossier, Import
from tests.hostile.kit import Heard, Site
from tests.teams import Person

pytestmark = pytest.mark.asyncio(loop_scope="package")

VERBS = [verb for kind in POSTED if not kind.for_guests for verb in (kind.name, *kind.acts)]
DATASETS = ["dossiers", *(name for kind in POSTED for name in kind.searches)]
OTHERS = ("GARTHO", "Garage Thomas", "Guéguen", "Malo", "Le Goff", "Claire", "Caradec", "cabinet-duhamel")
"""What the firm's own cards would tell: other clients, the firm's people."""
STAFF = ("Ouvrir le formulaire", "Nouveau client", "Approuver", "Révoquer", "Déléguer", "Continuer")


def tells_nothing(heard: Heard) -> None:
    assert heard.status == 200
    found = [one for one in (*OTHERS, *STAFF) if heard.says(one)]
    assert found == [], heard.said[:800]


async def subjects(site: Site) -> list[str | None]:
    """Ids somebody may have seen: none, their own, another client's."""
    async with site.store.read() as session:
        other = await session.scalar(select(Dossier.id).where(Dossier.code == "GARTHO"))
    assert other
    return [None, "1", site.proposition, site.invitation, site.dossier, other]


def paul(site: Site) -> Person:
    """The entrepreneur. No client of his would send any of this."""
    return site.firm.person("Paul")


@pytest.mark.parametrize("trigger", ["manual", "automatic"])
@pytest.mark.parametrize("verb", VERBS)
async def test_a_button_of_the_firms_cards(site: Site, verb: str, trigger: str) -> None:
    for subject in await subjects(site):
        async with site.changes_nothing():
            data = {"p": {"do": verb, "id": subject, "v": 1}, "extension": "true"}
            heard = await site.executes(paul(site), verb, data, trigger)
        tells_nothing(heard)


@pytest.mark.parametrize("dialog", [one.name for one in DIALOGS])
async def test_a_form_of_the_firms(site: Site, dialog: str) -> None:
    for subject in await subjects(site):
        async with site.changes_nothing():
            tells_nothing(await site.opens(paul(site), {"p": {"do": dialog, "id": subject}}))


async def test_somebodys_form_taken_over(site: Site) -> None:
    ours = await site.form(site.firm.person("Claire"))
    async with site.changes_nothing():
        tells_nothing(await site.submits(paul(site), {"p": ours}))


@pytest.mark.parametrize("dataset", DATASETS)
async def test_a_search(site: Site, dataset: str) -> None:
    async with site.changes_nothing():
        heard = await site.searches(paul(site), "garage", dataset)
    assert heard.body["value"]["results"] == []


async def test_a_file(site: Site) -> None:
    """As an administrator sends the portfolio."""
    claire, guest = site.firm.person("Claire"), paul(site).client.persona
    async with site.changes_nothing(but=Import):
        sent = await claire.sends_file("a.csv", b"")
        await site.settles()
    who = {"id": guest.mri, "name": guest.name, "aadObjectId": guest.aad_id}
    async with site.changes_nothing():
        heard = await site.send({**sent.activity, "id": "f:guest", "from": who})
        await site.settles()
    assert heard.status == 200
    assert "réservée aux administrateurs" in " ".join(claire.chat[-1].texts)
