"""The matrix and what ends, as transcripts: who has what, one person's offer, a whole offer, a mission, two companies."""

import pytest
from sqlalchemy import select

import app
from practice import seed
from practice.card import plain
from services.models import JournalLine
from tests.conftest import Bot
from tests.seen import CardHandle
from tests.teams import Firm, Person
from tests.test_path import PAUL, finds_dossier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SOPHIE = {
    "Nom": "Kervella",
    "Prénom": "Sophie",
    "E-mail": seed.SOPHIE.email,
    "Numéro de téléphone mobile": "06 12 34 56 79",
}
FLEKER = ("fleurs kervella", "FLEKER")
BOUMAR = ("boul mart", "BOUMAR")


async def new_client(
    claire: Person, who: dict[str, str] = PAUL, offer: str = "Consultation", on: tuple[str, str] = BOUMAR
) -> None:
    await claire.writes("nouveau client")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(who)
    await claire.clicks("Continuer")
    await finds_dossier(claire, *on)
    await claire.fills({"Offre à activer": offer})
    await claire.clicks("Continuer")
    if offer != "Start":
        await claire.fills({"Confirmation": True})
        await claire.clicks("Continuer")
    await claire.clicks("Continuer")
    if claire.dialog is not None and "C’est la même personne" in claire.dialog.buttons:
        await claire.clicks("C’est la même personne")
    await claire.sees("Vérifiez avant de lancer")
    await claire.clicks("C’est fait, lancer")
    await claire.sees(f"C’est parti pour le dossier {on[1]}")


async def approves(malo: Person, offer: str) -> None:
    card = await asked(malo, offer)
    card.fills({"Activation de l'extension": True})
    await card.click("Approuver l’activation")
    await malo.sees("Offre active")


async def asked(malo: Person, offer: str) -> CardHandle:
    """Wait for the card that asks this person, and keep it as it is now."""
    teams = malo.client.teams
    while True:
        revision = teams.revision
        await malo.looks()
        for card in (*malo.chat, *malo.channel):
            if f"Activation de {offer}" in card.texts and "Approuver l’activation" in card.buttons:
                return card
        await teams.change_after(revision)


async def opens_dossier(claire: Person, action: str | None = None, on: tuple[str, str] = BOUMAR) -> None:
    await claire.writes("dossier")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire, *on)
    await claire.sees("Les interlocuteurs et leurs offres")
    if action is not None:
        await claire.fills({"Que voulez-vous faire ?": action})
        await claire.clicks("Continuer")


async def asks_no_more(malo: Person) -> None:
    """Wait until no card asks for an approval, in the channel nor in the chat."""
    teams = malo.client.teams
    while True:
        revision = teams.revision
        await malo.looks()
        if not any("Approuver l’activation" in card.buttons for card in (*malo.chat, *malo.channel)):
            return
        await teams.change_after(revision)


def reads(person: Person, *texts: str) -> None:
    """The dialog says these, in this order."""
    rest = lines(person)
    for text in texts:
        assert plain(text) in rest, f"« {text} » is not in « {rest} »"
        rest = rest.partition(plain(text))[2]


def lines(person: Person) -> str:
    """Everything the dialog says, as eyes compare it."""
    assert person.dialog is not None
    return plain(" ".join(person.dialog.texts))


def guest_of(firm: Firm, email: str) -> list[bool]:
    """Whether each account with this e-mail is deleted."""
    return [user.deleted for user in firm.cloud.state.users.values() if user.mail == email]


async def journal(bot: Bot) -> list[tuple[str, str | None]]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        found = [(line.what, line.after) for line in await session.scalars(select(JournalLine))]
    await store.close()
    return found


# --- who has what


