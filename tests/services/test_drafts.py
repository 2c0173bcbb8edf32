"""A dialog under way: found and moved by every click, once each, without waiting in the event loop."""

import asyncio
import os
import sqlite3

import pytest
from sqlalchemy.engine import make_url

from services import drafts
from services.drafts import Draft
from services.store import Store

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TYPED = {"family_name": "Martin", "email": "paul@boulangerie.example"}


async def started(store: Store) -> Draft:
    return await drafts.start(store, "invite_guest", "aad-claire", None, "person", {})


async def test_what_was_typed_is_found_again(store: Store) -> None:
    draft = await started(store)
    moved = await drafts.move(store, draft, "dossier", TYPED)
    assert moved is not None
    assert (moved.version, moved.step, moved.typed) == (2, "dossier", TYPED)
    assert await drafts.find(store, draft.id) == moved
    assert await drafts.find(store, "0" * 32) is None


async def test_of_two_clicks_one_moves(store: Store) -> None:
    draft = await started(store)
    both = await asyncio.gather(*(drafts.move(store, draft, step, TYPED) for step in ("dossier", "offer")))
    assert [moved and moved.step for moved in both].count(None) == 1


async def test_a_draft_that_has_ended_does_not_move(store: Store) -> None:
    draft = await started(store)
    async with store.work() as work:
        assert await drafts.close(work, draft)
        await drafts.tell(work, draft, {"key": "invite_guest.done", "facts": {}})
    ended = await drafts.find(store, draft.id)
    assert ended is not None
    assert (ended.typed, ended.outcome) == ({}, {"key": "invite_guest.done", "facts": {}})
    assert await drafts.move(store, ended, "dossier", TYPED) is None


@only_sqlite
async def test_while_another_process_writes_the_loop_goes_on(store: Store, database_url: str) -> None:
    draft = await started(store)
    other = sqlite3.connect(file_of(database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    moving = asyncio.create_task(drafts.move(store, draft, "dossier", TYPED))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not moving.done()
    assert await drafts.find(store, draft.id) == draft  # looking waits for nobody
    other.execute("COMMIT")
    other.close()
    moved = await moving
    assert await drafts.find(store, draft.id) == moved


@only_sqlite
async def test_the_log_of_changes_is_emptied_though_only_drafts_change(store: Store, database_url: str) -> None:
    draft = await started(store)
    for number in range(4000):
        moved = await drafts.move(store, draft, "dossier", {**TYPED, "note": f"{number:_>1000}"})
        assert moved is not None
        draft = moved
    assert size_of(f"{file_of(database_url)}-wal") < 8_000_000  # each change adds a page of 4 kB at least


def file_of(database_url: str) -> str:
    return str(make_url(database_url).database)


def size_of(file: str) -> int:
    return os.path.getsize(file)
