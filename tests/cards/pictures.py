"""The few pictures of docs/pictures: the README's, and the ones an accidental change of look would show in."""

from collections.abc import Mapping
from dataclasses import dataclass

from cards.render import card
from tests.cards.easel import Easel
from tests.cards.look import PHONE, Theme
from tests.cards.samples import CARDS


@dataclass(frozen=True, slots=True)
class Picture:
    """A card and how it is shown."""

    card: str
    sample: str
    theme: Theme = "light"
    width: int = 420


PICTURES: Mapping[str, Picture] = {
    "menu": Picture("menu/menu", "admin"),
    "request": Picture("approve_activation/request", "open"),
    "welcome": Picture("welcome/card", "plain"),
    "status-dark-phone": Picture("invite_guest/status", "sent", "dark", PHONE),
    "board-dark-phone": Picture("tracking/board", "plain", "dark", PHONE),
    "form-contrast-phone": Picture("invite_guest/person", "wrong", "contrast", PHONE),
}


def picture(canvas: Easel, name: str) -> bytes:
    """One of them as it is drawn now, a WebP."""
    one = PICTURES[name]
    canvas.draw(card(one.card, "fr", CARDS[one.card][one.sample]), one.theme, one.width)
    return canvas.picture()
