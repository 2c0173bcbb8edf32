"""Finding a person of the firm's list: by name, e-mail or dossier, accents and capitals aside, page by page (R29)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.models import Dossier, DossierWord, Interlocuteur, InterlocuteurWord, Rattachement
from services.pages import page_of
from services.people import words
from services.store import Work

WORD = 80
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of people, by Nom then Prénom: `number` of `pages` (at least one), `total` people in all."""

    people: Sequence[Interlocuteur]
    number: int
    pages: int
    total: int


async def page(session: AsyncSession, typed: str, number: int, size: int) -> Page:
    """The people having, for each word typed, a word that starts so; nothing typed: everybody.

    A word is one of the name or the e-mail, or of what a dossier of theirs is found by (code, company, SIREN…). A page
    beyond the last one is the last one.
    """
    query = _matching(typed)
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    number, pages = page_of(number, total, size)
    rows = query.order_by(Interlocuteur.name_key, Interlocuteur.id).offset((number - 1) * size).limit(size)
    return Page((await session.scalars(rows)).all(), number, pages, total)


async def codes_of(session: AsyncSession, people: Sequence[Interlocuteur]) -> dict[str, list[str]]:
    """The codes of each person's dossiers, in order."""
    query = (
        select(Rattachement.interlocuteur_id, Dossier.code)
        .join(Dossier, Dossier.id == Rattachement.dossier_id)
        .where(Rattachement.interlocuteur_id.in_([one.id for one in people]))
        .order_by(Dossier.code)
    )
    found: dict[str, list[str]] = {one.id: [] for one in people}
    for person_id, code in (await session.execute(query)).all():
        found[person_id].append(code)
    return found


async def keep_words(work: Work, person: Interlocuteur) -> None:
    """What the person is found by, as they stand now; nothing once removed (or erased)."""
    await work.session.execute(delete(InterlocuteurWord).where(InterlocuteurWord.interlocuteur_id == person.id))
    if person.removed_at is None:
        kept = {word[:WORD] for text in (person.family_name, person.given_name, person.email) for word in words(text)}
        rows = [{"word": word, "interlocuteur_id": person.id} for word in sorted(kept)]
        if rows:
            await work.session.execute(insert(InterlocuteurWord), rows)


def _matching(typed: str) -> Select[Interlocuteur]:
    query = select(Interlocuteur).where(Interlocuteur.removed_at.is_(None))
    for word in words(typed):
        own = select(InterlocuteurWord.interlocuteur_id).where(_starts(InterlocuteurWord.word, word[:WORD]))
        by_dossier = (
            select(Rattachement.interlocuteur_id)
            .join(DossierWord, DossierWord.dossier_id == Rattachement.dossier_id)
            .where(_starts(DossierWord.word, word[:WORD]))
        )
        query = query.where(Interlocuteur.id.in_(own) | Interlocuteur.id.in_(by_dossier))
    return query


def _starts(column: InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    return (column >= word) & (column < word + _HIGHEST)
