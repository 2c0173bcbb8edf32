"""Interlocuteurs, as transcripts: linked to several dossiers, added, removed."""

import asyncio
from dataclasses import replace

import pytest

from tests.conftest import Bot
from tests.contacts import (
    CONTACT,
    MAIL,
    OTHER,
    activates,
    adds,
    chooses,
    invited,
    invites,
    keeps,
    links,
    on_the_list,
    opens,
    proposes,
    ticks,
)
from tests.teams import Firm

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


# --- link


async def test_r14_r15_somebody_known_is_linked_to_several_dossiers(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await invites(bot, MAIL, "FLEKER")
    await chooses(claire, "Martin Paul", "Rattacher à d’autres dossiers")
    await claire.clicks("Continuer")
    await claire.sees("Cherchez puis cochez au moins un dossier")
    await ticks(claire, "fleker", "scimar")
    await claire.clicks("Continuer")
    await claire.sees(f"{MAIL} n’a pas été invitée pour le dossier SCIMAR")
    await claire.clicks("Inviter son adresse actuelle")
    await claire.sees("FLEKER — Fleurs Kervella", "SCIMAR — SCI Martin du Thabor", f"{MAIL} est invitée pour SCIMAR")
    await bot.restart()
    await claire.clicks("C’est fait dans Loop")
    await claire.sees("L’interlocuteur est rattaché : FLEKER et SCIMAR")
    assert await links(bot) == {("Martin", "BOUMAR"), ("Martin", "FLEKER"), ("Martin", "SCIMAR")}
    assert await invited(bot) == {MAIL}  # one person, one invitation


async def test_a_dossier_linked_already_is_said_and_not_offered(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await invites(bot, MAIL, "SCIMAR")
    await chooses(claire, "Martin Paul", "Rattacher à d’autres dossiers")
    await claire.fills({"Rechercher un dossier": "martin"})
    await claire.clicks("Rechercher")
    await claire.sees("Déjà rattachés : BOUMAR")
    await ticks(claire, "scimar")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert await links(bot) == {("Martin", "BOUMAR"), ("Martin", "SCIMAR")}


async def test_linking_left_for_later_in_loop_shows(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, codes=())
    await invites(bot, MAIL, "FLEKER")
    await chooses(claire, "Martin Paul", "Rattacher à d’autres dossiers")
    await ticks(claire, "fleker")
    await claire.clicks("Continuer")
    await claire.clicks("Je le ferai plus tard")
    await claire.sees("Rattacher l’interlocuteur dans Loop", "À faire par : l’administrateur")


async def test_scenario_10_linking_offers_to_take_the_invited_e_mail(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await invites(bot, OTHER, "BOUMAR")
    await invites(bot, OTHER, "FLEKER")
    await chooses(claire, "Martin Paul", "Rattacher à d’autres dossiers")
    await ticks(claire, "fleker")
    await claire.clicks("Continuer")
    await claire.sees(f"({MAIL})", f"FLEKER ({OTHER})")
    await claire.clicks("Reprendre l’adresse invitée")
    await claire.sees("Remplacez ces valeurs", OTHER)
    await claire.clicks("C’est fait dans Loop")
    assert await links(bot) == {("Martin", "BOUMAR"), ("Martin", "FLEKER")}
    assert [person.email for person in await on_the_list(bot)] == [OTHER]


# --- somebody new


async def test_somebody_new_is_created_and_linked_to_two_dossiers(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await invites(bot, MAIL, "BOUMAR")
    await adds(claire, Nom="d’Aubigné")
    await ticks(claire, "boumar", "scimar")
    await claire.clicks("Continuer")
    await claire.clicks("Inviter l’adresse saisie")
    await claire.sees("Créer et rattacher l’interlocuteur", "d’Aubigné Paul")
    await claire.clicks("C’est fait dans Loop")
    assert await links(bot) == {("d’Aubigné", "BOUMAR"), ("d’Aubigné", "SCIMAR")}


async def test_scenario_13_somebody_new_who_is_known_is_reused(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, replace(CONTACT, given_name="Élodie", email="elodie@martin.example"))
    await invites(bot, "elodie@martin.example", "SCIMAR")
    await adds(claire, Nom="MARTIN", **{"Prénom": "elodie", "E-mail": OTHER})
    await claire.sees("Martin Élodie (elodie@martin.example)", "Est-ce la même personne ?")
    await claire.clicks("C’est la même personne")
    await ticks(claire, "scimar")
    await claire.clicks("Continuer")
    await claire.sees("Rattacher l’interlocuteur", "Martin Élodie")
    await claire.clicks("C’est fait dans Loop")
    assert len(await on_the_list(bot)) == 1
    assert await links(bot) == {("Martin", "BOUMAR"), ("Martin", "SCIMAR")}


async def test_scenario_13_somebody_new_of_the_same_name_is_created(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await adds(claire)
    await claire.clicks("C’est une autre personne")
    await ticks(claire, "boumar")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert len(await on_the_list(bot)) == 2


# --- remove


async def test_r10_removing_says_what_is_lost_then_takes_it_back(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await keeps(bot)
    await activates(bot, "BOUMAR", "start")
    await proposes(claire, "Start")
    await malo.sees("En attente d’approbation")
    await chooses(claire, "Martin Paul", "Supprimer")
    await claire.sees("Cette personne perd ce rattachement", "BOUMAR — Boulangerie Martin")
    await claire.sees("Cette offre lui est retirée", "Start · BOUMAR — En attente d’approbation")
    await claire.clicks("Supprimer l’interlocuteur")
    assert claire.errors  # not without the tick
    assert len(await on_the_list(bot)) == 1
    await claire.fills({"Confirmation": True})
    await claire.clicks("Supprimer l’interlocuteur")
    await claire.sees("L’interlocuteur est supprimé")
    await malo.sees("Proposition retirée")
    assert await on_the_list(bot) == []
    assert await links(bot) == set()
    await opens(claire)
    await claire.sees_no("Martin Paul")


async def test_what_is_lost_besides_meanwhile_is_asked_about(firm: Firm, bot: Bot) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await keeps(bot)
    await activates(bot, "BOUMAR", "start")
    await chooses(claire, "Martin Paul", "Supprimer")
    await proposes(yann, "Start")
    await claire.fills({"Confirmation": True})
    await claire.clicks("Supprimer l’interlocuteur")
    await claire.sees("Voici ce qu’elle perdrait maintenant", "Start · BOUMAR")
    assert len(await on_the_list(bot)) == 1
    await claire.clicks("Supprimer quand même")
    await claire.sees("L’interlocuteur est supprimé")
    assert await on_the_list(bot) == []


async def test_two_removing_at_once_remove_once(firm: Firm, bot: Bot) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await keeps(bot)
    for person in (claire, yann):
        await chooses(person, "Martin Paul", "Supprimer")
        await person.fills({"Confirmation": True})
    await asyncio.gather(*(person.clicks("Supprimer l’interlocuteur") for person in (claire, yann)))
    seen = sorted(person.notice for person in (claire, yann))
    assert "Cet interlocuteur n’existe plus" in seen[0]
    assert "L’interlocuteur est supprimé" in seen[1]
