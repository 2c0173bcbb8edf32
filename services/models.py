"""Rows and their states. What may follow what stands beside each state, so that a transition is one conditional UPDATE."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    String,
    Text,
    TypeDecorator,
    literal_column,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime on every database (SQLite keeps no time zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


class Row(DeclarativeBase):
    """Base of every table."""

    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON(none_as_null=True)}  # noqa: RUF012 - SQLAlchemy's own class attribute


def new_id() -> str:
    """An opaque identifier: safe to show in a card, tells nothing, cannot be guessed."""
    return uuid4().hex


class InvitationState(StrEnum):
    REQUESTED = "requested"
    SENT = "sent"
    ACCEPTED = "accepted"
    FAILED = "failed"
    REVOKED = "revoked"
    EXPIRED = "expired"


LIVE_INVITATIONS = (InvitationState.REQUESTED, InvitationState.SENT, InvitationState.ACCEPTED)

INVITATION_MOVES: Mapping[InvitationState, frozenset[InvitationState]] = {
    InvitationState.REQUESTED: frozenset(
        {InvitationState.SENT, InvitationState.ACCEPTED, InvitationState.FAILED, InvitationState.REVOKED}
    ),
    InvitationState.SENT: frozenset(
        {InvitationState.ACCEPTED, InvitationState.FAILED, InvitationState.REVOKED, InvitationState.EXPIRED}
    ),
    InvitationState.ACCEPTED: frozenset({InvitationState.REVOKED}),
    InvitationState.FAILED: frozenset({InvitationState.REQUESTED, InvitationState.REVOKED}),
    InvitationState.EXPIRED: frozenset({InvitationState.REQUESTED, InvitationState.ACCEPTED, InvitationState.REVOKED}),
    InvitationState.REVOKED: frozenset(),
}


class PropositionState(StrEnum):
    """`proposed` becomes `awaiting_approval` when the collaborateur's card is posted."""

    PROPOSED = "proposed"
    AWAITING_APPROVAL = "awaiting_approval"
    ACTIVE = "active"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


LIVE_PROPOSITIONS = (PropositionState.PROPOSED, PropositionState.AWAITING_APPROVAL, PropositionState.ACTIVE)

PROPOSITION_MOVES: Mapping[PropositionState, frozenset[PropositionState]] = {
    PropositionState.PROPOSED: frozenset(
        {
            PropositionState.AWAITING_APPROVAL,
            PropositionState.ACTIVE,
            PropositionState.REFUSED,
            PropositionState.WITHDRAWN,
        }
    ),
    PropositionState.AWAITING_APPROVAL: frozenset(
        {PropositionState.ACTIVE, PropositionState.REFUSED, PropositionState.WITHDRAWN}
    ),
    PropositionState.ACTIVE: frozenset({PropositionState.ENDED}),
    PropositionState.REFUSED: frozenset(),
    PropositionState.WITHDRAWN: frozenset(),
    PropositionState.ENDED: frozenset(),
}


def _only_one_live(name: str, states: tuple[StrEnum, ...], *columns: str) -> Index:
    """At most one live row for these columns: the unique constraint is the rule, checks are the courtesy."""
    return _only_one(name, "state IN (" + ", ".join(f"'{state.value}'" for state in states) + ")", *columns)


def _only_one(name: str, where: str, *columns: str) -> Index:
    return _partial(name, where, *columns, unique=True)


