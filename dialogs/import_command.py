"""`python app.py import FILE`: the same import for an operator, its verdicts printed."""

import asyncio
from collections.abc import Callable

from cards import render
from dialogs.import_portfolio import code, why
from services import client_list, imports, portfolio, sheets
from services.imports import Summary, Verdict
from services.store import Store

OPERATOR = "operator"
SHOWN = 200
_VERDICTS = (
    (Verdict.CREATED, "to_create", "created"),
    (Verdict.UPDATED, "to_update", "changed"),
    (Verdict.UNCHANGED, "unchanged", "unchanged"),
    (Verdict.REFUSED, "refused", "refused"),
)


async def kind_of(content: bytes) -> str:
    """Which kind of list this is. Refused as `services.sheets.read`."""
    kind, _ = await asyncio.to_thread(sheets.read, content, (portfolio.KIND, client_list.KIND))
    return kind.name


async def import_file(
    store: Store, name: str, content: bytes, locale: str, say: Callable[[str], None], *, take: bool
) -> int:
    """Judge every line, and with `take` take in those that may be. Gives the exit status.

    1: lines are refused and nothing was taken in. Refused, of the file as a whole: as `services.sheets.read`.
    """
    if take:
        await _resume(store, locale, say)
    async with store.work() as work:
        import_id = (await imports.receive(work, name, OPERATOR)).id
    try:
        await imports.check(store, import_id, content)
        dry = await _summary(store, import_id)
        if take and dry.to_take:
            async with store.work() as work:
                await imports.confirm(work, import_id, OPERATOR)
            await _take_all(store, import_id)
        shown = await _summary(store, import_id)
    finally:
        async with store.work() as work:
            await imports.drop(work, import_id, OPERATOR)
    _report(shown, locale, say, done=take)
    if not shown.taken:
        say(render.text(f"import_portfolio.command.{'dry_run' if shown.to_take else 'none_good'}", locale))
    return 1 if shown.counts[Verdict.REFUSED] and not shown.taken else 0


async def _resume(store: Store, locale: str, say: Callable[[str], None]) -> None:
    async with store.read() as session:
        cut_short = await imports.unfinished(session, OPERATOR)
    for one in cut_short:
        await _take_all(store, one.id)
        say(render.text("import_portfolio.command.resumed", locale, file=one.file_name))


async def _take_all(store: Store, import_id: str) -> None:
    while await imports.take(store, import_id):
        pass


async def _summary(store: Store, import_id: str) -> Summary:
    async with store.read() as session:
        return await imports.summary(session, import_id, SHOWN)


def _report(summary: Summary, locale: str, say: Callable[[str], None], *, done: bool) -> None:
    rows = [
        (render.text(f"import_portfolio.labels.{after if done else before}", locale), summary.counts[verdict])
        for verdict, before, after in _VERDICTS
    ]
    width = max(len(label) for label, _ in rows)
    for label, count in rows:
        say(f"{label:<{width}}  {count:>7}")
    for line in summary.refused:
        facts = {"number": line.number, "code": code(line) or "-", "why": why(line, locale)}
        say(render.text("import_portfolio.command.refused_line", locale, **facts))
    if more := summary.counts[Verdict.REFUSED] - len(summary.refused):
        say(render.text("import_portfolio.status.more", locale, n=more))
