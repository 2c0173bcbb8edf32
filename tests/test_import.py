"""Importer: the portfolio's file sent to the bot, what it would change, the Ok — as transcripts."""

import csv
import io

import pytest
from sqlalchemy import select

import app
from practice import seed
from services.models import JournalLine
from tests.conftest import Bot
from tests.teams import Firm, Person

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEAD = ("Code", "Raison sociale", "SIREN", "Commune", "Agence", "E-mail du collaborateur")
GOOD = ("NAUTIC", "Nautisme Œuvrard", "552100554", "Séné", "Vannes", seed.INES.email)
WRONG = ("CIDRE", "Cidrerie Le Bris", "552100555", "Redon", "Rennes", seed.MALO.email)
BOUMAR = ("BOUMAR", "Boulangerie Martin & Fils", "207502303", "Rennes", "Rennes", seed.MALO.email)


def saved(*rows: tuple[str, ...]) -> bytes:
    """As French Excel saves it."""
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([HEAD, *rows])
    return text.getvalue().encode("cp1252")


async def finds(person: Person, text: str) -> tuple[str, ...]:
    """The rows the dossier search of « Inviter » offers."""
    await person.writes("inviter")
    await person.clicks("Ouvrir le formulaire")
    await person.fills(
        {"Nom": "X", "Prénom": "Y", "E-mail": "x@y.example", "Numéro de téléphone mobile": "06 12 34 56 78"}
    )
    await person.clicks("Continuer")
    rows = await person.searches("Dossier", text)
    await person.closes()
    return rows


async def test_a_file_is_judged_then_taken_in(firm: Firm) -> None:
    claire = firm.person("Claire")
    assert await finds(claire, "oeuvrard") == ()

    await claire.writes("importer")
    await claire.sees("dans notre conversation privée", "Raison sociale")

    await claire.sends_file("portefeuille.csv", saved(GOOD, BOUMAR, WRONG))
    await claire.sees("portefeuille.csv", "Rien n’est encore importé", "Dossiers à créer : 1", "Lignes refusées : 1")
    await claire.sees(
        "Entreprise : Boulangerie Martin → Boulangerie Martin & Fils", "Ligne 4 · CIDRE", "clé de contrôle"
    )
    assert await finds(claire, "oeuvrard") == ()  # nothing before the Ok

    await claire.clicks("Importer")
    await claire.sees("L’import est terminé", "Dossiers créés : 1", "Dossiers modifiés : 1")
    assert claire.card("L’import est terminé").buttons == ()
    (row,) = await finds(claire, "oeuvrard sene")
    assert "NAUTIC" in row
    (row,) = await finds(claire, "boumar")
    assert "Boulangerie Martin & Fils" in row

    mended, another = (*WRONG[:2], "732829320", *WRONG[3:]), ("HUITRE", "Huîtres Le Gal", *GOOD[2:])
    await claire.sends_file("portefeuille (2).csv", saved(GOOD, BOUMAR, mended, another))
    await claire.sees("portefeuille (2).csv", "Dossiers inchangés : 2")
    await claire.clicks("Importer")
    await claire.sees("Dossiers créés : 2")
    assert len(await finds(claire, "cidrerie le bris")) == 1

    await claire.sends_file("portefeuille (3).csv", saved(GOOD))
    await claire.sees("Il n’y a rien à importer")
    assert firm.teams.refusals == []  # above all, no token was sent to the file's address


