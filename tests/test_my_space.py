"""Mon espace: an entrepreneur gets their own state and nothing else, whatever they write (scenarios 34 and 36)."""

import pytest

from practice import seed
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_clicks import invites_paul
from tests.test_path import PAUL, finds_dossier
from tests.test_refused import STRANGER, by, refusals

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


async def test_own_companies_whatever_is_written(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    for text, title, go in (
        ("boul mart", "BOUMAR", "Envoyer l’invitation"),
        ("garage gueguen", "GARGUE", "Rattacher au dossier"),
    ):
        await claire.writes("inviter")
        await claire.clicks("Ouvrir le formulaire")
        await claire.fills(PAUL)
        await claire.clicks("Continuer")
        await finds_dossier(claire, text, title)
        await claire.clicks(go)
    mail = await paul.receives("vous invite")
    assert len([one for one in paul.mails if one.subject == mail.subject]) == 1  # one guest (scenario 34)
    await paul.redeems()
    for asked in ("bonjour", "suivi", "Garage Thomas", "nouveau client", "mon espace", "à faire"):
        await paul.writes(asked, in_chat=True)
        await paul.sees("Votre espace", "Boulangerie Martin", "Garage Guéguen")
        await paul.sees_no("GARTHO", "Nouveau client", "Voir BOUMAR", "En retard", "Ouvrir le formulaire")


STAFF = ("Nouveau client", "Ouvrir le formulaire", "En retard")


@pytest.fixture
async def paul(firm: Firm) -> Person:
    """Invited on BOUMAR, and in Teams."""
    claire, found = firm.person("Claire"), firm.person("Paul")
    await invites_paul(claire)
    await claire.clicks("Envoyer l’invitation")
    await found.receives("vous invite")
    await found.redeems()
    await found.writes("bonjour", in_chat=True)
    await found.sees("Votre espace", "Boulangerie Martin")
    return found


async def entra_falls_silent(firm: Firm, bot: Bot) -> None:
    """For longer than what was read of it counts as fresh."""
    firm.cloud.state.fail_next("GET", "/*", 503, headers={"Retry-After": "0"}, times=10_000)
    bot.clock.forward(minutes=6)


async def test_entra_silent_a_guest_still_gets_their_own_space_and_the_firm_its_menu(
    firm: Firm, bot: Bot, paul: Person
) -> None:
    malo = firm.person("Malo")
    await malo.writes("aide", in_chat=True)
    await entra_falls_silent(firm, bot)
    before = len(paul.chat)
    for asked in ("bonjour", "suivi", "aide"):
        await paul.writes(asked, in_chat=True)
    await paul.sees_no(*STAFF)
    assert ["Votre espace" in " ".join(one.texts) for one in paul.chat[before:]] == [True] * 3
    await malo.writes("aide", in_chat=True)
    assert "Nouveau client" in " ".join(malo.chat[-1].texts)


async def test_entra_silent_since_the_start_nobody_unknown_gets_the_menu(firm: Firm, bot: Bot, paul: Person) -> None:
    await entra_falls_silent(firm, bot)
    await bot.restart()
    malo, before = firm.person("Malo"), len(paul.chat)
    await paul.writes("aide", in_chat=True)
    assert ["Votre espace" in " ".join(one.texts) for one in paul.chat[before:]] == [True]
    await malo.writes("aide", in_chat=True)
    assert "Microsoft Entra ne répond pas" in " ".join(malo.chat[-1].texts)


async def test_a_guest_sends_a_file(bot: Bot, paul: Person) -> None:
    await paul.sends_file("portefeuille.csv", b"Code;Raison sociale")
    await paul.sees("Cette action est réservée aux administrateurs")
    assert {what for _, what, _ in await refusals(bot)} == {"refused.file"}


async def test_somebody_nobody_invited_has_an_empty_space(firm: Firm, paul: Person) -> None:
    """Of this tenant, but neither of the team nor invited: what is answered in this chat is seen there."""
    stranger = {"id": "29:x", "name": "X", "aadObjectId": STRANGER}
    before = len(paul.chat)
    await paul.send(by(paul, paul.last_sent) | {"id": "f:1", "from": stranger})
    (answered,) = paul.chat[before:]
    said = " ".join(answered.texts)
    assert "Boulangerie Martin" not in said
    assert not [one for one in STAFF if one in said]


@pytest.mark.parametrize("where", ["conversation", "channelData"])
async def test_another_tenants_user_hears_nothing(paul: Person, where: str) -> None:
    foreign = by(paul, paul.last_sent) | {"id": "f:2"}
    before = len(paul.chat)
    if where == "conversation":
        foreign["conversation"]["tenantId"] = seed.APP_ID
    else:
        foreign["channelData"]["tenant"]["id"] = seed.APP_ID
    assert (await paul.client.teams.redeliver(foreign)).status == 403
    assert len(paul.chat) == before


@pytest.mark.parametrize("text", ["suivi", "à faire", "journal boumar", "incidents"])
async def test_a_guest_who_writes_in_the_channel_is_told_nothing(firm: Firm, paul: Person, text: str) -> None:
    claire = firm.person("Claire")
    await claire.writes("aide")
    before = len(claire.channel)
    await paul.send(by(paul, claire.last_sent) | {"id": "f:3", "text": f"<at>Passerelle</at> {text}"})
    said = " ".join(line for one in claire.channel[before:] for line in one.texts)
    assert "réserv" in said
    assert not [one for one in ("GARTHO", "BOUMAR", *STAFF) if one in said]
