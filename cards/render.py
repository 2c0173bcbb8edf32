"""Cards, from templates that cannot be broken or extended by data; and mails.

In `*.json.j2` each `{{ value }}` is a JSON value, or what one of our own macros drew. An element ends with its comma, a
list with `null`, an absent property is `null`: it is left out. `_compile` makes a function of each template, once.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cards import words
from cards._compile import Run, compiled
from cards._drawn import Context, Names
from cards.words import ROOM, day, locale_of, moment, number, say, text

__all__ = ["RenderedMail", "card", "locale_of", "mail", "text"]


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """One mail ready to send: subject on one line, HTML body, plain text body."""

    subject: str
    html: str
    text: str


def card(name: str, locale: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The Adaptive Card `cards/<name>.json.j2` (`invite_guest/person`) in `locale` (`fr`, `en`), as a plain dict.

    `data` is what the template's head comment lists. Raises jinja2.UndefinedError for a value the template needs and
    `data` lacks, KeyError for a sentence that does not exist, TypeError for a value JSON does not know.
    """
    room = _rooms.of(_flow(name), locale)
    if "form" in data:
        room["form"] = data["form"]
    else:
        room.pop("form", None)
    (drawn,), _ = _template(name)(Context({**data, **room}))
    card: dict[str, Any] = drawn
    return card


def mail(name: str, locale: str, data: Mapping[str, Any]) -> RenderedMail:
    """The mail `cards/<name>.{txt,html}.j2`; the first line of the text template is the subject. Raises like `card`."""
    context = {**data, **_words(_flow(name), locale)}
    subject, _, body = _TEXT.get_template(f"{name}.txt.j2").render(context).partition("\n")
    html = _HTML.get_template(f"{name}.html.j2").render(context, subject=subject)
    return RenderedMail(subject.strip(), html, body.strip() + "\n")


def warm() -> None:
    """Compile every template and read every sentence: a quarter of a second, for a thread to spend before a person would."""
    words.warm()
    for file in ROOM.rglob("*.json.j2"):
        _template(_name(file.relative_to(ROOM).as_posix()))
    for environment, mails in ((_TEXT, "*.txt.j2"), (_HTML, "*.html.j2")):
        for file in ROOM.rglob(mails):
            environment.get_template(file.relative_to(ROOM).as_posix())


def markdown(value: str, *, starts: bool = True) -> str:
    """`value` for a TextBlock, so that Teams draws it as typed: no link, heading, list, mention or date.

    `starts` is false for what follows other text on its line. Only what Markdown would really take for syntax is
    escaped, because Teams on Android and iOS shows the backslash (microsoft/AdaptiveCards#5590); they also make a link
    of `\\[a](b)`, hence the second backslash, before `(`. Control characters and reversed reading directions are left out.
    """
    if not (_TOUCHED.search(value) or (starts and _TOUCHED_FIRST.match(value))):  # most texts, and five times faster
        return value.strip()
    printable = _UNSEEN.sub("", value.replace("\t", " "))
    lines = [_SYNTAX.sub(r"\\\g<0>", line.strip()) for line in printable.splitlines()]
    escaped = (_AT_START.sub(r"\1\\", line) if starts or n else line for n, line in enumerate(lines))
    return "\n\n".join(line for line in escaped if line)


def initials(name: str) -> str:
    """The one or two letters of a company's tile: `Boulangerie Martin` -> `BM`."""
    return "".join(word[0] for word in re.findall(r"\w+", name)[:2]).upper()


SHORT = 24
"""What a button's title has room for beside its verb, on a phone; a code may have 40."""

# Control characters, and those that reverse the reading direction of what follows.
_UNSEEN = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_SYNTAX = re.compile(
    r"""
    \\ (?=[!-/:-@\[-`{-~])             # a backslash that would escape something
    | [*`\[]                            # emphasis, code, link
    | (?<=\]) \(                        # the other half of a link
    | (?<![^\W_]) _ | _ (?![^\W_])      # an underscore inside a word is no emphasis
    | ~ (?=~) | (?<=~) ~                # struck through
    | < (?=\S)                          # tag, mention
    | & (?=\#?\w+;)                     # entity
    | (?<=\{) \{                        # {{DATE(…)}}
    """,
    re.VERBOSE,
)
# Whatever the expressions around act on, and what ends a line. (Many a firm is named « … & Associés ».)
_TOUCHED = re.compile("&#?\\w+;|[\\\\*`\\[\\]_~<{\x00-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TOUCHED_FIRST = re.compile(r"\s*(?:\d{1,9}[.)]|[>#+-])")
_AT_START = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=>|#{1,6}(?:\s|$)|[+-](?:[\s-]|$)))")


def _flow(name: str) -> str:
    return name.partition("/")[0]


@cache
def _words(flow: str, locale: str) -> Names:
    """What every template of a flow finds in a language, whatever the data: what it says, and how."""

    def w(key: str, **facts: object) -> str:
        return say(key, locale, facts, flow)

    return {
        "w": w,
        "locale": locale,
        "day": partial(day, locale=locale),
        "moment": partial(moment, locale=locale),
        "number": partial(number, locale=locale),
    }


class _Rooms(threading.local):
    """What a card's template finds: the words, and the parts it is drawn with, of whose functions making takes longest.

    Of the data the parts know the `form` alone. It is put here for each card: so a room is one thread's.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Names] = {}

    def of(self, flow: str, locale: str) -> Names:
        """The room of a flow in a language."""
        room = self._made.get((flow, locale))
        if room is None:
            room = self._made[flow, locale] = Context(_words(flow, locale))
            room["p"] = SimpleNamespace(**_template("_parts")(room)[1])
            room["our"] = SimpleNamespace(**_template("_ours")(room)[1])
        return room


_rooms = _Rooms()


@cache
def _template(name: str) -> Run:
    with _COMPILING:
        return compiled(_JSON, f"{name}.json.j2", _FILTERS, lambda file: _template(_name(file)))


_COMPILING = threading.Lock()  # CPython 3.11 cannot make two syntax trees at once: python/cpython#106905


def _name(file: str) -> str:
    return file.removesuffix(".json.j2")


def _environment(**options: Any) -> Environment:
    return Environment(  # noqa: S701 - each use says what it escapes
        loader=FileSystemLoader(ROOM),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        **options,
    )


_JSON = _environment()
# What a card's template may put after `|`: the others of Jinja are for text, and a card is no text.
_FILTERS: Names = {
    "initials": initials,
    "join": lambda values, by="": by.join(map(str, values)),
    "length": len,
    "list": list,
    "md": markdown,
    "rejectattr": lambda rows, name: [row for row in rows if not row[name]],
    "short": lambda what: what if len(what) <= SHORT else f"{what[: SHORT - 1]}…",
    "string": str,
}
_HTML = _environment(autoescape=True)
_TEXT = _environment(autoescape=False)
_HTML.filters["initials"] = initials
