"""Rows put in where they are not there yet, in the words of whichever database it is."""

from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def insert_into(session: AsyncSession, row: type[Any]) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT for `on_conflict_do_nothing`, which SQLAlchemy has for each dialect apart, each with all of that dialect."""
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as into_sqlite

        return into_sqlite(row)
    from sqlalchemy.dialects.postgresql import insert as into_postgresql

    return into_postgresql(row)
