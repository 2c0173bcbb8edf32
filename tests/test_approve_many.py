"""Several approvals on one card: each decided on its own, once; what is not ticked stays open."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

import app
from practice import seed
from services import bulk
from services.models import JournalLine, Proposition
from tests.clients import client, saved
from tests.conftest import DOSSIERS, Bot
from tests.seen import CardHandle
from tests.teams import Firm, Person
from tests.test_endings import FLEKER, new_client
from tests.test_hand_over import begins_portfolio
from tests.test_path import PAUL, finds_dossier
from tests.test_refused import refusals
from tests.test_reminders import delegates, monday

__all__ = ["monday"]

LONG = 60.0
BUTTON = "Approuver les dossiers cochés"
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "TICK", timedelta(milliseconds=20))


def of_malo() -> list[str]:
    """Codes of his dossiers."""
    return [str(row["code"]) for row in seed.portfolio(DOSSIERS) if seed.MALO.email in map(str, row.values())]


async def begins(claire: Person, count: int) -> list[str]:
    """A list of clients under way, done in Loop already: as many requests for Malo; gives the codes."""
    codes = of_malo()[:count]
    rows = [client(n, **{"Code dossier": code, "Fait dans Loop": "oui"}) for n, code in enumerate(codes)]
    await claire.sends_file("clients.csv", saved(*rows))
    await claire.sees("Rien n’est encore fait", within=LONG)
    await claire.clicks("Lancer")
    return codes


async def proposes(claire: Person, count: int) -> list[str]:
    """The same, to its end."""
    codes = await begins(claire, count)
    await claire.sees("C’est terminé", within=LONG)
    return codes


def listed(person: Person) -> CardHandle:
    """The newest card with several of them."""
    return next(one for one in reversed(person.chat) if "à approuver" in " ".join(one.texts) and BUTTON in one.buttons)


def asked_alone(person: Person) -> list[CardHandle]:
    """The cards of their chat that ask for one."""
    return [one for one in person.chat if "Approuver l’activation" in one.buttons]


def box(card: CardHandle, code: str) -> str:
    return next(one.label for one in card.surface.inputs if one.label.startswith(f"{code} —"))


async def count(bot: Bot, what: str) -> int:
    store = app.open_store(bot.config)
    async with store.read() as session:
        found = await session.scalar(select(func.count()).where(JournalLine.what == what)) or 0
    await store.close()
    return found


async def states(bot: Bot) -> list[str]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        found = (await session.scalars(select(Proposition.state).order_by(Proposition.state))).all()
    await store.close()
    return list(found)


async def test_after_a_list_of_clients_each_ticked_dossier_is_approved_on_its_own(firm: Firm, monday: Bot) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    codes = await proposes(claire, 4)
    await malo.sees("4 activations à approuver", within=LONG)
    await monday.lets_pass()
    await malo.looks()
    assert len([one for one in malo.chat if BUTTON in one.buttons]) == 1
    assert asked_alone(malo) == []  # the list asks
    mentions = "<at>Malo Le Goff</at>, merci d’initialiser"
    asked = [one for one in claire.channel if mentions in " ".join(one.texts)]
    assert len(asked) == 4  # he hears of each

    await delegates(malo, "Inès Caradec", "2031-03-03", "2031-03-07")
    await ines.sees("4 activations à approuver", within=LONG)
    await monday.lets_pass()
    await malo.looks()
    await ines.looks()
    kept = listed(malo)  # as it is now: somebody is about to be faster
    hers = listed(ines)
    hers.fills({box(hers, codes[0]): True})
    await hers.click(BUTTON)
    await ines.sees("1 activation est approuvée", "3 activations à approuver")

    kept.fills({box(kept, code): True for code in codes[:3]})
    await kept.click(BUTTON)
    await malo.sees("2 activations sont approuvées", f"{codes[0]} · ", "Inès Caradec", "1 activation à approuver")
    assert await states(monday) == ["active"] * 3 + ["awaiting_approval"]
    assert await count(monday, "propositions.active") == 3
    await monday.restart()
    await claire.sees("Offre active")
    await malo.looks()
    rest = listed(malo)
    await rest.click(BUTTON)
    await malo.sees("Aucun dossier n’est coché")
    rest.fills({box(rest, codes[3]): True})
    await rest.click(BUTTON)
    await malo.sees("Plus rien à approuver")
    await rest.click(BUTTON)  # twice
    await malo.sees("Malo Le Goff a déjà")
    assert await count(monday, "propositions.active") == 4
    assert await refusals(monday) == []


@pytest.fixture
def held_up(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> Firm:
    """Graph invites nobody for the time being, and a list waits for each line's invitation before it takes in the next."""
    monkeypatch.setattr(bulk, "WINDOW", 1)
    firm.cloud.state.fail_next("POST", "/invitations", 503, times=10_000)
    return firm


