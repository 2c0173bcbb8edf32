"""The card of an invitation in « Général », as a transcript: the nine steps, who holds the ball, what to do next."""

import pytest

from tests.teams import Firm
from tests.test_invitations import invites
from tests.test_path import finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_the_card_leads_from_step_to_step(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await invites(claire)
    await malo.sees("Étape 2 sur 9 : Accepter l’invitation", "À faire par : l’entrepreneur")
    await paul.receives("vous invite")
    await paul.redeems()

    await claire.sees("Étape 3 sur 9 : Activer l’offre sur le dossier", "À faire par : l’administrateur")
    card = claire.channel[-1]
    await card.click("Activer une offre")
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("Je le ferai plus tard")
    await claire.sees("Activer l’offre dans Loop")
    await claire.clicks("Voir les gestes")
    await claire.clicks("C’est fait dans Loop")

    await claire.sees("Étape 4 sur 9 : Créer l’interlocuteur")
    await claire.clicks("Lier un interlocuteur")
    await claire.fills({"Interlocuteur": "Créer un interlocuteur"})
    await claire.clicks("Continuer")
    await claire.fills({"Qualité": "Direction TPE"})
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")

    await claire.sees("Étape 6 sur 9 : Proposer le service collaboratif")
    await claire.clicks("Proposer un service collaboratif")
    await claire.fills({"Offre": "Start", "Interlocuteur": "Martin Paul"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait, proposer")

    await claire.sees("Étape 8 sur 9 : Approuver l’activation", "À faire par : le collaborateur du dossier")
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    await claire.sees("Les 9 étapes sont faites.")
    await paul.receives("votre accès Start est actif")


async def test_a_mail_that_cannot_leave_is_told_on_the_card(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Étape 3 sur 9")
    firm.cloud.state.sending_mailboxes.clear()
    await claire.writes("activer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    await claire.writes("lier")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Interlocuteur": "Créer un interlocuteur"})
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    await claire.writes("proposer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre": "Start", "Interlocuteur": "Martin Paul"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait, proposer")
    await claire.sees(
        "Étape 7 sur 9 : Envoyer l’identifiant au client", "La boîte d’envoi du cabinet a refusé ce message"
    )
