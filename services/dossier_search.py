"""Finding a dossier by prefixes of its words, in any order, fast however common the words: any SQL database will do.

Each word of a dossier is a row that carries all of them, so a search reads one range of one index. The rarest word leads it;
where all are common (« sarl », a big commune), the first names in order soon fill the list. What that costs, from a thousand
dossiers to a million: `python -m bench --only search`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.models import Dossier, DossierWord
from services.people import one_line, words

TYPED = 8  # words read of what is typed: more tell nothing more
WORD, LINE = 80, 400  # characters, as the columns hold them
RARE = 2_000  # rows of one prefix that are read and sorted at once
COUNTED = 5_000  # rows counted to tell which word is the rarest
WALK = 1_000  # names read in order before the rarest word leads
SAMPLE = 2_000  # rows of numbers read to tell which of common words is the rarest

_LAST = "\U0010ffff"
_PRINTED_SIREN = re.compile(r"(?<![0-9])([0-9]{3})[ .\u00a0\u202f]([0-9]{3})[ .\u00a0\u202f]([0-9]{3})(?![0-9])")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The prefixes a dossier must have words of, none beginning another; and, as a line begins, all that was typed."""

    words: Sequence[str]
    beginning: str

    @classmethod
    def of(cls, typed: Sequence[str]) -> "_Wanted":
        once = list(dict.fromkeys(typed))
        kept = [one for one in once if not any(other != one and other.startswith(one) for other in once)]
        return cls(kept, f" {' '.join(once)}")


def line_of(company: str, code: str, siren: str, commune: str) -> str:
    """What a dossier is found by, each word after a space. It begins with the company's, so it sorts by company too."""
    parts = words(code)
    joined = "".join(parts)  # AB-12 is also typed ab12
    found = dict.fromkeys(word[:WORD] for word in (*words(company), *parts, joined, siren, *words(commune)) if word)
    return "".join(f" {word}" for word in found)[:LINE]


def word_rows(dossier_id: str, line: str) -> list[dict[str, str]]:
    """The rows of `dossier_words` for a dossier."""
    return [{"word": word, "line": line, "dossier_id": dossier_id} for word in ("", *line.split())]


async def search(session: AsyncSession, typed: str, limit: int = 8) -> Sequence[Dossier]:
    """The first dossiers having, for each word typed, a word that starts so. Nothing typed: the first of the portfolio.

    First the one whose code or SIREN (or SIRET) was typed whole; then companies that begin with all that was typed, those
    that begin with a word of it, and the others; each by company.
    """
    found = [row.id for row in await session.execute(_exactly(typed).limit(limit))]
    for wanted in _readings(typed):
        if len(found) < limit and (wanted.words or not typed.strip()):
            found += await _ids(session, wanted, limit + len(found))
    ids = list(dict.fromkeys(found))[:limit]
    if not ids:
        return []
    rows = (await session.scalars(select(Dossier).where(Dossier.id.in_(ids)))).unique()
    return sorted(rows, key=lambda one: ids.index(one.id))


def _exactly(typed: str) -> Select[str]:
    code, digits = one_line(typed), _digits(typed)
    same = Dossier.code.in_({code, code.upper(), code.lower()})
    return (
        select(Dossier.id)
        .where(or_(same, Dossier.siren == digits) if len(digits) == 9 else same)
        .order_by(Dossier.code)
    )


def _digits(typed: str) -> str:
    """What is typed, if it is digits only: a SIREN as it is printed (552 100 554), or the SIREN of a SIRET."""
    digits = "".join(words(typed))
    if not (digits.isascii() and digits.isdecimal()):
        return ""
    return digits[:9] if len(digits) == 14 else digits


def _readings(typed: str) -> list[_Wanted]:
    """The words typed, a SIREN in groups as one; digits alone first as one number."""
    parts = [word[:WORD] for word in words(_PRINTED_SIREN.sub(r"\1\2\3", typed))[:TYPED]]
    digits = _digits(typed)[:WORD]
    return [_Wanted.of(one) for one in ([parts] if not digits or [digits] == parts else [[digits], parts])]