def _partial(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    """Of these rows only. For PostgreSQL too: migrations/env.py says it, since to name it here would load all of its dialect."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where))


class Collaborateur(Row):
    """An accountant of the firm, known to Loop by e-mail; `aad_id` and `mri` (29:…) once Teams has shown them."""

    __tablename__ = "collaborateurs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    aad_id: Mapped[str | None] = mapped_column(String(64), index=True)
    mri: Mapped[str | None] = mapped_column(String(200))


class Dossier(Row):
    """A client file of the Portefeuille."""

    __tablename__ = "dossiers"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    company: Mapped[str] = mapped_column(String(200))
    siren: Mapped[str] = mapped_column(String(9), index=True)
    commune: Mapped[str] = mapped_column(String(120))
    agency: Mapped[str] = mapped_column(String(120))
    collaborateur_id: Mapped[str | None] = mapped_column(ForeignKey("collaborateurs.id"), index=True)
    collaborateur: Mapped[Collaborateur | None] = relationship(lazy="joined")


class DossierWord(Row):
    """One folded word a dossier is found by, beside all of them (`line`); and a row of no word, to walk them by company.

    Everything is in the key: a search reads a range of it and nothing else. No index on `dossier_id`, which would hold it
    all twice: the words of a dossier are known from the dossier.
    """

    __tablename__ = "dossier_words"
    word: Mapped[str] = mapped_column(
        String(80).with_variant(String(80, collation="C"), "postgresql"), primary_key=True
    )
    line: Mapped[str] = mapped_column(
        String(400).with_variant(String(400, collation="C"), "postgresql"), primary_key=True
    )
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id", ondelete="CASCADE"), primary_key=True)
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own class attribute


class Invitation(Row):
    """One person's way onto the tenant; one live row an e-mail. `redeem_url` is a secret of the guest."""

    __tablename__ = "invitations"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), index=True)
    family_name: Mapped[str] = mapped_column(String(120))
    given_name: Mapped[str] = mapped_column(String(120))
    mobile: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    state: Mapped[InvitationState] = mapped_column(String(20), default=InvitationState.REQUESTED, index=True)
    reason: Mapped[str | None] = mapped_column(String(60))
    user_id: Mapped[str | None] = mapped_column(String(64), index=True)
    redeem_url: Mapped[str | None] = mapped_column(Text)
    made_in_entra: Mapped[bool] = mapped_column(default=False)
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    resent_at: Mapped[datetime | None]
    resends: Mapped[int] = mapped_column(default=0)
    accepted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (_only_one_live("one_live_invitation", LIVE_INVITATIONS, "email_key"),)


class InvitationDossier(Row):
    """A dossier the invited person is a client of: two companies, one guest."""

    __tablename__ = "invitation_dossiers"
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True)
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id"), primary_key=True, index=True)


class Activation(Row):
    """A collaborative offer switched on for a dossier; for a paid one, who confirmed the subscription and when."""

    __tablename__ = "activations"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id"))
    offer: Mapped[str] = mapped_column(String(40))
    activated_by: Mapped[str] = mapped_column(String(64))
    activated_at: Mapped[datetime]
    subscription_confirmed_by: Mapped[str | None] = mapped_column(String(64))
    subscription_confirmed_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None]
    __table_args__ = (_only_one("one_live_activation", "ended_at IS NULL", "dossier_id", "offer"),)


class Interlocuteur(Row):
    """The contact person, with Loop's fields in Loop's order. `mobile` and `landline` in E.164; `name_key` sorts and compares."""

    __tablename__ = "interlocuteurs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    family_name: Mapped[str] = mapped_column(String(120))
    given_name: Mapped[str] = mapped_column(String(120), default="")
    mobile: Mapped[str] = mapped_column(String(20))
    landline: Mapped[str] = mapped_column(String(20), default="")
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), index=True)
    name_key: Mapped[str] = mapped_column(
        String(260).with_variant(String(260, collation="C"), "postgresql"), index=True
    )
    qualite: Mapped[str] = mapped_column(String(20), default="")
    address_1: Mapped[str] = mapped_column(String(200), default="")
    address_2: Mapped[str] = mapped_column(String(200), default="")
    address_3: Mapped[str] = mapped_column(String(200), default="")
    commune: Mapped[str] = mapped_column(String(120), default="")
    postcode: Mapped[str] = mapped_column(String(12), default="")
    country: Mapped[str] = mapped_column(String(80), default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(2))
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class InterlocuteurWord(Row):
    """One folded word of a person's name or e-mail, as `DossierWord`; gone when the person is removed."""

    __tablename__ = "interlocuteur_words"
    word: Mapped[str] = mapped_column(
        String(80).with_variant(String(80, collation="C"), "postgresql"), primary_key=True
    )
    interlocuteur_id: Mapped[str] = mapped_column(
        ForeignKey("interlocuteurs.id", ondelete="CASCADE"), primary_key=True, index=True
    )


NO_LIMIT = "-"
ERASED = "—"
"""What stands where a person's name was, once they are erased."""


class Rattachement(Row):
    """An interlocuteur linked to a dossier. « Limité à » stays « - » unless a reason is given."""

    __tablename__ = "rattachements"
    interlocuteur_id: Mapped[str] = mapped_column(ForeignKey("interlocuteurs.id", ondelete="CASCADE"), primary_key=True)
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id"), primary_key=True, index=True)
    limited_to: Mapped[str] = mapped_column(String(120), default=NO_LIMIT)
    limit_reason: Mapped[str] = mapped_column(Text, default="")
    linked_by: Mapped[str] = mapped_column(String(64))
    linked_at: Mapped[datetime]


