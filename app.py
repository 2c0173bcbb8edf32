"""Passerelle's composition root: reads the settings, joins the rooms, serves; and a few commands for operators."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    # What is imported stays: to look through it for garbage, again and again as it grows, is a sixth of the start.
    gc.disable()

from prometheus_client import CollectorRegistry

from bot.adapter import Adapter
from bot.addresses import Addresses
from bot.courier import Courier
from bot.door import Door
from bot.files import Downloads
from bot.handler import Handler
from bot.keys import Keys
from bot.metrics import Metrics
from bot.notifications import Notified
from bot.pace import Pace
from bot.refusals import Refusals
from bot.server import make_app, open_session, serve
from bot.tokens import Tokens
from cards import render
from dialogs import (
    DIALOGS,
    POSTED,
    REACTIONS,
    copies_command,
    diagnostic,
    export_command,
    journal_command,
    privacy_command,
)
from dialogs.engine import Engine
from dialogs.import_clients_command import UNHEARD, import_clients
from dialogs.import_command import import_file, kind_of
from dialogs.turn import Done
from manifest import build as manifest
from services import backlog, client_list, logs, migrate, people, portfolio, pseudonyms, settings, spans
from services.clock import Clock, system_clock
from services.doctor import Doctor, Expected
from services.errors import Refused, Unavailable, trace
from services.graph import Graph
from services.invitations import notice_acceptances
from services.notifications import Notifications
from services.outbox import Outbox, owed
from services.pace import PacedChat
from services.ports import Chat, Directory, Files, Mailbox
from services.record import Firm, Services
from services.reminders import tick
from services.roles import Roles
from services.settings import Settings, WrongSettings
from services.spans import Span, no_span
from services.store import Store

log = logging.getLogger("passerelle")

Command = Callable[[Settings, argparse.Namespace], Coroutine[None, None, int]]

ANSWER_WITHIN = 2.5
ACCEPTANCE_POLL = 30.0
CLOCK_POLL = 60.0
COUNT_POLL = 15.0
PRACTICE_POLL = 1.0
GATHER = 0.2  # what Graph tells comes in bursts: one look answers them all


class CannotListen(Exception):
    """The address the bot is to listen on is taken, or not ours; the message is the system's."""


@dataclass(frozen=True, slots=True)
class Wired:
    """The program without its server: what tests drive directly."""

    services: Services
    engine: Engine
    outbox: Outbox


def open_store(config: Settings, clock: Clock = system_clock) -> Store:
    """The database of the settings."""
    return Store(config.database_url, clock, owed(REACTIONS))


def wire(
    config: Settings,
    store: Store,
    directory: Directory,
    mailbox: Mailbox,
    chat: Chat,
    files: Files,
    doctor: Doctor | None = None,
    span: Span = no_span,
) -> Wired:
    """Join the rooms. Tests pass their own ends of the outside; nothing else differs."""
    firm = firm_of(config)
    roles = Roles(store, directory, config.admin_group_id, requester_may_approve=config.requester_may_approve)
    services = Services(firm, store, directory, mailbox, chat, roles, files, doctor)
    return Wired(services, Engine(services, DIALOGS, POSTED), Outbox(services, spans.around(REACTIONS, span)))


def firm_of(config: Settings) -> Firm:
    """The firm of the settings."""
    return Firm(
        name=config.firm_name,
        locale=config.firm_locale,
        domains=config.firm_domains,
        loop_url=config.loop_url,
        tenant_id=config.tenant_id,
        invite_to_team=config.invite_to_team,
        color=config.firm_color,
    )


