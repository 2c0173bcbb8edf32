"""Bad input, the wrong person, twice, late, while Graph is down: a clear sentence, nothing lost, nothing doubled."""

import asyncio
from copy import deepcopy

import pytest
from sqlalchemy import select

import app
from services.models import JournalLine, Proposition
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_path import PAUL, finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def journal(bot: Bot) -> list[tuple[str, str | None]]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        lines = [(line.what, line.after) for line in await session.scalars(select(JournalLine))]
    await store.close()
    return lines


async def invites_paul(claire: Person) -> None:
    """Up to the last click."""
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.sees("Vérifiez avant l’envoi")


async def new_client(claire: Person, offer: str = "Consultation") -> None:
    await claire.writes("nouveau client")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.fills({"Offre à activer": offer})
    await claire.clicks("Continuer")
    if offer != "Start":
        await claire.fills({"Confirmation": True})
        await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    await claire.sees("Vérifiez avant de lancer")
    assert claire.dialog is not None
    await claire.clicks(next(title for title in claire.dialog.buttons if "ancer" in title))
    await claire.sees("C’est parti pour le dossier BOUMAR")


# --- what is typed


async def test_scenario_2_a_missing_field_stays_with_its_reason_and_the_rest_is_kept(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL | {"Numéro de téléphone mobile": "02 97 00 00 00"})
    await claire.clicks("Continuer")
    await claire.sees("Indiquez un numéro de mobile")
    assert claire.dialog is not None
    assert claire.dialog.values["E-mail"] == PAUL["E-mail"]
    await claire.fills({"Numéro de téléphone mobile": "06 12 34 56 78"})
    await claire.clicks("Continuer")
    await claire.sees("Cherchez dans le Portefeuille")


async def test_scenario_3_a_likely_slip_is_asked_about_before_anything_is_sent(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL | {"E-mail": "paul@gmial.com"})
    await claire.clicks("Continuer")
    await claire.sees("paul@gmail.com")
    await claire.clicks("Utiliser l’adresse corrigée")
    await finds_dossier(claire)
    await claire.sees("paul@gmail.com", "Vérifiez avant l’envoi")
    assert firm.cloud.state.count("POST", "/invitations") == 0


async def test_scenario_9_the_firms_own_domain_is_no_guest(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL | {"E-mail": "malo.legoff@cabinet-duhamel.example"})
    await claire.clicks("Continuer")
    await claire.sees("collaborateur du cabinet, pas d’un invité")
    await claire.fills({"E-mail": PAUL["E-mail"]})
    await claire.clicks("Continuer")
    await claire.sees("Cherchez dans le Portefeuille")


async def test_back_keeps_what_was_typed(firm: Firm) -> None:
    claire = firm.person("Claire")
    await invites_paul(claire)
    await claire.clicks("Retour")
    await claire.clicks("Retour")
    assert claire.dialog is not None
    assert claire.dialog.values["Nom"] == "Martin"