class Proposition(Row):
    """An offer of a dossier proposed to one interlocuteur; one live row a triple, one decision only."""

    __tablename__ = "propositions"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id"), index=True)
    offer: Mapped[str] = mapped_column(String(40))
    interlocuteur_id: Mapped[str] = mapped_column(ForeignKey("interlocuteurs.id"), index=True)
    state: Mapped[PropositionState] = mapped_column(String(20), default=PropositionState.PROPOSED, index=True)
    reason: Mapped[str | None] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(64))
    proposed_by_name: Mapped[str] = mapped_column(String(200))
    proposed_at: Mapped[datetime]
    awaiting_since: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_by_name: Mapped[str | None] = mapped_column(String(200))
    decided_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(64))
    closed_by_name: Mapped[str | None] = mapped_column(String(200))
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (
        _only_one_live("one_live_proposition", LIVE_PROPOSITIONS, "dossier_id", "offer", "interlocuteur_id"),
    )


class TaskState(StrEnum):
    TODO = "todo"
    DONE = "done"
    DROPPED = "dropped"


TASK_MOVES: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.TODO: frozenset({TaskState.DONE, TaskState.DROPPED}),
    TaskState.DONE: frozenset(),
    TaskState.DROPPED: frozenset(),
}


PROPOSING = ("propose_offer", "new_client")
"""Tasks that end with Loop's own proposition: its Ok is when the client hears (R19)."""


class LoopTask(Row):
    """Something a person must do by hand in Loop. `what` names the guide of services.loop; left `todo`, it shows in `suivi`."""

    __tablename__ = "loop_tasks"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    what: Mapped[str] = mapped_column(String(40))
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id"), index=True)
    offer: Mapped[str | None] = mapped_column(String(40))
    interlocuteur_id: Mapped[str | None] = mapped_column(ForeignKey("interlocuteurs.id"))
    state: Mapped[TaskState] = mapped_column(String(10), default=TaskState.TODO, index=True)
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_by_name: Mapped[str] = mapped_column(String(200))
    asked_at: Mapped[datetime]
    done_by: Mapped[str | None] = mapped_column(String(64))
    done_by_name: Mapped[str | None] = mapped_column(String(200))
    done_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class Path(Row):
    """Where one client stands on one dossier, kept by services.paths from the rows above; never written anywhere else.

    `subject` is the proposition, the invitation or the step left in Loop that says so. `rank` is 0 where somebody must move;
    `owner_id` and `agency` are the dossier's, to filter by. Each index is read in its order, and alone where it counts.
    """

    __tablename__ = "paths"
    subject: Mapped[str] = mapped_column(String(32), primary_key=True)
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    offer: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime]
    rank: Mapped[int]
    owner_id: Mapped[str | None] = mapped_column(String(32))
    agency: Mapped[str] = mapped_column(String(120))
    __table_args__ = (
        Index("paths_in_order", "rank", "since", "subject", "dossier_id"),
        Index("paths_of_state", "state", "rank", "since", "subject", "dossier_id", "offer"),
        Index("paths_of_dossier", "dossier_id"),
        Index("paths_of_owner", "owner_id", "rank", "since", "subject", "dossier_id"),
        Index("paths_of_agency", "agency", "rank", "since", "subject", "dossier_id", "state", "offer"),
        Index("paths_of_offer", "offer", "rank", "since", "subject", "dossier_id", "state"),
    )


class DelegationState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    OVER = "over"


DELEGATION_MOVES: Mapping[DelegationState, frozenset[DelegationState]] = {
    DelegationState.PLANNED: frozenset({DelegationState.RUNNING, DelegationState.OVER}),
    DelegationState.RUNNING: frozenset({DelegationState.OVER}),
    DelegationState.OVER: frozenset(),
}


class Delegation(Row):
    """A collaborateur's dossiers entrusted to a colleague, from a day to a day (Paris, both included).

    Whether it holds is read from its days; `state` tells what people were told. `over` before its last day: cut short.
    """

    __tablename__ = "delegations"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    absent_id: Mapped[str] = mapped_column(ForeignKey("collaborateurs.id"), index=True)
    delegate_id: Mapped[str] = mapped_column(ForeignKey("collaborateurs.id"))
    first_day: Mapped[date]
    last_day: Mapped[date]
    state: Mapped[DelegationState] = mapped_column(String(10), default=DelegationState.PLANNED, index=True)
    made_by: Mapped[str] = mapped_column(String(64))
    made_by_name: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class Reminder(Row):
    """A reminder claimed: one row each, whoever claims, so that no restart and no replica sends it a second time.

    `since` is the day the wait began: an invitation sent anew is waited for anew. Those of one `batch` are told on one card,
    which is for this collaborateur, or about them.
    """

    __tablename__ = "reminders"
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    batch: Mapped[str] = mapped_column(String(32), index=True)
    collaborateur_id: Mapped[str | None] = mapped_column(ForeignKey("collaborateurs.id"))
    at: Mapped[datetime]


