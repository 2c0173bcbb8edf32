"""A file attached in the 1:1 conversation, in a real browser."""

import pytest

from practice import seed
from tests.browser.page import PracticePage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def test_the_portfolio_is_attached_judged_and_taken_in(page: PracticePage) -> None:
    claire = page.column("Administrateur")
    await claire.shows("Conversation")
    content = seed.portfolio_csv() + f"NAUTIC;Nautisme;552100554;Séné;56860;Vannes;{seed.INES.email}\r\n"
    await claire.attaches("portefeuille.csv", content.encode("cp1252"))
    await claire.sees("portefeuille.csv", "Rien n’est encore importé", "Dossiers à créer : 1")
    await claire.clicks("Importer")
    await claire.sees("L’import est terminé")
    assert page.problems == []
