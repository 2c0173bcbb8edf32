"""`python app.py import FILE` with a list of new clients: the same verdicts printed; the lines are the running bot's to take."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from cards import render
from dialogs.import_clients import reader, result, why
from services import bulk_check, bulk_standing, imports
from services.bulk_standing import Standing, Verdict
from services.events import ClientsRead, Event, ImportChecked, ImportFinished, ImportProgressed, ImportReceived
from services.ports import Directory
from services.record import Firm
from services.retention import OPERATOR
from services.store import Store

SHOWN = 200
UNHEARD: tuple[type[Event], ...] = (ImportReceived, ClientsRead, ImportProgressed, ImportChecked, ImportFinished)
"""What the bot is to hear nothing of: the command does it, and whoever runs it reads the result."""

_LABELS: Mapping[Verdict, str] = {
    Verdict.INVITED: "to_invite",
    Verdict.RECOGNISED: "to_recognise",
    Verdict.ANNOUNCED: "to_announce",
    Verdict.UNCHANGED: "unchanged",
    Verdict.REFUSED: "refused",
}


async def import_clients(
    store: Store,
    firm: Firm,
    directory: Directory,
    name: str,
    content: bytes,
    say: Callable[[str], None],
    *,
    take: bool,
    to: Path | None,
) -> int:
    """Judge every line; with `take` hand the good ones to the bot; with `to`, write the verdicts there.

    Gives the exit status, 1: lines are refused and nothing is handed over. Unavailable where Entra cannot say now.
    """
    async with store.work() as work:
        import_id = (await imports.receive(work, name, OPERATOR, owner_name=firm.name)).id
    try:
        await imports.check(store, import_id, content)
        while await bulk_check.examine(store, firm, directory, import_id, reader(firm.locale)):
            pass
        async with store.read() as session:
            found = await imports.get(session, import_id)
            now = await bulk_standing.standing(session, import_id)
            rows = await bulk_standing.lines_of(session, import_id)
        refused = [line for line, _, _ in rows if line.verdict == Verdict.REFUSED]
        for verdict, label in _LABELS.items():
            say(f"{render.text(f'import_clients.labels.{label}', firm.locale)}: {now.counts[verdict]}")
        for line in refused[:SHOWN]:
            facts = {"number": line.number, "code": str(line.said.get("code") or "-"), "why": why(line, firm.locale)}
            say(render.text("import_clients.command.refused_line", firm.locale, **facts))
        if len(refused) > SHOWN:
            say(render.text("import_clients.status.more", firm.locale, n=len(refused) - SHOWN))
        if to is not None:
            await asyncio.to_thread(to.write_bytes, result(rows, found.state, firm.locale))
            say(render.text("import_clients.command.result", firm.locale, file=str(to)))
        handed = take and bool(now.left)
        if handed:
            async with store.work() as work:
                await imports.confirm(work, import_id, found.owner)
        say(render.text(f"import_clients.command.{_end(now, handed=handed)}", firm.locale))
        return 1 if refused and not handed else 0
    finally:
        async with store.work() as work:
            await imports.drop(work, import_id, OPERATOR)


def _end(now: Standing, *, handed: bool) -> str:
    if handed:
        return "confirmed"
    if now.left:
        return "dry_run"
    return "nothing" if now.counts[Verdict.UNCHANGED] else "none_good"
