"""Interlocuteurs, as transcripts: the list, and a form that two people may fill at once."""

from dataclasses import replace

import pytest
from sqlalchemy import select

import app
from services.models import JournalLine
from tests.conftest import Bot
from tests.contacts import (
    CONTACT,
    MAIL,
    OTHER,
    changes,
    chooses,
    invited,
    keeps,
    on_the_list,
    opens,
    people_label,
    values,
)
from tests.teams import Firm

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# --- the list


async def test_from_the_menu_to_the_list_and_one_person(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await claire.writes("aide")
    await claire.clicks("Interlocuteurs")
    await claire.sees("Martin Paul — BOUMAR", "1 interlocuteur")
    await claire.clicks("Continuer")
    await claire.sees("Ce champ est obligatoire")
    await claire.fills({people_label(claire): "Martin Paul"})
    await claire.clicks("Continuer")
    await claire.sees("06 12 34 56 78", MAIL, "Direction TPE", "BOUMAR — Boulangerie Martin")


@pytest.mark.parametrize("typed", ["nguyen", "THỊ", "hong.nguyen@fleurs", "fleker", "Fleurs Kervella"])
async def test_somebody_is_found_by_name_e_mail_or_dossier(firm: Firm, bot: Bot, typed: str) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await keeps(
        bot,
        replace(CONTACT, family_name="Nguyễn", given_name="Thị Hồng", email="hong.nguyen@fleurs.example"),
        ["FLEKER"],
    )
    await opens(claire)
    await claire.fills({"Rechercher un interlocuteur": typed})
    await claire.clicks("Rechercher")
    await claire.sees("Nguyễn Thị Hồng — FLEKER", "1 interlocuteur")
    await claire.sees_no("Martin Paul")


async def test_nobody_found_is_said_and_the_search_mended(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await opens(claire)
    await claire.fills({"Rechercher un interlocuteur": "zzz"})
    await claire.clicks("Rechercher")
    await claire.sees("Aucun interlocuteur ne correspond")
    await claire.fills({"Rechercher un interlocuteur": "martin"})
    await claire.clicks("Rechercher")
    await claire.sees("Martin Paul — BOUMAR")


async def test_the_list_turns_its_pages(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    for n in range(19):
        await keeps(bot, replace(CONTACT, family_name=f"Abgrall {n:02}", email=f"a{n}@x.fr"), codes=())
    await opens(claire)
    await claire.sees("Page 1 sur 3", "Abgrall 00 Paul", "Aucun dossier")
    await claire.sees_no("Page précédente")
    await claire.clicks("Page suivante")
    await claire.clicks("Page suivante")
    await claire.sees("Page 3 sur 3", "Abgrall 18 Paul")
    await claire.sees_no("Page suivante")
    await claire.clicks("Page précédente")
    await claire.sees("Page 2 sur 3")
    await claire.fills({people_label(claire): "Abgrall 11 Paul"})
    await claire.clicks("Continuer")
    await claire.sees("a11@x.fr")
    await claire.clicks("Retour")
    await claire.sees("Page 2 sur 3")
    await claire.fills({"Rechercher un interlocuteur": "abgrall 1"})
    await claire.clicks("Rechercher")
    await claire.sees("Page 1 sur 2", "9 interlocuteurs")


async def test_the_list_is_for_administrators(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await keeps(bot)
    await claire.writes("contacts")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("réservée aux administrateurs")
    await malo.sees_no("Martin Paul")


# --- modify


async def test_a_person_is_modified_here_and_in_loop(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    assert values(claire)["Numéro de téléphone mobile"] == "06 12 34 56 78"
    assert values(claire)["E-mail"] == MAIL
    await claire.fills(
        {"Numéro de téléphone mobile": "0692 12 34 56", "Numéro de téléphone fixe": "", "Notes": "Le matin"}
    )
    await bot.restart()
    await claire.clicks("Continuer")
    await claire.sees("06 12 34 56 78 → 0692 12 34 56", "02 99 00 00 00 → (vide)", "(vide) → Le matin")
    await claire.sees("Remplacez ces valeurs")
    await bot.restart()
    await claire.clicks("C’est fait dans Loop")
    await claire.sees("La fiche de l’interlocuteur est à jour")
    (person,) = await on_the_list(bot)
    assert (person.mobile, person.landline, person.notes) == ("+262692123456", "", "Le matin")


async def test_scenario_2_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Nom": "", "Commune": "Rennes"})
    await claire.clicks("Continuer")
    assert claire.errors == {"Nom": "Ce champ est obligatoire."}
    await claire.fills({"Nom": "Le Goff", "Code postal": "3500", "Numéro de téléphone fixe": ""})
    await claire.clicks("Continuer")
    await claire.sees("un code postal compte 5 chiffres")
    assert values(claire)["Commune"] == "Rennes"
    assert values(claire)["Numéro de téléphone fixe"] == ""  # what was emptied stays so
    await claire.fills({"Code postal": "35 000"})
    await claire.clicks("Continuer")
    await claire.sees("Martin → Le Goff", "(vide) → 35000", "02 99 00 00 00 → (vide)")
    await claire.clicks("C’est fait dans Loop")
    (person,) = await on_the_list(bot)
    assert (person.family_name, person.commune, person.postcode, person.landline) == ("Le Goff", "Rennes", "35000", "")


async def test_another_country_switches_the_postcodes_check_off(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Code postal": "1000", "Pays": "Belgique"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    (person,) = await on_the_list(bot)
    assert person.postcode == "1000"


async def test_nothing_changed_is_said(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.clicks("Continuer")
    await claire.sees("Rien n’a changé dans cette fiche")
    await claire.fills({"Notes": "Le matin"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert [person.notes for person in await on_the_list(bot)] == ["Le matin"]


async def test_scenario_3_a_likely_slip_is_asked_about_and_then_r12(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": "paul@gmial.com"})
    await claire.clicks("Continuer")
    await claire.sees("Vouliez-vous écrire paul@gmail.com ?")
    await claire.clicks("Utiliser l’adresse corrigée")
    await claire.sees("L’e-mail de l’interlocuteur (paul@gmail.com)", f"({MAIL})", "BOUMAR")
    await claire.clicks("Inviter l’adresse saisie")
    await claire.sees(
        "paul@gmail.com est invitée pour BOUMAR", "L’identifiant de cette personne devient paul@gmail.com"
    )
    assert await invited(bot) == {MAIL}  # nothing is sent before the last click
    await claire.clicks("C’est fait dans Loop")
    await claire.sees("La fiche de l’interlocuteur est à jour")
    assert await invited(bot) == {MAIL, "paul@gmail.com"}
    assert [person.email for person in await on_the_list(bot)] == ["paul@gmail.com"]


async def test_a_slip_kept_as_typed_is_asked_about_once(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, invited=["paul@gmial.com"])
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": "paul@gmial.com"})
    await claire.clicks("Continuer")
    await claire.clicks("Garder l’adresse saisie")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == ["paul@gmial.com"]


async def test_a_shared_mailbox_is_warned_about(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, invited=["contact@martin.example"])
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": "contact@martin.example"})
    await claire.clicks("Continuer")
    await claire.sees("ressemble à une boîte partagée")
    await claire.clicks("Garder l’adresse saisie")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == ["contact@martin.example"]


async def test_scenario_9_the_firms_own_domain_is_a_collaborateurs(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, invited=[OTHER])
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": "malo.legoff@cabinet-duhamel.example"})
    await claire.clicks("Continuer")
    await claire.sees("collaborateur du cabinet, pas d’un invité")
    await claire.fills({"E-mail": OTHER})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == [OTHER]


async def test_scenario_10_the_invited_e_mail_is_taken_back(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": OTHER, "Notes": "Le matin"})
    await claire.clicks("Continuer")
    await claire.sees(f"({OTHER})", f"({MAIL})")
    await claire.clicks("Reprendre l’adresse invitée")
    await claire.sees("(vide) → Le matin")
    await claire.clicks("C’est fait dans Loop")
    (person,) = await on_the_list(bot)
    assert (person.email, person.notes) == (MAIL, "Le matin")


async def test_scenario_10_each_dossier_asks_and_each_answer_is_kept(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot, codes=["BOUMAR", "FLEKER", "SCIMAR"])
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": OTHER})
    await claire.clicks("Continuer")
    for code in ("BOUMAR", "FLEKER", "SCIMAR"):
        await claire.sees(f"pour le dossier {code}")
        await claire.clicks("Inviter l’adresse saisie")
    await claire.sees("est invitée pour BOUMAR, FLEKER et SCIMAR")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == [OTHER]
    assert await invited(bot) == {MAIL, OTHER}


async def test_two_at_once_on_different_fields_lose_nothing(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Notes": "Le matin"})
    await changes(bot, commune="Rennes")
    await claire.clicks("Continuer")
    await claire.sees("Quelqu’un d’autre vient de modifier cette fiche", "Modifié entre-temps", "(vide) → Rennes")
    assert values(claire)["Notes"] == "Le matin"
    await claire.clicks("Garder les deux modifications")
    await claire.clicks("C’est fait dans Loop")
    (person,) = await on_the_list(bot)
    assert (person.notes, person.commune) == ("Le matin", "Rennes")


@pytest.mark.parametrize(
    ("choice", "mobile"), [("Prendre les nouvelles valeurs", "+33699999999"), ("Garder mes valeurs", "+33698765432")]
)
async def test_two_at_once_on_the_same_field_one_chooses(firm: Firm, bot: Bot, choice: str, mobile: str) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Numéro de téléphone mobile": "06 98 76 54 32", "Notes": "Le matin"})
    await changes(bot, mobile="+33699999999", commune="Rennes")
    await claire.clicks("Continuer")
    await claire.sees("06 12 34 56 78 → 06 99 99 99 99")
    assert values(claire)["Numéro de téléphone mobile"] == "06 98 76 54 32"
    await claire.clicks(choice)
    await claire.clicks("C’est fait dans Loop")
    (person,) = await on_the_list(bot)
    assert (person.mobile, person.commune, person.notes) == (mobile, "Rennes", "Le matin")


async def test_a_change_made_just_before_the_last_click_is_asked_about_too(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Notes": "Le matin"})
    await claire.clicks("Continuer")
    await claire.sees("Vérifiez avant d’enregistrer")
    await changes(bot, notes="Le soir")
    await claire.clicks("C’est fait dans Loop")
    await claire.sees("Modifié entre-temps", "(vide) → Le soir")
    await claire.clicks("Garder mes valeurs")
    await claire.sees("La fiche de l’interlocuteur est à jour")
    assert [person.notes for person in await on_the_list(bot)] == ["Le matin"]


async def test_back_and_forth_keeps_what_was_typed_and_never_mixes_people(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await keeps(
        bot, replace(CONTACT, family_name="Kervella", given_name="Anne", email="anne@fleurs.example"), ["FLEKER"]
    )
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Notes": "Le matin"})
    await claire.clicks("Continuer")
    await claire.clicks("Retour")
    assert values(claire)["Notes"] == "Le matin"
    await claire.clicks("Retour")
    await claire.clicks("Continuer")
    assert values(claire)["Notes"] == "Le matin"
    await claire.clicks("Retour")
    await claire.clicks("Retour")
    await claire.fills({people_label(claire): "Kervella Anne"})
    await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    assert (values(claire)["Nom"], values(claire)["Notes"]) == ("Kervella", "")
    await claire.clicks("Retour")
    await claire.clicks("Retour")
    await claire.fills({people_label(claire): "Ajouter un interlocuteur"})
    await claire.clicks("Continuer")
    assert values(claire)["Nom"] == ""


async def test_the_journal_names_fields_and_no_value(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await keeps(bot)
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Numéro de téléphone mobile": "06 98 76 54 32", "Nom": "Le Goff"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    store = app.open_store(bot.config)
    async with store.read() as session:
        lines = list(await session.scalars(select(JournalLine)))
    await store.close()
    assert [one.after for one in lines if one.what == "interlocuteurs.modified"] == ["family_name mobile"]
    said = " ".join(f"{one.subject} {one.before} {one.after}" for one in lines)
    assert not any(text in said for text in ("Martin", "Goff", "@", "0612345678", "33698765432"))