async def test_the_first_of_a_list_of_clients_waits_for_the_others_on_one_card(held_up: Firm, bot: Bot) -> None:
    claire, malo = held_up.person("Claire"), held_up.person("Malo")
    await begins(claire, 4)
    await malo.sees("1 activation à approuver", within=LONG)
    held_up.cloud.state.faults.clear()
    await malo.sees("4 activations à approuver", within=LONG)
    await bot.lets_pass()
    await malo.looks()
    assert len([one for one in malo.chat if BUTTON in one.buttons]) == 1
    assert asked_alone(malo) == []


@only_sqlite
async def test_where_the_others_never_come_the_card_has_what_came(held_up: Firm, bot: Bot) -> None:
    claire, malo = held_up.person("Claire"), held_up.person("Malo")
    (code, *_) = await begins(claire, 4)
    await malo.sees("1 activation à approuver", within=LONG)
    await claire.clicks("Arrêter")
    await claire.sees("Arrêté", within=LONG)
    held_up.cloud.state.faults.clear()
    await bot.lets_pass()
    await malo.looks()
    rest = listed(malo)
    rest.fills({box(rest, code): True})
    await rest.click(BUTTON)
    await malo.sees("Plus rien à approuver")
    assert await states(bot) == ["active"]


@only_sqlite
async def test_the_right_is_checked_for_each_dossier(firm: Firm, monday: Bot) -> None:
    claire, malo, soizic = firm.person("Claire"), firm.person("Malo"), firm.person("Soizic")
    codes = await proposes(claire, 3)
    await malo.sees("3 activations à approuver", within=LONG)
    await monday.lets_pass()
    await malo.looks()
    kept = listed(malo)
    await begins_portfolio(claire, "Malo Le Goff", "Soizic Le Bihan")
    await claire.clicks("Réaffecter")
    await soizic.sees("3 activations à approuver", within=LONG)
    await malo.sees("Plus rien à approuver", within=LONG)
    kept.fills({box(kept, code): True for code in codes})
    await kept.click(BUTTON)
    await malo.sees("Seul un collaborateur de ce dossier peut décider")
    assert [key for _, _, key in await refusals(monday)] == ["not_collaborateur"] * 3
    assert await states(monday) == ["awaiting_approval"] * 3


@only_sqlite
async def test_by_its_word_each_sees_their_own(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await proposes(claire, 2)
    await claire.sees("En attente d’approbation", within=LONG)
    await bot.lets_pass()
    await malo.looks()
    assert not [one for one in malo.chat if BUTTON in one.buttons]  # two: each has its own card
    await malo.writes("mes approbations", in_chat=True)
    await malo.sees("2 activations à approuver")
    await claire.writes("mes approbations", in_chat=True)
    await claire.sees("Plus rien à approuver")


@only_sqlite
async def test_what_comes_to_somebody_beside_their_list_has_its_card(firm: Firm, monday: Bot) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await proposes(claire, 3)
    await malo.sees("3 activations à approuver", within=LONG)
    await new_client(claire, PAUL, "Start", FLEKER)
    await ines.sees("En attente d’approbation")
    await monday.lets_pass()
    await claire.writes("reassigner", in_chat=True)
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills({"Quels dossiers ?": "Un dossier"})
    await claire.clicks("Continuer")
    await finds_dossier(claire, *FLEKER)
    await claire.fills({"Personnes": "Malo Le Goff"})
    await claire.clicks("Continuer")
    await claire.clicks("Réaffecter")
    await malo.sees("4 activations à approuver", within=LONG)
    await monday.lets_pass()
    await malo.looks()
    (card,) = asked_alone(malo)
    assert "FLEKER" in " ".join(card.texts)
