"""Inviting, as transcripts: once, recognised, once more, refused by Microsoft and mended, revoked."""

import pytest
from sqlalchemy import select

import app
from services.models import JournalLine
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_path import PAUL, finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DOMAIN = PAUL["E-mail"].partition("@")[2]


async def invites(claire: Person, person: dict[str, str] = PAUL, button: str = "Envoyer l’invitation") -> None:
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(person)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.sees("Vérifiez avant l’envoi")
    await claire.clicks(button)


async def journal(bot: Bot) -> list[tuple[str, str | None]]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        lines = [(line.what, line.after) for line in await session.scalars(select(JournalLine))]
    await store.close()
    return lines


async def test_scenario_1_one_invitation_in_the_clients_language(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire, PAUL | {"Langue des messages": "Anglais"})
    mail = await paul.receives("invites you")
    assert "Accept the invitation" in mail.content
    assert "vous invite" not in mail.content
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    assert firm.cloud.state.count("POST", "/invitations") == 1
    assert len(paul.mails) == 1


async def test_scenario_4_who_accepted_is_not_invited_again_and_goes_on_at_the_offer(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    await finds_dossier(claire, "fleurs kervella", "FLEKER")
    await claire.sees("Cette personne a déjà accepté une invitation")
    await claire.clicks("Rattacher au dossier")
    await claire.sees("elle est rattachée au dossier FLEKER, sans second message")
    assert firm.cloud.state.count("POST", "/invitations") == 1
    assert len(paul.mails) == 1

    await claire.writes("activer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire, "fleurs kervella", "FLEKER")
    await claire.sees("Offre à activer")


async def test_scenario_5_resent_once_counted_and_too_soon_the_second_time(firm: Firm, bot: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    first = await paul.receives("vous invite")
    await claire.sees("Invitation envoyée")

    await claire.clicks("Renvoyer l’invitation")
    await claire.sees("Cette personne recevra un nouvel e-mail", PAUL["E-mail"])
    await claire.clicks("Renvoyer l’invitation")
    await claire.sees("L’invitation repart, avec un nouveau lien", "Renvoyée 1 fois")
    second = await paul.receives("vous invite", count=2)
    assert second.content != first.content
    assert ("invitations.resent", "1") in await journal(bot)

    await claire.clicks("Renvoyer l’invitation")
    await claire.sees("vient d’être renvoyée. Vous pourrez la renvoyer dans")
    assert claire.dialog is None
    assert len(paul.mails) == 2
    await paul.redeems(second)
    await claire.sees("Invitation acceptée")
    assert len([user for user in firm.cloud.state.users.values() if user.mail == PAUL["E-mail"]]) == 1


async def test_a_double_click_resends_once(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await claire.sees("Invitation envoyée")
    await claire.clicks("Renvoyer l’invitation")
    await claire.clicks("Renvoyer l’invitation")
    again = await claire.repeats(new_id=True)
    assert "L’invitation repart" in str(again.body)
    await paul.receives("vous invite", count=2)
    await claire.sees("Renvoyée 1 fois")


async def test_an_old_card_does_not_resend_what_was_accepted(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await claire.sees("Invitation envoyée")
    old = claire.card("Invitation envoyée")
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    await claire.sees_no("Renvoyer l’invitation")
    await old.click("Renvoyer l’invitation")
    await claire.sees("n’attend plus de réponse")
    assert len(paul.mails) == 1


async def test_scenario_6_a_pending_guest_made_in_entra_is_recognised_and_written_to_only_if_asked(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    made = firm.cloud.state.create_guest(PAUL["E-mail"], "Paul Martin", accepted=False)
    await invites(claire, button="Rattacher au dossier")
    await claire.sees("Invitation envoyée", "Invité dans Microsoft Entra, sans message de Passerelle")
    assert firm.cloud.state.count("POST", "/invitations") == 0
    assert paul.mails == []

    await claire.clicks("Renvoyer l’invitation")
    await claire.clicks("Renvoyer l’invitation")
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    guests = [user for user in firm.cloud.state.users.values() if user.mail == PAUL["E-mail"]]
    assert [user.id for user in guests] == [made.id]


async def test_scenario_7_a_blocked_domain_says_which_rule_and_who_then_it_is_tried_again(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.blocked_domains.add(DOMAIN)
    await invites(claire)
    await claire.sees("Invitation impossible", "bloque les invitations vers ce domaine", "« Identités externes »")
    await claire.clicks("Corriger et réessayer…")
    await claire.sees("Un administrateur Microsoft Entra peut l’autoriser", PAUL["E-mail"])
    firm.cloud.state.blocked_domains.clear()
    await claire.clicks("Réessayer")
    await claire.sees("L’invitation est reprise")
    await paul.receives("vous invite")
    await claire.sees("Invitation envoyée")
    assert len(paul.mails) == 1


async def test_an_impossible_invitation_is_given_up_and_leaves_the_lists(firm: Firm) -> None:
    claire = firm.person("Claire")
    firm.cloud.state.blocked_domains.add(DOMAIN)
    await invites(claire)
    await claire.sees("Invitation impossible")
    await claire.writes("à faire", in_chat=True)
    await claire.sees("1 chose vous attend")
    await claire.clicks("Révoquer…")
    await claire.sees("Cette invitation n’est plus à reprendre", PAUL["E-mail"])
    await claire.clicks("Révoquer l’invitation")
    await claire.sees("Invitation révoquée")
    await claire.clicks("Actualiser")
    await claire.sees("Rien ne vous attend")
    await claire.writes("suivi", in_chat=True)
    await claire.sees("Aucun client pour l’instant")


async def test_scenario_8_invited_by_hand_step_by_step_then_checked(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.invitations_allowed = False
    await invites(claire)
    await claire.sees("Invitation impossible", "Passerelle n’a pas le droit d’inviter")
    await claire.sees_no(PAUL["E-mail"])
    await claire.clicks("Corriger et réessayer…")
    await claire.sees("« Inviter un utilisateur externe »", PAUL["E-mail"], "Paul Martin")
    await claire.clicks("C’est fait")
    await claire.sees("n’est pas encore dans Microsoft Entra")

    firm.cloud.state.create_guest(PAUL["E-mail"], "Paul Martin")
    await claire.clicks("C’est fait")
    await claire.sees("L’invitation est reprise", "Invitation acceptée")
    assert firm.cloud.state.count("POST", "/invitations", 201) == 0
    assert paul.mails == []


async def test_scenario_8_or_the_permission_is_given_and_it_is_tried_again(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.invitations_allowed = False
    await invites(claire)
    await claire.sees("Invitation impossible")
    firm.cloud.state.invitations_allowed = True
    await claire.clicks("Corriger et réessayer…")
    await claire.clicks("Réessayer")
    await paul.receives("vous invite")
    await claire.sees("Invitation envoyée")


async def test_entra_silent_while_it_is_checked_keeps_the_form(firm: Firm) -> None:
    claire = firm.person("Claire")
    firm.cloud.state.invitations_allowed = False
    await invites(claire)
    await claire.sees("Invitation impossible")
    await claire.clicks("Corriger et réessayer…")
    firm.cloud.state.create_guest(PAUL["E-mail"], "Paul Martin")
    firm.cloud.state.fail_next("GET", "/users", 503, headers={"Retry-After": "0"}, times=3)
    await claire.clicks("C’est fait")
    await claire.sees("Microsoft Entra ne répond pas")
    await claire.clicks("C’est fait")
    await claire.sees("Invitation acceptée")


async def test_scenario_9_the_firms_own_domain_is_a_collaborateurs(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL | {"E-mail": "Malo.LeGoff@Cabinet-Duhamel.example"})
    await claire.clicks("Continuer")
    await claire.sees("collaborateur du cabinet, pas d’un invité")
    await claire.fills({"E-mail": PAUL["E-mail"]})
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.clicks("Envoyer l’invitation")
    await firm.person("Paul").receives("vous invite")


async def test_a_revoked_invitation_takes_the_pending_guest_with_it_and_the_person_may_be_invited_again(
    firm: Firm, bot: Bot
) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites(claire)
    first = await paul.receives("vous invite")
    await claire.sees("Invitation envoyée")
    await claire.clicks("Révoquer…")
    await claire.sees("jamais activé, est supprimé", PAUL["E-mail"])
    await claire.clicks("Révoquer l’invitation")
    await claire.sees("L’invitation est révoquée", "Invitation révoquée")
    await claire.sees_no("Renvoyer l’invitation")
    await until_gone(firm)
    with pytest.raises(KeyError):
        await paul.redeems(first)

    await invites(claire)
    await paul.receives("vous invite", count=2)
    assert ("invitations.revoked", "revoked") in await journal(bot)


async def until_gone(firm: Firm) -> None:
    """Wait for the outbox: the guest is deleted, and the card redrawn after it."""
    teams = firm.teams
    while any(user.mail == PAUL["E-mail"] and not user.deleted for user in firm.cloud.state.users.values()):
        await teams.change_after(teams.revision)


async def test_only_administrators_act_on_an_invitation_refused_in_private_and_in_the_journal(
    firm: Firm, bot: Bot
) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await invites(claire)
    await paul.receives("vous invite")
    await malo.sees("Invitation envoyée")
    for button in ("Renvoyer l’invitation", "Révoquer…"):
        await malo.clicks(button)
        await malo.sees("réservée aux administrateurs")
    await claire.sees_no("réservée aux administrateurs")
    lines = await journal(bot)
    assert ("refused.resend_invitation", "not_administrator") in lines
    assert ("refused.revoke_invitation", "not_administrator") in lines
    assert len(paul.mails) == 1
    await claire.clicks("Renvoyer l’invitation")
    await claire.clicks("Renvoyer l’invitation")
    await paul.receives("vous invite", count=2)
