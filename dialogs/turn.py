"""What crosses between bot/ and dialogs/: a Turn comes in, a Reply goes out. Plain values, no SDK object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.ports import Message, Place, Upload

Card = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who does it, as the verified activity says: Entra object id, Teams MRI (29:…), shown name, client locale (fr-FR)."""

    aad_id: str
    mri: str
    name: str
    locale: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """A message of text; in a channel the bot's own mention is already taken out."""

    text: str


@dataclass(frozen=True, slots=True)
class Opened:
    """task/fetch: a button that opens a dialog. `data` is the button's data, inputs of the card included."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Submitted:
    """task/submit from inside a dialog."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Acted:
    """adaptiveCard/action with trigger manual, or the Action.Submit fallback of the same button (`message` with `value`).

    `card_id` is the activity id of the message the card lives in, None where Teams did not say.
    """

    verb: str
    data: Mapping[str, Any]
    card_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """adaptiveCard/action with trigger automatic: a client asks for its own view. Never writes."""

    verb: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sought:
    """application/search: what was typed in a Data.Query typeahead (at most 15 rows are shown)."""

    dataset: str
    text: str
    top: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """The bot or people arrived in a conversation (installationUpdate add, conversationUpdate membersAdded)."""

    bot: bool
    mris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Departed:
    """The bot was removed from a conversation."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file sent to the bot in a 1:1 chat. `url` gives its content for a while, to whoever has it; `count` files in all."""

    name: str
    url: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Consented:
    """fileConsent/invoke: someone answered whether a file may be put in their OneDrive. `upload` is where, None: it may not."""

    data: Mapping[str, Any]
    upload: Upload | None


What = Wrote | Opened | Submitted | Acted | Refreshed | Sought | Arrived | Departed | SentFile | Consented


@dataclass(frozen=True, slots=True)
class Turn:
    """One verified event from Teams: who, in which conversation, what. `id` is the activity's, for logs."""

    id: str
    who: Sender
    where: Place
    what: What


@dataclass(frozen=True, slots=True)
class Show:
    """A Teams dialog shows this card (task continue)."""

    title: str
    card: Card
    size: Literal["small", "medium", "large"] = "medium"


@dataclass(frozen=True, slots=True)
class Done:
    """A Teams dialog closes with this sentence (task message)."""

    text: str


@dataclass(frozen=True, slots=True)
class Redraw:
    """The answer to a click or refresh on a posted card: this card, for this person (application/vnd.microsoft.card.adaptive)."""

    card: Card


@dataclass(frozen=True, slots=True)
class Suggest:
    """Rows of a typeahead: (value, title)."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Post:
    """A message in the conversation the turn came from."""

    message: Message


@dataclass(frozen=True, slots=True)
class Nothing:
    """Handled; there is nothing to say."""


Reply = Show | Done | Redraw | Suggest | Post | Nothing
