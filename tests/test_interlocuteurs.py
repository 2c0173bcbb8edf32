"""Interlocuteurs, as transcripts: the list, a form two people fill at once, R12 with its repairs, the same person twice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

import app
from services import interlocuteurs, invitations, offers
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.models import Dossier, Interlocuteur, Invitation, JournalLine, Rattachement
from services.offers import Qualite
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_path import PAUL, finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ADMIN = "aad-seeded"
MAIL = PAUL["E-mail"]
OTHER = "paul@martin-freres.example"
CONTACT = Contact("Martin", "Paul", "+33612345678", "+33299000000", MAIL, Qualite.DIRECTION_TPE, *[""] * 7)

Keeps = Callable[..., Awaitable[None]]


@pytest.fixture
def keeps(bot: Bot) -> Keeps:
    """The firm has this person on its list, linked to these dossiers, each with its invitations (default: their e-mail)."""

    async def keep(contact: Contact = CONTACT, codes: Sequence[str] = ("BOUMAR",), invited: Sequence[str] = ()) -> None:
        store = app.open_store(bot.config)
        async with store.work() as work:
            person = await interlocuteurs.create(work, contact, "fr", ADMIN)
            for code in codes:
                dossier = (await work.session.scalars(select(Dossier).where(Dossier.code == code))).unique().one()
                for email in (contact.email, *invited):
                    guest = NewGuest(contact.family_name, contact.given_name, email, contact.mobile, "fr")
                    await invitations.invite_guest(work, guest, dossier, ADMIN)
                await interlocuteurs.link(work, person, dossier, ADMIN)
        await store.close()

    return keep


async def invites(bot: Bot, email: str, code: str) -> None:
    store = app.open_store(bot.config)
    async with store.work() as work:
        dossier = (await work.session.scalars(select(Dossier).where(Dossier.code == code))).unique().one()
        guest = NewGuest("Martin", "Paul", email, CONTACT.mobile, "fr")
        await invitations.invite_guest(work, guest, dossier, ADMIN)
    await store.close()


async def activates(bot: Bot, code: str, *keys: str) -> None:
    store = app.open_store(bot.config)
    async with store.work() as work:
        dossier = (await work.session.scalars(select(Dossier).where(Dossier.code == code))).unique().one()
        for key in keys:
            await offers.activate_offer(work, dossier, key, ADMIN, subscription_confirmed=True)
    await store.close()


async def changes(bot: Bot, **fields: str) -> None:
    """Somebody else modifies the one person on the list."""
    store = app.open_store(bot.config)
    async with store.work() as work:
        person = (await work.session.scalars(select(Interlocuteur))).one()
        contact = replace(interlocuteurs.contact_of(person), **fields)
        await interlocuteurs.modify(work, person.id, contact, person.version, ADMIN)
    await store.close()


async def on_the_list(bot: Bot) -> list[Interlocuteur]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        query = select(Interlocuteur).where(Interlocuteur.removed_at.is_(None)).order_by(Interlocuteur.name_key)
        rows = list(await session.scalars(query))
    await store.close()
    return rows


async def links(bot: Bot) -> set[tuple[str, str]]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        query = (
            select(Interlocuteur.family_name, Dossier.code)
            .join(Rattachement, Rattachement.interlocuteur_id == Interlocuteur.id)
            .join(Dossier, Dossier.id == Rattachement.dossier_id)
        )
        rows = {(name, code) for name, code in (await session.execute(query)).all()}
    await store.close()
    return rows


async def invited(bot: Bot) -> set[str]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        rows = set(await session.scalars(select(Invitation.email)))
    await store.close()
    return rows


async def opens(claire: Person) -> None:
    await claire.writes("interlocuteurs")
    await claire.clicks("Ouvrir le formulaire")


async def chooses(claire: Person, name: str, action: str) -> None:
    """From the list to the page of that action."""
    await opens(claire)
    await claire.fills({people_label(claire): name})
    await claire.clicks("Continuer")
    await claire.fills({"Que voulez-vous faire ?": action})
    await claire.clicks("Continuer")


def people_label(claire: Person) -> str:
    """The label of the list, which counts who is on it."""
    assert claire.dialog is not None
    return next(field.label for field in claire.dialog.inputs if field.id == "interlocuteur")


def values(claire: Person) -> dict[str, str]:
    assert claire.dialog is not None
    return claire.dialog.values


async def ticks(claire: Person, *searched: str) -> None:
    """Search and tick a dossier, then the next one: what is ticked stays ticked."""
    ticked: list[str] = []
    for text in searched:
        await claire.fills({"Rechercher un dossier": text})
        await claire.clicks("Rechercher")
        assert claire.dialog is not None
        boxes = next(field for field in claire.dialog.inputs if field.multiple)
        ticked.append(next(title for title in boxes.choices if text.upper() in title))
        await claire.fills({boxes.label: ticked})


# --- the list


async def test_from_the_menu_to_the_list_and_one_person(firm: Firm, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await claire.writes("aide")
    await claire.clicks("Interlocuteurs")
    await claire.sees("Martin Paul — BOUMAR", "1 interlocuteur")
    await claire.clicks("Continuer")
    await claire.sees("Ce champ est obligatoire")
    await claire.fills({people_label(claire): "Martin Paul"})
    await claire.clicks("Continuer")
    await claire.sees("06 12 34 56 78", MAIL, "Direction TPE", "BOUMAR — Boulangerie Martin")


@pytest.mark.parametrize("typed", ["nguyen", "THỊ", "hong.nguyen@fleurs", "fleker", "Fleurs Kervella"])
async def test_somebody_is_found_by_name_e_mail_or_dossier(firm: Firm, keeps: Keeps, typed: str) -> None:
    claire = firm.person("Claire")
    await keeps()
    await keeps(
        replace(CONTACT, family_name="Nguyễn", given_name="Thị Hồng", email="hong.nguyen@fleurs.example"), ["FLEKER"]
    )
    await opens(claire)
    await claire.fills({"Rechercher un interlocuteur": typed})
    await claire.clicks("Rechercher")
    await claire.sees("Nguyễn Thị Hồng — FLEKER", "1 interlocuteur")
    await claire.sees_no("Martin Paul")


async def test_nobody_found_is_said_and_the_search_mended(firm: Firm, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await opens(claire)
    await claire.fills({"Rechercher un interlocuteur": "zzz"})
    await claire.clicks("Rechercher")
    await claire.sees("Aucun interlocuteur ne correspond")
    await claire.fills({"Rechercher un interlocuteur": "martin"})
    await claire.clicks("Rechercher")
    await claire.sees("Martin Paul — BOUMAR")


async def test_the_list_turns_its_pages(firm: Firm, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    for n in range(19):
        await keeps(replace(CONTACT, family_name=f"Abgrall {n:02}", email=f"a{n}@x.fr"), codes=())
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
    await claire.sees("Page 1 sur 2", "10 interlocuteurs")


async def test_the_list_is_for_administrators(firm: Firm, keeps: Keeps) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await keeps()
    await claire.writes("contacts")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("réservée aux administrateurs")
    await malo.sees_no("Martin Paul")


# --- modify


async def test_a_person_is_modified_here_and_in_loop(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def test_scenario_2_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(
    firm: Firm, bot: Bot, keeps: Keeps
) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def test_another_country_switches_the_postcodes_check_off(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"Code postal": "1000", "Pays": "Belgique"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    (person,) = await on_the_list(bot)
    assert person.postcode == "1000"


async def test_nothing_changed_is_said(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.clicks("Continuer")
    await claire.sees("Rien n’a changé dans cette fiche")
    await claire.fills({"Notes": "Le matin"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert [person.notes for person in await on_the_list(bot)] == ["Le matin"]


async def test_scenario_3_a_likely_slip_is_asked_about_and_then_r12(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def test_a_slip_kept_as_typed_is_asked_about_once(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(invited=["paul@gmial.com"])
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": "paul@gmial.com"})
    await claire.clicks("Continuer")
    await claire.clicks("Garder l’adresse saisie")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == ["paul@gmial.com"]


async def test_a_shared_mailbox_is_warned_about(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(invited=["contact@martin.example"])
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": "contact@martin.example"})
    await claire.clicks("Continuer")
    await claire.sees("ressemble à une boîte partagée")
    await claire.clicks("Garder l’adresse saisie")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == ["contact@martin.example"]


async def test_scenario_9_the_firms_own_domain_is_a_collaborateurs(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(invited=[OTHER])
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": "malo.legoff@cabinet-duhamel.example"})
    await claire.clicks("Continuer")
    await claire.sees("collaborateur du cabinet, pas d’un invité")
    await claire.fills({"E-mail": OTHER})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == [OTHER]


async def test_scenario_10_the_invited_e_mail_is_taken_back(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await chooses(claire, "Martin Paul", "Modifier")
    await claire.fills({"E-mail": OTHER, "Notes": "Le matin"})
    await claire.clicks("Continuer")
    await claire.sees(f"({OTHER})", f"({MAIL})")
    await claire.clicks("Reprendre l’adresse invitée")
    await claire.sees("(vide) → Le matin")
    await claire.clicks("C’est fait dans Loop")
    (person,) = await on_the_list(bot)
    assert (person.email, person.notes) == (MAIL, "Le matin")


async def test_scenario_10_each_dossier_asks_and_each_answer_is_kept(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(codes=["BOUMAR", "FLEKER", "SCIMAR"])
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


async def test_two_at_once_on_different_fields_lose_nothing(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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
async def test_two_at_once_on_the_same_field_one_chooses(
    firm: Firm, bot: Bot, keeps: Keeps, choice: str, mobile: str
) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def test_a_change_made_just_before_the_last_click_is_asked_about_too(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def test_back_and_forth_keeps_what_was_typed_and_never_mixes_people(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await keeps(replace(CONTACT, family_name="Kervella", given_name="Anne", email="anne@fleurs.example"), ["FLEKER"])
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


async def test_the_journal_names_fields_and_no_value(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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


# --- link


async def test_r14_r15_somebody_known_is_linked_to_several_dossiers(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def test_a_dossier_linked_already_is_said_and_not_offered(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await invites(bot, MAIL, "SCIMAR")
    await chooses(claire, "Martin Paul", "Rattacher à d’autres dossiers")
    await claire.fills({"Rechercher un dossier": "martin"})
    await claire.clicks("Rechercher")
    await claire.sees("Déjà rattachés : BOUMAR")
    await ticks(claire, "scimar")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert await links(bot) == {("Martin", "BOUMAR"), ("Martin", "SCIMAR")}


async def test_linking_left_for_later_in_loop_shows(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(codes=())
    await invites(bot, MAIL, "FLEKER")
    await chooses(claire, "Martin Paul", "Rattacher à d’autres dossiers")
    await ticks(claire, "fleker")
    await claire.clicks("Continuer")
    await claire.clicks("Je le ferai plus tard")
    await claire.sees("À faire dans Loop", "FLEKER")


async def test_scenario_10_linking_offers_to_take_the_invited_e_mail(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def adds(claire: Person, **typed: str) -> None:
    await opens(claire)
    await claire.fills({people_label(claire): "Ajouter un interlocuteur"})
    await claire.clicks("Continuer")
    await claire.fills({**PAUL, **typed})
    await claire.clicks("Continuer")


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


async def test_scenario_13_somebody_new_who_is_known_is_reused(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(replace(CONTACT, given_name="Élodie", email="elodie@martin.example"))
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


async def test_scenario_13_somebody_new_of_the_same_name_is_created(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
    await adds(claire)
    await claire.clicks("C’est une autre personne")
    await ticks(claire, "boumar")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert len(await on_the_list(bot)) == 2


# --- remove


async def test_r10_removing_says_what_is_lost_then_takes_it_back(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await keeps()
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


async def test_what_is_lost_besides_meanwhile_is_asked_about(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await keeps()
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


async def test_two_removing_at_once_remove_once(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await keeps()
    for person in (claire, yann):
        await chooses(person, "Martin Paul", "Supprimer")
        await person.fills({"Confirmation": True})
    await asyncio.gather(*(person.clicks("Supprimer l’interlocuteur") for person in (claire, yann)))
    seen = sorted(person.notice for person in (claire, yann))
    assert "Cet interlocuteur n’existe plus" in seen[0]
    assert "L’interlocuteur est supprimé" in seen[1]


# --- the other flows


async def proposes(claire: Person, offer: str, name: str = "Martin Paul") -> None:
    await begins_to_propose(claire, offer, name)
    await claire.clicks("C’est fait, proposer")
    await claire.sees("proposée")


async def begins_to_propose(claire: Person, offer: str, name: str = "Martin Paul") -> None:
    await claire.writes("proposer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre": offer, "Interlocuteur": name})
    await claire.clicks("Continuer")


async def revokes(bot: Bot, email: str) -> None:
    store = app.open_store(bot.config)
    async with store.work() as work:
        invitation = await invitations.live(work.session, email)
        assert invitation is not None
        await invitations.revoke(work, invitation.id, ADMIN)
    await store.close()


async def test_proposing_to_somebody_no_longer_invited_offers_to_invite_them(
    firm: Firm, bot: Bot, keeps: Keeps
) -> None:
    claire = firm.person("Claire")
    await keeps()
    await activates(bot, "BOUMAR", "start")
    await revokes(bot, MAIL)
    await begins_to_propose(claire, "Start")
    await claire.sees(f"{MAIL} n’a pas été invitée pour le dossier BOUMAR")
    await claire.clicks("Inviter son adresse actuelle")
    await claire.clicks("C’est fait, proposer")
    await firm.person("Malo").sees("En attente d’approbation")


async def test_scenario_10_proposing_offers_to_take_the_invited_e_mail(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(invited=[OTHER])
    await activates(bot, "BOUMAR", "start")
    await revokes(bot, MAIL)
    await begins_to_propose(claire, "Start")
    await claire.sees(f"({MAIL})", f"({OTHER})")
    await claire.clicks("Reprendre l’adresse invitée")
    await claire.clicks("C’est fait, proposer")
    await firm.person("Malo").sees("En attente d’approbation")
    assert [person.email for person in await on_the_list(bot)] == [OTHER]


async def test_scenario_12_a_second_interlocuteur_with_another_offer(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps()
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


async def test_scenario_13_linking_somebody_known_under_another_e_mail(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(replace(CONTACT, email=OTHER), codes=())
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


async def test_two_questions_about_the_same_form_are_both_remembered(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(replace(CONTACT, email="paul@gmial.com"), codes=())
    await invites(bot, MAIL, "BOUMAR")
    await links_new(claire, **{"E-mail": "paul@gmial.com"})
    await claire.clicks("C’est une autre personne")
    await claire.clicks("Inviter l’adresse saisie")
    await claire.clicks("Garder l’adresse saisie")
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop")
    assert [person.email for person in await on_the_list(bot)] == ["paul@gmial.com"] * 2
    assert await invited(bot) == {MAIL, "paul@gmial.com"}


async def test_a_reuse_said_of_one_person_is_void_for_another(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(codes=())
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
    firm: Firm, bot: Bot, keeps: Keeps, repair: str, kept: str, guests: set[str]
) -> None:
    claire = firm.person("Claire")
    await keeps(replace(CONTACT, email=OTHER), ["SCIMAR"])
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


async def test_scenario_13_a_new_client_of_the_same_name_is_somebody_else(firm: Firm, bot: Bot, keeps: Keeps) -> None:
    claire = firm.person("Claire")
    await keeps(replace(CONTACT, email=OTHER), ["SCIMAR"])
    await new_client(claire, Nom="MARTIN")
    await claire.clicks("C’est une autre personne")
    await starts(claire)
    assert len(await on_the_list(bot)) == 2
    assert await links(bot) == {("MARTIN", "BOUMAR"), ("Martin", "SCIMAR")}
