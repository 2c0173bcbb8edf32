"""Files given to the bot. A portfolio is taken in after a dry run, in chunks, each its own commit, until all are in.

Where it is killed it goes on: a line is marked as taken in the commit that takes it.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services import client_list, dossiers, portfolio, sheets
from services.dossiers import Change, DossierRecord
from services.errors import Refused
from services.events import (
    ApprovalChanged,
    ClientsRead,
    Event,
    ImportChecked,
    ImportConfirmed,
    ImportFinished,
    ImportProgressed,
    ImportReceived,
)
from services.models import Dossier, Import, ImportLine, ImportState, Proposition, PropositionState
from services.moves import move_import
from services.people import one_line
from services.record import Services
from services.sheets import Line
from services.store import Store, Work

CHUNK = 500  # lines a commit: other turns wait for SQLite's one writer about a tenth of a second
PORTION = 10  # chunks between two words about the progress
NAME = 200
LOCK = 72_657  # any constant: on PostgreSQL two portfolios take turns, and lists of new clients wait for them
UNREAD = "read"  # the verdict of a client's line that nobody has judged yet

T = TypeVar("T")


class Verdict(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Summary:
    """Where an import stands: how many lines of each verdict, how many taken in; the first refused and updated ones."""

    counts: Mapping[Verdict, int]
    taken: int
    refused: Sequence[ImportLine]
    updated: Sequence[ImportLine]

    @property
    def to_take(self) -> int:
        """Lines that are taken in, or will be."""
        return sum(self.counts.values()) - self.counts[Verdict.REFUSED]

    @property
    def to_write(self) -> int:
        """Dossiers that the import creates or changes."""
        return self.counts[Verdict.CREATED] + self.counts[Verdict.UPDATED]


async def get(session: AsyncSession, import_id: str) -> Import:
    """The import, or Refused("not_found")."""
    found = await session.get(Import, import_id)
    if found is None:
        raise Refused("not_found")
    return found


async def summary(session: AsyncSession, import_id: str, first: int) -> Summary:
    """The counts, and the `first` refused and updated lines in the file's order."""
    taken = func.sum(case((ImportLine.taken, 1), else_=0))
    rows = await session.execute(
        select(ImportLine.verdict, func.count(), taken)
        .where(ImportLine.import_id == import_id)
        .group_by(ImportLine.verdict)
    )
    counts, done = dict.fromkeys(Verdict, 0), 0
    for verdict, count, taken_in in rows.all():
        counts[Verdict(verdict)] = count
        done += taken_in
    refused = await _first(session, import_id, Verdict.REFUSED, first)
    return Summary(counts, done, refused, await _first(session, import_id, Verdict.UPDATED, first))


async def _first(session: AsyncSession, import_id: str, verdict: Verdict, first: int) -> Sequence[ImportLine]:
    query = select(ImportLine).where(ImportLine.import_id == import_id, ImportLine.verdict == verdict)
    return (await session.scalars(query.order_by(ImportLine.number).limit(first))).all()


async def receive(work: Work, file_name: str, owner: str, url: str | None = None, *, owner_name: str = "") -> Import:
    """A file someone gave, still to be read; with `url`, where Teams holds it."""
    made = Import(
        file_name=one_line(file_name)[:NAME], owner=owner, owner_name=owner_name, url=url, created_at=work.now
    )
    work.session.add(made)
    await work.session.flush()
    work.journal(owner, "imports.received", made.id, after=ImportState.RECEIVED)
    work.emit(ImportReceived(made.id))
    return made


# --- the dry run


async def check(store: Store, import_id: str, content: bytes) -> None:
    """Read the file. A portfolio's lines get their verdict; new clients' are kept, to be judged one by one (ClientsRead).

    Safe to repeat. Refused, of the file: as `sheets.read`.
    """
    kind, lines = await asyncio.to_thread(sheets.read, content, (portfolio.KIND, client_list.KIND))
    if kind is client_list.KIND and len(lines) > client_list.MAX_LINES:
        raise Refused("portfolio_too_long", max=client_list.MAX_LINES)
    async with store.work() as work:
        found = await get(work.session, import_id)
        if found.state != ImportState.RECEIVED:
            return
        found.kind = kind.name
        await work.session.execute(delete(ImportLine).where(ImportLine.import_id == import_id))
        if kind is client_list.KIND:
            found.url = None
            rows = [_row(line, UNREAD) for line in lines]
            await work.session.execute(insert(ImportLine), [{"import_id": import_id, **row} for row in rows])
            work.emit(ClientsRead(import_id))
            work.emit(ImportProgressed(import_id))
            return
    for chunk in _chunks(await asyncio.to_thread(_judged, lines), CHUNK):
        async with store.work() as work:
            good = [record for _, record in chunk if isinstance(record, DossierRecord)]
            changes = iter(await dossiers.compare(work.session, good))
            rows = [
                _refused(line, record) if isinstance(record, Refused) else _accepted(line, next(changes))
                for line, record in chunk
            ]
            await work.session.execute(insert(ImportLine), [{"import_id": import_id, **row} for row in rows])
    async with store.work() as work:
        if await move_import(work, import_id, ImportState.CHECKED, found.owner, url=None):
            work.emit(ImportChecked(import_id))


def _judged(lines: Sequence[Line]) -> list[tuple[Line, DossierRecord | Refused]]:
    first_line: dict[str, int] = {}
    return [(line, _judge(line, first_line)) for line in _one_name_a_person(lines)]


def _judge(line: Line, first_line: dict[str, int]) -> DossierRecord | Refused:
    try:
        record = portfolio.record(line.said)
    except Refused as refusal:
        return refusal
    first = first_line.setdefault(record.code, line.number)
    return record if first == line.number else Refused("code_twice", "code", line=first)


