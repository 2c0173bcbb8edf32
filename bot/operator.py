"""The operator's door: the commands of `python app.py`, each a line that calls a room."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bot.keys import Keys
from bot.server import open_session
from cards import render
from dialogs import REACTIONS, copies_command, diagnostic, export_command, journal_command, privacy_command
from dialogs.import_clients_command import UNHEARD, import_clients
from dialogs.import_command import import_file, kind_of
from manifest import build as manifest
from services import client_list, migrate, portfolio
from services.clock import system_clock
from services.doctor import Doctor
from services.errors import Refused, Unavailable, trace
from services.outbox import owed
from services.record import Firm
from services.settings import Settings, WrongSettings
from services.store import Store

Command = Callable[[Settings], Coroutine[None, None, int]]
_Act = Callable[[Settings, argparse.Namespace], Coroutine[None, None, int]]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What app.py joins for a command: each opens its part from the settings. `open_graph` gives services.graph.Graph."""

    serve: Command
    open_store: Callable[[Settings], Store]
    open_graph: Callable[[Settings], Any]
    open_doctor: Callable[[Settings, Store, Any, Keys], Doctor]
    firm_of: Callable[[Settings], Firm]


def command(rooms: Rooms, arguments: list[str]) -> Command:
    """What the arguments ask for; given the settings it runs and gives the exit status. Raises SystemExit on wrong ones."""
    args = _parser(rooms).parse_args(arguments)
    run: _Act = args.run
    return lambda config: run(config, args)


def _parser(rooms: Rooms) -> argparse.ArgumentParser:
    async def serve(config: Settings, _args: argparse.Namespace) -> int:
        return await rooms.serve(config)

    parser = argparse.ArgumentParser(prog="app.py", description="Passerelle, the Teams bot. Without a command: serve.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    parser.set_defaults(run=serve)
    commands.add_parser("serve", help="serve /api/messages (the default)").set_defaults(run=serve)
    imported = commands.add_parser(
        "import",
        help="take in Loop's portfolio, or a list of new clients (CSV, XLSX); a dry run without --yes",
        description="Says what each line of Loop's portfolio would change; with --yes, changes it. Of a list of new clients, "
        "what each line would do; with --yes, hands the lines to the running bot. "
        "Safe to repeat: a line that says nothing new changes nothing, and a run cut short goes on with the next one. "
        "Exit status 1: lines are refused, and nothing was taken in.",
    )
    imported.add_argument("file", help="the file: CSV (; , or tab; UTF-8 or Windows) or .xlsx")
    imported.add_argument("--yes", action="store_true", help="take in the lines that are not refused")
    imported.add_argument(
        "--result", metavar="FILE", help="write each line's verdict there (a list of new clients; CSV)"
    )
    imported.set_defaults(run=partial(_import, rooms))
    package = commands.add_parser("package", help="build the Teams app package (zip) from the settings")
    package.add_argument("--out", default=manifest.DEFAULT, metavar="FILE", help="where to write it (%(default)s)")
    package.set_defaults(run=_package)
    doctor = commands.add_parser(
        "doctor", help="check settings, permissions, mailbox, clock, database…, and say what to mend"
    )
    doctor.set_defaults(run=partial(_doctor, rooms))
    for add in (copies_command.add_to, journal_command.add_to, export_command.add_to, privacy_command.add_to):
        add(commands, partial(_on_store, rooms))
    return parser


def _on_store(
    rooms: Rooms,
    act: Callable[[Store, Settings, argparse.Namespace, Callable[[str], None]], Awaitable[int]],
    *,
    migrated: bool = True,
) -> _Act:
    """A command that needs nothing but the database, brought to the newest revision first."""

    async def run(config: Settings, args: argparse.Namespace) -> int:
        store = rooms.open_store(config)
        try:
            if migrated:
                await migrate.upgrade(store)
            return await act(store, config, args, print)
        except Refused as refusal:
            print(render.text(f"errors.{refusal.key}", config.firm_locale, **refusal.facts), file=sys.stderr)
            return 1
        finally:
            await store.close()

    return run


async def _import(rooms: Rooms, config: Settings, args: argparse.Namespace) -> int:
    try:
        content = await asyncio.to_thread(_content, Path(args.file))
    except OSError as fault:
        print(f"{args.file}: {fault.strerror}", file=sys.stderr)
        return 2
    store = Store(config.database_url, system_clock, {})  # nobody to tell: who runs the command reads the result
    try:
        await migrate.upgrade(store)
        if await kind_of(content) == client_list.KIND.name:
            return await _import_clients(rooms, config, Path(args.file).name, content, args)
        return await import_file(store, Path(args.file).name, content, config.firm_locale, print, take=args.yes)
    except Unavailable as fault:
        print(render.text(f"errors.{fault.key}", config.firm_locale), file=sys.stderr)
        return 1
    except Refused as refusal:
        print(render.text(f"errors.{refusal.key}", config.firm_locale, **refusal.facts), file=sys.stderr)
        return 1
    except Exception as fault:
        print(f"import: {trace(fault)}", file=sys.stderr)
        return 2
    finally:
        await store.close()


async def _import_clients(rooms: Rooms, config: Settings, name: str, content: bytes, args: argparse.Namespace) -> int:
    heard = {event: follow for event, follow in REACTIONS.items() if event not in UNHEARD}
    to = Path(args.result) if args.result else None
    async with AsyncExitStack() as ends:
        store, graph = Store(config.database_url, system_clock, owed(heard)), rooms.open_graph(config)
        ends.push_async_callback(store.close)
        ends.push_async_callback(graph.close)
        firm = rooms.firm_of(config)
        return await import_clients(store, firm, graph.directory, name, content, print, take=args.yes, to=to)


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(portfolio.MAX_BYTES + 1)  # one more says that it is too big


async def _package(config: Settings, args: argparse.Namespace) -> int:
    try:
        await asyncio.to_thread(manifest.write, config, Path(args.out))
    except (WrongSettings, OSError) as fault:
        print(fault, file=sys.stderr)
        return 2
    print(args.out)
    return 0


async def _doctor(rooms: Rooms, config: Settings, _args: argparse.Namespace) -> int:
    async with AsyncExitStack() as ends:
        store, graph = rooms.open_store(config), rooms.open_graph(config)
        ends.push_async_callback(store.close)
        ends.push_async_callback(graph.close)
        keys = Keys(await ends.enter_async_context(open_session()), config.openid_url, practice=config.practice)
        return await diagnostic.run(rooms.open_doctor(config, store, graph, keys), config.firm_locale, print)