async def test_the_search_works_without_a_typeahead(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await claire.clicks("La liste ne s’ouvre pas ?")
    await claire.fills({"Rechercher un dossier": "zzz"})
    await claire.clicks("Rechercher")
    await claire.sees("Aucun dossier ne correspond")
    await claire.fills({"Rechercher un dossier": "mart boul"})
    await claire.clicks("Rechercher")
    assert claire.dialog is not None
    found = next(field for field in claire.dialog.inputs if field.choices)
    await claire.fills({found.label: next(title for title in found.choices if "BOUMAR" in title)})
    await claire.clicks("Continuer")
    await claire.sees("Vérifiez avant l’envoi")


async def test_an_unknown_word_gets_the_menu(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("fais-moi un café")
    await claire.sees("Je n’ai pas compris « fais-moi un café »", "Nouveau client")


async def test_in_english_to_who_speaks_english(firm: Firm) -> None:
    emma = firm.person("Emma")
    await emma.writes("help")
    await emma.sees("Approvals")


# --- the wrong person


async def test_a_collaborateur_is_refused_in_private_and_it_is_in_the_journal(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await claire.writes("inviter")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("réservée aux administrateurs")
    await claire.sees_no("réservée aux administrateurs")
    assert ("refused.invite_guest", "not_administrator") in await journal(bot)


async def test_nobody_continues_somebody_elses_form(firm: Firm) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await invites_paul(claire)
    stolen = deepcopy(claire.last_sent)
    stolen["from"] |= {"id": yann.client.mri, "aadObjectId": yann.client.persona.aad_id}
    stolen["value"]["data"]["p"] |= {"step": "recap", "v": 3, "go": "next"}
    answer = await yann.send(stolen)
    assert answer.body["task"]["type"] == "message"
    assert firm.cloud.state.count("POST", "/invitations") == 0


async def test_scenario_23_a_collaborateur_of_another_dossier_changes_nothing(firm: Firm, bot: Bot) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await malo.fills({"Activation de l'extension": True})
    card = malo.card("Activation de Consultation")
    card.fills({"Activation de l'extension": True})
    await card.click("Approuver l’activation")
    click = deepcopy(malo.last_sent)
    await malo.sees("Offre active")

    await new_client_again(firm)
    click["from"] |= {"id": ines.client.mri, "aadObjectId": ines.client.persona.aad_id}
    click["value"]["action"]["data"]["p"]["id"] = await open_proposition(bot)
    answer = await ines.send(click)
    assert "collaborateur de ce dossier" in str(answer.body)
    assert ("refused.approve_activation", "not_collaborateur") in await journal(bot)
    await malo.sees("En attente d’approbation")


async def new_client_again(firm: Firm) -> None:
    """A second offer for the same person."""
    claire = firm.person("Claire")
    await claire.writes("activer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    await claire.writes("proposer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre": "Start", "Interlocuteur": "Martin Paul"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait, proposer")
    await claire.sees("est proposée")


async def open_proposition(bot: Bot) -> str:
    store = app.open_store(bot.config)
    async with store.read() as session:
        found = await session.scalar(
            select(Proposition.id).where(Proposition.state.in_(("proposed", "awaiting_approval")))
        )
    await store.close()
    assert found is not None
    return found


# --- twice, late


async def test_scenario_24_a_double_click_on_the_last_button_invites_once(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites_paul(claire)
    await claire.clicks("Envoyer l’invitation")
    again = await claire.repeats()
    other_id = await claire.repeats(new_id=True)
    assert again.body == other_id.body
    assert "est enregistrée" in str(again.body)
    await paul.receives("vous invite")
    assert firm.cloud.state.count("POST", "/invitations") == 1


async def test_both_clicks_at_once_invite_once(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites_paul(claire)
    await claire.clicks("Envoyer l’invitation")
    click = claire.last_sent
    await asyncio.gather(*(claire.send(deepcopy(click)) for _ in range(5)))
    await paul.receives("vous invite")
    assert firm.cloud.state.count("POST", "/invitations") == 1
    assert len(paul.mails) == 1


async def test_an_old_step_shows_where_the_form_stands_now(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    first_step = deepcopy(claire.last_sent)
    await finds_dossier(claire)
    answer = await claire.send(first_step)
    assert "Voici où vous en êtes" in str(answer.body)
    assert "Vérifiez avant l’envoi" in str(answer.body)


async def test_scenario_22_no_tick_stays_open_then_21_with_the_tick_it_is_active(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await malo.clicks("Approuver l’activation")
    assert malo.errors  # the client itself asks for the tick
    card = malo.card("Activation de Consultation")
    card.fills({"Activation de l'extension": True})
    await card.click("Approuver l’activation")
    await malo.sees("Offre active")
    await claire.sees("Offre active", "Malo Le Goff")


async def test_the_second_clicker_is_told_who_decided(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    old = malo.card("Activation de Consultation")
    old.fills({"Activation de l'extension": True})
    await old.click("Approuver l’activation")
    await old.click("Approuver l’activation")
    await malo.sees("Malo Le Goff a déjà décidé")
    await paul.receives("est actif")
    assert len([mail for mail in paul.mails if "est actif" in mail.subject]) == 1


async def test_scenario_27_a_refusal_tells_the_administrator_why_and_the_client_nothing(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await paul.receives("vous invite")
    await paul.receives("en cours d’activation")
    await refuses(malo, "Le widget n’est pas dans le Loop Hub")
    await malo.sees("Le refus est enregistré")
    await claire.sees("Activation refusée", "Le widget n’est pas dans le Loop Hub")
    await claire.sees("Claire Duhamel, merci de corriger")  # a message of its own, that mentions her
    await claire.sees_no(PAUL["E-mail"], "Martin Paul")
    assert len(paul.mails) == 2

    await malo.clicks("Corriger et proposer…")
    await malo.sees("réservée aux administrateurs")
    await claire.clicks("Corriger et proposer…")
    assert claire.dialog is not None
    await claire.sees("Malo Le Goff a refusé l’activation", "Le widget n’est pas dans le Loop Hub")
    assert claire.dialog.values["Offre"] == "consultation"
    await claire.clicks("Continuer")  # nothing is asked again
    await claire.sees("Proposer Consultation", "Martin Paul")
    await claire.clicks("C’est fait, proposer")
    await claire.sees("Activation de Consultation : proposée de nouveau")
    await malo.sees("En attente d’approbation")
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    await malo.sees("Offre active")
    await paul.receives("est actif")
    assert all("refus" not in mail.subject for mail in paul.mails)


async def refuses(malo: Person, why: str) -> None:
    await malo.clicks("Refuser…")
    await malo.clicks("Refuser l’activation")
    assert malo.dialog is not None
    assert malo.dialog.errors
    await malo.fills({"Raison": why})
    await malo.clicks("Refuser l’activation")


async def test_the_fallback_of_an_old_client_approves_too(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    card = malo.card("Activation de Consultation")
    data = {"p": card.surface.button("Approuver l’activation").action["data"]["p"], "extension": "true"}  # type: ignore[union-attr]
    await malo.client.act(card.message, {"type": "Action.Submit"}, data)
    await claire.sees("Offre active")


# --- while the outside is down


async def test_graph_down_while_the_form_is_filled_loses_nothing(firm: Firm, bot: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites_paul(claire)
    firm.cloud.state.fail_next("*", "/teams/*", 503, times=20)
    await claire.clicks("Envoyer l’invitation")
    await claire.sees("Microsoft Entra ne répond pas")
    firm.cloud.state.faults.clear()
    await claire.clicks("Envoyer l’invitation")
    await claire.sees("est enregistrée")
    await paul.receives("vous invite")


async def test_scenario_28_graph_slow_the_click_is_answered_and_the_result_comes_once(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites_paul(claire)
    firm.cloud.state.drop_next("POST", "/invitations", done=True)  # Graph did it, and nobody heard
    await claire.clicks("Envoyer l’invitation")
    await claire.sees("est enregistrée")
    await paul.receives("vous invite", within=20)
    assert len([user for user in firm.cloud.state.users.values() if user.mail == PAUL["E-mail"]]) == 1
    assert len(paul.mails) == 1


async def test_scenario_6_a_guest_made_in_entra_is_recognised_never_invited_again(firm: Firm) -> None:
    claire = firm.person("Claire")
    firm.cloud.state.create_guest(PAUL["E-mail"], "Paul Martin")
    await invites_paul(claire)
    await claire.sees("elle est reconnue")
    await claire.clicks("Rattacher au dossier")
    await claire.sees("Invitation acceptée")
    assert firm.cloud.state.count("POST", "/invitations") == 0
