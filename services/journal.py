"""The journal: who did what to which subject, and when. Append-only, each line carrying the hash of the one before it.

Lines are numbered and chained at the very end of their transaction, behind one locked row, the head. So a line is there if
and only if its change is, no two lines follow the same one, and writers wait for each other only while one commits.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, func, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services._missing import insert_into
from services.models import (
    ERASED,
    Collaborateur,
    Dossier,
    InvitationDossier,
    JournalHead,
    JournalLine,
    LoopTask,
    Proposition,
    Rattachement,
    Row,
)

HEAD = "journal"
GENESIS = "0" * 64
PURGED = "journal.purged"
"""Written when the oldest lines go; its `after` is `<number>:<hash>` of the last of them: what the chain starts from."""

_BATCH = 1000
_ID = re.compile(r"[\w:-]{1,64}", re.ASCII)
_LONGEST = 200


def line(
    at: datetime, actor: str, what: str, subject: str, before: str | None = None, after: str | None = None
) -> JournalLine:
    """A line not yet in the journal. A subject that is no id (a forged card may say anything) is written `?`."""
    return JournalLine(
        at=at, actor=_id(actor), what=what, subject=_id(subject), before=_short(before), after=_short(after)
    )


async def seal(session: AsyncSession, lines: Sequence[JournalLine]) -> None:
    """Put the lines at the end of the chain. Last thing before the commit: the next writer waits from here on."""
    if not lines:
        return
    await session.flush()  # every other lock is held by now, so that two transactions never wait for each other
    head = await _head(session)
    for one in lines:
        one.id = head.number + 1
        one.hash = digest(head.hash, one)
        head.number, head.hash = one.id, one.hash
    session.add_all(lines)


def digest(previous: str, of: JournalLine) -> str:
    """The SHA-256 of the previous hash and of everything the line says, as JSON."""
    at = of.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = json.dumps([previous, of.id, at, of.actor, of.what, of.subject, of.before, of.after])
    return hashlib.sha256(said.encode()).hexdigest()


async def _head(session: AsyncSession) -> JournalHead:
    held = await session.get(JournalHead, HEAD, with_for_update=True, populate_existing=True)
    if held is not None:
        return held
    start = {"name": HEAD, "number": 0, "hash": GENESIS, "base_number": 0, "base_hash": GENESIS}
    first = insert_into(session, JournalHead).values(start)
    await session.execute(first.on_conflict_do_nothing())
    return await session.get_one(JournalHead, HEAD, with_for_update=True, populate_existing=True)


def _id(text: str) -> str:
    return text if _ID.fullmatch(text) else "?"


def _short(text: str | None) -> str | None:
    return None if text is None else text[:_LONGEST]


# --- reading it


async def lines(session: AsyncSession, *where: ColumnElement[bool]) -> AsyncIterator[Sequence[JournalLine]]:
    """Every line that meets these conditions, in order, by the thousand."""
    number: int | None = None
    while True:
        query = select(JournalLine).where(*where).order_by(JournalLine.id).limit(_BATCH)
        rows = (await session.scalars(query if number is None else query.where(JournalLine.id > number))).all()
        if not rows:
            return
        number = rows[-1].id
        yield rows
        session.expunge_all()


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that is not as it was written: its number, and `altered`, `missing` or `inserted`."""

    number: int
    how: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many lines hold, and the number and hash of the last of them; `broken` is None when all do."""

    count: int
    number: int
    hash: str
    broken: Broken | None = None


async def verify(session: AsyncSession, anchor: tuple[int, str] | None = None) -> Verdict:
    """Read the whole chain, in a session that has read nothing yet; others may be writing meanwhile.

    `anchor` is the number and hash of a line as noted elsewhere: only that tells when somebody who can write to the
    database wrote the whole chain again. The anchor of a line purged since is not compared.
    """
    if session.get_bind().dialect.name == "postgresql":  # the head and the lines as of one moment, as SQLite has it
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    head = await session.get(JournalHead, HEAD) or JournalHead(number=0, hash=GENESIS, base_number=0, base_hash=GENESIS)
    chain = _Chain(head, anchor)
    async for batch in lines(session):
        for one in batch:
            if broken := chain.take(one):
                return chain.verdict(broken)
    return chain.verdict(chain.end())


class _Chain:
    """A verification under way: the last line that holds, and the last purge it met."""

    def __init__(self, head: JournalHead, anchor: tuple[int, str] | None) -> None:
        self._head = head
        self._anchor = anchor if anchor and anchor[0] > head.base_number else (0, GENESIS)
        self._count, self._number, self._hash = 0, head.base_number, head.base_hash
        self._purged: str | None = None

    def take(self, one: JournalLine) -> Broken | None:
        if one.id <= self._number:
            return Broken(one.id, "inserted")
        if one.id > self._number + 1:
            return Broken(self._number + 1, "missing")
        if one.hash != digest(self._hash, one) or (one.id == self._anchor[0] and one.hash != self._anchor[1]):
            return Broken(one.id, "altered")
        self._count, self._number, self._hash = self._count + 1, one.id, one.hash
        self._purged = one.after if one.what == PURGED else self._purged
        return None

    def end(self) -> Broken | None:
        """With the head, which knows how many lines were written, and the last purge, which knows where they start."""
        if self._number < max(self._head.number, self._anchor[0]):
            return Broken(self._number + 1, "missing")
        if self._number > self._head.number:
            return Broken(self._head.number + 1, "inserted")
        if self._hash != self._head.hash:
            return Broken(self._number, "altered")
        base = purged_up_to(self._head.base_number, self._head.base_hash) if self._head.base_number else None
        return None if base == self._purged else Broken(1, "missing")

    def verdict(self, broken: Broken | None) -> Verdict:
        return Verdict(self._count, self._number, self._hash, broken)


def purged_up_to(number: int, hash_: str) -> str:
    """What the line about a purge says of the last line that went."""
    return f"{number}:{hash_}"


# --- purging it


async def purge(session: AsyncSession, before: datetime) -> str | None:
    """Take the oldest lines away, up to the first that is not older. Gives what the line `PURGED`, which must follow in
    the same commit, says after; None when no line is that old.
    """
    head = await _head(session)
    gone = select(JournalLine).where(_older(before)).order_by(JournalLine.id.desc()).limit(1)
    last = await session.scalar(gone)
    if last is None:
        return None
    await session.execute(delete(JournalLine).where(JournalLine.id <= last.id))
    head.base_number, head.base_hash = last.id, last.hash
    return purged_up_to(last.id, last.hash)


async def purgeable(session: AsyncSession, before: datetime) -> int:
    """How many lines `purge` would take away."""
    return await session.scalar(select(func.count()).select_from(JournalLine).where(_older(before))) or 0


def _older(before: datetime) -> ColumnElement[bool]:
    # A transaction may begin before another one and commit after it: by number, not by date, so that no gap opens.
    younger = select(func.min(JournalLine.id)).where(JournalLine.at >= before).scalar_subquery()
    return func.coalesce(JournalLine.id < younger, true())


# --- showing it


@dataclass(frozen=True, slots=True)
class Entry:
    """A line as people read it: `who` is the name known for the actor's id, if any; `codes` are the subject's dossiers."""

    line: JournalLine
    who: str | None
    codes: tuple[str, ...]


async def entries(
    session: AsyncSession, since: datetime | None = None, subject: str | None = None
) -> AsyncIterator[Entry]:
    """The lines, oldest first. `subject` is the id of a subject, or the code of a dossier: then all that concerns it."""
    where: list[ColumnElement[bool]] = []
    if since is not None:
        where.append(JournalLine.at >= since)
    if subject is not None:
        concerned = _dossier_of.join(Dossier, Dossier.id == _dossier_of.c.dossier_id)
        of_dossier = select(_dossier_of.c.subject).select_from(concerned).where(Dossier.code == subject)
        where.append((JournalLine.subject == subject) | JournalLine.subject.in_(of_dossier))
    async for batch in lines(session, *where):
        names = await _names(session, {one.actor for one in batch})
        codes = await _codes(session, {one.subject for one in batch})
        for one in batch:
            yield Entry(one, names.get(one.actor), codes.get(one.subject, ()))


_NAMED = [
    select(table.c[f"{column}_name"].label("name"), table.c[column].label("person"))
    for table in Row.metadata.sorted_tables
    for column in table.c.keys()  # noqa: SIM118 - iterating a collection of columns gives the columns
    if f"{column}_name" in table.c
]
_named = union_all(*_NAMED, select(Collaborateur.name, Collaborateur.aad_id)).subquery()
_dossier_of = union_all(
    select(Proposition.id.label("subject"), Proposition.dossier_id.label("dossier_id")),
    select(LoopTask.id, LoopTask.dossier_id),
    select(InvitationDossier.invitation_id, InvitationDossier.dossier_id),
    select(Rattachement.interlocuteur_id, Rattachement.dossier_id),
    select(Dossier.id, Dossier.id),
).subquery()


async def _names(session: AsyncSession, people: set[str]) -> dict[str, str]:
    query = select(_named.c.person, _named.c.name).distinct().where(_named.c.person.in_(people))
    rows = await session.execute(query.where(_named.c.name.not_in(("", ERASED))))
    return {person: name for person, name in rows.all()}  # noqa: C416 - rows, to mypy, are no pairs


async def _codes(session: AsyncSession, subjects: set[str]) -> dict[str, tuple[str, ...]]:
    query = select(_dossier_of.c.subject, Dossier.code).join(Dossier, Dossier.id == _dossier_of.c.dossier_id)
    query = query.distinct().where(_dossier_of.c.subject.in_(subjects)).order_by(Dossier.code)
    found: dict[str, tuple[str, ...]] = {}
    for subject, code in (await session.execute(query)).all():
        found[subject] = (*found.get(subject, ()), code)
    return found
