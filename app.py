"""Passerelle's composition root: reads the settings, opens the door, joins the rooms behind it, serves.

Two steps, since most of a start is imports. What `/readyz` asks for comes first: the server, the signing keys, the
database's revision. All that a turn needs besides is imported and joined right after, in a thread, and a turn that comes
meanwhile waits for it. So what is above is what the first step needs; every other import stands where it is used.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # What is imported stays: to look through it for garbage, again and again as it grows, is a sixth of the start.
    gc.disable()

from prometheus_client import CollectorRegistry

from bot.addresses import Addresses
from bot.behind import Behind, Joined
from bot.door import Door
from bot.keys import Keys
from bot.metrics import Metrics
from bot.pace import Pace
from bot.refusals import Refusals
from bot.server import make_app, open_session, serve
from bot.tokens import Tokens
from services import logs, settings
from services.clock import Clock, system_clock
from services.errors import Refused, Unavailable
from services.settings import Settings, WrongSettings
from services.spans import no_span

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from dialogs.engine import Engine
    from dialogs.turn import Done
    from services.doctor import Doctor
    from services.graph import Graph
    from services.notifications import Notifications
    from services.outbox import Outbox
    from services.ports import Chat, Directory, Files, Mailbox
    from services.record import Firm, Services
    from services.spans import Span
    from services.store import Store

log = logging.getLogger("passerelle")

ANSWER_WITHIN = 2.5
JOINED_WITHIN = 10.0  # a turn waits so long for what is not loaded yet: Teams delivers it again after fifteen seconds
ACCEPTANCE_POLL = 30.0
CLOCK_POLL = 60.0
COUNT_POLL = 15.0
PRACTICE_POLL = 1.0


class CannotListen(Exception):
    """The address the bot is to listen on is taken, or not ours; the message is the system's."""


@dataclass(frozen=True, slots=True)
class Wired:
    """The program without its server: what tests drive directly."""

    services: "Services"
    engine: "Engine"
    outbox: "Outbox"


def load() -> None:
    """Import all that a turn needs: most of a start."""
    for room in ("bot.handler", "bot.files", "bot.notifications", "dialogs", "manifest.build", "services.graph"):
        import_module(room)


def open_store(config: Settings, clock: Clock = system_clock) -> "Store":
    """The database of the settings."""
    from dialogs import REACTIONS
    from services.outbox import owed
    from services.store import Store

    return Store(config.database_url, clock, owed(REACTIONS))


def wire(
    config: Settings,
    store: "Store",
    directory: "Directory",
    mailbox: "Mailbox",
    chat: "Chat",
    files: "Files",
    doctor: "Doctor | None" = None,
    span: "Span" = no_span,
) -> Wired:
    """Join the rooms. Tests pass their own ends of the outside; nothing else differs."""
    from dialogs import DIALOGS, POSTED, REACTIONS
    from dialogs.engine import Engine
    from services import spans
    from services.outbox import Outbox
    from services.record import Services
    from services.roles import Roles

    roles = Roles(store, directory, config.admin_group_id, requester_may_approve=config.requester_may_approve)
    services = Services(firm_of(config), store, directory, mailbox, chat, roles, files, doctor)
    return Wired(services, Engine(services, DIALOGS, POSTED), Outbox(services, spans.around(REACTIONS, span)))


def firm_of(config: Settings) -> "Firm":
    """The firm of the settings."""
    from services.record import Firm

    return Firm(
        name=config.firm_name,
        locale=config.firm_locale,
        domains=config.firm_domains,
        loop_url=config.loop_url,
        tenant_id=config.tenant_id,
        invite_to_team=config.invite_to_team,
        color=config.firm_color,
    )


def open_graph(config: Settings, on_busy: Callable[[str], None] = lambda _: None) -> "Graph":
    """Graph and the tokens, from the settings; `on_busy` is told each call it does not do."""
    from services.graph import Graph

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


