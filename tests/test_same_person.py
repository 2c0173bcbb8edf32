"""R12 and the same person twice, in the flows that propose, link and start a new client; each refusal is mended."""

from dataclasses import replace

import pytest

import app
from services import invitations
from tests.conftest import Bot
from tests.contacts import (
    ADMIN,
    CONTACT,
    MAIL,
    OTHER,
    activates,
    adds,
    begins_to_propose,
    invited,
    invites,
    keeps,
    links,
    on_the_list,
    proposes,
    ticks,
)
from tests.teams import Firm, Person
from tests.test_path import PAUL, finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def revokes(bot: Bot, email: str) -> None:
    store = app.open_store(bot.config)
    async with store.work() as work:
        invitation = await invitations.live(work.session, email)
        assert invitation is not None
        await invitations.revoke(work, invitation.id, ADMIN)
    await store.close()


async def test_proposing_to_somebody_no_longer_invited_offers_to_invite_them(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await activates(bot, "BOUMAR", "start")
    await revokes(bot, MAIL)
    await begins_to_propose(claire, "Start")
    await claire.sees(f"{MAIL} n’a pas été invitée pour le dossier BOUMAR")
    await claire.clicks("Inviter son adresse actuelle")
    await claire.clicks("C’est fait, proposer")
    await firm.person("Malo").sees("En attente d’approbation")


async def test_scenario_10_proposing_offers_to_take_the_invited_e_mail(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, invited=[OTHER])
    await activates(bot, "BOUMAR", "start")
    await revokes(bot, MAIL)
    await begins_to_propose(claire, "Start")
    await claire.sees(f"({MAIL})", f"({OTHER})")
    await claire.clicks("Reprendre l’adresse invitée")
    await claire.clicks("C’est fait, proposer")
    await firm.person("Malo").sees("En attente d’approbation")
    assert [person.email for person in await on_the_list(bot)] == [OTHER]


async def test_scenario_12_a_second_interlocuteur_with_another_offer(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await activates(bot, "BOUMAR", "start", "consultation")
    await proposes(claire, "Consultation")
    await invites(bot, OTHER, "BOUMAR")
    await adds(
        claire, Nom="Kervella", **{"Prénom": "Anne", "E-mail": OTHER, "Numéro de téléphone mobile": "0611223344"}
    )
    await ticks(claire, "boumar")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    await proposes(claire, "Start", "Kervella Anne")
    await claire.writes("dossier")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.sees("Martin Paul", "Kervella Anne", "Consultation", "Start")


async def links_new(claire: Person, **typed: str) -> None:
    await claire.writes("lier")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Interlocuteur": "Créer un interlocuteur"})
    await claire.clicks("Continuer")
    await claire.fills({**PAUL, **typed})
    await claire.clicks("Continuer")


async def test_scenario_13_linking_somebody_known_under_another_e_mail(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, replace(CONTACT, email=OTHER), codes=())
    await invites(bot, MAIL, "BOUMAR")
    await links_new(claire)
    await claire.clicks("C’est la même personne")
    await claire.sees(f"({OTHER})", f"({MAIL})")
    await claire.clicks("Reprendre l’adresse invitée")
    await claire.clicks("Continuer")
    await claire.sees("Rattacher l’interlocuteur", MAIL)
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == [MAIL]
    assert await links(bot) == {("Martin", "BOUMAR")}


async def test_two_questions_about_the_same_form_are_both_remembered(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, replace(CONTACT, email="paul@gmial.com"), codes=())
    await invites(bot, MAIL, "BOUMAR")
    await links_new(claire, **{"E-mail": "paul@gmial.com"})
    await claire.clicks("C’est une autre personne")
    await claire.clicks("Inviter l’adresse saisie")
    await claire.clicks("Garder l’adresse saisie")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == ["paul@gmial.com"] * 2
    assert await invited(bot) == {MAIL, "paul@gmial.com"}


async def test_a_reuse_said_of_one_person_is_void_for_another(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, codes=())
    await invites(bot, MAIL, "BOUMAR")
    await invites(bot, OTHER, "BOUMAR")
    await links_new(claire)
    await claire.clicks("C’est la même personne")
    await claire.clicks("Retour")
    await claire.fills({"Nom": "Kervella", "Prénom": "Anne", "E-mail": OTHER})
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert await links(bot) == {("Kervella", "BOUMAR")}


async def new_client(claire: Person, **typed: str) -> None:
    """Up to the thirteen fields."""
    await claire.writes("nouveau")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills({**PAUL, **typed})
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.fills({"Offre à activer": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")


async def starts(claire: Person) -> None:
    await claire.sees("Vérifiez avant de lancer")
    await claire.clicks("C’est fait, lancer")
    await claire.sees("C’est parti pour le dossier BOUMAR")


@pytest.mark.parametrize(
    ("repair", "kept", "guests"),
    [
        ("Reprendre l’adresse invitée", MAIL, {OTHER, MAIL}),
        ("Inviter son adresse actuelle", OTHER, {OTHER}),
    ],
)
async def test_scenario_13_a_new_client_known_under_another_e_mail(
    firm: Firm, bot: Bot, repair: str, kept: str, guests: set[str]
) -> None:
    claire = firm.person("Claire")
    await keeps(bot, replace(CONTACT, email=OTHER), ["SCIMAR"])
    await new_client(claire)
    await claire.sees("Est-ce la même personne ?")
    await claire.clicks("C’est la même personne")
    await claire.sees(f"({OTHER})", f"({MAIL})")
    await claire.clicks(repair)
    if kept == MAIL:  # the person's other dossier was invited with the old address
        await claire.sees("pour le dossier SCIMAR")
        await claire.clicks("Inviter son adresse actuelle")
    await starts(claire)
    assert [person.email for person in await on_the_list(bot)] == [kept]
    assert await links(bot) == {("Martin", "BOUMAR"), ("Martin", "SCIMAR")}
    assert await invited(bot) == guests


async def test_scenario_13_a_new_client_of_the_same_name_is_somebody_else(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, replace(CONTACT, email=OTHER), ["SCIMAR"])
    await new_client(claire, Nom="MARTIN")
    await claire.clicks("C’est une autre personne")
    await starts(claire)
    assert len(await on_the_list(bot)) == 2
    assert await links(bot) == {("MARTIN", "BOUMAR"), ("Martin", "SCIMAR")}
