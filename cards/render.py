"""Jinja that can only emit JSON, so that data can neither break nor extend a card; and the mails.

In `*.json.j2` each `{{ value }}` is finalised into a JSON value, unless it is what one of our own macros drew. An
element ends with its comma, a list with `null`, an absent property is `null`: nulls are taken out after parsing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

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
    context = _context(name, locale, data)
    context["p"] = _JSON.get_template("_parts.json.j2").make_module(context)
    context["our"] = _JSON.get_template("_ours.json.j2").make_module(context)
    drawn = _JSON.get_template(f"{name}.json.j2").render(context)
    body: dict[str, Any] = _without_null(json.loads(drawn))
    return body


def mail(name: str, locale: str, data: Mapping[str, Any]) -> RenderedMail:
    """The mail `cards/<name>.{txt,html}.j2`; the first line of the text template is the subject. Raises like `card`."""
    context = _context(name, locale, data)
    subject, _, body = _TEXT.get_template(f"{name}.txt.j2").render(context).partition("\n")
    html = _HTML.get_template(f"{name}.html.j2").render(context, subject=subject)
    return RenderedMail(subject.strip(), html, body.strip() + "\n")


def markdown(value: str, *, starts: bool = True) -> str:
    """`value` for a TextBlock, so that Teams draws it as typed: no link, heading, list, mention or date.

    `starts` is false for what follows other text on its line. Only what Markdown would really take for syntax is
    escaped, because Teams on Android and iOS shows the backslash (microsoft/AdaptiveCards#5590); they also make a link
    of `\\[a](b)`, hence the second backslash, before `(`. Control characters and reversed reading directions are left out.
    """
    printable = _UNSEEN.sub("", value.replace("\t", " "))
    lines = [_SYNTAX.sub(r"\\\g<0>", line.strip()) for line in printable.splitlines()]
    escaped = (_AT_START.sub(r"\1\\", line) if starts or n else line for n, line in enumerate(lines))
    return "\n\n".join(line for line in escaped if line)


def initials(name: str) -> str:
    """The one or two letters of a company's tile: `Boulangerie Martin` -> `BM`."""
    return "".join(word[0] for word in re.findall(r"\w+", name)[:2]).upper()


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
_AT_START = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=>|#{1,6}(?:\s|$)|[+-](?:[\s-]|$)))")


def _context(name: str, locale: str, data: Mapping[str, Any]) -> dict[str, Any]:
    flow = name.split("/", 1)[0]

    def w(key: str, **facts: object) -> str:
        return say(key, locale, facts, flow)

    return {
        **data,
        "w": w,
        "locale": locale,
        "day": partial(day, locale=locale),
        "moment": partial(moment, locale=locale),
        "number": partial(number, locale=locale),
    }


def _as_json(value: object) -> Markup:
    if isinstance(value, Markup):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises UndefinedError, with the name of what is missing
    return Markup(_encode(value))  # noqa: S704 - Markup here means "already JSON"


def _without_null(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_null(item) for key, item in value.items() if item is not None}
        case list():
            return [_without_null(item) for item in value if item is not None]
        case _:
            return value


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # made once: json.dumps makes one a call


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


_JSON = _environment(autoescape=True, finalize=_as_json)
for _opening in ("safe", "escape", "e", "forceescape", "tojson", "urlize", "xmlattr"):
    del _JSON.filters[_opening]  # each would let data through as if it were drawn
_JSON.filters["md"] = markdown
_HTML = _environment(autoescape=True)
_TEXT = _environment(autoescape=False)
_JSON.filters["initials"] = _HTML.filters["initials"] = initials
