"""Making one person nobody (RGPD, article 17): what says who they are is emptied, ids stay, and so does the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, update

from services import interlocuteur_removal, interlocuteur_search, invitations
from services.errors import Refused
from services.loop_tasks import Actor
from services.models import (
    ERASED,
    INVITATION_MOVES,
    LIVE_PROPOSITIONS,
    Collaborateur,
    Dossier,
    Draft,
    ImportLine,
    Interlocuteur,
    Invitation,
    InvitationState,
    PlaceRow,
    PostedCard,
    Proposition,
    Row,
)
from services.people import email_key
from services.personal import BLANK
from services.privacy import Person, codes_of_dossiers, find, held, naming
from services.retention import OPERATOR
from services.store import Store, Work

_ACTOR = Actor(OPERATOR, "RGPD")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure empties, how many of each kind; the offers it ends (offer, dossier's code); and what stays.

    `guests` are the Entra ids of accounts that may still be there, `lines` the lines of the journal about the person.
    """

    emptied: Mapping[str, int]
    ended: Sequence[tuple[str, str]]
    guests: Sequence[str]
    lines: int


async def erase(
    store: Store, email: str, account: str | None = None, *, force: bool = False, dry_run: bool = False
) -> Erasure:
    """Empty all that says who the person is, in one transaction; `dry_run` only tells what that would be.

    Refused: `person_unknown`; and unless `force`, `person_has_offers` (codes) while an offer of theirs is live, or
    `person_has_dossiers` (n) while dossiers name them. With `force` the offers end, and the dossiers name nobody.
    """
    async with store.work() as work:
        person = await find(work.session, email, account)
        erased = await _erase(work, person, force=force)
        if dry_run:
            work.leave()
    return erased


async def _erase(work: Work, person: Person, *, force: bool) -> Erasure:
    tables = await held(work.session, person)
    codes = await codes_of_dossiers(work.session)
    live = [one for one in person.propositions if one.state in LIVE_PROPOSITIONS]
    ended = sorted((one.offer, codes[one.dossier_id]) for one in live)
    if ended and not force:
        raise Refused("person_has_offers", None, codes=sorted({code for _, code in ended}))
    guests = {one.user_id for one in person.invitations if one.user_id and one.accepted_at}
    emptied = {
        "typed": await _drafts(work, person) + await _import_lines(work, person),
        "interlocuteurs": await _interlocuteurs(work, person),
        "invitations": await _invitations(work, person),
        "collaborateurs": await _collaborateur(work, person, force=force),
        "names": await _staff_names(work, person),
        "places": await _places(work, person),
    }
    work.journal(OPERATOR, "privacy.erased", person.subject)
    return Erasure(emptied, ended, sorted(guests), len(tables.get("journal", ())))


async def _blank(work: Work, row: Interlocuteur | Invitation | Collaborateur) -> None:
    kind = type(row)
    await work.change(update(kind).where(kind.id == row.id).values(**BLANK[kind]))


async def _drafts(work: Work, person: Person) -> int:
    """Forms that name them go whole: what was typed may say more than the e-mail."""
    columns = Draft.__table__.c
    named = (test for name in ("typed", "outcome") for test in naming(columns[name], person.key, person.ids))  # type: ignore[arg-type]
    theirs = (Draft.owner.in_(person.ids), Draft.subject.in_(person.ids))
    return await work.change(delete(Draft).where(or_(*theirs, *named)))


async def _import_lines(work: Work, person: Person) -> int:
    """In the lines of a portfolio, what names them: the line is about a dossier. A client's own line goes but for its number."""
    columns = ImportLine.__table__.c
    named = (test for name in ("said", "facts") for test in naming(columns[name], person.key))  # type: ignore[arg-type]
    words = {person.key, person.collaborateur.name.lower()} if person.collaborateur else {person.key}
    rows = (await work.session.scalars(select(ImportLine).where(or_(*named)))).all()
    for row in rows:
        if email_key(str(row.said.get("email", ""))) == person.key:
            row.said, row.facts = {}, {}
        else:
            row.said, row.facts = _without(row.said, words), _without(row.facts, words)
    return len(rows)


def _without(value: Any, words: set[str]) -> Any:
    match value:
        case dict():
            return {name: _without(item, words) for name, item in value.items()}
        case list():
            return [_without(item, words) for item in value]
        case str():
            return ERASED if value.strip().lower() in words else value
        case _:
            return value


async def _interlocuteurs(work: Work, person: Person) -> int:
    for one in person.interlocuteurs:
        if one.removed_at is None:
            seen = await interlocuteur_removal.loss(work.session, one.id)
            await interlocuteur_removal.remove(work, one.id, seen.key, _ACTOR)
        await _blank(work, one)
        await interlocuteur_search.keep_words(work, one)
        work.journal(OPERATOR, "interlocuteurs.erased", one.id)
    about = Proposition.id.in_([one.id for one in person.propositions])
    await work.change(update(Proposition).where(about).values(reason=None))
    return len(person.interlocuteurs)


async def _invitations(work: Work, person: Person) -> int:
    for one in person.invitations:
        if InvitationState.REVOKED in INVITATION_MOVES[one.state]:
            await invitations.revoke(work, one.id, OPERATOR)
        await work.session.flush()
        await _blank(work, one)
        work.journal(OPERATOR, "invitations.erased", one.id)
    return len(person.invitations)


async def _collaborateur(work: Work, person: Person, *, force: bool) -> int:
    one = person.collaborateur
    if one is None:
        return 0
    theirs = Dossier.collaborateur_id == one.id
    count = await work.session.scalar(select(func.count()).select_from(Dossier).where(theirs))
    if count and not force:
        raise Refused("person_has_dossiers", None, n=count)
    await work.change(update(Dossier).where(theirs).values(collaborateur_id=None))
    await _blank(work, one)
    work.journal(OPERATOR, "collaborateurs.erased", one.id)
    return 1


async def _staff_names(work: Work, person: Person) -> int:
    """The names written beside an id of theirs: who proposed, decided, asked…"""
    count = 0
    for table in Row.metadata.sorted_tables:
        for column in table.c:
            name = table.c.get(f"{column.name}_name")
            if name is not None:
                theirs = column.in_(person.accounts) & (name != ERASED)
                count += await work.change(update(table).where(theirs).values({name: ERASED}))
    return count


async def _places(work: Work, person: Person) -> int:
    """Their own conversations with the bot."""
    keys = [f"user:{one}" for one in person.accounts]
    await work.change(delete(PostedCard).where(PostedCard.place_key.in_(keys)))
    return await work.change(delete(PlaceRow).where(PlaceRow.key.in_(keys)))