class Review(Row):
    """When a dossier is next asked about (« toujours client ? »); and last, on which card (`batch`), of whom, what was said."""

    __tablename__ = "reviews"
    dossier_id: Mapped[str] = mapped_column(ForeignKey("dossiers.id", ondelete="CASCADE"), primary_key=True)
    due_on: Mapped[date] = mapped_column(index=True)
    batch: Mapped[str | None] = mapped_column(String(32), index=True)
    collaborateur_id: Mapped[str | None] = mapped_column(ForeignKey("collaborateurs.id"), index=True)
    asked_at: Mapped[datetime | None]
    reminded: Mapped[bool] = mapped_column(default=False)
    answer: Mapped[str | None] = mapped_column(String(10))
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_by_name: Mapped[str | None] = mapped_column(String(200))
    answered_at: Mapped[datetime | None]


class Pause(Row):
    """Days on which no reminder leaves, and which bring none nearer: the busy season. Both days included."""

    __tablename__ = "pauses"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    first_day: Mapped[date]
    last_day: Mapped[date]
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]


class FirmSetting(Row):
    """A choice of the firm's that changes while the program runs; without its row, the default beside its reader holds."""

    __tablename__ = "firm_settings"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[dict[str, Any]]


class ImportState(StrEnum):
    """`received` has not been read yet; `checked` is the dry run, waiting for its Ok; `running` survives a crash.

    `paused` and `stopped` are a list of clients': its lines take as long as Microsoft needs.
    """

    RECEIVED = "received"
    CHECKED = "checked"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    DROPPED = "dropped"


IMPORT_MOVES: Mapping[ImportState, frozenset[ImportState]] = {
    ImportState.RECEIVED: frozenset({ImportState.CHECKED, ImportState.DROPPED}),
    ImportState.CHECKED: frozenset({ImportState.RUNNING, ImportState.DROPPED}),
    ImportState.RUNNING: frozenset({ImportState.DONE, ImportState.PAUSED, ImportState.STOPPED}),
    ImportState.PAUSED: frozenset({ImportState.RUNNING, ImportState.STOPPED}),
    ImportState.STOPPED: frozenset(),
    ImportState.DONE: frozenset(),
    ImportState.DROPPED: frozenset(),
}


class Import(Row):
    """A file of dossiers, or of new clients, someone gave, and how far it is taken in. `kind` is empty until it is read.

    `url` is where Teams holds a file not yet read, `upload` where it takes the one its owner accepted (both secrets,
    forgotten once used); `reason` and `facts` say why one could not be read. `told` is how far its card last said it was.
    """

    __tablename__ = "imports"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(10), default="")
    file_name: Mapped[str] = mapped_column(String(200))
    owner: Mapped[str] = mapped_column(String(64))
    owner_name: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[ImportState] = mapped_column(String(10), default=ImportState.RECEIVED)
    url: Mapped[str | None] = mapped_column(Text)
    upload: Mapped[dict[str, Any] | None]
    told: Mapped[str] = mapped_column(String(80), default="")
    reason: Mapped[str | None] = mapped_column(String(60))
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class ImportLine(Row):
    """One line of the file: what it says, the verdict, and whether it is taken in. `number` is the line's in the file.

    `invitation_id`, `proposition_id` and `task_id` are what taking in a client's line made, or found.
    """

    __tablename__ = "import_lines"
    import_id: Mapped[str] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    said: Mapped[dict[str, Any]]
    verdict: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(60))
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    taken: Mapped[bool] = mapped_column(default=False)
    invitation_id: Mapped[str | None] = mapped_column(String(32), index=True)
    proposition_id: Mapped[str | None] = mapped_column(String(32))
    task_id: Mapped[str | None] = mapped_column(String(32), index=True)


