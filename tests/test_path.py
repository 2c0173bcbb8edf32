"""The main job, as a transcript: invite, offer, interlocuteur, approval, welcome."""

from tests.conftest import Bot
from tests.teams import Firm, Person

PAUL = {
    "Nom": "Martin",
    "Prénom": "Paul",
    "E-mail": "paul.martin@boulangerie-martin.example",
    "Numéro de téléphone mobile": "06 12 34 56 78",
}


async def finds_dossier(person: Person, text: str = "boul mart", title: str = "BOUMAR") -> None:
    await person.searches("Dossier", text)
    await person.picks(title)
    await person.clicks("Continuer")


async def test_a_new_client_from_invitation_to_welcome(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")

    await claire.writes("aide")
    await claire.clicks("Nouveau client")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.sees("Co-Production", "Offre gratuite")
    await claire.fills({"Offre à activer": "Consultation"})
    await claire.clicks("Continuer")
    await claire.fills({"Confirmation": True})
    await claire.clicks("Continuer")
    assert claire.dialog is not None
    assert claire.dialog.values["E-mail"] == PAUL["E-mail"]  # nothing is typed twice
    await claire.fills({"Qualité": "Direction TPE"})
    await claire.clicks("Continuer")
    await claire.sees("Vérifiez avant de lancer")
    await claire.clicks("C’est fait, lancer")
    await claire.sees("C’est parti pour le dossier BOUMAR")

    await paul.receives("vous invite")
    identifier = await paul.receives("en cours d’activation")
    assert PAUL["E-mail"] in identifier.content
    await paul.redeems()
    await claire.sees("Invitation acceptée")

    await malo.sees("En attente d’approbation", "Activation de Consultation", "Malo Le Goff")
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    await malo.sees("Offre active")
    await claire.sees("Offre active", "Malo Le Goff")
    await paul.receives("votre accès Consultation est actif")

    assert firm.cloud.state.count("POST", "/invitations") == 1
    assert len(paul.mails) == 3


async def test_killed_between_any_two_clicks_nothing_is_lost(firm: Firm, bot: Bot) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")

    await claire.writes("inviter")
    await bot.restart()
    await claire.clicks("Ouvrir le formulaire")
    await bot.restart()
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await bot.restart()
    await finds_dossier(claire)
    await bot.restart()
    await claire.clicks("Envoyer l’invitation")
    await bot.restart()
    await paul.receives("vous invite")

    await claire.writes("activer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await bot.restart()
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await bot.restart()
    await claire.clicks("C’est fait dans Loop")
    await claire.sees("L’offre Start est activée sur le dossier BOUMAR")

    await claire.writes("lier")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await bot.restart()
    await claire.fills({"Interlocuteur": "Créer un interlocuteur"})
    await claire.clicks("Continuer")
    await claire.fills({"Qualité": "Administratif TPE"})
    await bot.restart()
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    await bot.restart()
    await claire.clicks("C’est fait dans Loop")
    await claire.sees("L’interlocuteur est rattaché au dossier BOUMAR")

    await claire.writes("proposer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre": "Start", "Interlocuteur": "Martin Paul"})
    await claire.clicks("Continuer")
    await bot.restart()
    await claire.clicks("C’est fait, proposer")
    await bot.restart()

    await malo.sees("En attente d’approbation")
    await bot.restart()
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    await bot.restart()
    await claire.sees("Offre active")
    welcome = await paul.receives("votre accès Start est actif")
    assert "Lancer l’application" not in welcome.content  # R3

    assert firm.cloud.state.count("POST", "/invitations") == 1
    assert len(paul.mails) == 3
