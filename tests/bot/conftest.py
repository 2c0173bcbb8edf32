from collections.abc import AsyncIterator

import pytest

from tests.bot.kit import Bot, Connector, KeyServer


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    running = Bot()
    await running.start()
    yield running
    await running.close()


@pytest.fixture
async def keyserver() -> AsyncIterator[KeyServer]:
    running = KeyServer()
    await running.start()
    yield running
    await running.close()


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    running = Connector()
    await running.start()
    yield running
    await running.close()
