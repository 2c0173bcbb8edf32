"""INVITE_TO_TEAM: off unless the firm says so; then once, after the acceptance."""

import pytest

from tests.conftest import Bot, config_for
from tests.teams import Firm
from tests.test_clicks import invites_paul

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_by_default_a_guest_is_a_guest_of_the_tenant_only(firm: Firm) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    await invites_paul(claire)
    await claire.clicks("Envoyer l’invitation")
    await paul.receives("vous invite")
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    assert firm.cloud.state.count("POST", "/teams/*/members") == 0


async def test_the_firms_explicit_choice_adds_an_accepted_guest_once(bot: Bot, database_url: str) -> None:
    await bot.stop()
    bot.config = config_for(bot.firm, database_url, bot.config.port, INVITE_TO_TEAM="true")
    await bot.start()
    await bot.firm.install()
    claire, paul = bot.firm.person("Claire"), bot.firm.person("Paul")
    await invites_paul(claire)
    await claire.sees("verra les autres clients")
    await claire.clicks("Envoyer l’invitation")
    await paul.receives("vous invite")
    assert bot.firm.cloud.state.count("POST", "/teams/*/members") == 0
    await paul.redeems()
    await claire.sees("Invitation acceptée")
    await bot.restart()
    assert bot.firm.cloud.state.count("POST", "/teams/*/members", 201) == 1
