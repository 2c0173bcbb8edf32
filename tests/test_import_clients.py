"""A list of new clients sent to the bot: each line's verdict, the Ok, how far it is, what comes back — as transcripts."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

import app
from practice import seed
from services import bulk
from services.models import Interlocuteur, Invitation, JournalLine, Proposition
from tests.clients import HEAD, client, codes, email, opened, saved
from tests.conftest import Bot
from tests.teams import Firm, Person

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONG = 60.0


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks as often as it can."""
    monkeypatch.setattr(bulk, "TICK", timedelta(milliseconds=20))


def invited(firm: Firm) -> Counter[str]:
    """How often Graph was asked for each guest."""
    return Counter(one.email for one in firm.cloud.state.invitations)


async def takes(person: Person, content: bytes, name: str = "clients.csv") -> None:
    await person.sends_file(name, content)
    await person.sees("Rien n’est encore fait", within=LONG)
    await person.clicks("Lancer")
    await person.sees("C’est terminé", within=LONG)


@ON_SQLITE
async def test_120_lines_are_done_once_though_the_bot_crashes(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    rows = [client(number) for number in range(114)]
    rows += [
        client(114, **{"Offre": "Premium"}),
        client(115, **{"Abonnement confirmé": ""}),  # Consultation
        client(116, **{"E-mail": "paul@gmial.com"}),
        client(117, **{"Code dossier": "NULLEPART"}),
        client(118, **{"Nom": ""}),
        client(0),
    ]
    await claire.sends_file("clients 2026.csv", saved(*rows))
    await bot.restart()  # while it is read
    await claire.sees("Rien n’est encore fait", "À inviter : 114", "Lignes refusées : 6", within=LONG)
    await claire.sees("Offre : Cette valeur n’est pas connue", "Start, Consultation, Co-Production")
    await claire.sees("confirmez d’abord l’abonnement", "Vouliez-vous écrire paul@gmail.com")
    await claire.sees("Aucun dossier du Portefeuille n’a le code NULLEPART", "Nom : Ce champ est obligatoire")
    await claire.sees("La ligne 2 de ce fichier dit déjà la même chose")
    assert invited(firm) == {}

    verdicts = opened(await claire.accepts_file())
    assert Counter(line["Verdict"] for line in verdicts) == {"Sera invité": 114, "Refusée": 6}
    assert verdicts[116]["À corriger"].endswith("passez par «\u00a0Nouveau client\u00a0», qui permet de la garder.")

    await claire.clicks("Lancer")
    for _ in range(3):
        await claire.sees("Invitations parties ou reconnues")
        await bot.restart()
    await claire.sees("C’est terminé", "Invitations parties ou reconnues : 114", within=LONG)
    await claire.sees("Corrigez les lignes refusées, puis renvoyez tout le fichier")
    assert invited(firm) == dict.fromkeys(map(email, range(114)), 1)
    mails = Counter(to for mail in firm.cloud.state.mails for to in mail.to)
    assert set(mails) == set(map(email, range(114)))
    cards = [card for card in claire.chat if "clients 2026.csv" in card.texts]
    assert len(cards) == 1  # redrawn all along
    about = [message for message in firm.teams.conversations.channel.messages if message.author == seed.BOT_MRI]
    assert len(about) == 1  # the menu: a list has no card in « Général » when nobody has to do anything
    assert firm.teams.refusals == []

    results = opened(await claire.accepts_file())
    assert Counter(line["Verdict"] for line in results) == {"Fait": 114, "Refusée": 6}
    assert {line["Invitation"] for line in results[:114]} == {"Invitation envoyée"}
    assert {line["Dans Loop"] for line in results[:114]} == {"À faire dans Loop"}

    await claire.sends_file("clients 2026.csv", saved(*rows))
    await claire.sees("Il n’y a rien à faire : toutes les lignes sont déjà faites", "Déjà faits : 114", within=LONG)


async def test_what_is_done_in_loop_is_said_by_sending_the_result_back(firm: Firm) -> None:
    claire = firm.person("Claire")
    await takes(claire, saved(*(client(number) for number in range(3))))
    await claire.sees("3 lignes restent à faire dans Cegid Loop")
    await claire.declines_file()
    results = opened(await claire.accepts_file())
    results[1]["Fait dans Loop"] = "oui"
    back = saved(*(list(line.values()) for line in results), head=list(results[0]), encoding="utf-8-sig")
    await claire.sends_file("retour.csv", back)
    await claire.sees("Faits dans Loop, à annoncer : 1", "Déjà faits : 2", within=LONG)
    await claire.clicks("Lancer")
    await claire.sees("2 lignes restent à faire dans Cegid Loop", within=LONG)
    await firm.person("Claire").sees("En attente d’approbation", within=LONG)
    assert invited(firm) == dict.fromkeys(map(email, range(3)), 1)


async def test_a_guest_made_in_entra_and_one_invited_before_are_recognised(firm: Firm) -> None:
    claire = firm.person("Claire")
    firm.cloud.state.create_guest(email(0), "Gaël Œuvrard")
    rows = (client(0), client(1), client(1, **{"Code dossier": codes()[7]}), client(2, **{"E-mail": seed.MALO.email}))
    await claire.sends_file("clients.csv", saved(*rows))
    await claire.sees("À inviter : 1", "Déjà invités, reconnus : 2", "Lignes refusées : 1", within=LONG)
    await claire.sees("Cette adresse est celle d’un collaborateur du cabinet")
    await claire.clicks("Lancer")
    await claire.sees("C’est terminé", within=LONG)
    assert invited(firm) == {email(1): 1}


@ON_SQLITE
async def test_an_impossible_invitation_has_its_card(firm: Firm) -> None:
    claire = firm.person("Claire")
    firm.cloud.state.blocked_domains.add("entreprise-1.example")
    await takes(claire, saved(*(client(number) for number in range(3))))
    await claire.sees("Invitations impossibles : 1", "bloque les invitations vers ce domaine")
    assert len([card for card in claire.channel if any("Invitation impossible" in text for text in card.texts)]) == 1


@ON_SQLITE
async def test_pause_resume_stop(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "WINDOW", 4)
    claire = firm.person("Claire")
    await claire.sends_file("clients.csv", saved(*(client(number) for number in range(40))))
    await claire.sees("À inviter : 40", within=LONG)
    await claire.clicks("Lancer")
    await claire.clicks("Pause")
    await claire.sees("En pause")
    kept = claire.card("En pause")
    await claire.clicks("Reprendre")
    await claire.sees("En cours")
    await claire.clicks("Arrêter")
    await claire.sees("Arrêté", within=LONG)
    await kept.click("Reprendre")
    await claire.sees("Arrêté")
    assert len(invited(firm)) < 40
    await takes(claire, saved(*(client(number) for number in range(40))))
    assert invited(firm) == dict.fromkeys(map(email, range(40)), 1)


@ON_SQLITE
async def test_only_its_sender_an_administrator(firm: Firm, bot: Bot) -> None:
    claire, malo, yann = firm.person("Claire"), firm.person("Malo"), firm.person("Yann")
    await malo.sends_file("clients.csv", saved(client(0)))
    await malo.sees("réservée aux administrateurs du cabinet")
    await claire.sends_file("clients.csv", saved(client(0)))
    await claire.sees("À inviter : 1")
    button = claire.card("Rien n’est encore fait").surface.button("Lancer")
    assert button is not None
    for verb in ("take_clients", "pause_clients", "stop_clients"):
        forged = firm.teams.envelope.message(
            yann.client.persona, await yann.client.open_chat(), "", claire.chat[-1].message
        )
        await yann.send(forged | {"value": {"p": {"do": verb, "id": button.action["data"]["p"]["id"], "v": 1}}})
        await yann.sees("n’existe plus")
    assert invited(firm) == {}
    store = app.open_store(bot.config)
    async with store.read() as session:
        refused = list(await session.scalars(select(JournalLine.actor).where(JournalLine.after == "not_yours")))
        made = [
            await session.scalar(select(func.count()).select_from(row))
            for row in (Invitation, Interlocuteur, Proposition)
        ]
    await store.close()
    assert refused == [seed.YANN.aad_id] * 3
    assert made == [0, 0, 0]  # a dry run leaves nothing


@ON_SQLITE
async def test_the_file_is_its_senders_too(firm: Firm) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await claire.sends_file("clients.csv", saved(client(0)))
    await claire.sees("À inviter : 1")
    await claire.accepts_file()
    accepted = claire.last_sent
    chat = await yann.client.open_chat()
    upload = firm.teams.open_upload("vol.csv")
    stolen = firm.teams.envelope.consent(
        yann.client.persona, chat, claire.chat[-1].message, accepted["value"]["context"], upload
    )
    await yann.send(stolen)
    await yann.sees("n’existe plus")
    assert firm.teams.given[upload["uniqueId"]] == b""


@ON_SQLITE
async def test_a_formula_leaves_as_text_and_comes_back_as_typed(firm: Firm) -> None:
    claire = firm.person("Claire")
    evil = '=HYPERLINK("http://evil.example";"ici")'
    rows = (
        client(0, **{"Nom": evil, "Numéro de téléphone mobile": "+33 6 12 34 56 78"}),
        client(1, **{"Prénom": "@SUM(A1)"}),
    )
    await claire.sends_file("clients.csv", saved(*rows))
    await claire.sees("À inviter : 2")
    content = await claire.accepts_file()
    lines = opened(content)
    assert lines[0]["Nom"] == "'" + evil
    assert lines[1]["Prénom"] == "'@SUM(A1)"
    assert lines[0]["Numéro de téléphone mobile"] == "'+33 6 12 34 56 78"
    await claire.sends_file("retour.csv", content)
    await claire.sees("retour.csv", "À inviter : 2")
    assert opened(await claire.accepts_file()) == lines


@ON_SQLITE
async def test_a_file_that_is_neither_or_both_says_why(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.sends_file("clients.csv", saved(client(0)[:-3], head=HEAD[:7]))
    await claire.sees("Il manque des colonnes dans cette liste de nouveaux clients : Offre")
    both = (*HEAD, "Raison sociale", "SIREN", "Commune", "Collaborateur")
    await claire.sends_file("tout.csv", saved((*client(0), "", "", "", ""), head=both))
    await claire.sees("Ce fichier a les colonnes du portefeuille et celles d’une liste de nouveaux clients")


@ON_SQLITE
async def test_somebody_known_by_another_name_is_left_to_the_conversation(firm: Firm) -> None:
    claire = firm.person("Claire")
    await takes(claire, saved(client(0)))
    other = client(0, **{"Nom": "Tout autre", "Code dossier": codes()[5]})
    await claire.sends_file("clients.csv", saved(other))
    await claire.sees("Est-ce la même personne", "Passez par « Nouveau client » pour répondre", within=LONG)
