"""`python app.py backup`, `restore` and `parked`: copies of the database, and what waits for a person's judgement."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cards.words import text
from dialogs import REACTIONS
from dialogs.journal_command import Commands, Say
from services import copies
from services import parked as given_up
from services.outbox import repeatable
from services.parked import ParkedEffect
from services.settings import Settings
from services.store import Store


def add_to(commands: Commands, on_store: Callable[..., Any]) -> None:
    """The three commands and their options; `on_store` makes of each what app.py runs."""
    saved = commands.add_parser("backup", help="copy the SQLite database to a file, while the bot serves")
    saved.add_argument("file", type=Path, metavar="FILE", help="the new file")
    saved.set_defaults(run=on_store(backup))
    restored = commands.add_parser(
        "restore",
        help="put a copy back (stop the bot first); nothing done since is done twice",
        description="Puts a copy made by « backup » in the place of the database, and keeps that one beside it. What was "
        "open in the copy is looked for before it is done; mails and messages are not sent by themselves any more, but "
        "listed. Without FILE, only marks what is open: for PostgreSQL, once pg_restore has put its copy back.",
    )
    restored.add_argument("file", type=Path, metavar="FILE", nargs="?", help="the copy")
    restored.set_defaults(run=on_store(restore, migrated=False))  # the database may be past mending
    waiting = commands.add_parser("parked", help="what the program gave up doing, and why; --again tries it once more")
    waiting.add_argument("--again", type=int, nargs="+", metavar="NUMBER", help="try these once more")
    waiting.set_defaults(run=on_store(parked))


async def backup(store: Store, config: Settings, args: argparse.Namespace, say: Say) -> int:
    """Copy the database; gives the exit status. Refused as `services.copies.backup`."""
    await copies.backup(store, args.file)
    say(text("copies.saved", config.firm_locale, file=str(args.file)))
    return 0


async def restore(store: Store, config: Settings, args: argparse.Namespace, say: Say) -> int:
    """Put a copy back and say what to look at; gives the exit status. Refused as `services.copies.restore`."""
    locale = config.firm_locale
    done = await copies.restore(store, args.file, repeatable(REACTIONS))
    say(text("copies.restored", locale))
    if done.aside is not None:
        say(text("copies.aside", locale, file=str(done.aside)))
    if done.until is not None:
        say(text("copies.until", locale, at=done.until))
    say(text("copies.will_look", locale, n=done.will_look))
    say(text("copies.not_sent", locale, n=len(done.parked)))
    for line in _lines(done.parked, locale):
        say(line)
    say(text("copies.sent_items", locale, mailbox=config.mail_from or "MAIL_FROM"))
    return 0


async def parked(store: Store, config: Settings, args: argparse.Namespace, say: Say) -> int:
    """List what is parked, or make some of it due again; gives the exit status."""
    locale = config.firm_locale
    if args.again:
        say(text("copies.again", locale, n=await given_up.try_again(store, args.again)))
        return 0
    found = await given_up.everything(store)
    say(text("copies.parked", locale, n=len(found)))
    for line in _lines(found, locale):
        say(line)
    return 0


def _lines(found: Sequence[ParkedEffect], locale: str) -> Iterator[str]:
    for one in found:
        facts = {"number": str(one.id), "reaction": one.reaction, "subject": one.subject, "reason": one.reason or "?"}
        yield "  " + text("copies.line", locale, **facts, since=one.since)
