"""A dossier, or a whole portfolio, goes to a colleague: its open requests move, the old cards serve no more (scenario 25)."""

import pytest

from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_clicks import new_client
from tests.test_path import finds_dossier
from tests.test_refused import refusals
from tests.test_reminders import delegates, monday

__all__ = ["monday"]

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TICK = {"Activation de l'extension": True}


async def hands_over_boumar(claire: Person, to: str) -> None:
    """From the dossier's own page."""
    await claire.writes("dossier")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Que voulez-vous faire ?": "Réaffecter le dossier à un collègue"})
    await claire.clicks("Continuer")
    await claire.fills({"Personnes": to})
    await claire.clicks("Continuer")


async def begins_portfolio(claire: Person, whose: str, to: str) -> None:
    await claire.writes("reassigner", in_chat=True)
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills({"Quels dossiers ?": "Les dossiers d’un collaborateur"})
    await claire.clicks("Continuer")
    await claire.fills({"Personnes": whose})
    await claire.clicks("Continuer")
    await claire.sees("À qui ?")
    await claire.fills({"Personnes": to})
    await claire.clicks("Continuer")
    await claire.sees("Vérifiez avant de réaffecter")


async def test_scenario_25_an_open_request_moves_and_its_old_card_points_to_it(firm: Firm, monday: Bot) -> None:
    claire, malo, ines, paul = (firm.person(name) for name in ("Claire", "Malo", "Inès", "Paul"))
    await new_client(claire)
    await malo.sees("En attente d’approbation", "Approuver l’activation")
    await monday.lets_pass()
    old = next(one for one in malo.chat if "Approuver l’activation" in one.buttons)
    old.fills(TICK)
    await monday.lets_pass(days=1)

    await hands_over_boumar(claire, "Inès Caradec")
    await claire.sees("BOUMAR — Boulangerie Martin", "Collaborateur actuel : Malo Le Goff", "Dossiers réaffectés : 1")
    await claire.sees("1 demande d’approbation passe à Inès Caradec")
    await claire.clicks("Réaffecter")
    await claire.sees("1 dossier est réaffecté")

    await ines.sees("Approuver l’activation")
    await claire.sees("Inès Caradec, merci d’initialiser")
    await monday.lets_pass()
    assert next(one for one in ines.chat if "Approuver l’activation" in one.buttons)
    await malo.looks()
    now = next(one for one in malo.chat if "Activation de Consultation" in " ".join(one.texts))
    assert now.buttons == ("Voir la demande en cours",)
    assert "Inès Caradec doit initialiser cette offre" in " ".join(now.texts)

    await old.click("Approuver l’activation")  # a client that has not redrawn it yet
    await malo.sees("Seul un collaborateur de ce dossier peut décider", "Inès Caradec doit initialiser")
    await malo.sees_no("Offre active")
    assert [key for _, _, key in await refusals(monday)] == ["not_collaborateur"]

    await monday.lets_pass(days=1)  # two business days after Malo was asked, one after Inès was
    await ines.sees_no("attend votre approbation")
    await monday.lets_pass(days=1)
    await ines.sees("1 activation attend votre approbation")
    await malo.sees_no("attend votre approbation")
    await monday.restart()
    await ines.fills(TICK)
    await ines.clicks("Approuver l’activation")
    await claire.sees("Offre active", "Inès Caradec")
    await malo.sees("Offre active")
    await paul.receives("est actif")


async def test_a_whole_portfolio_whose_delegation_stays_behind(firm: Firm, monday: Bot) -> None:
    claire, malo, ines, erwan = (firm.person(name) for name in ("Claire", "Malo", "Inès", "Erwan"))
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await delegates(malo, "Erwan Tanguy", "2031-03-03", "2031-03-14")
    await erwan.sees("Remplace Malo Le Goff")

    await begins_portfolio(claire, "Malo Le Goff", "Inès Caradec")
    await claire.sees("Approbations en attente : 1", "cette délégation ne suit pas", "dans Cegid Loop")
    await hands_over_meanwhile(firm.person("Yann"))
    await claire.clicks("Réaffecter")
    await claire.sees("1 autre avait changé de collaborateur entre-temps")
    await firm.person("Soizic").sees("Approuver l’activation")
    await monday.lets_pass()
    for one in (malo, ines, erwan):
        await one.looks()
        assert not [card for card in (*one.chat, *one.channel) if "Approuver l’activation" in card.buttons]

    await claire.writes("reassigner", in_chat=True)
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills({"Quels dossiers ?": "Les dossiers d’un collaborateur"})
    await claire.clicks("Continuer")
    assert claire.dialog is not None
    people = next(field for field in claire.dialog.inputs if field.choices)
    assert "Malo Le Goff" not in people.choices


async def hands_over_meanwhile(yann: Person) -> None:
    await hands_over_boumar(yann, "Soizic Le Bihan")
    await yann.clicks("Réaffecter")
    await yann.sees("1 dossier est réaffecté")


@only_sqlite
async def test_one_dossier_by_its_word_and_only_for_administrators(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await claire.writes("reassigner")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("réservée aux administrateurs")
    assert [key for _, _, key in await refusals(bot)] == ["not_administrator"]
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills({"Quels dossiers ?": "Un dossier"})
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.sees("Collaborateur actuel : Malo Le Goff")
    await claire.fills({"Personnes": "Erwan Tanguy"})
    await claire.clicks("Continuer")
    await claire.sees("Aucune approbation n’est en attente")
    await claire.clicks("Réaffecter")
    await claire.sees("1 dossier est réaffecté")


@only_sqlite
async def test_from_a_clients_path_the_dossier_is_known_already(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await new_client(claire)
    await firm.person("Malo").sees("En attente d’approbation")
    await bot.lets_pass()
    await claire.writes("suivi")
    await claire.sees("À faire par : Malo Le Goff, collaborateur du dossier")
    await claire.clicks("Voir BOUMAR · Consultation")
    await claire.clicks("Réaffecter à un collègue")
    await claire.fills({"Personnes": "Inès Caradec"})
    await claire.clicks("Continuer")
    await claire.sees("BOUMAR — Boulangerie Martin", "Collaborateur actuel : Malo Le Goff")
    await claire.clicks("Réaffecter")
    await claire.sees("1 dossier est réaffecté")
    await bot.lets_pass()
    await claire.writes("suivi")
    await claire.sees("À faire par : Inès Caradec, collaborateur du dossier")
    await claire.clicks("Voir BOUMAR · Consultation")
    await claire.sees("Dossier réaffecté")
