"""The dry run of a list of new clients: each line is run for good, and rolled back; then Entra is asked who is there already."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import bulk, imports, sheets
from services.bulk import Admitted, NewClient, ReadLine
from services.bulk_standing import Verdict
from services.errors import Refused
from services.events import ClientsRead, ImportChecked
from services.guests import require_guest
from services.loop_tasks import Actor
from services.models import Import, ImportLine, ImportState
from services.moves import move_import
from services.people import email_key
from services.ports import Directory
from services.record import Firm
from services.store import Store

PORTION = 40  # lines an effect: seconds, whatever Graph takes
AT_ONCE = 8  # as the directory's pool; whoever invites meanwhile has the other places of that

Judged = dict[int, Admitted | Refused]


async def examine(store: Store, firm: Firm, directory: Directory, import_id: str, read: ReadLine) -> bool:
    """Give the next portion of lines their verdict; gives whether any is left. Safe to repeat.

    Unavailable where Entra cannot say now.
    """
    async with store.read() as session:
        found = await imports.get(session, import_id)
        lines = await _unread(session, import_id)
        above = await _above(session, import_id, lines[0].number) if lines else {}
    if found.state != ImportState.RECEIVED:
        return False
    verdicts = await _verdicts(store, firm, _LookUps(directory), lines, above, found, read)
    async with store.work() as work:
        await bulk.judged(work, import_id, verdicts)
        if len(lines) == PORTION:
            work.emit(ClientsRead(import_id))
        elif await move_import(work, import_id, ImportState.CHECKED, found.owner):
            work.emit(ImportChecked(import_id))
    return len(lines) == PORTION


async def _verdicts(
    store: Store,
    firm: Firm,
    look_ups: "_LookUps",
    lines: Sequence[ImportLine],
    above: dict[tuple[str, ...], int],
    found: Import,
    read: ReadLine,
) -> Judged:
    actor = Actor(found.owner, found.owner_name)
    verdicts: Judged = {}
    try:
        for line in lines:
            number = line.number
            try:
                client = read(line.said)
                if (first := above.setdefault(_key(line.said), number)) != number:
                    raise Refused("line_twice", None, line=first)
                admitted = verdicts[number] = await _rolled_back(store, firm, client, actor)
            except Refused as refusal:
                verdicts[number] = refusal
                continue
            if admitted.verdict != Verdict.INVITED:
                continue
            email = client.guest.email
            if above.setdefault((email_key(email),), number) != number:
                verdicts[number] = replace(admitted, verdict=Verdict.RECOGNISED)
            else:
                look_ups.start(number, admitted, email)
        verdicts |= await look_ups.ended()
    finally:
        look_ups.drop()
    return verdicts


async def _unread(session: AsyncSession, import_id: str) -> Sequence[ImportLine]:
    of_import = (ImportLine.import_id == import_id, ImportLine.verdict == Verdict.UNREAD)
    query = select(ImportLine).where(*of_import).order_by(ImportLine.number).limit(PORTION)
    return (await session.scalars(query)).all()


async def _above(session: AsyncSession, import_id: str, number: int) -> dict[tuple[str, ...], int]:
    """What the good lines above this one say, and each e-mail of theirs: the first line of each."""
    query = select(ImportLine.number, ImportLine.said).where(
        ImportLine.import_id == import_id, ImportLine.number < number, ImportLine.verdict != Verdict.REFUSED
    )
    found: dict[tuple[str, ...], int] = {}
    for above, said in await session.execute(query.order_by(ImportLine.number)):
        found.setdefault(_key(said), above)
        found.setdefault((email_key(said["email"]),), above)
    return found


def _key(said: Mapping[str, str]) -> tuple[str, ...]:
    """What two lines may not both say."""
    return said["code"], email_key(said["email"]), sheets.heading(said["offer"])


async def _rolled_back(store: Store, firm: Firm, client: NewClient, actor: Actor) -> Admitted:
    async with store.work() as work:
        made = await bulk.admit(work, firm, client, actor)
        work.leave()
    # What was made is gone; what was found is there.
    return made if made.verdict == Verdict.UNCHANGED else Admitted(made.verdict, None)


class _LookUps:
    """Who would be invited, and is on the tenant already: asked while the lines that follow are judged."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._found: Judged = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, number: int, admitted: Admitted, email: str) -> None:
        self._tasks.append(asyncio.create_task(self._look(number, admitted, email)))

    async def ended(self) -> Judged:
        """What differs from what the database alone says. Unavailable where Entra cannot say now."""
        await asyncio.gather(*self._tasks)
        return self._found

    def drop(self) -> None:
        """Let go of those not ended."""
        for task in self._tasks:
            task.cancel()

    async def _look(self, number: int, admitted: Admitted, email: str) -> None:
        async with self._turn:
            known = await self._directory.find_by_email(email)
        if known is None:
            return
        try:
            require_guest(known)
            self._found[number] = replace(admitted, verdict=Verdict.RECOGNISED)
        except Refused as refusal:
            self._found[number] = refusal
