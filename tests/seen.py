"""What stands before somebody's eyes in a transcript: a posted card held on to, an open dialog, a mail."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import unescape
from re import sub
from typing import Any

from practice.card import Button, CannotDo, Input, Surface, plain
from practice.client import Dialog
from practice.conversations import Message
from practice.state import SentMail

Press = Callable[[Message, Surface, Button], Awaitable[str | None]]
"""Press a button of a posted card; gives the address an OpenUrl button opens."""


class CardHandle:
    """One posted card held on to: `click` presses it as it stood when it was taken, however old it has become."""

    def __init__(self, press: Press, message: Message, card: Mapping[str, Any]) -> None:
        self.message = message
        self.surface = Surface(card)
        self._press = press

    @property
    def texts(self) -> tuple[str, ...]:
        return self.surface.texts

    @property
    def buttons(self) -> tuple[str, ...]:
        return tuple(button.title for button in self.surface.buttons)

    def fills(self, values: Mapping[str, str | bool | Sequence[str]]) -> None:
        for label, value in values.items():
            self.surface.fill(label, value)

    async def click(self, title: str) -> str | None:
        """Press; gives the address of an OpenUrl button."""
        button = self.surface.button(title)
        if button is None:
            raise CannotDo(f"no button « {title} »; this card has {list(self.buttons)}")
        return await self._press(self.message, self.surface, button)


class OpenDialog:
    """A dialog before somebody's eyes."""

    def __init__(self, dialog: Dialog, surface: Surface) -> None:
        self.title = dialog.title
        self.surface = surface

    @property
    def texts(self) -> tuple[str, ...]:
        return self.surface.texts

    @property
    def errors(self) -> dict[str, str]:
        """Client-side refusals, by label. Server-side ones are texts of the card."""
        return self.surface.errors

    @property
    def buttons(self) -> tuple[str, ...]:
        return tuple(button.title for button in self.surface.buttons)

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.surface.inputs

    @property
    def values(self) -> dict[str, str]:
        """What stands in each input, by label."""
        return self.surface.values

    def says(self, text: str) -> bool:
        return any(plain(text) in plain(line) for line in self.texts)


def mail_text(mail: SentMail) -> str:
    """A mail's subject and readable text."""
    body = sub(r"<[^>]+>", " ", mail.content) if mail.content_type.lower() == "html" else mail.content
    return f"{mail.subject} {unescape(body)}"
