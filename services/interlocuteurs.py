"""The contact persons: Loop's fields in Loop's order, linked to dossiers, with the e-mail that was invited (R10–R16)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import dossiers, interlocuteur_search, invitations
from services.errors import Refused
from services.models import NO_LIMIT, Dossier, Interlocuteur, Rattachement
from services.offers import Qualite
from services.people import email_key, name_key
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


FIELDS = tuple(field.name for field in fields(Contact))


async def get(session: AsyncSession, interlocuteur_id: str, *, lock: bool = False) -> Interlocuteur:
    """The interlocuteur, or Refused("interlocuteur_unknown"); `lock` holds it as it stands until the commit."""
    found = await session.get(Interlocuteur, interlocuteur_id, with_for_update=lock or None, populate_existing=lock)
    if found is None or found.removed_at is not None:
        raise Refused("interlocuteur_unknown", "interlocuteur")
    return found


def contact_of(person: Interlocuteur) -> Contact:
    """The person's thirteen fields as they are kept."""
    kept = {name: getattr(person, name) for name in FIELDS}
    return Contact(**{**kept, "qualite": Qualite(person.qualite)})


def differences(before: Contact, after: Contact) -> tuple[str, ...]:
    """The names of the fields that differ, in Loop's order."""
    return tuple(name for name in FIELDS if getattr(before, name) != getattr(after, name))


def full_name(person: Interlocuteur | Contact) -> str:
    """Nom Prénom, as Loop lists people (R29)."""
    return f"{person.family_name} {person.given_name}".strip()


async def linked_to(session: AsyncSession, dossier_id: str) -> Sequence[Interlocuteur]:
    """The interlocuteurs of a dossier, by Nom then Prénom (R29)."""
    query = (
        select(Interlocuteur)
        .join(Rattachement, Rattachement.interlocuteur_id == Interlocuteur.id)
        .where(Rattachement.dossier_id == dossier_id)
        .order_by(Interlocuteur.name_key, Interlocuteur.id)
    )
    return (await session.scalars(query)).all()


async def links_of(session: AsyncSession, interlocuteur_id: str) -> Sequence[tuple[Rattachement, Dossier]]:
    """The person's links, by the dossier's code."""
    query = (
        select(Rattachement, Dossier)
        .join(Dossier, Dossier.id == Rattachement.dossier_id)
        .where(Rattachement.interlocuteur_id == interlocuteur_id)
        .order_by(Dossier.code)
    )
    return [(link, dossier) for link, dossier in (await session.execute(query)).unique().all()]


async def suggested_for(session: AsyncSession, dossier_id: str) -> Sequence[Interlocuteur]:
    """Who may be linked to the dossier: those linked already, and those whose e-mail was invited for it."""
    invited = {one.email_key for one in await invitations.invited_for(session, dossier_id)}
    linked = await linked_to(session, dossier_id)
    query = select(Interlocuteur).where(Interlocuteur.email_key.in_(invited), Interlocuteur.removed_at.is_(None))
    others = [one for one in (await session.scalars(query)).all() if one.id not in {known.id for known in linked}]
    return [*linked, *others]


async def known_as(session: AsyncSession, contact: Contact) -> Sequence[Interlocuteur]:
    """People who may be the same one, likeliest first: same e-mail; or same name, accents and case aside, and mobile."""
    key = email_key(contact.email)
    same_name = (Interlocuteur.name_key == name_key(contact.family_name, contact.given_name)) & (
        Interlocuteur.mobile == contact.mobile
    )
    query = select(Interlocuteur).where(
        (Interlocuteur.email_key == key) | same_name, Interlocuteur.removed_at.is_(None)
    )
    found = (await session.scalars(query.order_by(Interlocuteur.created_at, Interlocuteur.id))).all()
    return sorted(found, key=lambda one: one.email_key != key)


async def require_invited(session: AsyncSession, dossier_id: str, email: str) -> None:
    """R12: the interlocuteur's e-mail equals an e-mail invited for the dossier.

    Refused: `not_invited`, or `email_differs` which shows both; the facts name the dossier (`code`).
    """
    invited = await invitations.invited_for(session, dossier_id)
    if email_key(email) in {one.email_key for one in invited}:
        return
    code = (await dossiers.get(session, dossier_id)).code
    if not invited:
        raise Refused("not_invited", "email", email=email, code=code)
    raise Refused("email_differs", "email", email=email, invited=invited[-1].email, code=code)


async def create(work: Work, contact: Contact, language: str, actor: str) -> Interlocuteur:
    """A new interlocuteur, as typed and checked."""
    made = Interlocuteur(language=language, created_by=actor, created_at=work.now)
    _write(made, contact)
    work.session.add(made)
    await work.session.flush()
    await interlocuteur_search.keep_words(work, made)
    work.journal(actor, "interlocuteurs.created", made.id)
    return made


async def modify(work: Work, interlocuteur_id: str, contact: Contact, seen: int, actor: str) -> tuple[str, ...]:
    """Replace the thirteen fields of the person last seen at version `seen`; gives the names of those that changed.

    Refused: `changed_meanwhile` when somebody else changed the person since; `interlocuteur_unknown`; and as
    `require_invited` when a new e-mail was not invited for a dossier the person is linked to (R12).
    """
    person = await get(work.session, interlocuteur_id, lock=True)
    if person.version != seen:
        raise Refused("changed_meanwhile")
    changed = differences(contact_of(person), contact)
    if not changed:
        return ()
    if email_key(contact.email) != person.email_key:
        for _, dossier in await links_of(work.session, person.id):
            await require_invited(work.session, dossier.id, contact.email)
    _write(person, contact)
    person.version += 1
    await work.session.flush()
    await interlocuteur_search.keep_words(work, person)
    work.journal(actor, "interlocuteurs.modified", person.id, after=" ".join(changed))
    return changed


async def take_email(work: Work, person: Interlocuteur, email: str, actor: str) -> None:
    """Give the person the e-mail that was invited (R12). Refused as `modify`."""
    await modify(work, person.id, replace(contact_of(person), email=email), person.version, actor)


async def link(
    work: Work,
    interlocuteur: Interlocuteur,
    dossier: Dossier,
    actor: str,
    limited_to: str = NO_LIMIT,
    limit_reason: str = "",
) -> Rattachement:
    """Link to a dossier; already linked: the existing link. R12 and R16 hold here, whatever the form checked."""
    person = await get(work.session, interlocuteur.id, lock=True)  # nobody removes them meanwhile
    await require_invited(work.session, dossier.id, person.email)
    if limited_to != NO_LIMIT and not limit_reason:
        raise Refused("limit_reason_needed", "limit_reason")
    if existing := await work.session.get(Rattachement, (person.id, dossier.id)):
        return existing
    made = Rattachement(
        interlocuteur_id=person.id,
        dossier_id=dossier.id,
        limited_to=limited_to,
        limit_reason=limit_reason,
        linked_by=actor,
        linked_at=work.now,
    )
    work.session.add(made)
    try:
        await work.session.flush()
    except IntegrityError:
        raise Refused("linked_meanwhile", "dossier", code=dossier.code) from None
    work.journal(actor, "interlocuteurs.linked", person.id, after=dossier.code)
    return made


def _write(person: Interlocuteur, contact: Contact) -> None:
    for name, value in asdict(contact).items():
        setattr(person, name, value)
    person.email_key = email_key(contact.email)
    person.name_key = name_key(contact.family_name, contact.given_name)