def open_doctor(config: Settings, store: "Store", graph: "Graph", keys: Keys) -> "Doctor":
    """Who looks at everything the settings ask for."""
    from manifest import build as manifest
    from services.doctor import Doctor, Expected

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


# --- serving


@dataclass(frozen=True, slots=True)
class Front:
    """What is opened first, for what is joined behind it; the last three are `run_bot`'s."""

    config: Settings
    clock: Clock
    session: "ClientSession"
    metrics: Metrics
    keys: Keys
    addresses: Addresses
    paced: bool
    answer_within: float
    on_loaded: Callable[[], None]


async def run_bot(
    config: Settings,
    stop: asyncio.Event,
    clock: Clock = system_clock,
    *,
    paced: bool = True,
    answer_within: float = ANSWER_WITHIN,
    on_loaded: Callable[[], None] = lambda: None,
) -> None:
    """Serve until `stop`: the door, the outbox, the watch on acceptances and on the clock; then finish what is under way.

    `paced`: the outbox keeps to Teams' pace (a test has no time for it). `answer_within`: seconds after which a turn gets
    an apology instead (a test on a busy machine has more patience than Teams). `on_loaded` is called each time that
    something large has been loaded.
    """
    async with AsyncExitStack() as ends:
        session = await ends.enter_async_context(open_session())
        metrics = Metrics(CollectorRegistry())
        keys = Keys(session, config.openid_url, practice=config.practice)
        addresses = Addresses(config.service_hosts, practice=config.practice)
        front = Front(config, clock, session, metrics, keys, addresses, paced, answer_within, on_loaded)
        behind = Behind(_join(front, ends), stop, JOINED_WITHIN)

        async def ready() -> str | None:
            return await behind.database(config.database_url) or (None if keys.held else "signing keys: none held yet")

        door = Door(
            Tokens(keys, config.app_id),
            addresses,
            config.tenant_id,
            pace=Pace(),
            on_refusal=Refusals(metrics, behind.store).note,
        )
        app = make_app(
            door=door,
            take=behind.take,
            keys=keys,
            ready=ready,
            metrics=metrics,
            span=behind.span,
            notified=behind.told if config.notifications_url else None,
        )
        try:
            await serve(app, config.host, config.port, stop)
        except OSError as fault:
            raise CannotListen(fault.strerror) from None
        finally:
            await behind.end()


async def _join(front: Front, ends: AsyncExitStack) -> Joined:
    """Import the rest, open the database, join the rooms."""
    await asyncio.to_thread(load)
    from bot.adapter import Adapter
    from bot.courier import Courier
    from bot.files import Downloads
    from bot.handler import Handler
    from bot.notifications import Notified
    from services import migrate, pseudonyms
    from services.pace import PacedChat

    config, metrics = front.config, front.metrics
    store = open_store(config, front.clock)
    ends.push_async_callback(store.close)
    span = _spans(config, store, ends)
    await migrate.upgrade(store)
    names = await pseudonyms.load(store)
    graph = open_graph(config, metrics.busy)
    ends.push_async_callback(graph.close)
    courier = Courier(front.session, graph.tokens.token, front.addresses)
    files = Downloads(front.session, config.service_hosts if config.practice else ())
    chat = PacedChat(courier, store) if front.paced else courier
    doctor = open_doctor(config, store, graph, front.keys)
    wired = wire(config, store, graph.directory, graph.mailbox, chat, files, doctor, span)
    told = _notifications(config, store, graph)
    handler = Handler(
        Adapter(courier),
        wired.engine.answer,
        _apology(config),
        on_turn=metrics.turned,
        limit=front.answer_within,
        pseudonym=names.of,
        span=span,
    )
    notified = Notified(told.heed, metrics.refused) if told else None
    await graph.load()  # the first turn asks Entra who is there
    return Joined(store, handler, notified, span, partial(_work, front, wired, graph, told))


