"""`python app.py purge`, `export-person` and `erase-person`: what the RGPD asks of an operator, and what remains to be done."""

import argparse
import json
from collections.abc import Callable, Iterator
from typing import Any

from cards.words import text
from dialogs.journal_command import Act, Commands, Say
from services import erasure, offers, privacy, retention
from services.erasure import Erasure
from services.settings import Settings
from services.store import Store


def add_to(commands: Commands, on_store: Callable[[Act], Any]) -> None:
    """The three commands and their options; `on_store` makes of each what app.py runs."""
    purged = commands.add_parser("purge", help="delete what is past its term (RETENTION_…_DAYS)")
    purged.add_argument("--dry-run", action="store_true", help="say what would go, and delete nothing")
    purged.set_defaults(run=on_store(purge))
    exported = commands.add_parser("export-person", help="everything held about one person, as JSON")
    erased = commands.add_parser("erase-person", help="empty what says who one person is; ids and the journal stay")
    for parser in (exported, erased):
        parser.add_argument("email", metavar="EMAIL", help="the person's e-mail")
        parser.add_argument("--id", metavar="ID", dest="account", help="the Entra object id of an administrator")
    erased.add_argument("--yes", action="store_true", help="erase; without it, only say what would be")
    erased.add_argument("--force", action="store_true", help="though an offer is live (it ends) or dossiers name them")
    exported.set_defaults(run=on_store(export))
    erased.set_defaults(run=on_store(erase))


async def purge(store: Store, config: Settings, args: argparse.Namespace, say: Say) -> int:
    """What is past its term goes; gives the exit status."""
    locale, days = config.firm_locale, config.retention
    swept = await retention.purge(store, days, dry_run=args.dry_run)
    say(text("privacy.purge.dry_run" if args.dry_run else "privacy.purge.done", locale))
    for name, count in swept.items():
        kind = text(f"privacy.kinds.{name}", locale)
        say("  " + text("privacy.purge.line", locale, kind=kind, days=days[name], count=count))
    return 0


async def export(store: Store, _config: Settings, args: argparse.Namespace, say: Say) -> int:
    """Everything held about the person, as JSON; gives the exit status. Refused as `services.privacy.export`."""
    say(json.dumps(await privacy.export(store, args.email, args.account), ensure_ascii=False, indent=2))
    return 0


async def erase(store: Store, config: Settings, args: argparse.Namespace, say: Say) -> int:
    """With `--yes`, erase; gives the exit status, 1 when nothing was. Refused as `services.erasure.erase`."""
    done = await erasure.erase(store, args.email, args.account, force=args.force, dry_run=not args.yes)
    for line in _said(done, config.firm_locale, done=args.yes):
        say(line)
    return 0 if args.yes else 1


def _said(what: Erasure, locale: str, *, done: bool) -> Iterator[str]:
    yield text("privacy.erase.done" if done else "privacy.erase.would", locale)
    for name, count in what.emptied.items():
        if count:
            yield "  " + text("privacy.erase.line", locale, what=text(f"privacy.erased.{name}", locale), count=count)
    for offer, code in what.ended:
        yield "  " + text("privacy.erase.ended", locale, offer=offers.offer(offer).name, code=code)
    yield text("privacy.remains.title", locale)
    yield from ("  " + line for line in _remains(what, locale))
    if not done:
        yield text("privacy.erase.again", locale)


def _remains(what: Erasure, locale: str) -> Iterator[str]:
    yield text("privacy.remains.journal", locale, n=what.lines)
    if what.emptied["interlocuteurs"]:
        yield text("privacy.remains.offers", locale)
        yield text("privacy.remains.loop", locale)
    for offer, code in what.ended:
        yield text("privacy.remains.loop_offer", locale, offer=offers.offer(offer).name, code=code)
    for guest in what.guests:
        yield text("privacy.remains.guest", locale, id=guest)
    yield text("privacy.remains.mails", locale)
    yield text("privacy.remains.backups", locale)
