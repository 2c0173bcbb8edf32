"""Posted cards: one message about a subject in a place, redrawn as the subject changes; and mails, once each."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from cards.render import RenderedMail
from dialogs.dialog import Ctx
from dialogs.turn import Card, Reply, SentFile
from services import deliveries, places
from services.errors import Refused
from services.ports import Mail, Mention, Message
from services.record import Services

Act = Callable[[Ctx, str, Mapping[str, str]], Awaitable[Reply]]
OnFile = Callable[[Ctx, SentFile], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Posted:
    """A kind of posted card. `draw` gives the card about a subject as this person may see it; `acts` are its buttons.

    The verb `name` itself asks for the person's own view (a refresh, or turning a page): it only draws. `commands` are
    the words that call for the card by @mention; `on_file` takes a file sent in a 1:1 chat.
    """

    name: str
    draw: Callable[[Ctx, str], Awaitable[Card]]
    acts: Mapping[str, Act] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    on_file: OnFile | None = None


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


async def send_mail(services: Services, subject: str, leg: str, to: str, mail: RenderedMail) -> None:
    """Send one leg's mail and record what became of it; a leg already delivered is not sent again."""
    async with services.store.read() as session:
        if await deliveries.delivered(session, subject, leg):
            return
    try:
        await services.mailbox.send(Mail(to, mail.subject, mail.html, mail.text))
    except Refused as refusal:
        await deliveries.record(services.store, subject, leg, refusal.key)
        raise
    await deliveries.record(services.store, subject, leg)
