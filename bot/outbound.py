"""What the program answers, as Teams wants to read it: Reply -> the body of an invoke, or a message to send.

Shapes of the bodies: "Use dialogs with bots", "Universal Actions for Adaptive Cards", "Dynamic typeahead search"
(learn.microsoft.com/microsoftteams/platform). An invoke is always answered with HTTP 200.
"""

from collections.abc import Mapping
from typing import Any

from botbuilder.schema import Activity, Attachment

from dialogs.turn import (
    Acted,
    Card,
    Consented,
    Done,
    Nothing,
    Opened,
    Post,
    Redraw,
    Refreshed,
    Reply,
    Show,
    Sought,
    Submitted,
    Suggest,
    What,
)
from services.ports import FileOffer, Message, Upload

CARD = "application/vnd.microsoft.card.adaptive"
NOTE = "application/vnd.microsoft.activity.message"
SEARCH = "application/vnd.microsoft.search.searchResponse"
# "Send and receive files through the bot", learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4
FILE_CONSENT = "application/vnd.microsoft.teams.card.file.consent"
FILE_INFO = "application/vnd.microsoft.teams.card.file.info"


class Misfit(TypeError):
    """A reply of a kind that Teams cannot show in answer to that kind of turn: a mistake of ours."""

    def __init__(self, what: What, reply: Reply) -> None:
        super().__init__(f"{type(reply).__name__} in answer to {type(what).__name__}")


def invoke_body(what: What, reply: Reply) -> Mapping[str, Any]:
    """The JSON body that answers an invoke. Raises Misfit."""
    match what, reply:
        case ((Opened() | Submitted()), Show()):
            return {"task": {"type": "continue", "value": _dialog(reply)}}
        case ((Opened() | Submitted()), Done(text)):
            return {"task": {"type": "message", "value": text}}
        case ((Opened() | Submitted()), (Nothing() | Post())):
            return {}
        case ((Acted() | Refreshed()), Redraw(card)):
            return _typed(CARD, card)
        case ((Acted() | Refreshed()), Done(text)):
            return _typed(NOTE, text)
        case ((Acted() | Refreshed()), (Nothing() | Post())):
            return _typed(NOTE, "")
        case Consented(), (Done() | Nothing() | Post()):
            return {}
        case Sought(), Suggest(rows):
            return _found(rows)
        case Sought(), (Done() | Nothing() | Post()):
            return _found(())
        case _:
            raise Misfit(what, reply)


def message_of(what: What, reply: Reply) -> Activity | None:
    """The message that answers anything but an invoke, None where there is none. Raises Misfit."""
    match what, reply:
        case _, Post(message):
            return drawn(message)
        case _, Nothing():
            return None
        case _, Done(text):
            return Activity(type="message", text=text, text_format="plain")
        case Acted(), Redraw(card):
            return Activity(type="message", attachments=[_attachment(card)])
        case _:
            raise Misfit(what, reply)


def drawn(message: Message | FileOffer | Upload) -> Activity:
    """A message as an activity, its mentions inside the card: Teams ignores an activity's own for a card's text."""
    if isinstance(message, FileOffer):
        return Activity(type="message", attachments=[_consent(message)])
    if isinstance(message, Upload):
        return Activity(type="message", attachments=[_given(message)])
    return Activity(type="message", summary=message.summary, attachments=[_attachment(_with_mentions(message))])


def _attachment(card: Card) -> Attachment:
    return Attachment(content_type=CARD, content=card)


def _consent(offer: FileOffer) -> Attachment:
    content = {
        "description": offer.description,
        "sizeInBytes": offer.size,
        "acceptContext": offer.context,
        "declineContext": offer.context,
    }
    return Attachment(content_type=FILE_CONSENT, name=offer.name, content=content)


def _given(upload: Upload) -> Attachment:
    content = {"uniqueId": upload.unique_id, "fileType": upload.file_type}
    return Attachment(content_type=FILE_INFO, name=upload.name, content_url=upload.content_url, content=content)


def _with_mentions(message: Message) -> Card:
    if not message.mentions:
        return message.card
    entities = [
        {"type": "mention", "text": f"<at>{mention.name}</at>", "mentioned": {"id": mention.id, "name": mention.name}}
        for mention in message.mentions
    ]
    return {**message.card, "msteams": {**message.card.get("msteams", {}), "entities": entities}}


def _dialog(reply: Show) -> Mapping[str, Any]:
    return {
        "title": reply.title,
        "height": reply.size,
        "width": reply.size,
        "card": {"contentType": CARD, "content": reply.card},
    }


def _typed(kind: str, value: object) -> Mapping[str, Any]:
    return {"statusCode": 200, "type": kind, "value": value}


def _found(rows: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    return _typed(SEARCH, {"results": [{"value": value, "title": title} for value, title in rows]})
