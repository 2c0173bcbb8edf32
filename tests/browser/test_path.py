"""The whole path clicked through in a real browser, by button titles, as a person does after `make run`."""

import pytest

from tests.browser.page import PracticePage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def test_from_the_first_word_to_the_welcome(page: PracticePage) -> None:
    claire, malo, paul = page.column("Administrateur"), page.column("Collaborateur"), page.column("Entrepreneur")

    await claire.writes("aide")
    await claire.clicks("Nouveau client")
    await claire.fills(
        {
            "Nom": "Martin",
            "Prénom": "Paul",
            "E-mail": "paul.martin@boulangerie-martin.example",
            "Numéro de téléphone mobile": "06 12 34 56 78",
        }
    )
    await claire.clicks("Continuer")
    await claire.searches("Dossier", "boul mart")
    await claire.picks("BOUMAR")
    await claire.clicks("Continuer")
    await claire.sees("Co-Production")
    await claire.fills({"Offre à activer": "Consultation"})
    await claire.clicks("Continuer")
    await claire.fills({"Je confirme que l’abonnement": True})
    await claire.clicks("Continuer")
    await claire.fills({"Qualité": "Direction TPE"})
    await claire.clicks("Continuer")
    await claire.sees("Vérifiez avant de lancer")
    await claire.clicks("C’est fait, lancer")
    await claire.sees("C’est parti pour le dossier BOUMAR")

    await paul.reads("vous invite")
    await paul.follows("Accepter l’invitation")
    await claire.sees("Invitation acceptée")
    await paul.reads("en cours d’activation")
    await paul.mail_says("paul.martin@boulangerie-martin.example")

    await malo.sees("En attente d’approbation")
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    await malo.sees("Offre active")
    await claire.sees("Offre active")
    await paul.reads("votre accès Consultation est actif")
    await paul.mail_says("Lancer l’application")

    assert page.problems == []
    assert await page.overflow() == 0
