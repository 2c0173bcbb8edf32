"""New clients by the list: each line is one new client, by the same functions as the conversation « Nouveau client ».

The dry run is the run itself, rolled back. A line is claimed in the transaction that does what it asks, so it is done once
whoever is killed; what follows (Graph, mails) are ordinary effects of the outbox. Lines are taken in only as fast as
Microsoft takes what they owe: whoever invites somebody by hand meanwhile does not wait behind two thousand others.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services import effects, imports, interlocuteurs, invitations, loop_tasks, new_clients, people, propositions
from services.bulk_standing import TO_TAKE, Verdict, standing
from services.errors import Refused
from services.events import ClientsUnderWay, FileAccepted, ImportFinished, ImportProgressed
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.loop_tasks import Actor
from services.models import (
    PROPOSING,
    Dossier,
    Import,
    ImportLine,
    ImportState,
    Interlocuteur,
    LoopTask,
    Proposition,
    PropositionState,
    TaskState,
)
from services.moves import move_import
from services.people import email_key, name_key
from services.ports import Upload
from services.record import Firm
from services.store import Store, Work

WINDOW = 120  # lines' effects waiting for Graph or the mailbox at once
TICK = timedelta(seconds=2.5)  # between two redraws of its card: 1440 an hour, Teams allows 1800
# SQLite has one writer: so many lines a transaction, which keeps neither a click waiting nor the outbox, whose places at Graph
# stand empty meanwhile. PostgreSQL has many: so many transactions of a line each, since none of them may hold what one needs
# that waits for it.
TOGETHER = 2
LANE = "take_clients"
LEASE = 4 * TICK  # a kill nearly always cuts a look; two at once do no harm
ATTEMPTS = 3
_OUTSIDES = ("directory", "mail")
_MEANWHILE = frozenset({"invited_meanwhile", "activated_meanwhile", "linked_meanwhile", "proposed_meanwhile"})


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a line asks for. `done` where it says that Loop has it all already."""

    code: str
    guest: NewGuest
    contact: Contact
    offer: str
    subscription_confirmed: bool
    done: bool


ReadLine = Callable[[Mapping[str, str]], NewClient]
"""Reads a line's cells as the forms read what is typed. Refused beside a field."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a line comes to: its verdict, and the ids of what it made or found."""

    verdict: Verdict
    invitation_id: str | None
    proposition_id: str | None = None
    task_id: str | None = None


async def admit(work: Work, firm: Firm, client: NewClient, actor: Actor) -> Admitted:
    """Do what the line asks. Refused as each rule says; what a conversation would ask about is refused too."""
    dossier = await _dossier(work.session, client.code)
    check_address(firm, client.guest.email)
    known = await _known(work.session, client.contact)
    if known and (existing := await propositions.live(work.session, dossier.id, client.offer, known.id)):
        return await _again(work, client, existing, actor)
    before = await invitations.live(work.session, client.guest.email)
    invitation = await invitations.invite_guest(work, client.guest, dossier, actor.id)
    person = known or await interlocuteurs.create(work, client.contact, client.guest.language, actor.id)
    proposition, task = await new_clients.equip(
        work,
        dossier,
        person,
        client.offer,
        actor,
        subscription_confirmed=client.subscription_confirmed,
        done=client.done,
    )
    verdict = Verdict.RECOGNISED if before else Verdict.INVITED
    return Admitted(verdict, invitation.id, proposition.id, task.id if task else None)


def check_address(firm: Firm, email: str) -> None:
    """One client's own address: Refused for the firm's domain, a likely slip, a shared box."""
    invitations.refuse_own_domain(firm, email)
    if meant := people.likely_meant(email):
        raise Refused("email_typo", "email", email=email, suggestion=meant)
    if people.is_shared(email):
        raise Refused("email_shared", "email", email=email)


async def _dossier(session: AsyncSession, code: str) -> Dossier:
    found: Dossier | None = await session.scalar(select(Dossier).where(Dossier.code == code))
    if found is None:
        raise Refused("code_unknown", "code", code=code)
    return found


