"""Posted cards: one message about a subject in a place, redrawn as the subject changes; and mails, once each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from cards.render import RenderedMail
from dialogs.dialog import Ctx
from dialogs.turn import Card, Reply, SentFile
from services import deliveries, invitations, places
from services.errors import Refused
from services.outside import left
from services.ports import Mail, Mention, Message, Upload
from services.record import Firm, Services

Act = Callable[[Ctx, str, Mapping[str, str]], Awaitable[Reply]]
Search = Callable[[Ctx, str, int], Awaitable[Sequence[tuple[str, str]]]]
OnFile = Callable[[Ctx, SentFile], Awaitable[Reply]]
OnConsent = Callable[[Ctx, str, Upload | None], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Posted:
    """A kind of posted card. `draw` gives the card about a subject as this person may see it; `acts` are its buttons.

    The verb `name` itself asks for the person's own view (a refresh, or turning a page): it only draws. `commands` are
    the words that call for the card by @mention; `on_file` takes a file sent in a 1:1 chat; `searches` are its typeaheads, by
    dataset: rows (value, title) for what was typed. `on_consent` takes the answer to whether a file may be given in that chat
    about a subject: where to put it, or None. `for_guests`: whoever is not of the firm gets it in their 1:1 chat, whatever they
    write there, and no other card.
    """

    name: str
    draw: Callable[[Ctx, str], Awaitable[Card]]
    acts: Mapping[str, Act] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    on_file: OnFile | None = None
    searches: Mapping[str, Search] = field(default_factory=dict)
    on_consent: OnConsent | None = None
    for_guests: bool = False


def letterhead(firm: Firm) -> dict[str, str]:
    """What every mail shows of the firm that sends it."""
    return {"name": firm.name, "color": firm.color}


@dataclass(frozen=True, slots=True)
class Say:
    """A card for everyone in a place, about a subject."""

    place_key: str
    about: str
    card: Card
    summary: str
    mentions: tuple[Mention, ...] = ()


async def carry(services: Services, say: Say) -> None:
    """Redraw the card already posted about the subject, or post it. Nothing to say where the bot never was."""
    place = await places.find(services.store, say.place_key)
    if place is None:
        raise Refused("no_conversation")
    message = Message(say.card, say.summary, say.mentions)
    async with services.store.read() as session:
        activity_id = await places.posted(session, say.about, say.place_key)
    if activity_id is not None:
        try:
            await services.chat.update(place, activity_id, message)
        except Refused as refusal:
            if refusal.key != "message_gone":
                raise
            await places.forget_posted(services.store, say.about, say.place_key)
        else:
            return
    activity_id = await services.chat.post(place, message)
    await places.record_posted(services.store, say.about, say.place_key, activity_id)


async def link_to(services: Services, about: str) -> str | None:
    """The address that opens the card about a subject in « Général »; None where there is none. It carries the tenant."""
    general = await places.find(services.store, places.GENERAL)
    async with services.store.read() as session:
        posted = await places.posted(session, about, places.GENERAL)
    if general is None or posted is None:
        return None
    where = f"{quote(general.conversation_id, safe='')}/{quote(posted, safe='')}"
    which = {"tenantId": general.tenant_id, "groupId": general.group_id, "parentMessageId": posted}
    return f"https://teams.microsoft.com/l/message/{where}?{urlencode({k: v for k, v in which.items() if v})}"


async def send_mail(services: Services, subject: str, leg: str, to: str, mail: RenderedMail) -> None:
    """Send one leg's mail and record what became of it; a leg already delivered is not sent again."""
    if await deliveries.delivered(services.store, subject, leg):
        return
    try:
        await services.mailbox.send(Mail(to, mail.subject, mail.html, mail.text))
        left()
    except Refused as refusal:
        await deliveries.record(services.store, subject, leg, refusal.key)
        raise
    if await deliveries.record(services.store, subject, leg):
        await invitations.left_after_all(services, subject)
