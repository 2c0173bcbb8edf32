"""Who is meant, in every flow: is it somebody known already (scenario 13), and was their e-mail invited (R12)?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from dialogs.dialog import Answers, Asks, Ctx, Fix
from services import interlocuteurs, invitations, loop
from services.errors import Refused
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.loop import GuidedStep
from services.models import Dossier, Interlocuteur
from services.people import email_key
from services.store import Work

# --- the same person?

# What the repairs leave in the draft: whom the answer was about, and who it is (nobody: somebody new).
COMPARED, KNOWN = "compared", "known"


async def ask_same_person(ctx: Ctx, contact: Contact, answers: Answers, itself: str | None = None) -> None:
    """Someone with the same mail, or the same name and mobile, is known: « même personne ? » — reuse or create.

    `itself` is the person being changed, where it is one: there is nobody to reuse then, only to be sure.
    """
    if answers.get(COMPARED) == _compared(answers):
        return
    async with ctx.services.store.read() as session:
        known = [one for one in await interlocuteurs.known_as(session, contact) if one.id != itself]
    if known:
        same = (Fix("same_person", said_same(answers, known[0].id)),) if itself is None else ()
        fixes = (*same, Fix("other_person", said_same(answers, "")))
        raise Asks("same_person", None, fixes, name=interlocuteurs.full_name(known[0]), email=known[0].email)


def said_same(answers: Answers, person_id: str) -> dict[str, str]:
    """What the draft remembers: the person in the form is that known person, or (an empty id) somebody else."""
    return {COMPARED: _compared(answers), KNOWN: person_id}


def same_person(answers: Answers) -> str | None:
    """The id of the known person that the one in the form was said to be; None: a new person."""
    return answers.get(KNOWN) or None if answers.get(COMPARED) == _compared(answers) else None


def _compared(answers: Answers) -> str:
    return "|".join(str(answers.get(name)) for name in ("email", "family_name", "given_name", "mobile"))


# --- the same e-mail (R12)

# What the repairs leave in the draft. Each names whom it is about, so that it is void once another one is chosen.
TAKEN = "email_taken"  # <person>:<e-mail>
INVITES = "invites"  # <dossier>:<e-mail>, separated by spaces

Take = Callable[[str], Mapping[str, str]]


async def check_email(
    ctx: Ctx, answers: Answers, email: str, dossiers: Sequence[Dossier], take: Take, *, known: bool
) -> None:
    """Asks unless the e-mail was invited for each dossier: take the invited one (what `take` sets), or invite this one.

    `known` when it is the e-mail of a person already on the list, not one just typed.
    """
    chosen = to_invite(answers, email, dossiers)
    for dossier in dossiers:
        if dossier in chosen:
            continue
        async with ctx.services.store.read() as session:
            try:
                await interlocuteurs.require_invited(session, dossier.id, email)
            except Refused as refusal:
                raise _asked(refusal, answers, _mark(dossier, email), take, known=known) from None


async def check_known_email(ctx: Ctx, answers: Answers, person: Interlocuteur, dossiers: Sequence[Dossier]) -> None:
    """`check_email` for a person on the list; a new e-mail must also be invited for the dossiers they are linked to already."""
    email = email_of(person, answers)
    if email != person.email:
        async with ctx.services.store.read() as session:
            linked = [dossier for _, dossier in await interlocuteurs.links_of(session, person.id)]
        dossiers = [*dossiers, *linked]
    await check_email(ctx, answers, email, dossiers, partial(taken, person), known=True)


def taken(person: Interlocuteur, email: str) -> Mapping[str, str]:
    """What the draft remembers: this person takes the e-mail that was invited."""
    return {TAKEN: f"{person.id}:{email}"}


def email_of(person: Interlocuteur, answers: Answers) -> str:
    """The person's e-mail, once the repair chosen is done."""
    owner, _, email = str(answers.get(TAKEN) or "").partition(":")
    return email if owner == person.id else person.email


def as_mended(person: Interlocuteur, answers: Answers) -> Contact:
    """The person's fields, once the repair chosen is done."""
    return replace(interlocuteurs.contact_of(person), email=email_of(person, answers))


def guide_mend(person: Interlocuteur, answers: Answers) -> tuple[GuidedStep, ...]:
    """What the repair chosen asks for in Loop, before the rest: the person's new e-mail."""
    email = email_of(person, answers)
    if email == person.email:
        return ()
    return loop.modify_interlocuteur(person.family_name, person.given_name, (("email", email),))


def to_invite(answers: Answers, email: str, dossiers: Sequence[Dossier]) -> list[Dossier]:
    """The dossiers for which « invite this one too » was chosen for this e-mail."""
    return [dossier for dossier in dossiers if _mark(dossier, email) in _invites(answers)]


async def mend(work: Work, answers: Answers, person: Interlocuteur, dossiers: Sequence[Dossier], actor: str) -> None:
    """Do the repairs chosen, before the person is linked to, or proposed something on, these dossiers."""
    email = email_of(person, answers)
    guest = NewGuest(person.family_name, person.given_name, email, person.mobile, person.language)
    linked = [dossier for _, dossier in await interlocuteurs.links_of(work.session, person.id)]
    for dossier in to_invite(answers, email, [*dossiers, *linked]):
        await invitations.invite_guest(work, guest, dossier, actor)
    await interlocuteurs.take_email(work, person, email, actor)


def _asked(refusal: Refused, answers: Answers, mark: str, take: Take, *, known: bool) -> Asks:
    also = {INVITES: " ".join([*_invites(answers), mark])}
    fixes: tuple[Fix, ...] = (Fix("invite_known", also) if known else Fix("invite_typed", also),)
    if refusal.key == "email_differs":
        fixes = (Fix("use_invited", take(str(refusal.facts["invited"]))), *fixes)
    return Asks(refusal.key, "email", fixes, **refusal.facts)


def _mark(dossier: Dossier, email: str) -> str:
    return f"{dossier.id}:{email_key(email)}"


def _invites(answers: Answers) -> list[str]:
    return str(answers.get(INVITES) or "").split()
