"""A long list of new clients, killed in the middle: each line exactly once, and how long against how long it must."""

import asyncio
from bisect import bisect
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, func, select, update

import app
from practice import seed
from practice.ports import free_port
from services import dossiers, migrate, portfolio, settings
from services.bulk_standing import standing
from services.models import (
    OPEN_EFFECTS,
    Effect,
    EffectState,
    Import,
    ImportState,
    Interlocuteur,
    Invitation,
    LoopTask,
    Proposition,
    Rattachement,
    Row,
)
from services.outbox import DIRECTORY, MAIL
from services.settings import Settings
from services.store import Store
from tests.chaos.process import BotProcess, Start, until
from tests.clients import client, codes, email, saved
from tests.teams import Firm

INVITE, SEND = "POST /invitations", "/sendMail"
CALLS = 2  # of Graph for an invitation: is somebody there, then the invitation
GRAPH_PACE = (
    30.0  # invitations a second Graph takes of one application ("Microsoft Graph throttling limits": 150 in 5 s)
)
COMPANIES = 1_600
PATIENCE = 1800.0
ON_ITS_WAY = 0.25  # seconds in which a killed bot's last requests still arrive; none starts in less


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the time went beside the steady work, in seconds.

    `before` the first invitation; `silent` from each kill until Graph is asked for an invitation again; `late`: what the kills
    had cut left so much after all else; `after` the last mail.
    """

    before: float
    silent: float
    late: float
    after: float


@dataclass(frozen=True, slots=True)
class Report:
    """What became of `lines`. Times in seconds: `dry` until the verdicts, `wall` from the Ok to the end, downtime included.

    `least` is what Microsoft's limits and the outbox's pools allow at best. `wrong` says what is not exactly once.
    """

    lines: int
    kills: int
    dry: float
    wall: float
    least: float
    parts: Parts
    redraws: int
    wrong: list[str]

    @property
    def ratio(self) -> float:
        return self.wall / self.least

    @property
    def steady(self) -> float:
        """The ratio without those parts: what the outbox makes of the limits while it runs."""
        parts = self.parts
        return (self.wall - parts.before - parts.silent - parts.late - parts.after) / self.least


class Slow:
    """The witness of a practice firm whose Graph takes `latency` seconds a call; ends the bot at these invitations.

    Keeps when each invitation was asked for, and when each mail left.
    """

    def __init__(self, latency: float, at: list[int]) -> None:
        self._latency = latency
        self._at = at
        self.invited = 0
        self.asked: list[float] = []
        self.mailed: list[float] = []
        self.now = asyncio.Event()

    async def __call__(self, call: str, status: int | None) -> bool:
        """See practice.state.Witness."""
        clock = asyncio.get_running_loop().time
        if status is None and " /" in call:
            if call == INVITE:
                self.asked.append(clock())
            await asyncio.sleep(self._latency)
        elif call.endswith(SEND):
            self.mailed.append(clock())
        elif call == INVITE:
            self.invited += 1
            if self._at and self.invited >= self._at[0]:
                self._at.pop(0)
                self.now.set()
        return False

    def parts(self, began: float, killed: Sequence[float], ended: float) -> Parts:
        """Of a list that took from `began` to `ended`."""
        silent = sum(self.asked[bisect(self.asked, at + ON_ITS_WAY)] - at for at in killed)
        cut = len(killed) * (DIRECTORY.slots + MAIL.slots)
        late = self.mailed[-1] - self.mailed[-1 - cut]
        return Parts(self.asked[0] - began, silent, late, ended - self.mailed[-1])


async def run(
    start: Start, database_url: str, *, lines: int, kills: int, latency: float, lapse: bool = False
) -> Report:
    """One list, so many kills spread over it. `lapse`: a killed bot's leases end at once, which takes a minute otherwise."""
    at = [lines * (number + 1) // (kills + 1) for number in range(kills)]
    async with _firm(database_url) as (firm, config, store):
        slow = Slow(latency, at)
        firm.cloud.state.witness = slow
        process = BotProcess(start, firm.environment() | {"DATABASE_URL": database_url, "PORT": str(config.port)})
        await process.start()
        try:
            await firm.install()
            clock = asyncio.get_running_loop().time
            claire, began = firm.person("Claire"), clock()
            await claire.sends_file("clients.csv", saved(*_clients(lines)))
            await _until_state(store, ImportState.CHECKED)
            await claire.sees("Rien n’est encore fait", within=PATIENCE)
            dry, began = clock() - began, clock()
            await claire.clicks("Lancer")
            killed = []
            for _ in range(kills):
                await asyncio.wait_for(slow.now.wait(), PATIENCE)
                slow.now.clear()
                await process.kill()
                killed.append(clock())
                if lapse:
                    await _end_leases(store)
                await process.start()
            await _until_state(store, ImportState.DONE)
            wall = clock() - began
            parts = slow.parts(began, killed, clock())
            await _until_quiet(store)
            wrong = await _wrong(firm, store, lines, kills)
            redraws = next(card.message.version for card in claire.chat if "clients.csv" in card.texts)
        finally:
            await process.kill()
    least = max(lines * CALLS * latency / DIRECTORY.slots, lines * latency / MAIL.slots, lines / GRAPH_PACE)
    return Report(lines, kills, dry, wall, least, parts, redraws, wrong)


@asynccontextmanager
async def _firm(database_url: str) -> AsyncIterator[tuple[Firm, Settings, Store]]:
    firm = await Firm.start()
    port = free_port()
    config = settings.load({**firm.environment(), "DATABASE_URL": database_url, "PORT": str(port)})
    firm.teams.bot_url = f"http://127.0.0.1:{port}/api/messages"
    firm.teams.limited = True
    store = app.open_store(config)
    try:
        await migrate.upgrade(store)
        async with store.work() as work:
            held = portfolio.read(seed.portfolio_csv(COMPANIES).encode())
            await dossiers.keep(work, [portfolio.record(line.said) for line in held])
        yield firm, config, store
    finally:
        await store.close()
        await firm.stop()


def _clients(count: int) -> Iterator[tuple[str, ...]]:
    """Each for a company of its own, as long as there are as many."""
    known = codes(COMPANIES)
    return (client(number, **{"Code dossier": known[number % COMPANIES]}) for number in range(count))


async def _end_leases(store: Store) -> None:
    async with store.work() as work:
        running = update(Effect).where(Effect.state == EffectState.RUNNING)
        await work.session.execute(running.values(due_at=work.moment - timedelta(seconds=1)))


async def _until_state(store: Store, state: ImportState) -> None:
    async def reached() -> bool:
        async with store.read() as session:
            return await session.scalar(select(Import.state)) == state

    await until(reached, pause=0.2, patience=PATIENCE)


async def _until_quiet(store: Store) -> None:
    async def quiet() -> bool:
        async with store.read() as session:
            return not await session.scalar(_count(Effect).where(Effect.state.in_(OPEN_EFFECTS)))

    await until(quiet, pause=0.2, patience=PATIENCE)


async def _wrong(firm: Firm, store: Store, lines: int, kills: int) -> list[str]:
    """What is not exactly once. A mail cut by a kill is the undecidable window: replayed once at most, and counted unsure."""
    state = firm.cloud.state
    wanted = {email(number) for number in range(lines)}
    wrong = []
    guests = Counter(user.mail for user in state.users.values() if user.user_type == "Guest")
    asked = Counter(one.email for one in state.invitations)
    mails = Counter(to for mail in state.mails for to in mail.to)
    if guests != Counter(wanted):
        wrong.append(
            f"guests: {len(wanted - guests.keys())} lost, {sum(count > 1 for count in guests.values())} doubled"
        )
    if set(asked) != wanted or sum(asked.values()) - lines > kills * DIRECTORY.slots:
        wrong.append(f"invitations asked of Graph: {sum(asked.values())} for {len(asked)} people")
    async with store.read() as session:
        unsure = (
            await session.scalar(_count(Effect).where(Effect.reaction == "mail_invitation", Effect.unsure > 0)) or 0
        )
        still = await session.scalar(_count(Effect).where(Effect.state.in_(OPEN_EFFECTS)))
        parked = await session.scalar(_count(Effect).where(Effect.state == EffectState.PARKED))
        rows = {
            row.__tablename__: await session.scalar(_count(row))
            for row in (Invitation, Interlocuteur, Rattachement, Proposition, LoopTask)
        }
        import_id = await session.scalar(select(Import.id))
        now = await standing(session, str(import_id))
    if set(mails) != wanted or sum(mails.values()) - lines > unsure or max(mails.values()) > 2:
        wrong.append(f"mails: {len(wanted - mails.keys())} lost, {sum(mails.values()) - lines} more, {unsure} unsure")
    wrong += [f"{name}: {count} rows" for name, count in rows.items() if count != lines]
    if still or parked or (now.taken, now.left, now.under_way, now.failed) != (lines, 0, 0, 0):
        wrong.append(f"{still} effects open, {parked} parked; {now}")
    cards = [one for one in firm.teams.conversations.channel.messages if one.author == seed.BOT_MRI]
    if len(cards) != 1:
        wrong.append(f"{len(cards)} cards in « Général », not the menu alone")
    return wrong + [refusal for refusal in firm.teams.refusals if not refusal.startswith("429")]


def _count(row: type[Row]) -> Select[int]:
    return select(func.count()).select_from(row)