async def _known(session: AsyncSession, contact: Contact) -> Interlocuteur | None:
    """Same e-mail and same name: the same person. Anything less a person must say: Refused("same_person")."""
    candidates = await interlocuteurs.known_as(session, contact)
    name = name_key(contact.family_name, contact.given_name)
    for one in candidates:
        if one.email_key == email_key(contact.email) and one.name_key == name:
            return one
    if candidates:
        raise Refused("same_person", None, name=interlocuteurs.full_name(candidates[0]), email=candidates[0].email)
    return None


async def _again(work: Work, client: NewClient, existing: Proposition, actor: Actor) -> Admitted:
    """R17/R18: nothing is made. But what had been left to do in Loop may be done now."""
    invitation = await invitations.newest_for(work.session, existing.dossier_id, client.guest.email)
    query = select(LoopTask).where(
        LoopTask.what.in_(PROPOSING),
        LoopTask.dossier_id == existing.dossier_id,
        LoopTask.offer == existing.offer,
        LoopTask.interlocuteur_id == existing.interlocuteur_id,
        LoopTask.state == TaskState.TODO,
    )
    task = (await work.session.scalars(query)).first()
    found = (invitation.id if invitation else None, existing.id, task.id if task else None)
    if task is None or not client.done or existing.state != PropositionState.PROPOSED:
        return Admitted(Verdict.UNCHANGED, *found)
    await loop_tasks.finish(work, task.id, actor)
    return Admitted(Verdict.ANNOUNCED, *found)


async def judged(work: Work, import_id: str, verdicts: Mapping[int, Admitted | Refused]) -> None:
    """Write verdicts down, by line."""
    for number, verdict in verdicts.items():
        values: dict[str, object]
        if isinstance(verdict, Refused):
            facts = dict(verdict.facts) | ({"field": verdict.field} if verdict.field else {})
            values = {"verdict": Verdict.REFUSED, "reason": verdict.key, "facts": facts}
        else:
            values = asdict(verdict)
        await _set(work, import_id, number, **values)


async def _set(work: Work, import_id: str, number: int, **values: object) -> None:
    where = (ImportLine.import_id == import_id, ImportLine.number == number)
    await work.session.execute(update(ImportLine).where(*where).values(**values))


# --- for good


async def pause(work: Work, import_id: str, actor: str) -> None:
    """« Pause »: no other line is taken in; those under way are seen through."""
    if await move_import(work, import_id, ImportState.PAUSED, actor):
        work.emit(ImportProgressed(import_id))


async def resume(work: Work, import_id: str, actor: str) -> None:
    """« Reprendre »."""
    found = await imports.get(work.session, import_id)
    if found.state == ImportState.PAUSED and await move_import(work, import_id, ImportState.RUNNING, actor):
        work.emit(ClientsUnderWay(import_id))
        work.emit(ImportProgressed(import_id))


async def stop(work: Work, import_id: str, actor: str) -> None:
    """« Arrêter »: for good; the same file sent again does the rest."""
    if await move_import(work, import_id, ImportState.STOPPED, actor, finished_at=work.now):
        work.emit(ImportFinished(import_id))


async def accept_file(work: Work, import_id: str, upload: Upload, actor: str) -> None:
    """Its owner lets the bot put the file about the list there."""
    found = await imports.get(work.session, import_id)
    found.upload = asdict(upload)
    work.journal(actor, "imports.given", import_id)
    work.emit(FileAccepted(import_id))


async def advance(store: Store, firm: Firm, import_id: str, read: ReadLine) -> None:
    """Take in lines while there is room for them, a moment long; then look again, until all is seen through. Safe to repeat."""
    clock = asyncio.get_running_loop().time
    until = clock() + TICK.total_seconds()
    taking = _Taking(store, firm, import_id, read)
    while lines := await _next(store, import_id):
        if not await taking.take(lines):
            return
        if clock() >= until:
            break
    async with store.work() as work:
        found = await work.session.get(Import, import_id, with_for_update=True, populate_existing=True)
        if found is None or found.state != ImportState.RUNNING:
            return
        now = await standing(work.session, import_id)
        if not now.left and not now.under_way:
            await move_import(work, import_id, ImportState.DONE, found.owner, finished_at=work.now)
            work.emit(ImportFinished(import_id))
            return
        if now.told != found.told:
            found.told = now.told
            work.emit(ImportProgressed(import_id))
        # Run twice because of a kill, it must not be followed twice.
        if not await effects.is_due(work.session, f"{LANE}:{import_id}"):
            work.emit(ClientsUnderWay(import_id), after=timedelta(seconds=max(until - clock(), 0)))


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    said: Mapping[str, str]


