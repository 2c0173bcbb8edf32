"""One person floods the bot: they are slowed down, the others are answered as ever. How fast is bench/burst.py's to say."""

import asyncio
from collections import Counter

import pytest

import app
from tests.conftest import Bot
from tests.hostile.kit import Site
from tests.teams import Firm

FLOOD = 400


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_floods_is_slowed_down_and_nobody_else(firm: Firm, bot: Bot) -> None:
    store = app.open_store(bot.config)
    claire, erwan = firm.person("Claire"), firm.person("Erwan")
    site = Site(firm, bot, store)
    flood = [asyncio.create_task(site.searches(erwan, "x")) for _ in range(FLOOD)]
    for _ in range(5):
        heard = await site.searches(claire, "boumar")
        assert "BOUMAR" in heard.body["value"]["results"][0]["title"]
    heard_by_erwan = Counter(one.status for one in await asyncio.gather(*flood))
    await store.close()
    assert heard_by_erwan.keys() == {200, 429}
    assert heard_by_erwan[429] >= FLOOD / 4  # a hundred at once, then twenty a second
