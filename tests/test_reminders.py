"""What happens when nobody does anything (scenarios 26 and 33): reminders, absences, the administrators' turn, pauses."""

from datetime import UTC, datetime

import pytest

from dialogs.colleagues import to_choose
from dialogs.dialog import Choice
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_clicks import invites_paul, new_client
from tests.test_path import PAUL

MONDAY = datetime(2031, 3, 3, 9, 0, tzinfo=UTC)  # ten o'clock in Paris; no public holiday before Easter
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def monday(bot: Bot) -> Bot:
    """The bot, on a Monday morning."""
    await bot.lets_pass()
    bot.clock.set(MONDAY)
    return bot


async def sends_invitation(claire: Person, paul: Person) -> None:
    await invites_paul(claire)
    await claire.clicks("Envoyer l’invitation")
    await paul.receives("vous invite")


async def never_answers(monday: Bot, paul: Person) -> None:
    """Until the last reminder."""
    for count, days in enumerate((3, 4, 8), 1):
        await monday.lets_pass(days=days)
        await paul.receives("Rappel", count=count)


def reminders_of(paul: Person) -> int:
    return len([mail for mail in paul.mails if "Rappel" in mail.subject])


# --- scenario 33: a guest who never accepts


async def test_scenario_33_three_reminders_then_the_administrator_decides(firm: Firm, monday: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await sends_invitation(claire, paul)
    first_link = paul.mails[0]

    await monday.lets_pass(days=2)
    await claire.sees_no("sans réponse")
    assert reminders_of(paul) == 0
    await monday.lets_pass(days=1)
    await paul.receives("Rappel", count=1)
    await monday.lets_pass(days=4)
    mail = await paul.receives("Rappel", count=2)
    assert "reste ouverte jusqu’au 2 avril 2031" in mail.content
    await monday.restart()
    await monday.lets_pass(days=8)
    last = await paul.receives("dernier rappel")
    await claire.sees("Invitation sans réponse : dossier BOUMAR", "Sans décision, elle expire le 2 avril 2031")
    await claire.sees_no("Paul", "Martin Paul", PAUL["E-mail"])  # the dossier and its company only

    await monday.lets_pass(days=14)
    await claire.clicks("Renvoyer l’invitation")
    await claire.clicks("Renvoyer l’invitation")
    await claire.sees("L’invitation a été renvoyée : de nouveaux rappels suivront")
    await paul.receives("vous invite", count=2)
    assert first_link.content != last.content
    await monday.lets_pass(days=3)
    await paul.receives("Rappel", count=4)
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    await monday.lets_pass(days=30)
    assert reminders_of(paul) == 4


@only_sqlite
async def test_without_a_decision_it_expires_and_may_be_taken_up_again(firm: Firm, monday: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await sends_invitation(claire, paul)
    await never_answers(monday, paul)
    await claire.sees("Invitation sans réponse")
    await monday.lets_pass(days=15)
    await claire.sees("Invitation expirée")
    await monday.lets_pass()
    assert not [one for one in claire.channel if "Invitation envoyée" in " ".join(one.texts)]
    await claire.clicks("Corriger et réessayer…")
    await claire.clicks("Réessayer")
    await paul.receives("vous invite", count=2)


@only_sqlite
async def test_who_accepts_after_the_expiry_has_accepted(firm: Firm, monday: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await sends_invitation(claire, paul)
    await never_answers(monday, paul)
    await monday.lets_pass(days=15)
    await claire.sees("Invitation expirée")
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    await monday.lets_pass()
    await claire.sees_no("Invitation expirée")


@only_sqlite
async def test_the_administrator_revokes_from_the_card_that_asks(firm: Firm, monday: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await sends_invitation(claire, paul)
    await never_answers(monday, paul)
    await claire.sees("Invitation sans réponse")
    await claire.card("Invitation sans réponse").click("Révoquer…")
    assert claire.dialog is not None
    await claire.clicks(next(one for one in claire.dialog.buttons if "évoquer" in one))
    await claire.sees("Invitation révoquée")
    await monday.lets_pass()
    asked = claire.card("Invitation sans réponse")
    assert asked.buttons == ()


@only_sqlite
async def test_a_week_of_downtime_leads_to_one_mail(firm: Firm, monday: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await sends_invitation(claire, paul)
    await monday.stop()
    monday.clock.forward(days=10)
    await monday.start()
    await paul.receives("Rappel")
    await monday.restart()
    await monday.lets_pass(days=1)
    await claire.writes("suivi")
    await claire.sees("BOUMAR")
    assert reminders_of(paul) == 1


@only_sqlite
async def test_a_pause_for_the_busy_season(firm: Firm, monday: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await sends_invitation(claire, paul)
    await claire.writes("rappels")
    await claire.clicks("Ouvrir le formulaire")
    await claire.sees("Rappel par e-mail, en jours après l’envoi : 3, 7 et 15.")
    await claire.fills({"Que voulez-vous faire ?": "Mettre les rappels en pause"})
    await claire.clicks("Continuer")
    await claire.fills({"Premier jour": "2031-03-04", "Dernier jour": "2031-03-03"})
    await claire.clicks("Mettre en pause")
    await claire.sees("Le dernier jour ne peut pas être avant le premier")
    await claire.fills({"Dernier jour": "2031-05-31"})
    await claire.clicks("Mettre en pause")
    await claire.sees("La pause est enregistrée")

    await monday.lets_pass(days=60)
    await claire.writes("rappels")
    await claire.clicks("Ouvrir le formulaire")
    await claire.sees("Les rappels sont en pause jusqu’au 31 mai 2031")
    assert reminders_of(paul) == 0
    await claire.fills({"Que voulez-vous faire ?": "Mettre fin à la pause du 4 mars 2031 au 31 mai 2031"})
    await claire.clicks("Continuer")
    await claire.sees("La pause est terminée")
    await monday.lets_pass(days=2)
    await paul.receives("Rappel")
    await monday.lets_pass(days=1)
    await claire.writes("suivi")
    assert reminders_of(paul) == 1


@only_sqlite
async def test_the_firms_rhythm_is_changed_in_a_form(firm: Firm, monday: Bot) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await claire.writes("rappels")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("réservée aux administrateurs")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills({"Que voulez-vous faire ?": "Changer le rythme"})
    await claire.clicks("Continuer")
    assert claire.dialog is not None
    assert claire.dialog.values["Rappels à l’invité, en jours après l’envoi"] == "3, 7, 15"
    await claire.fills({"Rappels à l’invité, en jours après l’envoi": "bientôt"})
    await claire.clicks("Enregistrer le rythme")
    await claire.sees("Indiquez un nombre de jours, en chiffres")
    await claire.fills({"Rappels à l’invité, en jours après l’envoi": "1 ; 4"})
    await claire.clicks("Enregistrer le rythme")
    await claire.sees("Le nouveau rythme des rappels est enregistré")
    await sends_invitation(claire, paul)
    await monday.lets_pass(days=1)
    await paul.receives("Rappel")


# --- scenario 26: a collaborateur who does not decide


async def test_scenario_26_a_reminder_then_the_administrators_then_a_delegation(firm: Firm, monday: Bot) -> None:
    claire, malo, ines, paul = (firm.person(name) for name in ("Claire", "Malo", "Inès", "Paul"))
    await new_client(claire)
    await malo.sees("En attente d’approbation")

    await monday.lets_pass(days=1)
    await malo.sees_no("attend votre approbation")
    await monday.lets_pass(days=1)
    await malo.sees("1 activation attend votre approbation")
    assert "1 activation attend votre approbation" in " ".join(malo.chat[-1].texts)
    await claire.sees("Rappel envoyé le 5 mars 2031")
    await monday.restart()

    await monday.lets_pass(days=2)
    await claire.sees("1 activation en retard", "Claire Duhamel, une décision se fait attendre")
    await claire.sees("Cette activation attend Malo Le Goff malgré un rappel")
    assert "attend votre approbation" in " ".join(malo.chat[-1].texts)  # the same card: nobody is told twice

    await ines.clicks("Déléguer ses dossiers…")
    await ines.sees("réservée aux administrateurs")
    await claire.clicks("Déléguer ses dossiers…")
    await claire.sees("Cette personne pourra approuver à la place de Malo Le Goff")
    await claire.fills({"Personnes": "Inès Caradec"})
    await claire.clicks("Continuer")
    await claire.fills({"Premier jour": "2031-03-07", "Dernier jour": "2031-03-14"})
    await claire.clicks("Continuer")
    await claire.sees("Approbations en attente : 1")
    await claire.clicks("Déléguer")
    await claire.sees("La délégation est enregistrée")

    await ines.sees("Vous remplacez Malo Le Goff", "Remplace Malo Le Goff jusqu’au 14 mars 2031")
    await malo.sees("Inès Caradec vous remplace")
    await ines.fills({"Activation de l'extension": True})
    await ines.clicks("Approuver l’activation")
    await claire.sees("Offre active", "Inès Caradec", "Tout est décidé")
    await malo.sees("Tout est décidé", "Offre active")
    await paul.receives("votre accès Consultation est actif")

    await monday.lets_pass(days=8)
    await ines.sees("Délégation terminée : Malo Le Goff")
    await malo.sees("Délégation terminée : Inès Caradec")


@only_sqlite
async def test_absent_without_a_reason_from_a_day_to_a_day(firm: Firm, monday: Bot) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await malo.writes("absent")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("Qui prend le relais ?")
    await malo.fills({"Personnes": "Inès Caradec"})
    await malo.clicks("Continuer")
    await malo.fills({"Premier jour": "2031-03-05", "Dernier jour": "2031-03-07"})
    await malo.clicks("Continuer")
    await malo.sees("Inès Caradec reçoit les demandes à la place de")
    await malo.clicks("Déléguer")
    await malo.sees("La délégation est enregistrée")
    await ines.sees("Vous remplacerez")
    await malo.sees_no("vous remplacera")  # Malo asked for it: there is nothing to tell him

    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await ines.sees_no("Approuver l’activation")
    request = malo.card("Activation de Consultation")
    request.fills({"Activation de l'extension": True})

    await monday.lets_pass(days=2)
    await ines.sees("Vous remplacez Malo Le Goff")
    await ines.sees("Approuver l’activation", "1 activation attend votre approbation")
    await malo.sees_no("attend votre approbation")  # on holiday

    await monday.lets_pass(days=3)
    await ines.sees("Délégation terminée")
    await monday.lets_pass()
    await ines.looks()
    for one in (*ines.chat, *ines.channel):
        assert "Approuver l’activation" not in one.buttons
    await request.click("Approuver l’activation")
    await malo.sees("Offre active")


@only_sqlite
async def test_the_stand_ins_old_card_decides_nothing_afterwards(firm: Firm, monday: Bot) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await delegates(malo, "Inès Caradec", "2031-03-03", "2031-03-03")
    await ines.sees("Approuver l’activation")
    await monday.lets_pass()
    kept = next(one for one in ines.chat if "Approuver l’activation" in one.buttons)
    kept.fills({"Activation de l'extension": True})
    await monday.lets_pass(days=1)
    await ines.sees("Délégation terminée")
    await kept.click("Approuver l’activation")
    await ines.sees("Seul un collaborateur de ce dossier peut décider")
    await claire.sees("En attente d’approbation")
    await claire.sees_no("Offre active")


async def delegates(malo: Person, to: str, first: str, last: str) -> None:
    await malo.writes("déléguer", in_chat=True)
    await malo.clicks("Ouvrir le formulaire")
    await malo.fills({"Personnes": to})
    await malo.clicks("Continuer")
    await malo.fills({"Premier jour": first, "Dernier jour": last})
    await malo.clicks("Continuer")
    await malo.clicks("Déléguer")
    await malo.sees("La délégation est enregistrée")


@only_sqlite
async def test_two_delegations_at_once_are_refused_then_the_first_is_ended(firm: Firm, monday: Bot) -> None:
    malo, ines, erwan = firm.person("Malo"), firm.person("Inès"), firm.person("Erwan")
    await delegates(malo, "Inès Caradec", "2031-03-10", "2031-03-14")
    await malo.writes("déléguer", in_chat=True)
    await malo.clicks("Ouvrir le formulaire")
    await malo.fills({"Que voulez-vous faire ?": "Déléguer des dossiers"})
    await malo.clicks("Continuer")
    await malo.fills({"Personnes": "Erwan Tanguy"})
    await malo.clicks("Continuer")
    await malo.fills({"Premier jour": "2031-03-14", "Dernier jour": "2031-03-20"})
    await malo.clicks("Continuer")
    await malo.sees("Inès Caradec prend déjà le relais du 10 mars 2031 au 14 mars 2031")
    await malo.fills({"Premier jour": "2031-03-15"})
    await malo.clicks("Continuer")
    await malo.clicks("Déléguer")
    await malo.sees("La délégation est enregistrée")
    await erwan.sees("Vous remplacerez")

    await malo.writes("absence", in_chat=True)
    await malo.clicks("Ouvrir le formulaire")
    assert malo.dialog is not None
    found = next(field for field in malo.dialog.inputs if field.choices)
    ending = next(title for title in found.choices if "Inès Caradec" in title)
    await malo.fills({found.label: ending})
    await malo.clicks("Continuer")
    await malo.sees("La délégation est terminée")
    await ines.sees("Délégation terminée")


@only_sqlite
async def test_chains_are_not_followed_and_it_is_said(firm: Firm, monday: Bot) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await delegates(ines, "Soizic Le Bihan", "2031-03-10", "2031-03-14")
    await malo.writes("déléguer", in_chat=True)
    await malo.clicks("Ouvrir le formulaire")
    await malo.fills({"Personnes": "Inès Caradec"})
    await malo.clicks("Continuer")
    await malo.fills({"Premier jour": "2031-03-12", "Dernier jour": "2031-03-20"})
    await malo.clicks("Continuer")
    await malo.sees("Une délégation ne se transmet pas")
    await malo.clicks("Retour")
    await malo.clicks("Retour")
    await malo.fills({"Personnes": "Nolwenn Riou"})
    await malo.clicks("Continuer")
    await malo.clicks("Continuer")
    await malo.sees_no("Une délégation ne se transmet pas")
    await malo.clicks("Déléguer")
    await malo.sees("La délégation est enregistrée")
    await claire.writes("déléguer")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills({"Que voulez-vous faire ?": "Déléguer des dossiers"})
    await claire.clicks("Continuer")
    await claire.sees("Qui s’absente ?")


@only_sqlite
async def test_an_administrator_without_dossiers_chooses_who_is_absent(firm: Firm, monday: Bot) -> None:
    yann = firm.person("Yann")
    await yann.writes("déléguer")
    await yann.clicks("Ouvrir le formulaire")
    await yann.sees("Qui s’absente ?")
    assert yann.dialog is not None
    found = next(field for field in yann.dialog.inputs if field.choices)
    assert not [title for title in found.choices if "yann" in title.casefold()]


# --- choosing somebody

NAMES = ["Inès Caradec", "Erwan Tanguy", "Anne-Inès Le Bihan", *(f"Personne {n}" for n in range(20))]
PEOPLE = [Choice(str(n), name) for n, name in enumerate(NAMES)]


def offered(people: list[Choice], **answers: str) -> list[str] | None:
    """The names to choose from; None while nothing was looked for."""
    rows = to_choose("delegate", "Malo", people, answers).choices
    return [one.title for one in rows["delegate"]] if "delegate" in rows else None


def test_a_small_firm_fits_a_list_and_a_large_one_is_searched() -> None:
    assert offered(PEOPLE[:12]) == NAMES[:12]
    assert offered(PEOPLE) is None
    assert offered(PEOPLE, delegate_text="ines") == ["Inès Caradec", "Anne-Inès Le Bihan"]
    assert offered(PEOPLE, delegate_text="CARA in") == ["Inès Caradec"]
    assert offered(PEOPLE, delegate_text="zz") == []
    assert offered(PEOPLE, delegate="1") == ["Erwan Tanguy"]  # coming back to the step
    assert len(offered(PEOPLE, delegate_text="personne") or ()) == 12
