"""The unit of work: one transaction = the change, its journal lines and the effects its events owe."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Connection, Delete, Select, Update, event, func, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from services import _sqlite, journal, paths
from services.clock import Clock
from services.events import Event, packed
from services.models import Effect, JournalLine

Columns = TypeVarTuple("Columns")
AgreedTime = datetime | ColumnElement[datetime]

CONNECTIONS = 15  # to PostgreSQL at most, a replica
_BARE = {"passerelle_bare": True}  # no BEGIN: SQLite takes each statement for a transaction
_OWE = insert(Effect)
_LOG = 256  # changes after which SQLite's log is emptied into the file, which _sqlite.Spot leaves to others
_MOST = 4 * _LOG
_LONG_LOG = 1500  # pages
_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


@dataclass(frozen=True, slots=True)
class Owed:
    """What the store must know of a reaction when an event is emitted: its name, the lane that keeps its order, its pool.

    Effects of one lane and subject run one after the other; different lanes never wait for each other. The effects of a
    pool share an outside (services.outbox.Pool).
    """

    name: str
    lane: str
    pool: str = ""


class Work:
    """An open transaction. Commits when its `async with` block ends well, otherwise (or after `leave`) nothing of it remains.

    `now` is business time, by this process's clock. `moment` is what leases and due dates are counted in: a time on which
    all replicas agree, whatever their clocks say. On PostgreSQL it is the server's own, an SQL expression.
    """

    def __init__(
        self,
        session: AsyncSession,
        now: datetime,
        moment: AgreedTime,
        owed: Mapping[type[Event], Sequence[Owed]],
    ) -> None:
        self.session = session
        self.now = now
        self.moment = moment
        self.due: set[str] = set()  # pools of the effects owed
        self.only_looking = False
        self.lines: list[JournalLine] = []
        self._owed = owed
        self._unwritten: list[tuple[dict[str, Any], timedelta]] = []
        self._instant: datetime | None = None

    def emit(self, happened: Event, after: timedelta = timedelta()) -> None:
        """Owe every reaction to this event, in the same commit as the change; none of them is due before `after`."""
        for reaction in self._owed.get(type(happened), ()):
            self.due.add(reaction.pool)
            row = {
                "event": type(happened).__name__,
                "payload": packed(happened),
                "reaction": reaction.name,
                "lane": f"{reaction.lane}:{happened.subject}",
                "pool": reaction.pool,
            }
            self._unwritten.append((row, after))

    async def write_owed(self) -> None:
        """What is owed so far becomes rows, all in one statement: at the commit, unless something looks for it before."""
        if self._unwritten:
            now = await self.instant()
            rows = [{**row, "due_at": now + after} for row, after in self._unwritten]
            self._unwritten.clear()
            await (await self.session.connection()).execute(_OWE, rows)

    def leave(self) -> None:
        """Leave everything as it was: at the end of its block nothing of this transaction remains. For who only looks."""
        self.only_looking = True

    async def change(self, statement: Update | Delete, **bound: object) -> int:
        """Run it past the session's objects, which keep what they held; gives how many rows it touched."""
        await self.session.flush()
        return (await (await self.session.connection()).execute(statement, bound)).rowcount

    async def instant(self) -> datetime:
        """`moment` as a value, to calculate with: it is the same until the transaction ends."""
        if isinstance(self.moment, datetime):
            return self.moment
        if self._instant is None:
            self._instant = (await self.session.execute(select(self.moment))).scalar_one()
        return self._instant

    def journal(self, actor: str, what: str, subject: str, before: str | None = None, after: str | None = None) -> None:
        """One line: who did what to which subject. Ids and states only, never personal data; never in a savepoint."""
        self.lines.append(journal.line(self.now, actor, what, subject, before, after))