async def run_bot(
    config: Settings,
    stop: asyncio.Event,
    clock: Clock = system_clock,
    *,
    paced: bool = True,
    answer_within: float = ANSWER_WITHIN,
    on_warm: Callable[[], None] = lambda: None,
) -> None:
    """Serve until `stop`: the door, the outbox, the watch on acceptances and on the clock; then finish what is under way.

    `paced`: the outbox keeps to Teams' pace (a test has no time for it). `answer_within`: seconds after which a turn gets
    an apology instead (a test on a busy machine has more patience than Teams). `on_warm` is called once all is loaded.

    Nothing but what `/readyz` asks for comes before it: the rest is loaded, and its work begun, right after.
    """
    async with AsyncExitStack() as ends:
        store = open_store(config, clock)
        ends.push_async_callback(store.close)
        span = _spans(config, store, ends)
        await migrate.upgrade(store)
        names = await pseudonyms.load(store)
        session = await ends.enter_async_context(open_session())
        metrics = Metrics(CollectorRegistry())
        graph = open_graph(config, metrics.busy)
        ends.push_async_callback(graph.close)
        addresses = Addresses(config.service_hosts, practice=config.practice)
        courier = Courier(session, graph.tokens.token, addresses)
        files = Downloads(session, config.service_hosts if config.practice else ())
        chat = PacedChat(courier, store) if paced else courier
        keys = Keys(session, config.openid_url, practice=config.practice)
        doctor = open_doctor(config, store, graph, keys)
        wired = wire(config, store, graph.directory, graph.mailbox, chat, files, doctor, span)

        refusals = Refusals(metrics, store)
        door = Door(Tokens(keys, config.app_id), addresses, config.tenant_id, pace=Pace(), on_refusal=refusals.note)
        handler = Handler(
            Adapter(courier, config.app_id),
            wired.engine.answer,
            _apology(config),
            on_turn=metrics.turned,
            limit=answer_within,
            pseudonym=names.of,
            span=span,
        )

        async def count(services: Services) -> None:
            metrics.stands(await backlog.count(services.store))

        async def ready() -> str | None:
            return await store.ready() or (None if keys.held else "signing keys: none held yet")

        told = _notifications(config, store, graph)
        notified = Notified(told.heed, metrics.refused) if told else None
        listening, work_done = asyncio.Event(), asyncio.Event()

        async def keep_subscription(_: Services) -> None:
            if told is not None:
                await told.keep()

        app = make_app(
            door=door, handler=handler, keys=keys, ready=ready, metrics=metrics, span=span, notified=notified
        )
        warmed = asyncio.Event()

        async def warm() -> None:
            await listening.wait()
            await keys.find("")  # nobody's: waits for their first fetch, the last thing the bot needs to be ready
            try:
                await asyncio.to_thread(_first_uses)
            finally:
                warmed.set()
            with suppress(Refused, Unavailable):
                await graph.warm()
            on_warm()

        async def once_warm(work: Callable[[], Awaitable[None]]) -> None:
            await warmed.wait()
            await work()

        watches: list[Callable[[], Awaitable[None]]] = [
            partial(wired.outbox.run, work_done, paced=paced),
            partial(
                _watch,
                notice_acceptances,
                wired.services,
                _pause(config, ACCEPTANCE_POLL),
                told.changed if told else None,
            ),
            partial(_watch, tick, wired.services, _pause(config, CLOCK_POLL)),
            partial(_watch, count, wired.services, _pause(config, COUNT_POLL)),
        ]
        if told:
            pause = _pause(config, CLOCK_POLL)
            watches.append(partial(_watch, keep_subscription, wired.services, pause, told.unwell))
        background = [*(asyncio.create_task(once_warm(work)) for work in watches), asyncio.create_task(warm())]
        try:
            await serve(app, config.host, config.port, stop, listening=listening)
        except OSError as fault:
            raise CannotListen(fault.strerror) from None
        finally:
            work_done.set()
            warmed.set()
            await _finish(background)


def _spans(config: Settings, store: Store, ends: AsyncExitStack) -> Span:
    if config.otlp_endpoint is None:
        return no_span
    from services import traces  # OpenTelemetry's SDK takes a while to import

    collected = traces.collected_at(config.otlp_endpoint, store)
    ends.callback(collected.close)
    return collected.span


def open_graph(config: Settings, on_busy: Callable[[str], None] = lambda _: None) -> Graph:
    """Graph and the tokens, from the settings; `on_busy` is told each call it does not do."""
    return Graph(
        tenant_id=config.tenant_id,
        client_id=config.app_id,
        secret=config.app_password,
        certificate=str(config.app_certificate) if config.app_certificate else None,
        managed_identity=config.app_type == "UserAssignedMSI",
        authority_host=config.authority,
        graph_url=config.graph_url,
        mail_from=config.mail_from,
        reply_to=config.mail_reply_to,
        on_busy=on_busy,
    )


def open_doctor(config: Settings, store: Store, graph: Graph, keys: Keys) -> Doctor:
    """Who looks at everything the settings ask for."""

    async def keys_held() -> bool:
        await keys.find("")  # nobody's: it makes them be fetched
        return keys.held

    unset = {"FIRM_NAME": config.firm_name == settings.FIRM, "FIRM_DOMAINS": not config.firm_domains}
    expected = Expected(
        app_id=config.app_id,
        admin_group_id=config.admin_group_id,
        invite_to_team=config.invite_to_team,
        notifications_url=config.notifications_url,
        unset=tuple(name for name, missing in unset.items() if missing),
        package_id=partial(manifest.packaged_id, manifest.DEFAULT),
        keys_held=keys_held,
    )
    return Doctor(store, graph.directory, graph.standing, expected)


def _apology(config: Settings) -> Callable[[str], Done]:
    return lambda tag: Done(render.text("errors.apology", render.locale_of(tag, config.firm_locale)))


def _first_uses() -> None:
    """Whatever takes long the first time only, and being ready does not need: done in a thread, so that no turn waits."""
    render.warm()
    people.email_address("prenom.nom@example.fr")
    people.phone_number("06 12 34 56 78", "phone", mobile=True)


