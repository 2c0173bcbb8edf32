"""Dialogs under way: what one person typed so far. A step is taken once: by whoever moves the version first."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, update

from services.models import Draft
from services.store import Store, Work


async def start(
    store: Store, dialog: str, owner: str, subject: str | None, step: str, typed: Mapping[str, str]
) -> Draft:
    """A new draft, at its first step."""
    async with store.work() as work:
        draft = Draft(
            dialog=dialog, owner=owner, subject=subject, step=step, typed=dict(typed), version=1, created_at=work.now
        )
        work.session.add(draft)
    return draft


async def find(store: Store, draft_id: str) -> Draft | None:
    """The draft, None when unknown or purged."""
    async with store.read() as session:
        return await session.get(Draft, draft_id)


async def move(store: Store, draft: Draft, step: str, typed: Mapping[str, str]) -> Draft | None:
    """Take the draft to a step with what was typed; None when someone (a double click) was faster."""
    async with store.work() as work:
        if not await _change(work, draft, step=step, typed=dict(typed)):
            return None
    return await find(store, draft.id)


async def close(work: Work, draft: Draft) -> bool:
    """End the draft, first thing in the transaction that does what it asked; False when another click was faster.

    Personal data typed is dropped: what matters now lives in its own rows.
    """
    return await _change(work, draft, typed={}, outcome={})


async def tell(work: Work, draft: Draft, outcome: Mapping[str, Any]) -> None:
    """Keep what the person is told, for the click that comes second."""
    await work.session.execute(update(Draft).where(Draft.id == draft.id).values(outcome=dict(outcome)))


async def _change(work: Work, draft: Draft, **changes: object) -> bool:
    result = await work.session.execute(
        update(Draft)
        .where(Draft.id == draft.id, Draft.version == draft.version, Draft.outcome.is_(None))
        .values(version=draft.version + 1, **changes)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
