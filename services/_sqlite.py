"""SQLite's connections, for services/store.py: one errand of the connection's thread for each statement.

aiosqlite makes four of it (a cursor, the statement, its rows, the end of the cursor) and one of a commit or a rollback of
nothing. To be asked and to answer through a queue, a lock and the loop's own pipe costs more than what SQLite then does.

What every turn asks goes without a thread at all (`Spot`): a row by its key takes SQLite some ten microseconds. So do the
statements of a transaction that is `brief` (services/store.py), but for its begin and its commit, which may wait.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVarTuple

import aiosqlite
from sqlalchemy import Dialect, Executable, Select, Update
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL

Columns = TypeVarTuple("Columns")

_AT_ONCE = 1000  # rows that come with their statement; a result that is streamed asks for more


class _Cursor:
    """What SQLAlchemy asks of an asyncio driver's cursor."""

    arraysize = 1

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Self:
        await self._connection.errand(self._run, sqlite3.Cursor.execute, statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Iterable[Any]) -> Self:
        await self._connection.errand(self._run, sqlite3.Cursor.executemany, statement, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, []
        if self._cursor is not None:
            rows += await self._connection.errand(self._cursor.fetchall)
            self._cursor = None
        return rows

    async def fetchmany(self, size: int) -> Sequence[Any]:
        if self._cursor is not None and len(self._rows) < size:
            self._rows += await self._connection.errand(self._cursor.fetchmany, max(size, _AT_ONCE))
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchone(self) -> Any:
        return next(iter(await self.fetchmany(1)), None)

    async def close(self) -> None:
        if self._cursor is not None:
            cursor, self._cursor = self._cursor, None
            await self._connection.errand(cursor.close)

    def _run(self, run: Callable[[sqlite3.Cursor, str, Any], Any], statement: str, parameters: Any) -> None:
        """In the thread."""
        cursor = self._connection.held.cursor()
        run(cursor, statement, parameters)
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        self._rows = cursor.fetchmany(_AT_ONCE) if cursor.description else []
        if len(self._rows) == _AT_ONCE:
            self._cursor = cursor
        else:
            cursor.close()


class _Connection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=_AT_ONCE)
        self._thread.daemon = True  # as SQLAlchemy does: a connection left open does not keep the process alive
        self.brief = False
        """Until the end of the transaction, errands are done on the spot rather than by the thread."""

    @property
    def held(self) -> sqlite3.Connection:
        return self._conn

    async def errand(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """Have the thread do this."""
        if self.brief:
            return act(*arguments)
        return await self._execute(act, *arguments)  # type: ignore[no-untyped-call]

    def cursor(self) -> _Cursor:  # type: ignore[override]
        return _Cursor(self)

    async def commit(self) -> None:
        self.brief = False  # a commit may wait for the disk
        if self.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        self.brief = False
        if self.in_transaction:
            await super().rollback()


def opener(url: URL, **options: Any) -> Callable[[], aiosqlite.Connection]:
    """What opens a connection to the file of `url`; `options` are sqlite3.connect's."""
    (file,), asked = url.get_dialect()().create_connect_args(url)
    return lambda: _Connection(partial(sqlite3.connect, file, **asked, **options))


class Spot:
    """A connection for single statements that are as short as a thread's errand, used by the event loop's own thread.

    Nothing waits in it: where another connection writes, sqlite3.OperationalError comes at once. And it leaves to the others
    to move what is committed into the database's file, which waits for the disk. A statement is written once, by who asks it
    again and again: SQLAlchemy makes it SQL the first time, and its types read and write the values; the rest of what
    SQLAlchemy does each time takes four times as long as SQLite.
    """

    def __init__(self, url: URL) -> None:
        self._dialect = SQLiteDialect_pysqlite(paramstyle="named")
        (file,), asked = self._dialect.create_connect_args(url.set(drivername="sqlite"))
        self._connection = sqlite3.connect(file, **asked, timeout=0, isolation_level=None)
        tune(self._connection, None, wal_autocheckpoint=0)
        self._prepared: dict[Executable, _Prepared] = {}

    def ask(self, query: Select[*Columns], bound: Mapping[str, object]) -> list[tuple[*Columns]]:
        """The rows of a query."""
        prepared = self._of(query, bound)
        return prepared.read(self._connection.execute(prepared.sql, prepared.written(bound)).fetchall())

    def change(self, statement: Update, bound: Mapping[str, object]) -> int:
        """How many rows a change touched."""
        prepared = self._of(statement, bound)
        return self._connection.execute(prepared.sql, prepared.written(bound)).rowcount

    def close(self) -> None:
        self._connection.close()

    def _of(self, statement: Select[*Columns] | Update, bound: Mapping[str, object]) -> "_Prepared":
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = _prepared(statement, bound, self._dialect)
        return prepared


Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """SQL with named parameters. `own` are the values it has anyway; what its types do to values on their way in and out."""

    sql: str
    own: Mapping[str, Any]
    ways_in: Sequence[tuple[str, Processor]]
    ways_out: Sequence[tuple[int, Processor]]

    def written(self, bound: Mapping[str, object]) -> dict[str, Any]:
        values = {**self.own, **bound}
        for name, written in self.ways_in:
            values[name] = written(values[name])
        return values

    def read(self, rows: list[Any]) -> list[Any]:
        if not self.ways_out:
            return rows
        made = [list(row) for row in rows]
        for row in made:
            for at, read in self.ways_out:
                row[at] = read(row[at])
        return [tuple(row) for row in made]


def _prepared(statement: Select[*Columns] | Update, bound: Mapping[str, Any], dialect: Dialect) -> _Prepared:
    compiled: Any = statement.compile(dialect=dialect)
    made = compiled.construct_expanded_state(bound)  # what an IN lists is written out too
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    ways_in = ((name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in compiled.binds.items())
    ways_out = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    return _Prepared(
        made.statement,
        {name: value for name, value in made.parameters.items() if name not in bound},
        [(name, way) for name, way in ways_in if way and name in made.parameters],
        [(at, way) for at, way in enumerate(ways_out) if way],
    )


def tune(connection: Any, _record: object, **more: object) -> None:
    """What each connection to the file is told, as SQLAlchemy's `connect` event; `more` are further PRAGMAs."""
    cursor = connection.cursor()
    for name, value in {"synchronous": "NORMAL", "foreign_keys": "ON", **more}.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()