async def _ids(session: AsyncSession, wanted: _Wanted, limit: int) -> list[str]:
    """The first of them, in order."""
    found = [row.dossier_id for row in await session.execute(_names(wanted.beginning).limit(limit))]
    if len(found) >= limit or not wanted.words:
        return found
    sizes = await _counted(session, [_starts(DossierWord.word, word) for word in wanted.words], COUNTED)
    if min(sizes) > RARE:
        found += await _walked(session, wanted, limit)
        found = list(dict.fromkeys(found))
        if len(found) >= limit:
            return found[:limit]
    if min(sizes) == COUNTED:
        sizes = await _sampled(session, wanted.words)
    _, _, rarest = min((size, -len(word), word) for size, word in zip(sizes, wanted.words, strict=True))
    return [row.dossier_id for row in await session.execute(_led_by(rarest, wanted, limit))]


async def _counted(session: AsyncSession, ranges: Sequence[ColumnElement[bool]], most: int) -> Sequence[int]:
    """How many rows of `dossier_words` each range has, counted up to `most`."""
    counts = [
        select(func.count()).select_from(select(DossierWord.word).where(one).limit(most).subquery()) for one in ranges
    ]
    return list((await session.execute(select(*(count.scalar_subquery() for count in counts)))).one())


async def _sampled(session: AsyncSession, wanted: Sequence[str]) -> Sequence[int]:
    """How many of some dossiers have each word: to count all that have a common one takes as long as to read them.

    Those found by the lowest numbers, SIREN and codes: their names and communes are anybody's.
    """
    some = select(DossierWord.line).where(DossierWord.word >= "1", DossierWord.word < ":").limit(SAMPLE).subquery()
    counts = (func.count().filter(some.c.line.like(f"% {word}%")) for word in wanted)
    return list((await session.execute(select(*counts).select_from(some))).one())


async def _walked(session: AsyncSession, wanted: _Wanted, limit: int) -> list[str]:
    """Those found among the first names that begin with a word wanted, then of all: as many as are certainly the first.

    Once a walk ends before its names do, whoever comes after it may not be the next.
    """
    starts = [f" {word}" for word in sorted(wanted.words)]
    walks = [_walk(number, start, wanted.words, 2 * limit) for number, start in enumerate((*starts, " "))]
    found: list[list[str]] = [[] for _ in walks]
    for row in await session.execute(union_all(*(select(walk.subquery()) for walk in walks))):
        found[row.walk].append(row.dossier_id)
    names = await _counted(session, [_named(start) for start in starts], WALK + 1)
    first: list[str] = []
    for number, length in enumerate((*names, 0)):
        first += found[number]
        if length > WALK and len(found[number]) < 2 * limit:
            break
    return first


def _names(start: str) -> Select[str, str]:
    return (
        select(DossierWord.line, DossierWord.dossier_id)
        .where(_named(start))
        .order_by(DossierWord.line, DossierWord.dossier_id)
    )


def _named(start: str) -> ColumnElement[bool]:
    return (DossierWord.word == "") & _starts(DossierWord.line, start)


def _walk(number: int, start: str, wanted: Sequence[str], limit: int) -> Select[int, str]:
    names = _names(start).limit(WALK).subquery()
    having = [names.c.line.like(f"% {word}%") for word in wanted if f" {word}" != start]
    # They come in the order of `names`. Asked for it again here, SQLite would read and sort them all before the first.
    return select(literal(number).label("walk"), names.c.dossier_id).where(*having).limit(limit)


def _led_by(rarest: str, wanted: _Wanted, limit: int) -> Select[tuple[int, str, str]]:
    begins = or_(*(_starts(DossierWord.line, f" {word}") for word in wanted.words))
    place = case((_starts(DossierWord.line, wanted.beginning), 0), (begins, 1), else_=2).label("place")
    others = [DossierWord.line.like(f"% {word}%") for word in wanted.words if word != rarest]
    return (
        select(place, DossierWord.line, DossierWord.dossier_id)
        .distinct()  # two words of one dossier may begin so
        .where(_starts(DossierWord.word, rarest), *others)
        .order_by(place, DossierWord.line, DossierWord.dossier_id)
        .limit(limit)
    )


def _starts(column: InstrumentedAttribute[str], prefix: str) -> ColumnElement[bool]:
    return (column >= prefix) & (column < prefix + _LAST)
