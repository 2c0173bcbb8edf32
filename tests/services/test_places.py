"""Where the bot was seen: kept once, whoever learns of it first."""

import asyncio
from dataclasses import replace

from services import places
from services.ports import Place, PlaceKind
from services.store import Store

CHAT = Place(PlaceKind.PERSONAL, "a:1", "https://smba.trafficmanager.net/emea/", "tenant", "28:bot", user_mri="29:1")


async def test_a_place_is_new_once_and_follows_its_region(store: Store) -> None:
    assert await places.remember(store, "user:malo", CHAT)
    assert not await places.remember(store, "user:malo", CHAT)
    moved = replace(CHAT, service_url="https://smba.trafficmanager.net/amer/")
    assert not await places.remember(store, "user:malo", moved)
    assert await places.find(store, "user:malo") == moved
    assert await places.find(store, "user:paul") is None


async def test_several_who_meet_somebody_at_once_keep_one_place(store: Store) -> None:
    for number in range(10):
        key = f"user:{number}"
        new = await asyncio.gather(*(places.remember(store, key, CHAT) for _ in range(8)))
        assert sum(new) == 1
        assert await places.find(store, key) == CHAT