async def _work(front: Front, wired: Wired, graph: "Graph", told: "Notifications | None", over: asyncio.Event) -> None:
    """What goes on by itself: the outbox, and who looks again and again. Until `over`; the outbox then ends what it began."""
    from services import backlog
    from services.invitations import notice_acceptances
    from services.reminders import tick
    from services.watch import watch

    async def count(services: "Services") -> None:
        front.metrics.stands(await backlog.count(services.store))

    async def keep_subscription(_: "Services") -> None:
        if told is not None:
            await told.keep()

    async def warm() -> None:
        with suppress(Refused, Unavailable):
            await graph.warm()
        front.on_loaded()

    await asyncio.to_thread(_first_uses)
    front.on_loaded()
    if over.is_set():
        return  # nothing begins while the rest ends
    pause = partial(_pause, front.config)
    watches = [
        watch(notice_acceptances, wired.services, pause(ACCEPTANCE_POLL), told.changed if told else None),
        watch(tick, wired.services, pause(CLOCK_POLL)),
        watch(count, wired.services, pause(COUNT_POLL)),
        *([watch(keep_subscription, wired.services, pause(CLOCK_POLL), told.unwell)] if told else []),
    ]
    besides = [asyncio.create_task(one) for one in (warm(), *watches)]
    try:
        await wired.outbox.run(over, paced=front.paced)
    finally:
        for task in besides:
            task.cancel()
        await asyncio.gather(*besides, return_exceptions=True)


def _spans(config: Settings, store: "Store", ends: AsyncExitStack) -> "Span":
    if config.otlp_endpoint is None:
        return no_span
    from services import traces  # OpenTelemetry's SDK takes a while to import

    collected = traces.collected_at(config.otlp_endpoint, store)
    ends.callback(collected.close)
    return collected.span


def _apology(config: Settings) -> "Callable[[str], Done]":
    from cards import render
    from dialogs.turn import Done

    return lambda tag: Done(render.text("errors.apology", render.locale_of(tag, config.firm_locale)))


def _first_uses() -> None:
    """Whatever takes long the first time only: done in a thread, so that no turn waits."""
    from cards import render
    from services import people

    render.warm()
    people.email_address("prenom.nom@example.fr")
    people.phone_number("06 12 34 56 78", "phone", mobile=True)


def _settle() -> None:
    """What lives now lives as long as the process: no collection need stop it to look at all that again (some 100 ms)."""
    gc.freeze()
    gc.enable()


def _pause(config: Settings, usual: float) -> float:
    return PRACTICE_POLL if config.practice else usual


def _notifications(config: Settings, store: "Store", graph: "Graph") -> "Notifications | None":
    from services.notifications import Notifications

    url = config.notifications_url
    return Notifications(store, graph.subscriptions, url) if url else None


async def _serve(config: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    try:
        await run_bot(config, stop, on_loaded=_settle)
    except CannotListen as fault:
        print(f"HOST, PORT: cannot listen on {config.host}:{config.port} ({fault})", file=sys.stderr)
        return 2
    return 0


def _command(arguments: list[str]) -> Callable[[Settings], Coroutine[None, None, int]]:
    """What is asked for. Only what is no serving needs the commands' words and rooms."""
    if arguments in ([], ["serve"]):
        return _serve
    from bot import operator

    rooms = operator.Rooms(_serve, open_store, open_graph, open_doctor, firm_of)
    return operator.command(rooms, arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit status (2: a setting is wrong or missing)."""
    given = sys.argv[1:] if arguments is None else arguments
    command = _command(given)
    try:
        config = settings.load()
    except WrongSettings as wrong:
        print("\n".join(wrong.faults), file=sys.stderr)
        return 2
    logs.configure(config.log_level, config.log_format)
    logs.no_tracebacks()
    try:
        return asyncio.run(command(config))
    except Exception:
        log.exception("%s failed", given[0] if given else "serve")
        return 1


if __name__ == "__main__":
    sys.exit(main())