def _one_name_a_person(lines: Sequence[Line]) -> Iterator[Line]:
    """With two names, each would undo the other, and the file would never be taken in for good."""
    names: dict[str, str] = {}
    for line in lines:
        if name := line.said.get("collaborateur_name"):
            names.setdefault(line.said["collaborateur"].casefold(), name)
    for line in lines:
        name = names.get(line.said["collaborateur"].casefold())
        yield Line(line.number, {**line.said, "collaborateur_name": name}) if name else line


def _row(line: Line, verdict: str, reason: str | None = None, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "number": line.number,
        "said": dict(line.said),
        "verdict": verdict,
        "reason": reason,
        "facts": dict(facts or {}),
        "taken": False,
    }


def _refused(line: Line, why: Refused) -> dict[str, Any]:
    return _row(line, Verdict.REFUSED, why.key, why.facts)


def _accepted(line: Line, change: Change) -> dict[str, Any]:
    return _row(line, _verdict(change), facts={name: list(pair) for name, pair in (change or {}).items()})


def _verdict(change: Change) -> Verdict:
    if change is None:
        return Verdict.CREATED
    return Verdict.UPDATED if change else Verdict.UNCHANGED


async def check_file(event: Event, services: Services) -> None:
    """Reaction to ImportReceived: fetch the file from Teams and read it; where that cannot be, keep why."""
    async with services.store.read() as session:
        found = await get(session, event.subject)
    if found.state != ImportState.RECEIVED or found.url is None:
        return
    try:
        await check(services.store, found.id, await services.files.fetch(found.url, sheets.MAX_BYTES))
    except Refused as refusal:
        why = {"reason": refusal.key, "facts": dict(refusal.facts), "url": None}
        async with services.store.work() as work:
            if await move_import(work, found.id, ImportState.DROPPED, found.owner, **why):
                work.emit(ImportChecked(found.id))


# --- for good


async def confirm(work: Work, import_id: str, actor: str) -> bool:
    """« Importer »: once. False when it was decided before."""
    moved = await move_import(work, import_id, ImportState.RUNNING, actor, confirmed_at=work.now)
    if moved:
        work.emit(ImportConfirmed(import_id))
    return moved


async def drop(work: Work, import_id: str, actor: str) -> bool:
    """« Abandonner »: nothing is taken in, and the lines are forgotten. False when it was decided before."""
    moved = await move_import(work, import_id, ImportState.DROPPED, actor, finished_at=work.now)
    if moved:
        await work.session.execute(delete(ImportLine).where(ImportLine.import_id == import_id))
        work.emit(ImportFinished(import_id))
    return moved


async def unfinished(session: AsyncSession, owner: str) -> Sequence[Import]:
    """Imports of this owner that a crash cut short, the oldest first."""
    query = select(Import).where(Import.owner == owner, Import.state == ImportState.RUNNING)
    return (await session.scalars(query.order_by(Import.created_at))).all()


async def take_in(event: Event, services: Services) -> None:
    """Reaction to ImportConfirmed and ImportProgressed: the next portion of a portfolio's lines."""
    async with services.store.read() as session:
        found = await get(session, event.subject)
    if found.kind == portfolio.KIND.name:
        await take(services.store, event.subject)


async def take(store: Store, import_id: str) -> bool:
    """Take in the next portion of a confirmed import; gives whether any is left. Safe to repeat: no line twice."""
    taken = 0
    for left in reversed(range(PORTION)):
        async with store.work() as work:
            if not store.single_writer:
                await work.session.execute(select(func.pg_advisory_xact_lock(LOCK)))
            found = await get(work.session, import_id)
            if found.state != ImportState.RUNNING:
                return False
            taken = await _take_chunk(work, import_id, taken)
            if not taken:
                await move_import(work, import_id, ImportState.DONE, found.owner, finished_at=work.now)
                work.emit(ImportFinished(import_id))
                return False
            if not left:
                work.emit(ImportProgressed(import_id))
    return True


async def _take_chunk(work: Work, import_id: str, after: int) -> int:
    """The next lines after that one, judged anew: the portfolio may have changed since the dry run.

    Gives the number of the last, 0 when none was left.
    """
    of_import = ImportLine.import_id == import_id
    query = select(ImportLine.number, ImportLine.said).where(
        of_import, ImportLine.number > after, ~ImportLine.taken, ImportLine.verdict != Verdict.REFUSED
    )
    lines = (await work.session.execute(query.order_by(ImportLine.number).limit(CHUNK))).all()
    if not lines:
        return 0
    changes = await dossiers.keep(work, [portfolio.record(said) for _, said in lines])
    by_verdict: dict[Verdict, list[int]] = {}
    for number, said in lines:
        by_verdict.setdefault(_verdict(changes[said["code"]]), []).append(number)
    for verdict, numbers in by_verdict.items():
        await work.session.execute(
            update(ImportLine).where(of_import, ImportLine.number.in_(numbers)).values(taken=True, verdict=verdict)
        )
    await _tell_approvals(work, [code for code, change in changes.items() if change and "collaborateur" in change])
    return int(lines[-1].number)


async def _tell_approvals(work: Work, codes: list[str]) -> None:
    """Another collaborateur has the dossier: what awaits an approval is now theirs to approve."""
    waiting = (PropositionState.PROPOSED, PropositionState.AWAITING_APPROVAL)
    query = select(Proposition.id).join(Dossier, Dossier.id == Proposition.dossier_id)
    for proposition_id in await work.session.scalars(
        query.where(Dossier.code.in_(codes), Proposition.state.in_(waiting))
    ):
        work.emit(ApprovalChanged(proposition_id))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
