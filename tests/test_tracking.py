"""Suivi and what was left to do in Loop, as transcripts."""

import pytest

from tests.teams import Firm, Person
from tests.test_clicks import new_client, refuses
from tests.test_path import PAUL, finds_dossier

BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@SQLITE
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
    await malo.sees("À faire dans Loop · Start")
    await malo.clicks("Voir les gestes")
    await malo.sees("réservée aux administrateurs")

    await yann.clicks("Voir les gestes")
    await yann.sees(PAUL["E-mail"], "Proposer un service collaboratif pour ce dossier")
    await yann.clicks("C’est fait dans Loop")
    await yann.sees("C’est noté")
    await paul.receives("en cours d’activation")  # only now: Loop's own Ok is done (R19)
    await malo.sees("En attente d’approbation")
    await claire.sees("Yann Guillou")


async def invites(claire: Person) -> None:
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.clicks("Envoyer l’invitation")


@BOTH
async def test_the_board_is_filtered_in_place(firm: Firm) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await invites(claire)
    await firm.person("Paul").receives("vous invite")
    await malo.writes("suivi")
    await malo.sees("BOUMAR — Boulangerie Martin", "Invitation envoyée", "l’entrepreneur")
    await malo.clicks("Autres filtres")
    await malo.fills({"Collaborateur": "Mes dossiers", "Offre": "Tous"})
    await malo.clicks("Filtrer")
    await malo.sees("BOUMAR — Boulangerie Martin")
    assert malo.card("BOUMAR — Boulangerie Martin").surface.values["Collaborateur"] == "mine"  # kept, and shown at once
    await ines.clicks("Autres filtres")
    await ines.fills({"Collaborateur": "Mes dossiers"})
    await ines.clicks("Filtrer")
    await ines.sees("Aucun client ici", "Tous les clients")
    await ines.fills({"Collaborateur": "Tous", "Offre": "Start"})
    await ines.clicks("Filtrer")
    await ines.sees("Aucun client ici")


@BOTH
async def test_one_clients_path_and_what_to_do_from_there(firm: Firm) -> None:
    """Scenario 17: where each client stands, who holds the ball, since when; and act from there."""
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await claire.writes("suivi")
    await claire.fills({"Afficher": "Invitation envoyée"})
    await claire.clicks("Filtrer")
    await claire.clicks("Voir BOUMAR")
    await claire.sees("Invitation demandée", "Invitation envoyée", "par Passerelle")
    await claire.sees_no(PAUL["E-mail"], "Martin Paul")  # the client’s name shows in the dialogs only
    await claire.clicks("Relancer l’entrepreneur")
    await claire.sees(PAUL["E-mail"])
    await claire.clicks("Renvoyer l’invitation")
    await paul.receives("vous invite", count=2)
    await claire.clicks("Retour")
    await claire.sees("BOUMAR — Boulangerie Martin")

    await malo.writes("suivi")
    await malo.clicks("Voir BOUMAR")
    await malo.sees("Invitation renvoyée")
    assert "Révoquer l’invitation" not in malo.card("Ce qui s’est passé").buttons
    await claire.writes("suivi")
    await claire.clicks("Voir BOUMAR")
    await claire.clicks("Révoquer l’invitation")
    await claire.sees(PAUL["E-mail"])


@SQLITE
async def test_who_accepted_waits_for_the_administrator_who_goes_on_from_there(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    await claire.writes("à faire", in_chat=True)
    await claire.clicks("Suite : BOUMAR")
    assert "Corriger l’interlocuteur" not in claire.chat[-1].buttons  # there is none yet
    await claire.clicks("Activer une offre")
    await claire.sees("BOUMAR — Boulangerie Martin")
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    await claire.clicks("Retour")
    await claire.sees("1 chose vous attend")
    await claire.clicks("Suite : BOUMAR")
    await claire.clicks("Lier un interlocuteur")
    await claire.sees("BOUMAR — Boulangerie Martin", "Créer un interlocuteur")


@SQLITE
async def test_a_refusal_and_its_interlocuteur_are_corrected_from_the_path(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await refuses(malo, "Le nom est mal écrit")
    await claire.sees("Activation de Consultation à corriger")
    await claire.writes("suivi", in_chat=True)
    await claire.clicks("Voir BOUMAR · Consultation")
    path = claire.chat[-1]
    await path.click("Corriger l’interlocuteur")
    await claire.sees("Martin Paul", PAUL["E-mail"])
    await claire.closes()
    await path.click("Proposer une offre")
    await claire.sees("Le nom est mal écrit")
    await claire.closes()
    await claire.writes("à faire", in_chat=True)
    await claire.clicks("Corriger : BOUMAR · Consultation")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait, proposer")
    await claire.clicks("Actualiser")
    await claire.sees("Rien ne vous attend")


@SQLITE
async def test_a_guest_sees_no_board(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await paul.writes("suivi", in_chat=True)
    await paul.sees_no("En retard", "Voir BOUMAR")


@SQLITE
async def test_an_administrators_board_leads_to_what_is_to_be_tried_again(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    firm.cloud.state.sending_mailboxes.clear()
    await invites(claire)
    await claire.sees("À réessayer : 1 action")
    await malo.writes("suivi", in_chat=True)
    assert not {"Voir ce qui est à réessayer", "Exporter"} & set(malo.chat[-1].buttons)
    await claire.writes("suivi", in_chat=True)
    assert "⚠ À réessayer : 1" in " ".join(claire.chat[-1].texts).replace("\u00a0", " ")
    await claire.clicks("Voir ce qui est à réessayer")
    assert "E-mail d’invitation · BOUMAR" in " ".join(claire.chat[-1].texts)
