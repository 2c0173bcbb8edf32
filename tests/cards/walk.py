"""Walking a drawn card: its objects, its shape, and its sample with every text replaced."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

# Values of a sample that are keys of ours, not text: they choose words, icons and buttons.
OURS = frozenset(
    {
        "state",
        "color",
        "ball",
        "key",
        "kind",
        "dialog",
        "qualite",
        "language",
        "gives",
        "lacks",
        "offer_gives",
        "do",
        "what",
        "show",
        "states",
        "role",
        "verb",
        "lost",
        "gained",
        "action",
        "guest",
        "invitation",
        "next",
        "field",
        "reader",
    }
)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a card, outermost first."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def shape(value: Any) -> Any:
    """The card without its texts: what data must never change."""
    match value:
        case dict():
            return {key: item if key in ("type", "verb") else shape(item) for key, item in value.items()}
        case list():
            return [shape(item) for item in value]
        case _:
            return type(value).__name__


def retold(value: Any, tell: Callable[[str], str]) -> Any:
    """The sample with each of its texts told otherwise; keys of ours, and the labels of facts, stay."""
    return told(value, lambda _name, text: tell(text))


def told(value: Any, tell: Callable[[str, str], str], name: str = "") -> Any:
    """As `retold`, where the telling depends on the name of what is told."""
    match value:
        case "":
            return value  # left blank: the card leaves it out
        case str() if name in OURS or (name == "reason" and value.isidentifier()):
            return value  # an invitation's reason is the key of a refusal, a collaborateur's reason is a text
        case str():
            return tell(name, value)
        case {"go": _}:
            return value  # a repair's button: its title is one of our sentences
        case Mapping():
            return {key: told(item, tell, key) for key, item in value.items()}
        case list():
            return [told(item, tell, name) for item in value]
        case tuple() if name in OURS:
            return value
        case (label, text):
            return (label, told(text, tell, label))
        case _:
            return value
