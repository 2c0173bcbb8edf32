"""What people do in the benches, as requests ready to send: writing to a bot, drawing the menu, walking through a dialog."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

from bench import wire
from bench.connector import Microsoft
from practice import seed
from practice.activities import Envelope, Persona
from practice.conversations import Conversations, Message

_NUMBER = "0123456789"
"""Stands in a request for a number of its own: no two activities have the same id."""
PATH = "/api/messages"

_CHANNEL = Conversations(seed.TEAM_ID).channel
_CARD = Message(_NUMBER, seed.BOT_MRI, _NUMBER, [{}])


class Requests:
    """Turns activities into signed requests, each with an id of its own."""

    def __init__(self, microsoft: Microsoft) -> None:
        self._signed = cycle(microsoft.authorizations())
        self._last = 1_767_225_600_000

    def of(self, body: bytes) -> bytes:
        """The request that carries this activity."""
        self._last += 1
        return wire.request(PATH, body.replace(_NUMBER.encode(), b"%d" % self._last), next(self._signed))


def _bytes(activity: Mapping[str, Any]) -> bytes:
    return json.dumps(activity, ensure_ascii=False).encode()


def written(envelope: Envelope, who: Persona, text: str) -> bytes:
    """Somebody mentions the bot in the channel."""
    return _bytes(envelope.message(who, _CHANNEL, f"<at>Passerelle</at> {text}", _CARD))


def menu_asked(envelope: Envelope, who: Persona) -> bytes:
    """A client asks for its own view of the menu: a card drawn and answered."""
    action = {"type": "Action.Execute", "verb": "menu"}
    data = {"p": {"do": "menu", "id": "1", "v": 1}}
    return _bytes(envelope.execute(who, _CHANNEL, _CARD, action, data, "automatic"))


def redrawn(body: bytes) -> bool:
    """Whether this answers a card's action with what it asked for."""
    return bool(json.loads(body)["statusCode"] == 200)


def arrived(envelope: Envelope, who: Persona) -> list[bytes]:
    """Somebody installs the bot in the team."""
    return [_bytes(one) for one in envelope.arrived(who, _CHANNEL, installed=True)]


def opening(envelope: Envelope, who: Persona) -> bytes:
    """Somebody presses « Inviter »."""
    data = {"p": {"do": "invite_guest", "id": None, "v": None}, "msteams": {"type": "task/fetch"}}
    return _bytes(envelope.fetch(who, _CHANNEL, _CARD, data))


class Repeating:
    """Lane: the same gesture by one person after another. `right` says whether an answer's body is the one meant."""

    def __init__(
        self, requests: Requests, bodies: list[bytes], right: Callable[[bytes], bool] = lambda _: True
    ) -> None:
        self._requests = requests
        self._bodies = cycle(bodies)
        self._right = right

    def request(self) -> bytes:
        return self._requests.of(next(self._bodies))

    def check(self, status: int, body: bytes) -> bool:
        return status in (200, 201, 202) and self._right(body)


class Walk:
    """One person's dialog « Inviter », to and fro between its first two steps. Each click writes the draft once."""

    def __init__(self, envelope: Envelope, who: Persona, number: int) -> None:
        self._number = number
        self._draft: dict[str, Any] = {}
        self._bodies: dict[str, tuple[bytes, bytes]] = {}
        self._envelope, self._who = envelope, who

    def opened(self, body: bytes) -> None:
        """Read the first card."""
        card = json.loads(body)["task"]["value"]["card"]["content"]
        self._draft = next(
            action["data"]["p"]
            for element in card["body"]
            for action in element.get("actions", ())
            if action["data"]["p"].get("go") == "next"
        )
        typed = {
            "family_name": f"Le Gall-{self._number}",
            "given_name": "Marie-Noëlle",
            "email": f"marie-noelle.{self._number}@fleurs-legall.example",
            "mobile": f"06 12 34 {self._number // 100 % 100:02} {self._number % 100:02}",
            "language": "fr",
        }
        self._bodies = {
            "person": self._clicked("person", "next", typed),
            "dossier": self._clicked("dossier", "back", {}),
        }

    def _clicked(self, step: str, go: str, typed: Mapping[str, str]) -> tuple[bytes, bytes]:
        data = {"p": {"id": self._draft["id"], "step": step, "v": "VERSION", "go": go}, **typed}
        before, after = _bytes(self._envelope.submit_dialog(self._who, _CHANNEL, _CARD, data)).split(b'"VERSION"')
        return before, after

    def click(self) -> bytes:
        """« Continuer » on the first step, « Retour » on the second."""
        before, after = self._bodies[self._draft["step"]]
        return b"%b%d%b" % (before, self._draft["v"], after)

    def clicked(self, body: bytes) -> bool:
        """Whether the other step is shown, its draft one version on."""
        step = "dossier" if self._draft["step"] == "person" else "person"
        self._draft |= {"step": step, "v": self._draft["v"] + 1}
        return b'"step":"%b","v":%d' % (step.encode(), self._draft["v"]) in body


class Walking:
    """Lane: several people's dialogs in turn."""

    def __init__(self, requests: Requests, walks: list[Walk]) -> None:
        self._requests = requests
        self._walks: Iterator[Walk] = cycle(walks)
        self._walk: Walk

    def request(self) -> bytes:
        self._walk = next(self._walks)
        return self._requests.of(self._walk.click())

    def check(self, status: int, body: bytes) -> bool:
        return status == 200 and self._walk.clicked(body)
