"""Each leg of what the client is owed goes its own way, and the dossier shows an administrator how it went (scenario 35)."""

import pytest

from practice import seed
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_clicks import new_client
from tests.test_path import PAUL, finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def approves(malo: Person) -> None:
    await malo.sees("En attente d’approbation")
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")


async def both_mails(paul: Person) -> None:
    await paul.receives("vous invite")
    await paul.receives("en cours d’activation")
    await paul.redeems()


async def opens_dossier(claire: Person) -> None:
    await claire.writes("dossier")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)


async def test_scenario_35_teams_impossible_the_mail_leaves_and_the_reason_is_on_the_dossier(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await new_client(claire, "Start")
    await paul.receives("vous invite")
    await approves(malo)
    await paul.receives("votre accès Start est actif")  # Paul never opened Teams: there is no chat to write in
    await opens_dossier(claire)
    await claire.sees(
        "E-mail d’invitation : remis au serveur de messagerie le",
        "E-mail d’identifiant : remis au serveur de messagerie le",
        "E-mail de bienvenue : remis au serveur de messagerie le",
        "Message Teams de bienvenue : impossible le",
        "Passerelle n’a pas encore de conversation avec cette personne dans Teams.",
    )
    await malo.sees_no("Message Teams de bienvenue", PAUL["E-mail"])


async def test_the_mail_refused_keeps_no_other_leg_and_is_made_good(firm: Firm, bot: Bot) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await new_client(claire, "Start")
    await both_mails(paul)
    firm.cloud.state.sending_mailboxes.clear()
    await approves(malo)
    await claire.sees("À réessayer : 1 action", "Message de bienvenue · BOUMAR", "Étape 9 sur 9")
    await opens_dossier(claire)
    await claire.sees("E-mail de bienvenue : impossible le", "La boîte d’envoi du cabinet a refusé ce message")
    await claire.closes()
    firm.cloud.state.sending_mailboxes.add(seed.MAIL_FROM)
    await claire.clicks("Réessayer")
    await paul.receives("votre accès Start est actif")
    await claire.sees("Les 9 étapes sont faites.")
    await opens_dossier(claire)
    await claire.sees("E-mail de bienvenue : remis au serveur de messagerie le")


async def test_an_invitation_mail_refused_is_told_on_its_card_until_it_left(firm: Firm, bot: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.sending_mailboxes.clear()
    await new_client(claire, "Start")
    await claire.sees("À réessayer : 2 actions")
    await bot.lets_pass(seconds=0)
    await claire.looks()
    card = claire.card("Invitation du dossier BOUMAR")
    assert any("a refusé ce message" in line for line in card.texts)
    firm.cloud.state.sending_mailboxes.add(seed.MAIL_FROM)
    await claire.clicks("Tout réessayer")
    await paul.receives("vous invite")
    await paul.receives("en cours d’activation")
    await claire.sees("Plus rien à réessayer")
    await bot.lets_pass(seconds=0)
    await claire.looks()
    assert not any("a refusé ce message" in line for line in claire.card("Invitation du dossier BOUMAR").texts)


async def test_a_doubt_is_no_certainty(firm: Firm, bot: Bot) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await new_client(claire, "Start")
    await both_mails(paul)
    firm.cloud.state.drop_next("POST", "/users/*/sendMail", times=2, done=True)
    await approves(malo)
    await paul.receives("votre accès Start est actif")
    await bot.lets_pass(minutes=20)
    await opens_dossier(claire)
    await claire.sees("E-mail de bienvenue : en doute depuis le", "Message Teams de bienvenue : impossible")
