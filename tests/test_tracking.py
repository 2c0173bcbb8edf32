"""Suivi and what was left to do in Loop, as transcripts."""

import pytest

from tests.teams import Firm
from tests.test_path import PAUL, finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_step_left_in_loop_shows_until_someone_did_it(firm: Firm) -> None:
    claire, yann, malo, paul = (firm.person(name) for name in ("Claire", "Yann", "Malo", "Paul"))
    await claire.writes("nouveau client")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    await claire.clicks("Lancer, Loop plus tard")
    await paul.receives("vous invite")
    await yann.sees("Nouveau client dans Loop")
    await yann.sees_no(PAUL["E-mail"], "Martin Paul")  # nothing of the client where everyone reads

    await malo.writes("suivi")
    await malo.sees("À faire · Start")
    await malo.clicks("Voir les gestes")
    await malo.sees("réservée aux administrateurs")

    await yann.clicks("Voir les gestes")
    await yann.sees(PAUL["E-mail"], "Proposer un service collaboratif pour ce dossier")
    await yann.clicks("C’est fait dans Loop")
    await yann.sees("C’est noté")
    await paul.receives("en cours d’activation")  # only now: Loop's own Ok is done (R19)
    await malo.sees("En attente d’approbation")
    await claire.sees("Yann Guillou")


async def test_the_board_is_filtered_in_place(firm: Firm) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.clicks("Envoyer l’invitation")
    await malo.writes("suivi")
    await malo.sees("BOUMAR — Boulangerie Martin")
    await malo.fills({"Afficher": "Mes dossiers"})
    await malo.clicks("Filtrer")
    await malo.sees("BOUMAR — Boulangerie Martin")
    await ines.fills({"Afficher": "Mes dossiers"})
    await ines.clicks("Filtrer")
    await ines.sees("Aucun client ici", "Tous les clients")