class Store:
    """The database. `work()` writes, `read()` only looks; neither is ever held open across a call to the outside.

    `clock` gives business time. `agreed` replaces the time all replicas agree on (see `Work`), for whoever holds time in
    their hand; otherwise it is PostgreSQL's, and on SQLite, which serves one process, `clock`.
    """

    def __init__(
        self, url: str, clock: Clock, owed: Mapping[type[Event], Sequence[Owed]], *, agreed: Clock | None = None
    ) -> None:
        self.clock = clock
        self.engine = _engine(url)
        self.committed = asyncio.Event()
        self.due: set[str] = set()
        self._changes = 0
        self._emptying: asyncio.Task[None] | None = None
        self._owed = owed
        self.single_writer = self.engine.dialect.name == "sqlite"
        self._alone = self.engine.execution_options(
            **(_BARE if self.single_writer else {"isolation_level": "AUTOCOMMIT"})
        )
        self._agreed = agreed or (clock if self.single_writer else None)
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if self.single_writer else nullcontext()

    @asynccontextmanager
    async def work(self, *, brief: bool = False) -> AsyncIterator[Work]:
        """One transaction. Afterwards `due` holds the pools in which effects became due, if any, and `committed` is set.

        `brief`: a few statements about a few rows each, found by a key or an index. On SQLite they go without a thread, whose
        errands take longer than they do; only its begin and its commit, which may wait, have one.
        """
        # SQLite has one writer: waiting here is fair and costs nothing, waiting inside SQLite polls and may time out.
        async with self._turn, AsyncSession(self.engine, expire_on_commit=False) as session:
            await session.connection(execution_options={"passerelle_write": True, "passerelle_brief": brief})
            moment: AgreedTime = self._agreed() if self._agreed else func.now()
            work = Work(session, self.clock(), moment, self._owed)
            yield work
            if work.only_looking:
                return
            await work.write_owed()
            await paths.follow(session, work.lines)
            await journal.seal(session, work.lines)
            await session.commit()
        if work.due:
            self.due |= work.due
            self.committed.set()

    @asynccontextmanager
    async def read(self, *, brief: bool = False) -> AsyncIterator[AsyncSession]:
        """A session to look with; what is changed in it is thrown away. `brief` as in `work`."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            if brief:
                await session.connection(execution_options={"passerelle_brief": True})
            yield session

    async def ask(self, query: Select[*Columns], **bound: object) -> Sequence[tuple[*Columns]]:
        """The rows of one question about few rows, without a transaction around it: for what every turn asks.

        `query` is written once, its values bound: it is kept.
        """
        if self.single_writer:
            return self._on_the_spot.ask(query, bound)
        async with self._alone.connect() as connection:
            return (await connection.execute(query, bound)).all()

    async def change(self, statement: Update, **bound: object) -> int:
        """One row's change that owes nothing and has no line in the journal, a transaction of its own; gives how many rows.

        For what every turn changes; `statement` as in `ask`.
        """
        if not self.single_writer:
            return await self._change_apart(statement, bound)
        async with self._turn:
            changed = await self._change_here(statement, bound)
        if self._emptying is not None and self._changes >= _MOST:  # the disk does not keep up
            await asyncio.wait((self._emptying,))
        return changed

    async def _change_here(self, statement: Update, bound: Mapping[str, object]) -> int:
        try:
            changed = self._on_the_spot.change(statement, bound)
        except sqlite3.OperationalError:  # another process writes: a thread may wait for it, the loop may not
            return await self._change_apart(statement, bound)
        self._changes += 1
        if self._changes >= _LOG and (self._emptying is None or self._emptying.done()):
            self._changes = 0
            self._emptying = asyncio.create_task(self._empty_log())
        return changed

    async def _change_apart(self, statement: Update, bound: Mapping[str, object]) -> int:
        async with self._alone.connect() as connection:
            return (await connection.execute(statement, bound)).rowcount

    async def _empty_log(self) -> None:
        """Move what is committed into the file: it waits for the disk, and who writes need not wait for it.

        Only what is all moved is written over: where writing never ceases, it is made to, for the little that came meanwhile.
        """
        async with self._alone.connect() as connection:
            moved = (await connection.exec_driver_sql(_CHECKPOINT)).mappings().one()
            if moved["log"] > _LONG_LOG:
                async with self._turn:
                    await connection.exec_driver_sql(_CHECKPOINT)

    @cached_property
    def _on_the_spot(self) -> _sqlite.Spot:
        return _sqlite.Spot(self.engine.url)

    async def ready(self) -> str | None:
        """None when the database answers and is migrated; otherwise the reason, in words for an operator."""
        try:
            async with self.read() as session:
                await session.execute(text("SELECT version_num FROM alembic_version"))
        except SQLAlchemyError as fault:
            return f"database: {type(fault).__name__}"
        return None

    async def close(self) -> None:
        """Release every connection."""
        if self._emptying is not None:
            await asyncio.wait((self._emptying,))
        if spot := vars(self).pop("_on_the_spot", None):
            spot.close()
        await self.engine.dispose()


def _engine(url: str) -> AsyncEngine:
    if make_url(url).get_backend_name() != "sqlite":
        # All are kept: to open one costs more than what most transactions do.
        return create_async_engine(url, pool_pre_ping=True, pool_size=CONNECTIONS, max_overflow=0, hide_parameters=True)
    engine = create_async_engine(url, async_creator=_sqlite.opener(make_url(url), timeout=10), hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _tune_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _tune_sqlite(connection: Any, record: object) -> None:
    # The driver's own transaction handling would begin DEFERRED, late and only before some statements.
    connection.isolation_level = None
    _sqlite.tune(connection, record, journal_mode="WAL", busy_timeout=10000)


def _begin_sqlite(connection: Connection) -> None:
    # A DEFERRED transaction that reads and then writes can fail at once with "database is locked", whatever the timeout.
    options = connection.get_execution_options()
    if not options.get("passerelle_bare"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("passerelle_write") else "BEGIN")
    driver: Any = connection.connection.driver_connection
    driver.brief = options.get("passerelle_brief", False)
