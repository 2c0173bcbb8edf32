"""The Portefeuille: find a dossier by company, code, SIREN or commune, and keep the list in step with Loop's export."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from stdnum.fr import siren as siren_key

from services.errors import Refused
from services.models import Collaborateur, Dossier, DossierWord
from services.store import Work

_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class DossierRecord:
    """One line of the portfolio as Loop exports it. `collaborateur` is an e-mail, `siren` nine digits (spaces allowed)."""

    code: str
    company: str
    siren: str
    commune: str
    agency: str
    collaborateur: str
    collaborateur_name: str = ""


def fold(text: str) -> list[str]:
    """The words of a text, lower case and without accents: « Épicerie de l'Île » -> epicerie, de, l, ile."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.findall(r"[a-z0-9]+", plain.replace("œ", "oe").replace("æ", "ae"))


def found_by(record: Dossier) -> set[str]:
    """Every word a dossier answers to."""
    words = fold(" ".join((record.company, record.code, record.commune)))
    return {word[:80] for word in (*words, record.siren)}


def matching(typed: str) -> Select[Dossier]:
    """Dossiers having, for each word typed, a word that starts so: prefixes in any order, no server extension needed."""
    query = select(Dossier).order_by(Dossier.company, Dossier.code)
    for word in _typed_words(typed):
        query = query.where(
            Dossier.id.in_(
                select(DossierWord.dossier_id).where(DossierWord.word >= word, DossierWord.word < word + _HIGHEST)
            )
        )
    return query


def _typed_words(typed: str) -> list[str]:
    # People copy a SIREN as Loop and the trade register print it: 552 100 554.
    words = fold(typed)
    digits = "".join(words)
    return [digits] if digits.isdigit() and len(digits) <= 9 and len(words) > 1 else words


async def search(session: AsyncSession, typed: str, limit: int = 8) -> Sequence[Dossier]:
    """The first dossiers that match, by company name. Nothing typed: the first of the portfolio."""
    return (await session.scalars(matching(typed).limit(limit))).unique().all()


async def get(session: AsyncSession, dossier_id: str) -> Dossier:
    """The dossier, or Refused("dossier_unknown")."""
    found = await session.get(Dossier, dossier_id)
    if found is None:
        raise Refused("dossier_unknown", "dossier")
    return found


def checked_siren(typed: str) -> str:
    """Nine digits with a right Luhn key; Refused says which rule failed (`siren_length`, `siren_key`)."""
    digits = re.sub(r"[\s.\u00a0\u202f]", "", typed)
    if not re.fullmatch(r"\d{9}", digits):
        raise Refused("siren_length", "siren")
    if not siren_key.is_valid(digits):
        raise Refused("siren_key", "siren")
    return digits


async def keep(work: Work, records: Iterable[DossierRecord]) -> int:
    """Create or update dossiers by code; gives how many were written. Refused by the first wrong SIREN."""
    people = {one.email: one for one in await work.session.scalars(select(Collaborateur))}
    known = {one.code: one for one in (await work.session.scalars(select(Dossier))).unique()}
    written = 0
    words: list[dict[str, str]] = []
    for record in records:
        owner = people.get(record.collaborateur.lower())
        if owner is None and record.collaborateur:
            owner = Collaborateur(
                email=record.collaborateur.lower(), name=record.collaborateur_name or record.collaborateur
            )
            people[owner.email] = owner
            work.session.add(owner)
        dossier = known.get(record.code)
        if dossier is None:
            dossier = known[record.code] = Dossier(code=record.code)
            work.session.add(dossier)
        dossier.company, dossier.siren = record.company, checked_siren(record.siren)
        dossier.commune, dossier.agency, dossier.collaborateur = record.commune, record.agency, owner
        await work.session.flush()
        await work.session.execute(delete(DossierWord).where(DossierWord.dossier_id == dossier.id))
        words += [{"word": word, "dossier_id": dossier.id} for word in sorted(found_by(dossier))]
        written += 1
    if words:
        await work.session.execute(insert(DossierWord), words)
    return written


def title(dossier: Dossier) -> str:
    """One line that tells a dossier from another: company, code, SIREN as it is printed, commune."""
    return f"{dossier.company} · {dossier.code} · {shown_siren(dossier.siren)} · {dossier.commune}"


def shown_siren(siren: str) -> str:
    """As it is printed: 552 100 554."""
    return str(siren_key.format(siren))
