"""The few pictures of docs/pictures: the README's, and the ones an accidental change of look would show in."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cards.render import card
from tests.cards.easel import Easel
from tests.cards.look import PHONE, Theme
from tests.cards.samples import CARDS

KEPT = Path(__file__).parents[2] / "docs" / "pictures"
# The letters are brought along, so lines break alike everywhere; only their edges are each machine's own. Means of squares
# of 12 pixels even those out: without subpixels at most 0.9 % of the squares differ by more than 16 of 255, while a button of
# another colour, bolder text or a margin of 4 pixels is 2.4 % and more, and a line more or less another height.
TOLERANCE, SHARE = 16, 0.012


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


def kept(name: str) -> Path:
    """Where it is committed."""
    return KEPT / f"{name}.webp"


def unlike(canvas: Easel, before: bytes, after: bytes) -> str | None:
    """How two pictures differ by more than the edges of their letters; None: they look the same."""
    pictures = [f"data:image/webp;base64,{b64encode(one).decode()}" for one in (before, after)]
    told = canvas.page.evaluate("([one, two, most]) => stage.unlike(one, two, most)", [*pictures, TOLERANCE])
    return str(told["why"]) if told["share"] > SHARE else None


def renew(canvas: Easel) -> list[str]:
    """Draw anew those that look otherwise, and only them; gives their names."""
    drawn = {name: picture(canvas, name) for name in PICTURES}
    changed = [
        name
        for name, now in drawn.items()
        if not kept(name).exists() or unlike(canvas, kept(name).read_bytes(), now) is not None
    ]
    for name in changed:
        kept(name).write_bytes(drawn[name])
    return changed
