"""Every door: what somebody may not do behind it is refused to them alone, changes nothing, and is in the journal."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

import pytest
from sqlalchemy import select

import app
from practice import seed
from practice.teams import Answer
from services.models import JournalLine
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_clicks import invites_paul, new_client
from tests.test_path import PAUL

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
STRANGER = "0dd0c0de-0000-4000-8000-000000000000"


async def refusals(bot: Bot) -> list[tuple[str, str, str | None]]:
    """Who was refused what, and why, in order."""
    store = app.open_store(bot.config)
    async with store.read() as session:
        query = select(JournalLine).where(JournalLine.what.startswith("refused.")).order_by(JournalLine.id)
        lines = [(line.actor, line.what, line.after) for line in await session.scalars(query)]
    await store.close()
    return lines


def by(person: Person, activity: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same gesture, made by this person's client."""
    who = person.client.persona
    made = {**deepcopy(activity), "from": {"id": who.mri, "name": who.name, "aadObjectId": who.aad_id}}
    return made | changes


async def by_stranger(person: Person, activity: dict[str, Any]) -> Answer:
    """The same gesture, by somebody of the tenant who is not of the firm's team."""
    return await person.send(by(person, activity) | {"from": {"id": "29:x", "name": "X", "aadObjectId": STRANGER}})


async def opens(firm: Firm, claire: Person, malo: Person) -> None:
    await malo.writes("inviter")
    await malo.clicks("Ouvrir le formulaire")


async def submits_anothers_form(firm: Firm, claire: Person, malo: Person) -> None:
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL)
    await claire.clicks("Continuer")
    answer = await malo.send(by(malo, claire.last_sent))
    assert "n’est plus valable" in str(answer.body)


async def searches(firm: Firm, claire: Person, malo: Person) -> None:
    await invites_paul(claire)
    search = next(one for one in reversed(firm.teams.sent) if one.get("name") == "application/search")
    answer = await malo.send(by(malo, search))
    assert "BOUMAR" not in str(answer.body)


async def sends_a_file(firm: Firm, claire: Person, malo: Person) -> None:
    await malo.sends_file("portefeuille.csv", b"Code")


async def calls_the_board(firm: Firm, claire: Person, malo: Person) -> None:
    await malo.writes("suivi")
    assert (await by_stranger(malo, malo.last_sent)).status == 200


async def turns_the_board(firm: Firm, claire: Person, malo: Person) -> None:
    await malo.writes("suivi")
    await malo.clicks("Filtrer")
    answer = await by_stranger(malo, malo.last_sent)
    assert "réservé aux personnes du cabinet" in str(answer.body)


@pytest.mark.parametrize(
    ("attempt", "line"),
    [
        (opens, (seed.MALO.aad_id, "refused.invite_guest", "not_administrator")),
        (submits_anothers_form, (seed.MALO.aad_id, "refused.invite_guest", "not_yours")),
        (searches, (seed.MALO.aad_id, "refused.search", "not_administrator")),
        (sends_a_file, (seed.MALO.aad_id, "refused.file", "not_administrator")),
        (calls_the_board, (STRANGER, "refused.tracking", "not_staff")),
        (turns_the_board, (STRANGER, "refused.tracking_page", "not_staff")),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_an_attempt_is_one_line(
    firm: Firm,
    bot: Bot,
    attempt: Callable[[Firm, Person, Person], Awaitable[None]],
    line: tuple[str, str, str],
) -> None:
    await attempt(firm, firm.person("Claire"), firm.person("Malo"))
    assert await refusals(bot) == [line]


async def test_approving_and_refusing_for_others_is_one_line_each(firm: Firm, bot: Bot) -> None:
    claire, malo, erwan = firm.person("Claire"), firm.person("Malo"), firm.person("Erwan")
    await new_client(claire)
    await malo.sees("En attente d’approbation")
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Refuser…")
    opening = malo.last_sent
    await malo.closes()
    await malo.fills({"Activation de l'extension": True})
    answer = await erwan.send(by(erwan, opening))
    assert "Seul un collaborateur" in str(answer.body)
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    answer = await erwan.send(by(erwan, malo.last_sent))
    assert "Seul un collaborateur" in str(answer.body)
    attempts = ("refused.refuse_activation", "refused.approve_activation")
    assert await refusals(bot) == [(seed.ERWAN.aad_id, attempt, "not_collaborateur") for attempt in attempts]


async def test_a_refresh_is_no_attempt(firm: Firm, bot: Bot) -> None:
    malo = firm.person("Malo")
    await malo.writes("suivi")
    await malo.clicks("Filtrer")
    automatic = deepcopy(malo.last_sent)
    automatic["value"] = automatic["value"] | {"trigger": "automatic"}
    answer = await by_stranger(malo, automatic)
    assert "réservé aux personnes du cabinet" in str(answer.body)
    assert await refusals(bot) == []


async def test_another_tenant_is_one_line_a_minute(firm: Firm, bot: Bot) -> None:
    malo = firm.person("Malo")
    await malo.writes("aide")
    foreign = deepcopy(malo.last_sent)
    foreign["conversation"]["tenantId"] = foreign["channelData"]["tenant"]["id"] = STRANGER
    for _ in range(3):
        answer = await firm.teams.redeliver(foreign)
        assert (answer.status, answer.body) == (403, None)
    await opens(firm, malo, malo)  # written after it
    assert (await refusals(bot))[0] == ("other_tenant", "refused.door", "tenant")
    assert len(await refusals(bot)) == 2
