"""What compiled templates are made of: the names they may use, what a macro draws, and values as JSON has them."""

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NoReturn

from jinja2 import UndefinedError

Names = dict[str, Any]


class Context(dict[str, Any]):
    """The names a template finds. UndefinedError for any other."""

    def __missing__(self, name: str) -> NoReturn:
        raise UndefinedError(f"{name!r} is undefined")


class Drawn(list[Any]):
    """What a macro, a block or a `set` drew: elements of a list, or the one value of a property. It is no text."""

    def __str__(self) -> NoReturn:
        raise TypeError("what is drawn is no text")


def _put(into: list[Any], value: Any) -> None:
    if isinstance(value, Drawn):
        into.extend(value)
    elif value is not None:
        into.append(_plain(value))


def _object(pairs: Names) -> Names:
    """An absent property is `null` in a template."""
    return {name: value for name, value in pairs.items() if value is not None}


def _one(value: Any) -> Any:
    return value if value is None or type(value) in _AS_IT_IS else _plain(value)


_AS_IT_IS = frozenset({str, int, bool})


def _plain(value: Any) -> Any:
    """A value as JSON has it, without what is absent. TypeError for what JSON does not know."""
    match value:
        case Drawn():
            (value,) = value
            return value
        case str():
            return str.__str__(value)  # a state is its word
        case bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_plain(item) for item in value if item is not None]
        case Mapping():
            return {_plain(name): _plain(item) for name, item in value.items() if item is not None}
        case _:
            raise TypeError(f"JSON knows no {type(value).__name__}")


def _get(of: Any, name: Any) -> Any:
    """`of.name` or `of[name]`. Of data, only what it holds under that name."""
    try:
        return getattr(of, name) if isinstance(of, SimpleNamespace) else of[name]
    except (AttributeError, KeyError, IndexError):
        raise UndefinedError(f"{name!r} is undefined") from None


HELPERS: Names = {
    "Drawn_": Drawn,
    "put_": _put,
    "object_": _object,
    "one_": _one,
    "get_": _get,
    "count_": enumerate,
    "size_": len,
}