def _settle() -> None:
    """What lives now lives as long as the process: no collection need stop it to look at all that again (some 100 ms)."""
    gc.freeze()
    gc.enable()


def _pause(config: Settings, usual: float) -> float:
    return PRACTICE_POLL if config.practice else usual


def _notifications(config: Settings, store: Store, graph: Graph) -> Notifications | None:
    url = config.notifications_url
    return Notifications(store, graph.subscriptions, url) if url else None


async def _watch(
    look: Callable[[Services], Awaitable[object]],
    services: Services,
    pause: float,
    sooner: asyncio.Event | None = None,
) -> None:
    """Look, again and again: after `pause` seconds, or once `sooner` is set."""
    sooner = sooner or asyncio.Event()
    while True:
        try:
            await look(services)
        except (Refused, Unavailable) as fault:
            log.warning("%s: %s", look.__name__, fault.key)
        except Exception as fault:
            log.error("%s: %s", look.__name__, trace(fault))
        with suppress(TimeoutError):
            await asyncio.wait_for(sooner.wait(), pause)
            await asyncio.sleep(GATHER)
        sooner.clear()


async def _finish(background: list[asyncio.Task[None]]) -> None:
    outbox, *others = background
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(outbox, 4.0)
    for task in others:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)


# --- commands


async def _serve(config: Settings, _args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    try:
        await run_bot(config, stop, on_warm=_settle)
    except CannotListen as fault:
        print(f"HOST, PORT: cannot listen on {config.host}:{config.port} ({fault})", file=sys.stderr)
        return 2
    return 0


async def _import(config: Settings, args: argparse.Namespace) -> int:
    try:
        content = await asyncio.to_thread(_content, Path(args.file))
    except OSError as fault:
        print(f"{args.file}: {fault.strerror}", file=sys.stderr)
        return 2
    store = Store(config.database_url, system_clock, {})  # nobody to tell: who runs the command reads the result
    try:
        await migrate.upgrade(store)
        if await kind_of(content) == client_list.KIND.name:
            return await _import_clients(config, Path(args.file).name, content, args)
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


async def _import_clients(config: Settings, name: str, content: bytes, args: argparse.Namespace) -> int:
    heard = {event: follow for event, follow in REACTIONS.items() if event not in UNHEARD}
    to = Path(args.result) if args.result else None
    async with AsyncExitStack() as ends:
        store, graph = Store(config.database_url, system_clock, owed(heard)), open_graph(config)
        ends.push_async_callback(store.close)
        ends.push_async_callback(graph.close)
        firm = firm_of(config)
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


def _on_store(
    act: Callable[[Store, Settings, argparse.Namespace, Callable[[str], None]], Awaitable[int]],
    *,
    migrated: bool = True,
) -> Command:
    """A command that needs nothing but the database, brought to the newest revision first."""

    async def run(config: Settings, args: argparse.Namespace) -> int:
        store = open_store(config)
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


async def _doctor(config: Settings, _args: argparse.Namespace) -> int:
    async with AsyncExitStack() as ends:
        store, graph = open_store(config), open_graph(config)
        ends.push_async_callback(store.close)
        ends.push_async_callback(graph.close)
        keys = Keys(await ends.enter_async_context(open_session()), config.openid_url, practice=config.practice)
        return await diagnostic.run(open_doctor(config, store, graph, keys), config.firm_locale, print)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="app.py", description="Passerelle, the Teams bot. Without a command: serve.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    parser.set_defaults(run=_serve)
    commands.add_parser("serve", help="serve /api/messages (the default)").set_defaults(run=_serve)
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
    imported.set_defaults(run=_import)
    package = commands.add_parser("package", help="build the Teams app package (zip) from the settings")
    package.add_argument("--out", default=manifest.DEFAULT, metavar="FILE", help="where to write it (%(default)s)")
    package.set_defaults(run=_package)
    doctor = commands.add_parser(
        "doctor", help="check settings, permissions, mailbox, clock, database…, and say what to mend"
    )
    doctor.set_defaults(run=_doctor)
    for add in (copies_command.add_to, journal_command.add_to, export_command.add_to, privacy_command.add_to):
        add(commands, _on_store)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit status (2: a setting is wrong or missing)."""
    args = _parser().parse_args(arguments)
    try:
        config = settings.load()
    except WrongSettings as wrong:
        print("\n".join(wrong.faults), file=sys.stderr)
        return 2
    logs.configure(config.log_level, config.log_format)
    logs.no_tracebacks()
    command: Command = args.run
    _settle()
    try:
        return asyncio.run(command(config, args))
    except Exception:
        log.exception("%s failed", args.command or "serve")
        return 1


if __name__ == "__main__":
    sys.exit(main())
