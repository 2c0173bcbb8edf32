"""A practice firm, a database and a bot that is killed over and over while invitations go their way; then the reckoning."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from sqlalchemy import select

import app
from practice import seed
from practice.state import Invitation as Granted
from services import dossiers, invitations, portfolio, settings
from services.invitations import NewGuest
from services.models import Dossier
from services.settings import Settings
from services.store import Store
from tests.chaos.executioner import Boundary, Executioner, Target
from tests.chaos.process import BotProcess, Start
from tests.teams import Firm

PATIENCE = 300.0
COMPANIES = 20
_OPEN = "SELECT id FROM effects WHERE state IN ('due', 'running')"
_RUNNING = "SELECT id FROM effects WHERE state = 'running'"


@dataclass(frozen=True, slots=True)
class Copies:
    """How often each thing happened that should have happened once, and what became of it."""

    lost: int
    doubled: int
    beyond_twice: int
    unexplained: int  # doubled, though nothing had been left unsure
    parked: int


class Rig:
    """See the module. `seed` asks for invitations, `strike` kills, `finish` lets everything end, then the figures."""

    def __init__(self, firm: Firm, config: Settings, store: Store, bot: BotProcess, database: Path) -> None:
        self.firm = firm
        self.bot = bot
        self.kills = 0
        self._config = config
        self._store = store
        self._database = database
        self._companies: list[Dossier] = []
        self._people: list[str] = []
        self._redeemed: set[str] = set()
        self.executioner = Executioner(bot.kill, self._count)
        firm.cloud.state.witness = self.executioner

    # --- the story

    async def seed(self, people: int) -> None:
        """Ask for so many invitations more, as an administrator's clicks would."""
        async with self._store.work() as work:
            if not self._companies:
                lines = portfolio.read(seed.portfolio_csv(COMPANIES).encode())
                await dossiers.keep(work, [portfolio.record(line.said) for line in lines])
                self._companies = list((await work.session.scalars(select(Dossier))).unique())
            for _ in range(people):
                email = f"client{len(self._people)}@entreprise.example"
                guest = NewGuest("Client", f"N{len(self._people)}", email, "+33612345678", "fr")
                company = self._companies[len(self._people) % len(self._companies)]
                await invitations.invite_guest(work, guest, company, seed.CLAIRE.aad_id)
                self._people.append(email)

    async def strike(self, target: Target, boundary: Boundary, nth: int = 1) -> None:
        """Kill at the nth such call, start again, and wait until what was cut has been settled.

        Waiting keeps a second kill from cutting the replay of the first: two in a row may park a mail, and tests/services
        has its test.
        """
        await self.executioner.strike(target, boundary, nth)
        self.kills += 1
        cut = self._ids(_RUNNING)
        await self.bot.start()
        async with asyncio.timeout(PATIENCE):
            while cut & self._ids(_OPEN):
                await asyncio.sleep(0.01)

    async def finish(self) -> None:
        """Kill the bot once more and let another one, in this process and in no hurry to be polite, end everything."""
        await self.bot.kill()
        stop = asyncio.Event()
        bot = asyncio.create_task(app.run_bot(self._config, stop, paced=False))
        async with asyncio.timeout(PATIENCE):
            while not self._ended():
                if bot.done():
                    await bot
                await asyncio.sleep(0.05)
        stop.set()
        await bot

    async def accept(self) -> None:
        """Every guest follows the link of the mail they got. Until cancelled."""
        state = self.firm.cloud.state
        while True:
            mailed = {to for mail in state.mails for to in mail.to}
            newest: dict[str, Granted] = {one.email: one for one in state.invitations}
            for email in mailed - self._redeemed:
                state.redeem(newest[email].redeem_url)
                self._redeemed.add(email)
            await asyncio.sleep(0.05)

    def _ended(self) -> bool:
        return not self._ids(_OPEN) and not self._ids("SELECT id FROM invitations WHERE state IN ('requested', 'sent')")

    # --- the figures

    def guests(self) -> Copies:
        """Guest accounts: one for each person asked for."""
        users = [user.mail for user in self.firm.cloud.state.users.values() if user.user_type == "Guest"]
        return self._copies(Counter(users), self._people, set())

    def links(self) -> int:
        """How often Graph was asked once more for the link of a guest it had made: no second guest, and no mail of its own."""
        return len(self.firm.cloud.state.invitations) - len({one.email for one in self.firm.cloud.state.invitations})

    def members(self) -> Copies:
        """Places in the team."""
        state = self.firm.cloud.state
        team = state.groups[seed.TEAM_GROUP_ID]
        return self._copies(Counter(state.users[one].mail for one in team), self._people, set())

    def mails(self) -> Copies:
        """Invitation mails."""
        sent = Counter(to for mail in self.firm.cloud.state.mails for to in mail.to)
        return self._copies(sent, self._people, self._unsure("mail_invitation"), self._parked("mail_invitation"))

    def messages(self) -> Copies:
        """Cards in « Général », one for each invitation."""
        by_id = {row[0]: row[1] for row in self._rows("SELECT id, email FROM invitations")}
        posted: Counter[str | None] = Counter()
        for message in self.firm.teams.conversations.channel.messages:
            drawn = str(message.versions[0])
            posted.update(email for id_, email in by_id.items() if id_ in drawn)
        return self._copies(posted, self._people, self._unsure("say_invitation"), self._parked("say_invitation"))

    def stale(self) -> int:
        """Cards that do not show how their invitation ended: updates lost."""
        by_activity = {message.id: message for message in self.firm.teams.conversations.channel.messages}
        where = "SELECT activity_id FROM posted_cards WHERE about LIKE 'invitation:%'"
        shown = [str(by_activity[row[0]].activity) for row in self._rows(where)]
        return len(self._people) - sum("Invitation acceptée" in card for card in shown)

    def _copies(
        self, found: Counter[str | None], wanted: list[str], unsure: set[str], parked: frozenset[str] = frozenset()
    ) -> Copies:
        copies = {one: found[one] for one in wanted}
        doubled = {one for one, count in copies.items() if count > 1}
        return Copies(
            lost=sum(count == 0 for count in copies.values()),
            doubled=len(doubled),
            beyond_twice=sum(count > 2 for count in copies.values()),
            unexplained=len(doubled - unsure),
            parked=len(parked),
        )

    def _unsure(self, reaction: str) -> set[str]:
        return self._people_of(reaction, "unsure > 0")

    def _parked(self, reaction: str) -> frozenset[str]:
        return frozenset(self._people_of(reaction, "effects.state = 'parked'"))

    def _people_of(self, reaction: str, which: str) -> set[str]:
        join = "SELECT email FROM effects JOIN invitations i ON i.id = json_extract(payload, '$.subject')"
        return {row[0] for row in self._rows(f"{join} WHERE reaction = '{reaction}' AND {which}")}

    async def _count(self, sql: str) -> int:
        return int(self._rows(sql)[0][0])

    def _ids(self, sql: str) -> set[str | int]:
        return {row[0] for row in self._rows(sql)}

    def _rows(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()


@asynccontextmanager
async def rig(start: Start, folder: Path) -> AsyncIterator[Rig]:
    """A rig whose bot is installed and running, with its database in `folder`."""
    firm = await Firm.start()
    database = folder / "bot.db"
    environment = {
        **firm.environment(),
        "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "PORT": str(free_port()),
        "INVITE_TO_TEAM": "true",
    }
    config = settings.load(environment)
    store = app.open_store(config)
    bot = BotProcess(start, environment)
    await bot.start()
    firm.teams.bot_url = f"{bot.url}/api/messages"
    await firm.install()
    made = Rig(firm, config, store, bot, database)
    guests = asyncio.create_task(made.accept())
    try:
        yield made
    finally:
        guests.cancel()
        with suppress(asyncio.CancelledError):
            await guests
        with suppress(ProcessLookupError):
            await bot.kill()
        await store.close()
        await firm.stop()


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def any_call() -> int:
    """Which matching call to kill at: seldom the very first."""
    return random.randint(1, 3)
