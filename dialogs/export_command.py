"""`python app.py export`: the board or the journal as a file for a spreadsheet."""

import argparse
import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cards.words import text
from dialogs import exported
from dialogs.journal_command import Commands, Say
from services import exports
from services.errors import Refused
from services.retention import OPERATOR
from services.settings import Settings
from services.store import Store


def add_to(commands: Commands, on_store: Callable[..., Any]) -> None:
    """The command and its options; `on_store` makes of it what app.py runs."""
    parser = commands.add_parser("export", help="write the follow-up of clients, or the journal, to a CSV or XLSX file")
    parser.add_argument("what", choices=exports.WHAT, help="which of them")
    parser.add_argument("file", type=spreadsheet, metavar="FILE", help="the new file: .csv or .xlsx")
    parser.set_defaults(run=on_store(run))


async def run(store: Store, config: Settings, args: argparse.Namespace, say: Say) -> int:
    """Write the file, for its owner only; gives the exit status. Refused: `backup_exists`, `backup_failed`, `export_too_long`."""
    locale, kind = config.firm_locale, args.file.suffix.lower().lstrip(".")
    if await asyncio.to_thread(args.file.exists):
        raise Refused("backup_exists", None, file=str(args.file))
    rows = await exported.rows(store, args.what, locale)
    content = await asyncio.to_thread(exports.written, rows, kind)
    await asyncio.to_thread(_save, args.file, content)
    async with store.work() as work:
        work.journal(OPERATOR, "exports.written", "-", after=f"{args.what} {kind}")
    say(text("export.written", locale, n=len(rows) - 1, file=str(args.file)))
    return 0


def _save(file: Path, content: bytes) -> None:
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused("backup_exists", None, file=str(file)) from None
    except OSError as fault:
        raise Refused("backup_failed", None, file=str(file), why=fault.strerror) from None
    try:
        with os.fdopen(opened, "wb") as to:
            to.write(content)
    except OSError as fault:
        file.unlink(missing_ok=True)
        raise Refused("backup_failed", None, file=str(file), why=fault.strerror) from None


def spreadsheet(typed: str) -> Path:
    """A file whose name says which kind it is."""
    if Path(typed).suffix.lower().lstrip(".") not in exports.FORMATS:
        raise argparse.ArgumentTypeError("a name that ends in .csv or .xlsx")
    return Path(typed)