async def _next(store: Store, import_id: str) -> list[_Line]:
    """The next lines, as many as there is room for."""
    query = select(ImportLine.number, ImportLine.said).where(*_to_take(import_id)).order_by(ImportLine.number)
    async with store.read() as session:
        room = WINDOW - await effects.backlog(session, _OUTSIDES)
        if room <= 0:
            return []
        rows = await session.execute(query.limit(min(room, TOGETHER)))
    return [_Line(number, said) for number, said in rows]


@dataclass(frozen=True, slots=True)
class _Taking:
    """A list that is being taken in."""

    store: Store
    firm: Firm
    import_id: str
    read: ReadLine

    async def take(self, lines: Sequence[_Line]) -> bool:
        """Take in these lines, each once; gives whether the import still runs. What is refused by now is written down."""
        if self.store.single_writer and len(lines) > 1:
            with suppress(Refused):  # whichever it was, nothing of the others is done either
                return await self._all(lines)
            return all([await self._alone(line) for line in lines])
        return all(await asyncio.gather(*map(self._alone, lines)))

    async def _alone(self, line: _Line) -> bool:
        for _ in range(ATTEMPTS):
            try:
                return await self._all([line])
            except Refused as another:
                refusal = another
                if refusal.key not in _MEANWHILE:
                    break  # otherwise somebody did a part of it just now: it will be recognised
        async with self.store.work() as work:
            await judged(work, self.import_id, {line.number: refusal})
        return True

    async def _all(self, lines: Sequence[_Line]) -> bool:
        """In one transaction: all of them, or none and Refused."""
        async with self.store.work(brief=True) as work:
            if not self.store.single_writer:
                await self._hold(work, lines)
            found = await work.session.get(
                Import, self.import_id, with_for_update={"read": True}, populate_existing=True
            )
            if found is None or found.state != ImportState.RUNNING:
                return False
            for line in lines:
                await self._claimed(work, Actor(found.owner, found.owner_name), line)
                await asyncio.sleep(0)  # so many statements without a thread: whoever clicks comes between two lines
        return True

    async def _hold(self, work: Work, lines: Sequence[_Line]) -> None:
        """Until the commit no portfolio is taken in, and no other line about the same person."""
        people = {key for line in lines for key in _keys(self.read(line.said).contact)}
        held = [func.pg_advisory_xact_lock(imports.LOCK, func.hashtext(key)) for key in sorted(people)]
        await work.session.execute(select(func.pg_advisory_xact_lock_shared(imports.LOCK), *held))

    async def _claimed(self, work: Work, owner: Actor, line: _Line) -> None:
        mine = update(ImportLine).where(*_to_take(self.import_id), ImportLine.number == line.number)
        if await work.change(mine.values(taken=True)) == 1:
            made = await admit(work, self.firm, self.read(line.said), owner)
            ids = {"invitation_id": made.invitation_id, "proposition_id": made.proposition_id, "task_id": made.task_id}
            again = {"verdict": made.verdict} if made.verdict == Verdict.UNCHANGED else {}
            await _set(work, self.import_id, line.number, **ids, **again)


def _keys(contact: Contact) -> tuple[str, str]:
    """What two contacts share of whom interlocuteurs.known_as would say that they may be the same person."""
    return email_key(contact.email), f"{name_key(contact.family_name, contact.given_name)} {contact.mobile}"


def _to_take(import_id: str) -> tuple[ColumnElement[bool], ...]:
    return (ImportLine.import_id == import_id, ~ImportLine.taken, ImportLine.verdict.in_(TO_TAKE))
