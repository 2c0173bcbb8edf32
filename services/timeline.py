"""The path of one client on one dossier: what the journal says happened, by whom and when, and where it stands now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import dossiers, invitations, journey, offers
from services.errors import Refused
from services.models import (
    ERASED,
    INVITATION_MOVES,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationState,
    JournalLine,
    LoopTask,
    Proposition,
)
from services.tracking import Client

ENTREPRENEUR = "entrepreneur"
THEIRS = frozenset({"invitations.accepted"})
"""What the bot writes down, and the client did."""

OF_THE_DOSSIER = ("offer.activated", "offer.ended", "dossiers.", "hand_overs.", "reviews.")


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened. `actor` is an id, or a role; `offer` is the offer’s name."""

    at: datetime
    what: str
    actor: str
    offer: str | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """`happened` in order. `client` is where it stands now, `invitation` the one it began with; None once there is none.

    `person` is the interlocuteur's id, None where there is none yet; `next` the step of services.journey they are at.
    `names` are those written beside an actor's id: whoever has left the firm since keeps theirs.
    """

    dossier: Dossier
    happened: Sequence[Happened]
    names: Mapping[str, str]
    client: Client | None
    invitation: Invitation | None
    person: str | None
    next: str | None

    def revocable(self) -> bool:
        """Whether the invitation may be revoked."""
        return self.invitation is not None and InvitationState.REVOKED in INVITATION_MOVES[self.invitation.state]


async def of(session: AsyncSession, subject: str, dossier_id: str, standing: Client | None) -> Timeline:
    """The path that a subject of the board (`standing`, None where it has left the board) belongs to. Refused: `not_found`."""
    dossier = await dossiers.get(session, dossier_id)
    email_key, whose = await _person(session, subject)
    people = await _people(session, email_key) if email_key else []
    invitation = await invitations.newest_for(session, dossier.id, email_key) if email_key else None
    rows = await _offered(session, dossier.id, people, subject)
    offered = {one.id: one.offer for one in rows}
    subjects = {subject, *people, *whose, *offered}
    if email_key:
        subjects |= set(await session.scalars(select(Invitation.id).where(Invitation.email_key == email_key)))
    lines = await _lines(session, subjects, dossier)
    happened = [_happened(one, offered) for one in lines]
    person = await journey.person_of(session, email_key, dossier.id) if email_key else None
    path = await journey.of_person(session, invitation, dossier) if invitation else None
    return Timeline(
        dossier,
        happened,
        _names(rows),
        standing,
        invitation,
        person.id if person else None,
        path.next if path else None,
    )


async def _person(session: AsyncSession, subject: str) -> tuple[str | None, Collection[str]]:
    """The e-mail key of whom this is about, None where it is the dossier's alone; and the interlocuteurs it names."""
    if (invitation := await session.get(Invitation, subject)) is not None:
        return invitation.email_key, ()
    found: Proposition | LoopTask | None = await session.get(Proposition, subject)
    found = found or await session.get(LoopTask, subject)
    if found is None:
        raise Refused("not_found")
    person = await session.get(Interlocuteur, found.interlocuteur_id) if found.interlocuteur_id else None
    return (person.email_key, (person.id,)) if person else (None, ())


async def _people(session: AsyncSession, email_key: str) -> Sequence[str]:
    return (await session.scalars(select(Interlocuteur.id).where(Interlocuteur.email_key == email_key))).all()


async def _offered(
    session: AsyncSession, dossier_id: str, people: Collection[str], subject: str
) -> Sequence[Proposition | LoopTask]:
    """The propositions and the steps in Loop that this is about."""
    found: list[Proposition | LoopTask] = []
    for row in (Proposition, LoopTask):
        theirs = row.interlocuteur_id.in_(people) | (row.id == subject)
        found += await session.scalars(select(row).where(row.dossier_id == dossier_id, theirs))
    return found


def _names(rows: Sequence[Proposition | LoopTask]) -> Mapping[str, str]:
    did = ("proposed_by", "decided_by", "closed_by", "asked_by", "done_by")
    pairs = ((getattr(row, one, None), getattr(row, f"{one}_name", None)) for row in rows for one in did)
    return {actor: name for actor, name in pairs if actor and name and name != ERASED}


async def _lines(session: AsyncSession, subjects: Collection[str], dossier: Dossier) -> list[JournalLine]:
    query = select(JournalLine).where(JournalLine.subject.in_({*subjects, dossier.id})).order_by(JournalLine.id)
    return [one for one in await session.scalars(query) if _concerns(one, dossier)]


def _concerns(line: JournalLine, dossier: Dossier) -> bool:
    if line.what.startswith("refused."):
        return False
    if line.subject == dossier.id:
        return line.what.startswith(OF_THE_DOSSIER)
    if line.what in (
        "invitations.attached",
        "invitations.detached",
        "interlocuteurs.linked",
        "interlocuteurs.unlinked",
    ):
        return dossier.code in (line.before, line.after)  # the same person on another dossier is another path
    return True


def _happened(line: JournalLine, offered: Mapping[str, str | None]) -> Happened:
    actor = ENTREPRENEUR if line.what in THEIRS else line.actor
    key = offered.get(line.subject) or (line.after or line.before if line.what.startswith("offer.") else None)
    offer = offers.CATALOGUE[key].name if key and key in offers.CATALOGUE else None
    return Happened(line.at, line.what, actor, offer)