async def test_scenario_12_two_interlocuteurs_two_offers_one_matrix(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await approves(malo, "Consultation")
    await new_client(claire, SOPHIE, "Start")
    await malo.sees("Activation de Start")
    await opens_dossier(claire)
    reads(
        claire,
        "✓ Start",
        "✓ Consultation",
        "Abonnement confirmé par Claire Duhamel",
        "Kervella Sophie",
        "◑ Start — En attente d’approbation",
        "○ Consultation — Non proposée",
        "Martin Paul",
        "✓ Consultation — Offre active",
        "○ Co-Production — Non proposée",
    )
    await malo.sees_no("Kervella Sophie", "Martin Paul")


async def test_a_dossier_where_nothing_is_in_place_says_so(firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("aide")
    await claire.clicks("Dossier")
    await finds_dossier(claire)
    await claire.sees("Aucune offre n’est activée", "Rien n’est encore en place")
    await claire.clicks("Retour")
    await claire.sees("Cherchez dans le Portefeuille")


async def test_the_matrix_is_for_administrators_only(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await claire.writes("dossier")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("réservée aux administrateurs")
    await claire.sees_no("réservée aux administrateurs")
    assert ("refused.dossier", "not_administrator") in await journal(bot)


# --- one person's offer


async def test_scenario_18_one_persons_offer_is_withdrawn_the_others_keep_theirs(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await approves(malo, "Consultation")
    await new_client(claire, SOPHIE, "Start")
    await opens_dossier(claire, "Retirer l’offre d’une personne")
    await claire.fills({"Personne et offre": "Martin Paul · Consultation"})
    await claire.clicks("Continuer")
    await claire.sees(
        "Seule cette personne perd Consultation",
        "✕ Consulter le dossier comptable sur Cegid Loop, en lecture seule",
        "retirez l’offre à cet interlocuteur",
    )
    assert "Kervella" not in lines(claire)
    await claire.clicks("Retour")  # nothing is done before the last click
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop, retirer")
    await claire.sees("Les autres gardent les leurs", "Offre terminée")
    await malo.sees("Offre terminée", "Claire Duhamel")

    await opens_dossier(claire)
    reads(claire, "Kervella Sophie", "Start — En attente d’approbation", "⊘ Consultation — Offre terminée")
    assert ("propositions.ended", "ended") in await journal(bot)
    await approves(malo, "Start")


async def test_an_old_approval_card_is_inert_once_the_proposition_is_withdrawn(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await new_client(claire)
    old = await asked(malo, "Consultation")
    await opens_dossier(claire, "Retirer l’offre d’une personne")
    await claire.fills({"Personne et offre": "Martin Paul · Consultation"})
    await claire.clicks("Continuer")
    await claire.sees("Aucun droit perdu sur ce dossier")
    await claire.clicks("C’est fait dans Loop, retirer")
    await malo.sees("Proposition retirée")
    await asks_no_more(malo)
    old.fills({"Activation de l'extension": True})
    await old.click("Approuver l’activation")
    await malo.sees("Claire Duhamel a déjà décidé")
    await malo.sees_no("Offre active")
    assert all("est actif" not in mail.subject for mail in paul.mails)


async def test_two_administrators_withdraw_the_second_is_told_and_picks_another(firm: Firm) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await new_client(claire)
    await new_client(claire, SOPHIE, "Start")
    for person in (claire, yann):
        await opens_dossier(person, "Retirer l’offre d’une personne")
        await person.fills({"Personne et offre": "Martin Paul · Consultation"})
    await claire.clicks("Continuer")
    await claire.clicks("C’est fait dans Loop, retirer")
    await yann.clicks("Continuer")
    await yann.sees("Claire Duhamel y a déjà mis fin")
    await yann.fills({"Personne et offre": "Kervella Sophie · Start"})
    await yann.clicks("Continuer")
    await yann.clicks("C’est fait dans Loop, retirer")
    await yann.sees("L’offre Start est retirée")


# --- one offer for another


async def test_scenario_20_a_downgrade_says_what_is_lost_then_the_collaborateur_approves(firm: Firm) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    await new_client(claire)
    await approves(malo, "Consultation")
    await opens_dossier(claire, "Changer l’offre d’une personne")
    await claire.fills({"Personne et offre": "Martin Paul · Consultation"})
    await claire.clicks("Continuer")
    await claire.sees("Remplacer Consultation", "Sans accès au dossier sur Cegid Loop")
    await claire.fills({"Nouvelle offre": "Start"})
    await claire.clicks("Continuer")
    reads(
        claire,
        "Remplacer Consultation par Start",
        "Ce que cette personne perd ✕ Consulter le dossier comptable sur Cegid Loop, en lecture seule",
        "Ce que cette personne gagne Rien de plus.",
    )
    await claire.clicks("C’est fait dans Loop, changer")
    await claire.sees("Le changement est enregistré pour le dossier BOUMAR")
    await malo.sees("Offre terminée")
    await approves(malo, "Start")
    welcome = await paul.receives("votre accès Start est actif")
    assert "Lancer l’application" not in welcome.content


async def test_an_upgrade_to_a_paid_offer_needs_the_subscription(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire, offer="Start")
    await approves(malo, "Start")
    await opens_dossier(claire, "Changer l’offre d’une personne")
    await claire.fills({"Personne et offre": "Martin Paul · Start"})
    await claire.clicks("Continuer")
    await claire.fills({"Nouvelle offre": "Co-Production"})
    await claire.clicks("Continuer")
    await claire.sees("tous les modules sauf « Révision »")
    await claire.clicks("C’est fait dans Loop, changer")
    assert claire.errors  # the client itself asks for the tick
    await claire.fills({"Abonnement": True})
    await claire.clicks("C’est fait dans Loop, changer")
    await malo.sees("Activation de Co-Production")
    await opens_dossier(claire)
    reads(claire, "✓ Co-Production", "Abonnement confirmé par Claire Duhamel")


async def test_left_for_later_it_is_to_be_done_in_loop_and_only_then_asked_for(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await approves(malo, "Consultation")
    await opens_dossier(claire, "Changer l’offre d’une personne")
    await claire.fills({"Personne et offre": "Martin Paul · Consultation"})
    await claire.clicks("Continuer")
    await claire.fills({"Nouvelle offre": "Start"})
    await claire.clicks("Continuer")
    await claire.clicks("Changer, Loop plus tard")
    await claire.sees("Retirer l’offre dans Loop", "Proposer l’offre dans Loop")
    await malo.sees_no("Activation de Start")
    await claire.card("Proposer l’offre dans Loop").click("Voir les gestes")
    await claire.clicks("C’est fait dans Loop")
    await malo.sees("Activation de Start")


# --- an offer of the whole dossier, a mission


async def test_an_offer_ends_for_the_whole_dossier_after_saying_who_loses_what(firm: Firm) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await new_client(claire)
    await approves(malo, "Consultation")
    await new_client(claire, SOPHIE, "Start")
    await opens_dossier(claire, "Terminer une offre pour tout le dossier")
    await claire.fills({"Offre à terminer": "Consultation"})
    await claire.clicks("Continuer")
    await claire.sees("Toutes ces personnes perdent Consultation")
    reads(claire, "Martin Paul")
    assert "Kervella" not in lines(claire)
    await claire.clicks("C’est fait dans Loop, terminer")
    await claire.sees("L’offre Consultation est terminée pour tout le dossier BOUMAR")
    await malo.sees("Offre terminée")
    await opens_dossier(claire)
    reads(claire, "✓ Start")
    assert "✓ Consultation" not in lines(claire)


async def test_scenario_19_the_end_of_a_mission_after_an_impact_list(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    paul, sophie = firm.person("Paul"), firm.person("Sophie")
    await new_client(claire)
    await approves(malo, "Consultation")
    await new_client(claire, SOPHIE, "Start")
    await new_client(claire, PAUL, "Start", FLEKER)
    for person in (paul, sophie):
        await person.receives("vous invite")
        await person.redeems()
    await claire.sees("Invitation acceptée")
    await opens_dossier(claire, "Terminer la mission avec cette entreprise")
    reads(
        claire,
        "Kervella Sophie",
        "✕ Le compte invité est supprimé de Microsoft Entra.",
        "Martin Paul",
        "✓ Consultation — Offre active",
        "✕ Consulter le dossier comptable sur Cegid Loop, en lecture seule",
        "✓ Le compte invité est gardé : aussi sur FLEKER.",
    )
    assert guest_of(firm, SOPHIE["E-mail"]) == [False]
    await claire.clicks("C’est fait, terminer la mission")
    await claire.sees("La mission du dossier BOUMAR est terminée", "Invitation révoquée")
    await malo.sees("Offre terminée", "Proposition retirée")
    while guest_of(firm, SOPHIE["E-mail"]) != [True]:
        await firm.teams.change_after(firm.teams.revision)
    assert guest_of(firm, PAUL["E-mail"]) == [False]
    assert "dossiers.mission_ended" in {what for what, _ in await journal(bot)}

    await opens_dossier(claire)
    await claire.sees("Rien n’est encore en place")
    await claire.closes()
    await opens_dossier(claire, on=FLEKER)
    reads(claire, "Martin Paul")
    await claire.closes()
    await new_client(claire, SOPHIE, "Start")  # a mission may begin again
    await sophie.receives("vous invite", count=2)


async def test_what_changed_since_it_was_shown_is_shown_again_before_it_ends(firm: Firm) -> None:
    claire, malo, yann = firm.person("Claire"), firm.person("Malo"), firm.person("Yann")
    await new_client(claire)
    await approves(malo, "Consultation")
    await opens_dossier(yann, "Terminer la mission avec cette entreprise")
    await new_client(claire, SOPHIE, "Start")
    await yann.clicks("Terminer, puis Loop plus tard")
    await yann.sees("La situation de ce dossier a changé", "Kervella Sophie")
    await malo.sees("Offre active")
    await yann.clicks("Continuer, Loop plus tard")
    await yann.sees("La mission du dossier BOUMAR est terminée", "Terminer la mission dans Loop")
    await malo.sees("Offre terminée", "Proposition retirée")


# --- one person, two companies


async def test_scenario_34_two_companies_one_guest_two_vignettes(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await new_client(claire)
    await approves(firm.person("Malo"), "Consultation")
    first = await paul.receives("votre accès Consultation est actif")
    assert "Vos autres entreprises" not in first.content
    await new_client(claire, PAUL, "Start", FLEKER)
    await approves(await collaborateur_of_fleker(firm), "Start")
    second = await paul.receives("votre accès Start est actif")
    body = second.content.replace("&#39;", "’")
    assert body.index("Fleurs Kervella") < body.index("Vos autres entreprises") < body.index("Boulangerie Martin")
    assert "Lancer l’application" in body[body.index("Vos autres entreprises") :]
    assert "Lancer l’application" not in body[: body.index("Vos autres entreprises")]  # R3: Start alone there
    assert firm.cloud.state.count("POST", "/invitations") == 1
    assert len(guest_of(firm, PAUL["E-mail"])) == 1


async def collaborateur_of_fleker(firm: Firm) -> Person:
    rows = [line.split(";") for line in seed.portfolio_csv(40).splitlines()]
    email = next(cell for row in rows if "FLEKER" in row for cell in row if "@" in cell)
    return firm.person(email)
