"""The contact persons: Loop's fields in Loop's order, linked to dossiers, with the e-mail that was invited (R10–R16)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import invitations
from services.errors import Refused
from services.models import NO_LIMIT, Dossier, Interlocuteur, Rattachement
from services.offers import Qualite
from services.people import email_key
from services.store import Work


@dataclass(frozen=True, slots=True)
class Contact:
    """The thirteen fields of an interlocuteur, in Loop's order; phones in E.164, empty string where left blank."""

    family_name: str
    given_name: str
    mobile: str
    landline: str
    email: str
    qualite: Qualite
    address_1: str
    address_2: str
    address_3: str
    commune: str
    postcode: str
    country: str
    notes: str


async def get(session: AsyncSession, interlocuteur_id: str) -> Interlocuteur:
    """The interlocuteur, or Refused("interlocuteur_unknown")."""
    found = await session.get(Interlocuteur, interlocuteur_id)
    if found is None or found.removed_at is not None:
        raise Refused("interlocuteur_unknown", "interlocuteur")
    return found


def full_name(person: Interlocuteur) -> str:
    """Nom Prénom, as Loop lists people (R29)."""
    return f"{person.family_name} {person.given_name}".strip()


async def linked_to(session: AsyncSession, dossier_id: str) -> Sequence[Interlocuteur]:
    """The interlocuteurs of a dossier, by Nom then Prénom (R29)."""
    query = (
        select(Interlocuteur)
        .join(Rattachement, Rattachement.interlocuteur_id == Interlocuteur.id)
        .where(Rattachement.dossier_id == dossier_id)
        .order_by(Interlocuteur.family_name, Interlocuteur.given_name)
    )
    return (await session.scalars(query)).all()


async def suggested_for(session: AsyncSession, dossier_id: str) -> Sequence[Interlocuteur]:
    """Who may be linked to the dossier: those linked already, and those whose e-mail was invited for it."""
    invited = {one.email_key for one in await invitations.invited_for(session, dossier_id)}
    linked = await linked_to(session, dossier_id)
    query = select(Interlocuteur).where(Interlocuteur.email_key.in_(invited), Interlocuteur.removed_at.is_(None))
    others = [one for one in (await session.scalars(query)).all() if one.id not in {known.id for known in linked}]
    return [*linked, *others]


async def known_as(session: AsyncSession, contact: Contact) -> Sequence[Interlocuteur]:
    """People who may be the same one: same e-mail, or same name and mobile."""
    same_mail = Interlocuteur.email_key == email_key(contact.email)
    same_name = (
        (Interlocuteur.family_name == contact.family_name)
        & (Interlocuteur.given_name == contact.given_name)
        & (Interlocuteur.mobile == contact.mobile)
    )
    return (
        await session.scalars(select(Interlocuteur).where(same_mail | same_name, Interlocuteur.removed_at.is_(None)))
    ).all()


async def require_invited(session: AsyncSession, dossier_id: str, email: str) -> None:
    """R12: the interlocuteur's e-mail equals an e-mail invited for the dossier. Refused shows both."""
    invited = await invitations.invited_for(session, dossier_id)
    if not invited:
        raise Refused("not_invited", "email", email=email)
    if email_key(email) not in {one.email_key for one in invited}:
        raise Refused("email_differs", "email", email=email, invited=invited[-1].email)


async def create(work: Work, contact: Contact, language: str, actor: str) -> Interlocuteur:
    """A new interlocuteur, as typed and checked."""
    made = Interlocuteur(
        **asdict(contact),
        email_key=email_key(contact.email),
        language=language,
        created_by=actor,
        created_at=work.now,
    )
    work.session.add(made)
    await work.session.flush()
    work.journal(actor, "interlocuteurs.created", made.id)
    return made


async def link(
    work: Work,
    interlocuteur: Interlocuteur,
    dossier: Dossier,
    actor: str,
    limited_to: str = NO_LIMIT,
    limit_reason: str = "",
) -> Rattachement:
    """Link to a dossier; already linked: the existing link. R12 and R16 hold here, whatever the form checked."""
    await require_invited(work.session, dossier.id, interlocuteur.email)
    if limited_to != NO_LIMIT and not limit_reason:
        raise Refused("limit_reason_needed", "limit_reason")
    if existing := await work.session.get(Rattachement, (interlocuteur.id, dossier.id)):
        return existing
    made = Rattachement(
        interlocuteur_id=interlocuteur.id,
        dossier_id=dossier.id,
        limited_to=limited_to,
        limit_reason=limit_reason,
        linked_by=actor,
        linked_at=work.now,
    )
    work.session.add(made)
    await work.session.flush()
    work.journal(actor, "interlocuteurs.linked", interlocuteur.id, after=dossier.code)
    return made
