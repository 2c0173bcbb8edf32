"""Finding a dossier by prefixes of its words, in any order, fast however common the words: any SQL database will do.

Each word of a dossier is a row that carries all of them, so a search reads one range of one index. The rarest word leads it;
where all are common (« sarl », a big commune), the first names in order soon fill the list. What that costs, from a thousand
dossiers to a million: `python -m bench --only search`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
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

Counts = Select[*tuple[int, ...]]

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
    found = await _exactly(session, typed, limit)
    for wanted in _readings(typed):
        if len(found) < limit and (wanted.words or not typed.strip()):
            found += await _ids(session, wanted, limit + len(found))
    ids = list(dict.fromkeys(found))[:limit]
    if not ids:
        return []
    rows = (await session.scalars(_THESE, {"ids": ids})).unique()
    return sorted(rows, key=lambda one: ids.index(one.id))


async def _exactly(session: AsyncSession, typed: str, limit: int) -> list[str]:
    code, digits = one_line(typed), _digits(typed)
    bound: dict[str, Any] = {"codes": [*{code, code.upper(), code.lower()}], "most": limit}
    if len(digits) == 9:
        return [row.id for row in await session.execute(_SIREN, bound | {"siren": digits})]
    return [row.id for row in await session.execute(_CODE, bound)]


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
    named = await session.execute(_NAMES, {**_prefix("named", wanted.beginning), "most": limit})
    found = [row.dossier_id for row in named]
    if len(found) >= limit or not wanted.words:
        return found
    sizes = await _counted(session, _counts, wanted.words, COUNTED)
    if min(sizes) > RARE:
        found += await _walked(session, wanted, limit)
        found = list(dict.fromkeys(found))
        if len(found) >= limit:
            return found[:limit]
    if min(sizes) == COUNTED:
        sizes = await _sampled(session, wanted.words)
    _, _, rarest = min((size, -len(word), word) for size, word in zip(sizes, wanted.words, strict=True))
    return await _led_by(session, rarest, wanted, limit)


async def _counted(
    session: AsyncSession, counts: Callable[[int], Counts], prefixes: Sequence[str], most: int
) -> Sequence[int]:
    """How many rows of `dossier_words` begin with each prefix, counted up to `most`."""
    bound = {**_prefixes("counted", prefixes), "most": most}
    return list((await session.execute(counts(len(prefixes)), bound)).one())


async def _sampled(session: AsyncSession, wanted: Sequence[str]) -> Sequence[int]:
    """How many of some dossiers have each word: to count all that have a common one takes as long as to read them.

    Those found by the lowest numbers, SIREN and codes: their names and communes are anybody's.
    """
    bound = {**_having("having", wanted), "most": SAMPLE}
    return list((await session.execute(_samples(len(wanted)), bound)).one())


async def _walked(session: AsyncSession, wanted: _Wanted, limit: int) -> list[str]:
    """Those found among the first names that begin with a word wanted, then of all: as many as are certainly the first.

    Once a walk ends before its names do, whoever comes after it may not be the next.
    """
    by_word = sorted(wanted.words)
    starts = [f" {word}" for word in by_word]
    bound = {**_prefixes("start", [*starts, " "]), **_having("having", by_word), "walk": WALK, "most": 2 * limit}
    found: list[list[str]] = [[] for _ in (*starts, " ")]
    for row in await session.execute(_walks(len(starts)), bound):
        found[row.walk].append(row.dossier_id)
    names = await _counted(session, _name_counts, starts, WALK + 1)
    first: list[str] = []
    for number, length in enumerate((*names, 0)):
        first += found[number]
        if length > WALK and len(found[number]) < 2 * limit:
            break
    return first


async def _led_by(session: AsyncSession, rarest: str, wanted: _Wanted, limit: int) -> list[str]:
    bound = {
        **_prefix("whole", wanted.beginning),
        **_prefixes("begins", [f" {word}" for word in wanted.words]),
        **_prefix("rarest", rarest),
        **_having("other", [word for word in wanted.words if word != rarest]),
        "most": limit,
    }
    return [row.dossier_id for row in await session.execute(_led(len(wanted.words)), bound)]


# --- the statements, each written once for so many words: SQLAlchemy takes as long to build one as SQLite to run it


def _prefix(name: str, prefix: str) -> dict[str, str]:
    """What `_starts` is bound to."""
    return {f"{name}_from": prefix, f"{name}_to": prefix + _LAST}


def _prefixes(name: str, prefixes: Sequence[str]) -> dict[str, str]:
    return {key: value for n, one in enumerate(prefixes) for key, value in _prefix(f"{name}_{n}", one).items()}


def _having(name: str, wanted: Sequence[str]) -> dict[str, str]:
    """What `_has` is bound to."""
    return {f"{name}_{n}": f"% {word}%" for n, word in enumerate(wanted)}


def _has(line: ColumnElement[str] | InstrumentedAttribute[str], name: str) -> ColumnElement[bool]:
    return line.like(bindparam(name))


def _starts(column: InstrumentedAttribute[str], name: str) -> ColumnElement[bool]:
    return (column >= bindparam(f"{name}_from")) & (column < bindparam(f"{name}_to"))


def _named(name: str) -> ColumnElement[bool]:
    return (DossierWord.word == "") & _starts(DossierWord.line, name)


def _names(name: str) -> Select[str, str]:
    return (
        select(DossierWord.line, DossierWord.dossier_id)
        .where(_named(name))
        .order_by(DossierWord.line, DossierWord.dossier_id)
    )


_MOST = bindparam("most", type_=Integer)
_SAME_CODE = Dossier.code.in_(bindparam("codes", expanding=True))
_CODE = select(Dossier.id).where(_SAME_CODE).order_by(Dossier.code).limit(_MOST)
_SIREN = (
    select(Dossier.id).where(or_(_SAME_CODE, Dossier.siren == bindparam("siren"))).order_by(Dossier.code).limit(_MOST)
)
_THESE = select(Dossier).where(Dossier.id.in_(bindparam("ids", expanding=True)))
_NAMES = _names("named").limit(_MOST)


@cache
def _counts(words: int) -> Counts:
    return _count([_starts(DossierWord.word, f"counted_{n}") for n in range(words)])


@cache
def _name_counts(words: int) -> Counts:
    return _count([_named(f"counted_{n}") for n in range(words)])


def _count(ranges: Sequence[ColumnElement[bool]]) -> Counts:
    counted = (select(DossierWord.word).where(one).limit(_MOST).subquery() for one in ranges)
    return select(*(select(func.count()).select_from(one).scalar_subquery() for one in counted))


@cache
def _samples(words: int) -> Counts:
    some = select(DossierWord.line).where(DossierWord.word >= "1", DossierWord.word < ":").limit(_MOST).subquery()
    having = (_has(some.c.line, f"having_{n}") for n in range(words))
    return select(*(func.count().filter(one) for one in having)).select_from(some)


@cache
def _walks(words: int) -> CompoundSelect[int, str]:
    """Those that begin with each word and have the others, then all that have all of them."""
    return union_all(*(select(_walk(number, words).subquery()) for number in range(words + 1)))


def _walk(number: int, words: int) -> Select[int, str]:
    names = _names(f"start_{number}").limit(bindparam("walk", type_=Integer)).subquery()
    having = [_has(names.c.line, f"having_{n}") for n in range(words) if n != number]
    # They come in the order of `names`. Asked for it again here, SQLite would read and sort them all before the first.
    return select(literal(number).label("walk"), names.c.dossier_id).where(*having).limit(_MOST)


@cache
def _led(words: int) -> Select[int, str, str]:
    """Those that the rarest of so many words leads to."""
    begins = or_(*(_starts(DossierWord.line, f"begins_{n}") for n in range(words)))
    place = case((_starts(DossierWord.line, "whole"), 0), (begins, 1), else_=2).label("place")
    return (
        select(place, DossierWord.line, DossierWord.dossier_id)
        .distinct()  # two words of one dossier may begin so
        .where(
            _starts(DossierWord.word, "rarest"),
            *(_has(DossierWord.line, f"other_{n}") for n in range(words - 1)),
        )
        .order_by(place, DossierWord.line, DossierWord.dossier_id)
        .limit(_MOST)
    )
