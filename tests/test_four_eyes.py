"""Who proposed an offer does not approve it alone: a colleague does, unless the firm says otherwise."""

from collections.abc import Mapping
from typing import Any

import pytest

import app
from practice import seed
from services import dossiers, portfolio
from services.settings import WrongSettings, load
from tests.conftest import Bot, config_for
from tests.teams import Firm, Person
from tests.test_clicks import new_client, open_proposition
from tests.test_refused import refusals
from tests.test_reminders import delegates, monday

__all__ = ["monday"]

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TICK = {"Activation de l'extension": True}


@pytest.fixture
async def hers(bot: Bot) -> Bot:
    """The bot; BOUMAR is Claire's own dossier, who administers too."""
    lines = portfolio.read(seed.portfolio_csv(3).replace(seed.MALO.email, seed.CLAIRE.email).encode())
    store = app.open_store(bot.config)
    async with store.work() as work:
        await dossiers.keep(work, [portfolio.record(line.said) for line in lines])
    await store.close()
    return bot


async def approves_by_hand(person: Person, proposition_id: str) -> Mapping[str, Any]:
    """The approval as a client would send it, though this person is shown no button; gives the card answered."""
    await person.sees("Activation de")  # in « Général »: somebody's chat may have it first
    client = person.client
    shown = next(one for one in client.messages("channel") if one.card and "Activation de" in str(one.card))
    ours = {"p": {"do": "approval", "id": proposition_id, "v": 1}, "extension": "true"}
    action = {"type": "Action.Execute", "verb": "approve_activation", "data": ours}
    activity = client.teams.envelope.execute(client.persona, shown.where, shown.message, action, ours, "manual")
    answered: Mapping[str, Any] = (await person.send(activity)).body["value"]
    return answered


async def entrusts_her_dossiers(claire: Person, colleague: str) -> None:
    """An administrator is asked whose."""
    await claire.writes("absence", in_chat=True)
    await claire.clicks("Ouvrir le formulaire")
    for chosen in ({"Personnes": "Claire Duhamel"}, {"Personnes": colleague}):
        await claire.fills(chosen)
        await claire.clicks("Continuer")
    await claire.fills({"Premier jour": "2031-03-03", "Dernier jour": "2031-03-04"})
    await claire.clicks("Continuer")
    await claire.clicks("Déléguer")


async def test_who_proposed_does_not_approve_alone_whoever_stands_in_does(firm: Firm, monday: Bot, hers: Bot) -> None:
    claire, ines, paul = firm.person("Claire"), firm.person("Inès"), firm.person("Paul")
    await new_client(claire)
    await claire.sees("Claire Duhamel a proposé cette offre", "Le dossier peut être confié à un collègue")
    await monday.lets_pass()
    assert not [one for one in (*claire.channel, *claire.chat) if "Approuver l’activation" in one.buttons]
    asked = await open_proposition(hers)
    assert "Vous avez proposé cette offre" in str(await approves_by_hand(claire, asked))

    await entrusts_her_dossiers(claire, "Inès Caradec")
    await ines.sees("Claire Duhamel a proposé cette offre", "Remplace Claire Duhamel")
    answered = str(await approves_by_hand(claire, asked))
    assert "c’est à Inès Caradec de décider" in answered
    assert "Approuver l’activation" not in answered
    refused = "refused.approve_activation"
    assert await refusals(hers) == [
        (seed.CLAIRE.aad_id, refused, "own_request_alone"),
        (seed.CLAIRE.aad_id, refused, "own_request"),
    ]
    assert all("est actif" not in mail.subject for mail in paul.mails)

    await ines.fills(TICK)
    await ines.clicks("Approuver l’activation")
    await claire.sees("Offre active", "Inès Caradec")
    await paul.receives("est actif")


@only_sqlite
async def test_who_proposed_is_not_reminded_of_it_the_administrators_hear(firm: Firm, monday: Bot, hers: Bot) -> None:
    claire = firm.person("Claire")
    await new_client(claire)
    await claire.sees("Claire Duhamel a proposé cette offre")
    await monday.lets_pass(days=2)
    await claire.sees_no("attend votre approbation", "Rappel envoyé le")
    await monday.lets_pass(days=2)
    await claire.sees("1 activation en retard", "Personne ne peut approuver cette activation")
    await claire.sees_no("attend votre approbation", "malgré un rappel")


@only_sqlite
async def test_another_administrators_proposal_is_hers_to_approve(firm: Firm, hers: Bot) -> None:
    claire, yann = firm.person("Claire"), firm.person("Yann")
    await new_client(yann)
    await claire.sees("En attente d’approbation")
    await claire.sees_no("a proposé cette offre")
    await claire.fills(TICK)
    await claire.clicks("Approuver l’activation")
    await yann.sees("Offre active", "Claire Duhamel")


@only_sqlite
async def test_an_administrator_who_stands_in_leaves_their_own_proposal_to_who_is_absent(
    firm: Firm, monday: Bot
) -> None:
    claire, malo, yann = firm.person("Claire"), firm.person("Malo"), firm.person("Yann")
    await delegates(malo, "Yann Guillou", "2031-03-03", "2031-03-07")
    await new_client(yann)
    await malo.sees("Yann Guillou a proposé cette offre", "Malo Le Goff doit initialiser cette offre")
    assert "c’est à Malo Le Goff de décider" in str(await approves_by_hand(yann, await open_proposition(monday)))
    await malo.fills(TICK)
    await malo.clicks("Approuver l’activation")
    await claire.sees("Offre active", "Malo Le Goff")


@pytest.fixture
async def trusting(hers: Bot) -> Bot:
    """The same firm, which lets one person do both."""
    await hers.stop()
    hers.config = config_for(hers.firm, hers.config.database_url, hers.config.port, REQUESTER_MAY_APPROVE="true")
    await hers.start()
    return hers


@only_sqlite
async def test_the_firm_may_let_one_person_do_both(trusting: Bot, firm: Firm) -> None:
    claire = firm.person("Claire")
    await new_client(claire)
    await claire.sees("En attente d’approbation")
    await claire.sees_no("a proposé cette offre")
    await claire.fills(TICK)
    await claire.clicks("Approuver l’activation")
    await claire.sees("Offre active")
    assert await refusals(trusting) == []


def test_the_setting_is_true_or_false() -> None:
    with pytest.raises(WrongSettings) as wrong:
        load({"REQUESTER_MAY_APPROVE": "maybe"})
    assert "REQUESTER_MAY_APPROVE: must be true or false" in wrong.value.faults
