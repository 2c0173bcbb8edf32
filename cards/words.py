"""Sentences of the program, by key and locale, from `<flow>/{fr,en}.toml` and `common/{fr,en}.toml`.

Words are plain text: no Markdown, no HTML; whoever draws escapes for its medium. Facts are said the way the locale
says them (dates, numbers, durations), in Paris time: the firms are French.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal

ROOM = Path(__file__).parent
LOCALES = ("fr", "en")
_PARIS = ZoneInfo("Europe/Paris")
_BABEL = {"fr": Locale("fr", "FR"), "en": Locale("en", "GB")}


def locale_of(tag: str, default: str) -> str:
    """The locale we speak for a client's language tag (`fr-FR`, `en_US`); `default` where we do not speak it."""
    language = tag.replace("_", "-").split("-", 1)[0].lower()
    return language if language in LOCALES else default


def day(value: date, locale: str) -> str:
    """`12 janvier 2026`. A datetime must carry its timezone; it is shown as of Paris. ValueError when it does not."""
    return _day(_in_paris(value).date() if isinstance(value, datetime) else value, locale)


@lru_cache(1000)
def _day(value: date, locale: str) -> str:
    first = value.day == 1 and locale == "fr"
    said = format_date(value, "d MMMM y", locale=_BABEL[locale])
    return f"1er{said[1:]}" if first else said


def moment(value: datetime, locale: str) -> str:
    """`12 janvier 2026 à 14 h 05`, in Paris time. ValueError for a datetime without timezone."""
    at = _in_paris(value)
    if locale == "fr":
        return f"{day(at, locale)} à {at.hour}\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}{at.minute:02}"
    return f"{day(at, locale)} at {format_time(at.timetz(), 'HH:mm', locale=_BABEL[locale])}"


@lru_cache(1000, typed=True)
def number(value: float, locale: str) -> str:
    """`1 250` (narrow no-break space) in French, `1,250` in English."""
    return format_decimal(value, locale=_BABEL[locale])


def say(key: str, locale: str, facts: Mapping[str, object], flow: str = "common") -> str:
    """The sentence `key` of `flow`, or of common where the flow has none, with its facts.

    A key with `one`/`other` beneath it is counted on the fact `n`. KeyError for an unknown key or a missing fact.
    """
    sentences = _sentences(flow, locale)
    sentence = sentences.get(key)
    if sentence is None and "n" in facts:
        sentence = sentences.get(f"{key}.{_plural(facts['n'], locale)}")
    if sentence is None:
        raise KeyError(f"no words for {key!r} in {flow}/{locale}.toml nor in common/{locale}.toml")
    if not facts and "{" not in sentence:
        return sentence
    return sentence.format_map({name: _said(value, locale) for name, value in facts.items()})


def text(key: str, locale: str, **facts: object) -> str:
    """A sentence by its full key: `errors.required` (common words) or `invite_guest.done` (words of that flow)."""
    head, _, rest = key.partition(".")
    if rest and _is_flow(head):
        return say(rest, locale, facts, head)
    return say(key, locale, facts)


def warm() -> None:
    """Read every sentence, and what Babel knows of each locale."""
    for locale in LOCALES:
        _said([0, date(2026, 1, 1)], locale)
        for file in ROOM.glob(f"*/{locale}.toml"):
            _sentences(file.parent.name, locale)


@cache
def _is_flow(name: str) -> bool:
    return (ROOM / name / f"{LOCALES[0]}.toml").is_file()


def _in_paris(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no timezone: it cannot be said in Paris time")
    return value.astimezone(_PARIS)


def _plural(n: object, locale: str) -> str:
    return (
        "one" if isinstance(n, int) and _BABEL[locale].plural_form(n) == "one" else "other"
    )  # French also has "many" (from a million): the words do not


def _said(value: object, locale: str) -> str:
    match value:
        case datetime():
            return moment(value, locale)
        case date():
            return day(value, locale)
        case timedelta():
            return format_timedelta(value, granularity="minute", locale=_BABEL[locale])
        case bool() | str():
            return str(value)
        case int() | float():
            return number(value, locale)
        case Sequence():
            return format_list([_said(item, locale) for item in value], locale=_BABEL[locale])
        case _:
            return str(value)


@cache
def _sentences(flow: str, locale: str) -> Mapping[str, str]:
    return {**words_of("common", locale), **words_of(flow, locale)}


@cache
def words_of(flow: str, locale: str) -> Mapping[str, str]:
    """Every sentence of a flow (or of `common`) by its dotted key."""
    return _flat(tomllib.loads((ROOM / flow / f"{locale}.toml").read_text(encoding="utf-8")))


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """`{"person": {"title": "…"}}` as `{"person.title": "…"}`."""
    leaves: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            leaves |= _flat(value, f"{prefix}{name}.")
        else:
            leaves[prefix + name] = value
    return leaves
