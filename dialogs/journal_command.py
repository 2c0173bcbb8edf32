"""`python app.py journal`: who did what, when, in words; as a file for a spreadsheet; and whether nobody touched it."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from cards.words import text, words_of
from services import exports, journal, offers, pseudonyms
from services.calendar import PARIS
from services.exports import Cell
from services.journal import Entry
from services.pseudonyms import Pseudonyms
from services.settings import Settings
from services.store import Store

COLUMNS = ("number", "at", "who", "actor", "what", "before", "after", "codes", "subject")
Say = Callable[[str], None]
Act = Callable[[Store, Settings, argparse.Namespace, Say], Awaitable[int]]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

# Tables of words a value may stand in, the first that knows it first.
_VALUES = (("journal", "values"), ("common", "states"), ("common", "labels"), ("loop_task", "tasks"))


def add_to(commands: Commands, on_store: Callable[[Act], Any]) -> None:
    """The command and its options; `on_store` makes of it what app.py runs."""
    parser = commands.add_parser("journal", help="who did what and when; whether nobody touched it (--verify)")
    parser.set_defaults(run=on_store(run))
    parser.add_argument(
        "--since", type=moment, metavar="DATE", help="from this day or moment on (2026-01-31, 2026-01-31T14:00)"
    )
    parser.add_argument("--subject", metavar="ID", help="about this id, or all that concerns the dossier of this code")
    parser.add_argument("--export", metavar="FILE", type=Path, help="write a CSV file instead")
    parser.add_argument(
        "--verify", action="store_true", help="check every line; exit status 1 at the first that is wrong"
    )
    parser.add_argument("--anchor", type=anchor, metavar="LINE:HASH", help="with --verify: a line as noted elsewhere")


async def run(store: Store, config: Settings, args: argparse.Namespace, say: Say) -> int:
    """The command; gives the exit status."""
    locale = config.firm_locale
    if args.verify:
        return await _verify(store, args.anchor, locale, say)
    shown = Shown(locale, await pseudonyms.load(store))
    async with store.read() as session:
        entries = journal.entries(session, args.since, args.subject)
        if args.export:
            rows = [shown.row(entry) async for entry in entries]
            content = await asyncio.to_thread(exports.written, [shown.heads(), *rows], exports.CSV)
            await asyncio.to_thread(args.export.write_bytes, content)
            say(text("journal.exported", locale, n=len(rows), file=str(args.export)))
            return 0
        await _print(entries, shown, say)
    return 0


async def _print(entries: AsyncIterator[Entry], shown: "Shown", say: Say) -> None:
    none = True
    async for entry in entries:
        say(shown.line(entry))
        none = False
    if none:
        say(text("journal.nothing", shown.locale))


async def _verify(store: Store, noted: tuple[int, str] | None, locale: str, say: Say) -> int:
    async with store.read() as session:
        verdict = await journal.verify(session, noted)
    if verdict.broken is not None:
        say(text(f"journal.broken.{verdict.broken.how}", locale, number=str(verdict.broken.number)))
        return 1
    say(text("journal.intact", locale, n=verdict.count))
    if verdict.count:
        say(text("journal.last", locale, anchor=f"{verdict.number}:{verdict.hash}"))
    return 0


class Shown:
    """Lines in the words of a language."""

    def __init__(self, locale: str, names: Pseudonyms) -> None:
        self.locale = locale
        self._names = names

    def line(self, entry: Entry) -> str:
        facts = {"number": str(entry.line.id), "at": entry.line.at, "who": self._who(entry), "what": self._what(entry)}
        said = text("journal.line", self.locale, **facts)
        return text("journal.with_codes", self.locale, said=said, codes=", ".join(entry.codes)) if entry.codes else said

    def heads(self) -> list[Cell]:
        return [text(f"journal.columns.{name}", self.locale) for name in COLUMNS]

    def row(self, entry: Entry) -> list[Cell]:
        line = entry.line
        said = [self._event(line.what), self._value(line.before), self._value(line.after), ", ".join(entry.codes)]
        return [line.id, line.at, self._who(entry), line.actor, *said, line.subject]

    def _who(self, entry: Entry) -> str:
        role = words_of("journal", self.locale).get(f"who.{entry.line.actor}")
        return entry.who or role or self._names.of(entry.line.actor)

    def _what(self, entry: Entry) -> str:
        before, after = self._value(entry.line.before), self._value(entry.line.after)
        key = "change" if before and after else "after" if after else "before"
        what = self._event(entry.line.what)
        if not before and not after:
            return what
        facts = {name: value for name, value in (("before", before), ("after", after)) if value}
        return text(f"journal.{key}", self.locale, what=what, **facts)

    def _event(self, what: str) -> str:
        words = words_of("journal", self.locale)
        kind, _, name = what.partition(".")
        if kind != "refused":
            return words.get(f"what.{what}", what)
        return text("journal.what.refused", self.locale, what=words.get(f"doors.{name}") or self._title(name))

    def _title(self, dialog: str) -> str:
        """A dialog's own title, or its name where no dialog is called so (any more)."""
        try:
            return text(f"{dialog}.title", self.locale)
        except KeyError:
            return dialog

    def _value(self, value: str | None) -> str:
        """What stood in a column, its words one after the other: a state, an offer, names of fields, a code…"""
        return ", ".join(self._word(word) for word in (value or "").split())

    def _word(self, word: str) -> str:
        if word in offers.CATALOGUE:
            return offers.CATALOGUE[word].name
        known = (words_of(flow, self.locale).get(f"{table}.{word}") for flow, table in _VALUES)
        return next((found for found in known if found), word)


def moment(typed: str) -> datetime:
    """A day or a moment, of Paris unless it says otherwise."""
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        raise argparse.ArgumentTypeError("a date: 2026-01-31 or 2026-01-31T14:00") from None
    return at if at.tzinfo else at.replace(tzinfo=PARIS)


def anchor(typed: str) -> tuple[int, str]:
    """A line's number and hash, as `--verify` prints them."""
    number, _, hash_ = typed.partition(":")
    if not number.isdecimal() or len(hash_) != len(journal.GENESIS):
        raise argparse.ArgumentTypeError("LINE:HASH, as --verify prints it")
    return int(number), hash_
