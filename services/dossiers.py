"""The Portefeuille: find a dossier by company, code, SIREN or commune, and keep the list in step with Loop's export."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from stdnum.fr import siren as siren_key

from services import paths
from services.dossier_search import line_of, search, word_rows
from services.errors import Refused
from services.models import Collaborateur, Dossier, DossierWord, new_id
from services.store import Work

__all__ = ["Change", "DossierRecord", "checked_siren", "compare", "get", "keep", "search", "shown_siren", "title"]

Change = Mapping[str, tuple[str, str]] | None
"""What a record changes of a dossier, by field: before, after. Empty: it says so already; None: the dossier is new."""


@dataclass(frozen=True, slots=True)
class DossierRecord:
    """One line of the portfolio as Loop exports it. `siren` is nine digits (spaces allowed), `collaborateur` an e-mail.

    An `agency` of None, or an empty `collaborateur_name`, says nothing: what is known stays.
    """

    code: str
    company: str
    siren: str
    commune: str
    agency: str | None
    collaborateur: str
    collaborateur_name: str = ""


async def get(session: AsyncSession, dossier_id: str) -> Dossier:
    """The dossier, or Refused("dossier_unknown")."""
    found = await session.get(Dossier, dossier_id)
    if found is None:
        raise Refused("dossier_unknown", "dossier")
    return found


def checked_siren(typed: str) -> str:
    """Nine digits with a right Luhn key; Refused says which rule failed (`siren_length`, `siren_key`)."""
    digits = re.sub(r"[\s.\u00a0\u202f]", "", typed)
    if not re.fullmatch(r"[0-9]{9}", digits):
        raise Refused("siren_length", "siren")
    if not siren_key.is_valid(digits):
        raise Refused("siren_key", "siren")
    return digits


def title(dossier: Dossier) -> str:
    """One line that tells a dossier from another: company, code, SIREN as it is printed, commune."""
    return f"{dossier.company} · {dossier.code} · {shown_siren(dossier.siren)} · {dossier.commune}"


def shown_siren(siren: str) -> str:
    """As it is printed: 552 100 554."""
    return str(siren_key.format(siren))


# --- in step with Loop


@dataclass(frozen=True, slots=True)
class _Held:
    """What the database has: dossiers (id and record) by code; the staff (id and name) by e-mail."""

    dossiers: Mapping[str, tuple[str, DossierRecord]]
    staff: Mapping[str, tuple[str, str]]

    def change(self, record: DossierRecord) -> Change:
        if record.code not in self.dossiers:
            return None
        _, before = self.dossiers[record.code]
        pairs = {name: (str(getattr(before, name)), str(getattr(record, name))) for name in _COMPARED}
        if record.agency is None:
            del pairs["agency"]
        if record.collaborateur_name and record.collaborateur in self.staff:
            pairs["collaborateur_name"] = (self.staff[record.collaborateur][1], record.collaborateur_name)
        return {name: (was, now) for name, (was, now) in pairs.items() if was != now}


_COMPARED = ("company", "siren", "commune", "agency", "collaborateur")


async def compare(session: AsyncSession, records: Sequence[DossierRecord]) -> list[Change]:
    """What keeping each record would change; SIREN and e-mail as `keep` stores them (nine digits, lower case)."""
    held = await _held(session, [record.code for record in records])
    return [held.change(record) for record in records]


async def keep(work: Work, records: Iterable[DossierRecord]) -> Mapping[str, Change]:
    """Create or update dossiers by code, in a few statements however many they are; gives what changed, by code.

    Of two records of one code the last counts. Refused by the first wrong SIREN.
    """
    wanted = {record.code: _stored(record) for record in records}
    held = await _held(work.session, list(wanted))
    changes = {code: held.change(record) for code, record in wanted.items()}
    staff = await _keep_staff(work.session, wanted.values(), held.staff)
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    lines: list[tuple[str, str, str]] = []
    for code in (code for code, change in changes.items() if change != {}):
        record, (known_id, before) = wanted[code], held.dossiers.get(code, ("", None))
        row = {
            "id": known_id or new_id(),
            "company": record.company,
            "siren": record.siren,
            "commune": record.commune,
            "agency": (before.agency if before else "") if record.agency is None else record.agency,
            "collaborateur_id": staff.get(record.collaborateur),
        }
        (changed if before else new).append(row if before else row | {"code": code})
        lines.append((str(row["id"]), _line(before) if before else "", _line(record)))
    if new:
        await work.session.execute(insert(Dossier), new)
    if changed:
        changed.sort(key=itemgetter("id"))  # the order in which services.paths locks dossiers
        await work.session.execute(update(Dossier), changed)
        await paths.refresh(work.session, [row["id"] for row in changed])
    await _change_lines(work.session, lines)
    return changes


def _stored(record: DossierRecord) -> DossierRecord:
    return replace(record, siren=checked_siren(record.siren), collaborateur=record.collaborateur.strip().lower())


def _line(record: DossierRecord) -> str:
    return line_of(record.company, record.code, record.siren, record.commune)


async def _held(session: AsyncSession, codes: list[str]) -> _Held:
    people = (await session.execute(select(Collaborateur.email, Collaborateur.id, Collaborateur.name))).all()
    email_of = {person.id: person.email for person in people}
    columns = (Dossier.id, Dossier.code, Dossier.company, Dossier.siren, Dossier.commune, Dossier.agency)
    rows = await session.execute(select(*columns, Dossier.collaborateur_id).where(Dossier.code.in_(codes)))
    known = {
        code: (dossier_id, DossierRecord(code, company, siren, commune, agency, email_of.get(owner_id or "", "")))
        for dossier_id, code, company, siren, commune, agency, owner_id in rows
    }
    return _Held(known, {person.email: (person.id, person.name) for person in people})


async def _keep_staff(
    session: AsyncSession, records: Iterable[DossierRecord], known: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """The collaborateurs the records name, created or renamed; gives everybody's id by e-mail."""
    named: dict[str, str] = {}
    for record in records:
        if record.collaborateur:
            named[record.collaborateur] = record.collaborateur_name or named.get(record.collaborateur, "")
    new = [
        {"id": new_id(), "email": email, "name": name or email} for email, name in named.items() if email not in known
    ]
    renamed = [
        {"id": known[email][0], "name": name}
        for email, name in named.items()
        if email in known and name and name != known[email][1]
    ]
    if new:
        await session.execute(insert(Collaborateur), new)
    if renamed:
        await session.execute(update(Collaborateur), renamed)
    return {email: person_id for email, (person_id, _) in known.items()} | {one["email"]: one["id"] for one in new}


async def _change_lines(session: AsyncSession, lines: Iterable[tuple[str, str, str]]) -> None:
    """What dossiers are found by: (id, the line before, the line now)."""
    gone, come = [], []
    for dossier_id, before, now in lines:
        if before != now:
            gone += word_rows(dossier_id, before) if before else []
            come += word_rows(dossier_id, now)
    if gone:
        which = [getattr(DossierWord, name) == bindparam(f"gone_{name}") for name in gone[0]]
        rows = [{f"gone_{name}": value for name, value in row.items()} for row in gone]
        await (await session.connection()).execute(delete(DossierWord).where(*which), rows)
    if come:
        await session.execute(insert(DossierWord), come)
