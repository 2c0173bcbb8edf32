"""Rows put in where they are not there yet, in the words of whichever database it is."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession


def insert_into(session: AsyncSession, row: type[Any]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT for `on_conflict_do_nothing`, which SQLAlchemy has for each dialect apart."""
    return sqlite.insert(row) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(row)
