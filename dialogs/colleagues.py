"""The firm's people: as Teams knows them (ids, 1:1 chat with the bot), and how one of them is chosen in a form."""

from collections.abc import Sequence

from dialogs.dialog import Answers, Choice, View
from services import delegations, places
from services.errors import Refused, Unavailable
from services.models import Collaborateur
from services.people import words
from services.ports import Mention
from services.record import Services

FEW = 12
"""So many people fit a list; in a larger firm one of them is searched."""


async def acquainted(services: Services, person: Collaborateur) -> Collaborateur:
    """The same person with Teams' ids, where the team's roster has their e-mail."""
    general = await places.find(services.store, places.GENERAL)
    if general is None or (person.aad_id and person.mri):
        return person
    for member in await services.chat.members(general):
        if member.email.casefold() == person.email.casefold():
            await services.roles.recognise(person.id, member.aad_id, member.mri, member.name)
    async with services.store.read() as session:
        return await delegations.collaborateur(session, person.email) or person


async def called(services: Services, person: Collaborateur) -> str:
    """Their name; Entra's where the portfolio has only an e-mail."""
    if person.name != person.email:
        return person.name
    member = await services.roles.staff_by_email(person.email)
    return member.name if member else person.name


async def mentioned(services: Services, aad_id: str) -> Mention | None:
    """Somebody to mention, while they are of the firm: Teams refuses to mention anybody else."""
    try:
        member = await services.roles.staff_member(aad_id)
    except (Refused, Unavailable):
        return None
    return Mention(aad_id, member.name) if member else None


async def chat_with(services: Services, person: Collaborateur) -> str | None:
    """The key of their 1:1 chat, opened if need be; None where Teams does not know them."""
    person = await acquainted(services, person)
    if person.aad_id is None:
        return None
    key = places.personal(person.aad_id)
    if await places.find(services.store, key) is None:
        general = await places.find(services.store, places.GENERAL)
        if general is None or person.mri is None:
            return None
        await places.remember(services.store, key, await services.chat.open_personal(general, person.mri))
    return key


def to_choose(field: str, name: str | None, people: Sequence[Choice], answers: Answers) -> View:
    """One of these people, for the card `delegate/who`; in a large firm, those whom `<field>_text` finds."""
    many, text, chosen = len(people) > FEW, answers.get(f"{field}_text"), answers.get(field)
    d = {"field": field, "name": name, "many": many}
    if many and text:
        people = [one for one in people if _found(one.title, text)][:FEW]
    elif many:
        people = [one for one in people if one.value == chosen]
        if not people:
            return View(d)
    return View(d, {field: tuple(people)})


def _found(name: str, text: str) -> bool:
    """Whether each word typed begins a word of the name."""
    return all(any(word.startswith(typed) for word in words(name)) for typed in words(text))
