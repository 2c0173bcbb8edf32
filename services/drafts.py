"""Dialogs under way: what one person typed so far. A step is taken once: by whoever moves the version first."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import bindparam, select, update

from services import models
from services.store import Store, Work


@dataclass(frozen=True, slots=True)
class Draft:
    """Where a dialog stood when it was looked at: at `step`, with everything typed so far. `outcome` once it has ended."""

    id: str
    dialog: str
    owner: str
    subject: str | None
    step: str
    typed: dict[str, Any]
    version: int
    outcome: dict[str, Any] | None


_ROW = models.Draft
# Written once: every click finds a draft and moves it, and SQLAlchemy takes as long to build a statement as to run it.
_FIND = select(*(_ROW.__table__.c[one.name] for one in fields(Draft))).where(_ROW.id == bindparam("draft_id"))
_STOOD = update(_ROW).where(
    _ROW.id == bindparam("draft_id"), _ROW.version == bindparam("stood"), _ROW.outcome.is_(None)
)
_MOVE = _STOOD.values(version=bindparam("moved"), step=bindparam("to_step"), typed=bindparam("now_typed"))
_CLOSE = _STOOD.values(version=bindparam("moved"), typed={}, outcome={})


async def start(
    store: Store, dialog: str, owner: str, subject: str | None, step: str, typed: Mapping[str, str]
) -> Draft:
    """A new draft, at its first step."""
    made = Draft(models.new_id(), dialog, owner, subject, step, dict(typed), 1, None)
    async with store.work() as work:
        work.session.add(_ROW(**{one.name: getattr(made, one.name) for one in fields(Draft)}, created_at=work.now))
    return made


async def find(store: Store, draft_id: str) -> Draft | None:
    """The draft, None when unknown or purged."""
    rows = await store.ask(_FIND, draft_id=draft_id)
    return Draft(*rows[0]) if rows else None


async def move(store: Store, draft: Draft, step: str, typed: Mapping[str, str]) -> Draft | None:
    """Take the draft to a step with what was typed; None when someone (a double click) was faster."""
    moved = replace(draft, version=draft.version + 1, step=step, typed=dict(typed))
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
    await work.session.execute(update(_ROW).where(_ROW.id == draft.id).values(outcome=dict(outcome)))


def _taken(draft: Draft) -> dict[str, object]:
    return {"draft_id": draft.id, "stood": draft.version, "moved": draft.version + 1}
