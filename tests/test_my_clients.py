"""Mes dossiers and à faire, as transcripts: one's own and a colleague's one stands in for; what waits for oneself only."""

import pytest

from tests.conftest import Bot
from tests.teams import Firm
from tests.test_clicks import new_client
from tests.test_four_eyes import TICK
from tests.test_path import PAUL, finds_dossier
from tests.test_reminders import delegates, monday
from tests.test_tracking import invites

__all__ = ["monday"]

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_ones_own_dossiers_and_those_one_stands_in_for(firm: Firm, monday: Bot) -> None:
    claire, malo, ines, erwan = (firm.person(name) for name in ("Claire", "Malo", "Inès", "Erwan"))
    await invites(claire)
    await firm.person("Paul").receives("vous invite")

    await malo.writes("mes dossiers", in_chat=True)
    await malo.sees("Mes dossiers", "BOUMAR — Boulangerie Martin", "Invitation envoyée")
    assert "Mes dossiers" in malo.chat[-1].texts
    assert not [one for one in malo.channel if "Mes dossiers" in one.texts]
    await malo.sees_no(PAUL["E-mail"], "Martin Paul", "En retard")
    await malo.clicks("Voir BOUMAR")
    await malo.sees("Ce qui s’est passé", "Invitation demandée")
    await malo.clicks("Retour")
    await malo.sees("Mes dossiers", "BOUMAR — Boulangerie Martin")

    await ines.writes("mes dossiers", in_chat=True)
    await ines.sees("Inès Caradec")
    assert "BOUMAR" not in " ".join(ines.chat[-1].texts)

    await delegates(malo, "Inès Caradec", "2031-03-03", "2031-03-07")
    await ines.writes("my clients", in_chat=True)
    await ines.sees("Vous remplacez Malo Le Goff", "BOUMAR — Boulangerie Martin", "Dossier de Malo Le Goff")
    await erwan.writes("mes dossiers", in_chat=True)
    await erwan.sees("Erwan Tanguy")
    assert "BOUMAR" not in " ".join(erwan.chat[-1].texts)

    await monday.lets_pass(days=4)
    await malo.writes("mes dossiers", in_chat=True)
    await malo.sees("1 client en retard", "En retard")
    await monday.lets_pass(days=3)  # the delegation is over
    await ines.writes("mes dossiers", in_chat=True)
    assert "BOUMAR" not in " ".join(ines.chat[-1].texts)


@SQLITE
async def test_the_menu_opens_what_is_mine(firm: Firm, monday: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await monday.lets_pass(minutes=1)
    await claire.writes("aide", in_chat=True)
    await claire.clicks("À faire")
    await claire.sees("Rien ne vous attend")
    for title, seen in (
        ("À faire", "1 chose vous attend"),
        ("Mes approbations", "BOUMAR"),
        ("Mes dossiers", "BOUMAR — Boulangerie Martin"),
        ("Suivi", "BOUMAR — Boulangerie Martin"),
    ):
        await malo.writes("aide", in_chat=True)
        await malo.sees("réservés aux administrateurs du cabinet")
        await malo.clicks(title)
        await malo.sees(seen)


async def test_what_waits_for_me_is_done_from_there(firm: Firm, monday: Bot) -> None:
    claire, malo, ines, erwan = (firm.person(name) for name in ("Claire", "Malo", "Inès", "Erwan"))
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await monday.lets_pass(minutes=1)
    await claire.writes("à faire", in_chat=True)
    await claire.sees("Rien ne vous attend")

    await malo.writes("à faire", in_chat=True)
    await malo.sees("1 chose vous attend")
    await delegates(malo, "Inès Caradec", "2031-03-03", "2031-03-07")
    for person, word in ((ines, "to do"), (erwan, "à faire")):
        await person.writes(word, in_chat=True)
    await erwan.sees("Rien ne vous attend")
    await ines.sees("1 chose vous attend", "BOUMAR — Boulangerie Martin")
    await ines.clicks("Décider : BOUMAR · Consultation")
    await ines.fills(TICK)
    await ines.clicks("Approuver l’activation")
    await ines.sees("Offre active")
    await ines.clicks("Retour")
    await ines.sees("Rien ne vous attend")
    await malo.clicks("Actualiser")
    await malo.sees("Rien ne vous attend")


@SQLITE
async def test_an_administrators_steps_left_failures_and_what_is_parked(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    firm.cloud.state.sending_mailboxes.clear()
    await invites(claire)
    await malo.sees("À réessayer : 1 action")
    await claire.writes("activer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("Je le ferai plus tard")
    await claire.sees("Activer l’offre dans Loop")

    await malo.writes("à faire", in_chat=True)
    await malo.sees("Rien ne vous attend")
    await claire.writes("à faire", in_chat=True)
    await claire.sees("1 chose vous attend", "À réessayer : 1")
    await claire.clicks("Gestes : BOUMAR · Start")
    await claire.clicks("C’est fait dans Loop")
    await claire.clicks("Actualiser")
    assert "Gestes : BOUMAR · Start" not in claire.chat[-1].buttons
    await claire.clicks("Voir ce qui est à réessayer")
    await claire.sees("E-mail d’invitation · BOUMAR")


@SQLITE
async def test_in_general_each_sees_their_own(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await malo.writes("mes dossiers")
    await claire.sees("Mes dossiers", "Malo Le Goff", "BOUMAR — Boulangerie Martin")
    await claire.sees_no(PAUL["E-mail"], "Martin Paul")
    await claire.writes("à faire")
    await malo.clicks("Actualiser")  # on Claire's card: his own, for him alone
    await malo.sees("Malo Le Goff", "Rien ne vous attend")
    await paul.writes("mes dossiers", in_chat=True)
    await paul.sees_no("Mes dossiers")
