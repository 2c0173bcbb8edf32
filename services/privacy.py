"""What is held about one person, whole: theirs to see (RGPD, articles 15 and 20).

It goes by the tables themselves rather than by a list of them: a table added tomorrow is looked into like the others.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, String, Table, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import Refused
from services.models import Collaborateur, Dossier, Interlocuteur, Invitation, LoopTask, Proposition, Row
from services.people import email_key
from services.retention import OPERATOR
from services.store import Store

ABOUT_NOBODY = frozenset(
    {
        *("dossier_words", "interlocuteur_words", "paths"),  # they repeat what stands in other tables
        *("journal_head", "pseudonym_keys", "bookmarks", "firm_settings", "paces"),
    }
)
_COMPOSED = {"about", "key", "place_key", "lane"}  # `user:<id>`, `proposition:<id>`
_SECRETS = {("invitations", "redeem_url"), ("imports", "url"), ("imports", "upload")}

Held = dict[str, list[dict[str, Any]]]
"""By table, rows by column, as JSON data."""


@dataclass(slots=True)
class Person:
    """The rows that are one person's, and every id they go by: the rows' own, and `accounts`, those in Entra and Teams."""

    key: str
    invitations: Sequence[Invitation] = ()
    interlocuteurs: Sequence[Interlocuteur] = ()
    collaborateur: Collaborateur | None = None
    propositions: Sequence[Proposition] = ()
    accounts: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)

    @property
    def subject(self) -> str:
        """What a line of the journal is about, when it is about them."""
        rows = [*(one.id for one in self.interlocuteurs), *(one.id for one in self.invitations)]
        return next(
            iter([*rows, *([self.collaborateur.id] if self.collaborateur else ()), *sorted(self.accounts)]), "-"
        )


async def find(session: AsyncSession, email: str, account: str | None = None) -> Person:
    """Who has this e-mail. `account` is their Entra object id, where nothing else tells it (an administrator's)."""
    key = email_key(email)
    found = Person(
        key,
        (await session.scalars(select(Invitation).where(Invitation.email_key == key))).all(),
        (await session.scalars(select(Interlocuteur).where(Interlocuteur.email_key == key))).all(),
        await session.scalar(select(Collaborateur).where(func.lower(Collaborateur.email) == key)),
    )
    people = [one.id for one in found.interlocuteurs]
    proposed = select(Proposition).where(Proposition.interlocuteur_id.in_(people))
    found.propositions = (await session.scalars(proposed)).all()
    tasks = (await session.scalars(select(LoopTask.id).where(LoopTask.interlocuteur_id.in_(people)))).all()
    staff = found.collaborateur
    accounts = (account, *(one.user_id for one in found.invitations), *((staff.aad_id, staff.mri) if staff else ()))
    found.accounts = {one for one in accounts if one}
    found.ids = {*found.accounts, *tasks, *people}
    found.ids |= {one.id for one in found.invitations} | {one.id for one in found.propositions}
    if staff is not None:
        found.ids.add(staff.id)
    return found


async def held(session: AsyncSession, person: Person) -> Held:
    """Every row that has the person's e-mail or one of their ids in it. Refused("person_unknown") when there is none."""
    found: Held = {}
    for table in Row.metadata.sorted_tables:
        if table.name not in ABOUT_NOBODY:
            query = select(table).where(or_(*(test for one in table.c for test in naming(one, person.key, person.ids))))
            rows = (await session.execute(query)).mappings().all()
            if rows:
                found[table.name] = [_plain(table, row) for row in rows]
    if not found:
        raise Refused("person_unknown", "email")
    return found


def naming(column: Column[Any], key: str, ids: Collection[str] = ()) -> Iterable[ColumnElement[bool]]:
    """That a column's value is the e-mail or one of the ids or, where it is made of several things, has it in it."""
    if isinstance(column.type, JSON):
        said = func.lower(cast(column, String))
        return [said.contains(word.lower(), autoescape=True) for word in (key, *ids)]
    if not isinstance(column.type, String):
        return []
    composed = ids if column.name in _COMPOSED else ()
    ends = (column.endswith(f":{one}", autoescape=True) for one in composed)
    return [func.lower(column) == key, column.in_(ids), *ends]


async def export(store: Store, email: str, account: str | None = None) -> dict[str, Any]:
    """Everything held about the person, as JSON data; of secrets, whether there is one. Journalled. Refused as `held`."""
    async with store.work() as work:
        person = await find(work.session, email, account)
        tables = await held(work.session, person)
        codes = await codes_of_dossiers(work.session)
        work.journal(OPERATOR, "privacy.exported", person.subject)
        at = work.now.isoformat()
    for row in (row for rows in tables.values() for row in rows):
        if row.get("dossier_id") in codes:
            row["dossier_code"] = codes[row["dossier_id"]]
    return {"email": person.key, "at": at, "held": tables}


async def codes_of_dossiers(session: AsyncSession) -> dict[str, str]:
    """Every dossier's code, by its id."""
    rows = await session.execute(select(Dossier.id, Dossier.code))
    return {dossier_id: code for dossier_id, code in rows.all()}  # noqa: C416 - rows, to mypy, are no pairs


def _plain(table: Table, row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        column.name: row[column] is not None if (table.name, column.name) in _SECRETS else _json(row[column])
        for column in table.c
    }


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value