class Export(Row):
    """A file somebody asked for in Teams, until they have it: `what` of ours, and the `kind` of file.

    `upload` is where Teams takes it, once its owner accepted it (a secret).
    """

    __tablename__ = "exports"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    what: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(4))
    owner: Mapped[str] = mapped_column(String(64))
    upload: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class Draft(Row):
    """A dialog under way: what one person typed so far, and after the end, what they were told."""

    __tablename__ = "drafts"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    dialog: Mapped[str] = mapped_column(String(60))
    owner: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(64))
    step: Mapped[str] = mapped_column(String(60))
    typed: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)
    outcome: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class PlaceRow(Row):
    """A conversation the bot was seen in. `key` is `general` or `user:<Entra object id>`."""

    __tablename__ = "places"
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    conversation_id: Mapped[str] = mapped_column(String(300))
    service_url: Mapped[str] = mapped_column(String(300))
    tenant_id: Mapped[str] = mapped_column(String(64))
    bot_id: Mapped[str] = mapped_column(String(120))
    team_id: Mapped[str | None] = mapped_column(String(200))
    group_id: Mapped[str | None] = mapped_column(String(64))
    user_mri: Mapped[str | None] = mapped_column(String(200))
    seen_at: Mapped[datetime]


class PostedCard(Row):
    """Where the card about a subject stands in Teams, so that it is redrawn rather than posted twice."""

    __tablename__ = "posted_cards"
    about: Mapped[str] = mapped_column(String(120), primary_key=True)
    place_key: Mapped[str] = mapped_column(String(120), primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(200))


class JournalLine(Row):
    """Who did what to which subject and when; append-only. Personal data stays out: ids and states only.

    `id` counts without a gap in the order of the commits; `hash` covers the line and the hash of the one before it.
    """

    __tablename__ = "journal"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(64), index=True)
    before: Mapped[str | None] = mapped_column(String(200))
    after: Mapped[str | None] = mapped_column(String(200))
    hash: Mapped[str] = mapped_column(String(64))


class JournalHead(Row):
    """Both ends of the journal, in one row: its last line, and the last line purged before its first (0: none)."""

    __tablename__ = "journal_head"
    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64))
    base_number: Mapped[int] = mapped_column(default=0)
    base_hash: Mapped[str] = mapped_column(String(64))


class PseudonymKey(Row):
    """The key of the pseudonyms in logs. Deleted, it is made anew, and the old pseudonyms are nobody's."""

    __tablename__ = "pseudonym_keys"
    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))


class EffectState(StrEnum):
    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    PARKED = "parked"
    DROPPED = "dropped"  # parked, then given up by an administrator


OPEN_EFFECTS = (EffectState.DUE, EffectState.RUNNING)
_OPEN = "state IN ('due', 'running')"
_PARKED = "state = 'parked'"


class Effect(Row):
    """One reaction owed to one event. `unsure` counts the tries that may have taken effect without our knowing.

    `lane` keeps its order, `pool` says with whom it shares an outside. `due_at` is in `Work.moment`'s time: when it may be
    tried, or, while it runs, when its lease ends.
    """

    __tablename__ = "effects"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    event: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]]
    reaction: Mapped[str] = mapped_column(String(80))
    lane: Mapped[str] = mapped_column(String(160))
    pool: Mapped[str] = mapped_column(String(20), default="")
    state: Mapped[EffectState] = mapped_column(String(10), default=EffectState.DUE)
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    unsure: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(String(80))
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        _partial("effects_open", _OPEN, "pool", "due_at", "id"),
        _partial("effects_lane", _OPEN, "lane", "id"),
        _partial("effects_parked", _PARKED, "finished_at", "id"),
    )


def is_open(effect: type[Effect] = Effect) -> ColumnElement[bool]:
    """Whether it is still to end. Written out rather than bound: the partial indexes are only used for their own words."""
    return effect.state.in_(literally(OPEN_EFFECTS))


def literally(names: Iterable[str]) -> list[ColumnElement[str]]:
    """Names of ours as they stand in SQL: a list of values that are bound is put together anew for each execution."""
    return [literal_column(f"'{name}'") for name in names]


class Pace(Row):
    """When something that must not be hurried is next free: a Teams conversation, a pool the outside asked to rest."""

    __tablename__ = "paces"
    key: Mapped[str] = mapped_column(String(320), primary_key=True)
    free_at: Mapped[datetime]


class DeliveryState(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(Row):
    """What became of one leg (mail, Teams message) of what we owe a person about a subject."""

    __tablename__ = "deliveries"
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    leg: Mapped[str] = mapped_column(String(60), primary_key=True)
    state: Mapped[DeliveryState] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(80))
    at: Mapped[datetime]


class Bookmark(Row):
    """Where a reader of an outside feed stopped (users/delta)."""

    __tablename__ = "bookmarks"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    cursor: Mapped[str] = mapped_column(Text)
