"""A store that keeps every event it is told, and the services around the practice tenant's real Graph adapter."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import select

from services.events import EVENTS
from services.graph import Graph
from services.models import Effect, Invitation, InvitationState, JournalLine
from services.ports import Chat, Files
from services.record import Firm, Services
from services.roles import Roles
from services.store import Owed, Store

FIRM = Firm("Cabinet", "fr", frozenset({"cabinet.example"}), "https://loop.example", "tenant")
EVERY_EVENT = {kind: (Owed("told", "told"),) for kind in EVENTS.values()}


def services_of(store: Store, graph: Graph) -> Services:
    """The services, with nobody to chat with."""
    roles = Roles(store, graph.directory, None)
    return Services(FIRM, store, graph.directory, graph.mailbox, cast("Chat", None), roles, cast("Files", None))


async def told(store: Store, subject: str | None = None) -> list[str]:
    """The events emitted so far, in order; of one subject only, when given."""
    async with store.read() as session:
        effects = (await session.scalars(select(Effect).order_by(Effect.id))).all()
    return [one.event for one in effects if subject in (None, one.payload["subject"])]


async def journal(store: Store, what: str) -> list[tuple[str, str, str | None, str | None]]:
    """The lines of one kind: actor, subject, before, after."""
    async with store.read() as session:
        lines = (
            await session.scalars(select(JournalLine).where(JournalLine.what == what).order_by(JournalLine.id))
        ).all()
    return [(line.actor, line.subject, line.before, line.after) for line in lines]


async def invitation(store: Store, invitation_id: str) -> Invitation:
    """The invitation as it stands."""
    async with store.read() as session:
        found = await session.get(Invitation, invitation_id)
    assert found is not None
    return found


def invited(email: str, state: InvitationState, at: datetime, **more: Any) -> Invitation:
    """A row as it would stand, asked for then; `more` are its other columns."""
    given = {"family_name": "Nicolas", "given_name": "Paul", "mobile": "+33612345678", "language": "fr"}
    said = {"email": email, "email_key": email, "requested_by": "c", "requested_at": at, "state": state}
    return Invitation(**{**given, **said, **more})
