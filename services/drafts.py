"""Dialogs under way: what one person typed so far. A step is taken once: by whoever moves the version first."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update

from services.models import Draft
from services.store import Store, Work

_NAMES = tuple(column.name for column in Draft.__table__.columns)
# Written once: every click finds a draft and moves it, and SQLAlchemy takes as long to build a statement as to run it.
_FIND = select(*Draft.__table__.columns).where(Draft.id == bindparam("draft_id"))
_STOOD = update(Draft).where(
    Draft.id == bindparam("draft_id"), Draft.version == bindparam("stood"), Draft.outcome.is_(None)
)
_MOVE = _STOOD.values(version=bindparam("moved"), step=bindparam("to_step"), typed=bindparam("now_typed"))
_CLOSE = _STOOD.values(version=bindparam("moved"), typed={}, outcome={})


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
    rows = await store.ask(_FIND, draft_id=draft_id)
    return Draft(**rows[0]._mapping) if rows else None


async def move(store: Store, draft: Draft, step: str, typed: Mapping[str, str]) -> Draft | None:
    """Take the draft to a step with what was typed; None when someone (a double click) was faster."""
    moved = Draft(**{name: getattr(draft, name) for name in _NAMES})
    moved.version, moved.step, moved.typed = draft.version + 1, step, dict(typed)
    was_there = await store.change(_MOVE, **_taken(draft), to_step=step, now_typed=moved.typed)
    return moved if was_there else None


async def close(work: Work, draft: Draft) -> bool:
    """End the draft, first thing in the transaction that does what it asked; False when another click was faster.

    Personal data typed is dropped: what matters now lives in its own rows.
    """
    closed = await (await work.session.connection()).execute(_CLOSE, _taken(draft))
    return closed.rowcount == 1


async def tell(work: Work, draft: Draft, outcome: Mapping[str, Any]) -> None:
    """Keep what the person is told, for the click that comes second."""
    await work.session.execute(update(Draft).where(Draft.id == draft.id).values(outcome=dict(outcome)))


def _taken(draft: Draft) -> dict[str, object]:
    return {"draft_id": draft.id, "stood": draft.version, "moved": draft.version + 1}
