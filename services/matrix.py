"""What stands on a dossier: who is invited, who has which offer, which offers are on; and what somebody would lose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import interlocuteurs, offers
from services.models import (
    LIVE_PROPOSITIONS,
    Activation,
    Dossier,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    InvitationState,
    Proposition,
    PropositionState,
    Rattachement,
)
from services.offers import Offer, Qualite, Rights
from services.people import email_key
from services.propositions import PROPOSED, Proposed

IN_ORDER = ("ged", "deposit", "mobile_dashboard", "loop_read", "loop_work", "gs_ged")
NOT_PROPOSED = "not_proposed"


@dataclass(frozen=True, slots=True)
class Cell:
    """One offer for one person: their live proposition, else the latest closed one, else none."""

    offer: Offer
    proposition: Proposition | None

    @property
    def state(self) -> str:
        """The proposition's, or `not_proposed`."""
        return self.proposition.state if self.proposition else NOT_PROPOSED

    @property
    def live(self) -> bool:
        """Whether the person has it or may soon."""
        return self.state in LIVE_PROPOSITIONS


@dataclass(frozen=True, slots=True)
class Line:
    """One person of the dossier: an interlocuteur, or somebody only invited so far. `name` is Nom Prénom."""

    name: str
    email: str
    person: Interlocuteur | None
    invitation: Invitation | None
    cells: tuple[Cell, ...]

    def lost(self, closing: Callable[[Cell], bool]) -> tuple[str, ...]:
        """The rights they would have no more on this dossier without these offers. Not active yet: nothing to lose."""
        qualite = Qualite(self.person.qualite) if self.person else Qualite.NONE
        held = [cell for cell in self.cells if cell.state == PropositionState.ACTIVE]
        before = [offers.rights(cell.offer, qualite) for cell in held]
        after = [offers.rights(cell.offer, qualite) for cell in held if not closing(cell)]
        return difference(before, after)[0]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Interlocuteur × offer, and the offers switched on for the dossier."""

    dossier: Dossier
    active: tuple[Activation, ...]
    lines: tuple[Line, ...]

    @property
    def live(self) -> tuple[tuple[Line, Cell], ...]:
        """Every offer somebody has or is proposed."""
        return tuple((line, cell) for line in self.lines for cell in line.cells if cell.live)

    def key(self, closes: Callable[[Cell], bool], *, everyone: bool = False) -> str:
        """The same as long as what would end is: these cells, and where `everyone` goes, the people too."""
        held = [cell for _, cell in self.live if closes(cell)]
        ending = [f"{one.proposition.id}:{one.state == PropositionState.ACTIVE}" for one in held if one.proposition]
        people = [known.id for line in self.lines if (known := line.person or line.invitation)] if everyone else []
        return " ".join(sorted([*ending, *people]))


def difference(before: Sequence[Rights], after: Sequence[Rights]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the rights lost and of those gained. Working on a dossier goes with seeing it: only the greater is said."""
    had, has = _keys(before), _keys(after)
    return _said(had - has), _said(has - had)


def _keys(of: Sequence[Rights]) -> set[str]:
    keys = {key for rights in of for key in rights.gives()}
    return keys | {"loop_read"} if "loop_work" in keys else keys


def _said(keys: set[str]) -> tuple[str, ...]:
    shown = keys - {"loop_read"} if "loop_work" in keys else keys
    return tuple(key for key in IN_ORDER if key in shown)


async def of_dossier(session: AsyncSession, dossier: Dossier) -> Matrix:
    """Everyone of the dossier by name: its interlocuteurs, those with an offer still on, and those only invited."""
    propositions = (
        await session.scalars(
            select(Proposition).where(Proposition.dossier_id == dossier.id).order_by(Proposition.proposed_at)
        )
    ).all()
    invitations = await _invitations(session, dossier.id)
    people = await _people(session, dossier.id, {one.interlocuteur_id for one in propositions if _live(one)})
    by_email = {one.email_key: one for one in invitations}  # the latest of each person stays
    known = {person.email_key for person in people}
    lines = [
        Line(
            interlocuteurs.full_name(person),
            person.email,
            person,
            by_email.get(person.email_key),
            _cells([one for one in propositions if one.interlocuteur_id == person.id]),
        )
        for person in people
    ]
    lines += [
        Line(f"{one.family_name} {one.given_name}", one.email, None, one, _cells([]))
        for key, one in by_email.items()
        if key not in known and one.state != InvitationState.REVOKED
    ]
    in_order = sorted(lines, key=lambda line: line.name.casefold())
    return Matrix(dossier, await _active(session, dossier.id), tuple(in_order))


def _live(proposition: Proposition) -> bool:
    return proposition.state in LIVE_PROPOSITIONS


def _cells(propositions: Sequence[Proposition]) -> tuple[Cell, ...]:
    def newest(offer: Offer) -> Proposition | None:
        made = [one for one in propositions if one.offer == offer.key]
        return next((one for one in made if _live(one)), made[-1] if made else None)

    return tuple(Cell(offer, newest(offer)) for offer in offers.CATALOGUE.values())


async def _people(session: AsyncSession, dossier_id: str, also: set[str]) -> Sequence[Interlocuteur]:
    linked = select(Rattachement.interlocuteur_id).where(Rattachement.dossier_id == dossier_id)
    query = select(Interlocuteur).where(Interlocuteur.id.in_(linked) | Interlocuteur.id.in_(also))
    return (await session.scalars(query)).all()


async def _invitations(session: AsyncSession, dossier_id: str) -> Sequence[Invitation]:
    query = (
        select(Invitation)
        .join(InvitationDossier, InvitationDossier.invitation_id == Invitation.id)
        .where(InvitationDossier.dossier_id == dossier_id)
        .order_by(Invitation.requested_at)
    )
    return (await session.scalars(query)).all()


async def _active(session: AsyncSession, dossier_id: str) -> tuple[Activation, ...]:
    query = select(Activation).where(Activation.dossier_id == dossier_id, Activation.ended_at.is_(None))
    by_offer = {one.offer: one for one in await session.scalars(query)}
    return tuple(by_offer[key] for key in offers.CATALOGUE if key in by_offer)


async def elsewhere(session: AsyncSession, dossier_id: str, email: str) -> tuple[str, ...]:
    """Codes of the other dossiers this person is on, invited or linked: what keeps their guest account."""
    key = email_key(email)
    invited = (
        select(InvitationDossier.dossier_id)
        .join(Invitation, Invitation.id == InvitationDossier.invitation_id)
        .where(Invitation.email_key == key, Invitation.state != InvitationState.REVOKED)
    )
    linked = (
        select(Rattachement.dossier_id)
        .join(Interlocuteur, Interlocuteur.id == Rattachement.interlocuteur_id)
        .where(Interlocuteur.email_key == key, Interlocuteur.removed_at.is_(None))
    )
    query = (
        select(Dossier.code)
        .where(Dossier.id != dossier_id, Dossier.id.in_(invited) | Dossier.id.in_(linked))
        .order_by(Dossier.code)
    )
    return tuple((await session.scalars(query)).all())


async def active_for(session: AsyncSession, email: str) -> tuple[Proposed, ...]:
    """Every offer this person has, on every dossier, the latest first: one guest, several vignettes."""
    query = PROPOSED.where(
        Interlocuteur.email_key == email_key(email), Proposition.state == PropositionState.ACTIVE
    ).order_by(Proposition.decided_at.desc(), Dossier.code)
    return tuple(Proposed(*row) for row in (await session.execute(query)).unique().all())