async def test_only_an_administrator_imports(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await malo.sends_file("portefeuille.csv", saved(GOOD))
    await malo.sees("réservée aux administrateurs du cabinet")
    assert firm.teams.counts["file"] == 0  # not even fetched
    assert await attempts(bot) == [(seed.MALO.aad_id, "not_administrator")]
    assert await finds(claire, "nautic") == ()

    await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Dossiers à créer : 1")
    forged = firm.teams.envelope.message(
        malo.client.persona, await malo.client.open_chat(), "", claire.chat[-1].message
    )
    told = {"p": {"do": "take_portfolio", "id": _id_on(claire), "v": 1}}
    await malo.send(forged | {"value": told})
    await malo.sees("n’existe plus")
    assert await finds(claire, "nautic") == ()

    await claire.clicks("Importer")
    await claire.sees("L’import est terminé")


async def attempts(bot: Bot) -> list[tuple[str, str | None]]:
    """Who attempted what they may not, as the journal has it."""
    store = app.open_store(bot.config)
    async with store.read() as session:
        lines = await session.scalars(select(JournalLine).where(JournalLine.what.like("refused.%")))
        found = [(line.actor, line.after) for line in lines]
    await store.close()
    return found


def _id_on(person: Person) -> str:
    button = person.card("Rien n’est encore importé").surface.button("Importer")
    assert button is not None
    return str(button.action["data"]["p"]["id"])


@ON_SQLITE
async def test_given_up_nothing_changes_and_the_card_is_spent(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Dossiers à créer : 1")
    kept = claire.card("Dossiers à créer : 1")
    await claire.clicks("Abandonner")
    await claire.sees("L’import est abandonné")
    await kept.click("Importer")
    await claire.sees("L’import est abandonné")
    assert await finds(claire, "nautic") == ()


@ON_SQLITE
async def test_a_double_click_imports_once(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Dossiers à créer : 1")
    kept = claire.card("Dossiers à créer : 1")
    await kept.click("Importer")
    await kept.click("Importer")
    await claire.sees("L’import est terminé")
    assert len(await finds(claire, "nautic")) == 1


@ON_SQLITE
async def test_a_file_that_cannot_be_read_says_why_and_the_mended_one_is_read(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.sends_file("notes.csv", b"Bonjour;tout le monde\r\n")
    await claire.sees("Il manque des colonnes dans ce fichier", "SIREN", "Corrigez le fichier")
    await claire.sends_file("vieux.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    await claire.sees("ancien format (.xls)")
    await claire.sends_file("tout-faux.csv", saved(WRONG))
    await claire.sees("Aucune ligne ne peut être importée")
    assert claire.card("Aucune ligne ne peut être importée").buttons == ()
    await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Rien n’est encore importé")


@ON_SQLITE
async def test_a_file_teams_no_longer_holds(firm: Firm) -> None:
    claire = firm.person("Claire")
    firm.teams.fail_next("file", 404)
    await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Teams ne donne plus ce fichier")
    await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Rien n’est encore importé")


@ON_SQLITE
async def test_an_outage_of_the_drive_is_waited_out(firm: Firm) -> None:
    claire = firm.person("Claire")
    firm.teams.fail_next("file", 503)
    await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Je lis ce fichier")
    await claire.sees("Rien n’est encore importé")


@ON_SQLITE
async def test_one_file_at_a_time_and_only_in_private(firm: Firm) -> None:
    claire = firm.person("Claire")
    message = await claire.sends_file("portefeuille.csv", saved(GOOD))
    await claire.sees("Rien n’est encore importé")
    (file, *_) = message.activity["attachments"]
    await claire.send(message.activity | {"attachments": [file, file]})
    await claire.sees("Envoyez un seul fichier à la fois")
    written = await claire.writes("voici")
    await claire.send(written.activity | {"attachments": [file]})
    await claire.sees("Envoyez ce fichier dans notre conversation privée")


@ON_SQLITE
async def test_killed_at_any_moment_it_goes_on(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    rows = [(f"N{n:04}", f"Nautisme {n}", *GOOD[2:]) for n in range(1_200)]
    await claire.sends_file("portefeuille.csv", saved(*rows))
    await bot.restart()
    await claire.sees("Dossiers à créer : 1 200")
    await bot.restart()
    await claire.clicks("Importer")
    await bot.restart()
    await claire.sees("L’import est terminé", "Dossiers créés : 1 200")
    assert len(await finds(claire, "n1199")) == 1
    cards = [card for card in claire.chat if "portefeuille.csv" in card.texts]
    assert len(cards) == 1  # one card all along, redrawn
