"""A practice firm, a database, and bots that are killed over and over while invitations go their way; then the reckoning."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select

import app
from practice import seed
from practice.ports import free_port
from practice.state import Invitation as Granted
from services import dossiers, invitations, portfolio, settings
from services.invitations import NewGuest
from services.models import Dossier, Effect, EffectState, Invitation, InvitationState, PostedCard
from services.settings import Settings
from tests.chaos.executioner import Boundary, Executioner, Target
from tests.chaos.process import BotProcess, Start, until
from tests.teams import Firm

PATIENCE = 300.0
CALL_AGAIN = 20.0
COMPANIES = 20
_OPEN = select(Effect.id).where(Effect.state.in_((EffectState.DUE, EffectState.RUNNING)))
_RUNNING = select(Effect.id).where(Effect.state == EffectState.RUNNING)
_UNDER_WAY = select(Invitation.id).where(Invitation.state.in_((InvitationState.REQUESTED, InvitationState.SENT)))


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

    def __init__(self, firm: Firm, config: Settings, bots: Sequence[BotProcess]) -> None:
        self.firm = firm
        self.kills = 0
        self._bots = bots
        self._victim = bots[0]
        self._config = config
        self._store = app.open_store(config)
        self._companies: list[Dossier] = []
        self._people: list[str] = []
        self._redeemed: set[str] = set()
        self._executioner = Executioner(self._kill, self._count)
        firm.cloud.state.witness = self._executioner

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
        """Ask for invitations, kill at the nth such call (one of the bots, whoever called), and start again.

        With one bot, wait until what was cut has been settled: a second kill could cut the replay of the first, and a mail
        would be parked. With several that would take as long as a lease lasts.
        """
        self._executioner.order(target, boundary, nth)
        await self.seed(nth)
        while not await self._executioner.done(CALL_AGAIN):
            await self.seed(1)
        self.kills += 1
        cut = await self._ids(_RUNNING)
        await self._victim.start()

        async def settled() -> bool:
            return len(self._bots) > 1 or not cut & await self._ids(_OPEN)

        await until(settled, patience=PATIENCE)

    async def _kill(self) -> None:
        self._victim = random.choice(self._bots)
        await self._victim.kill()

    async def finish(self) -> None:
        """Kill every bot and let another one, in this process and in no hurry to be polite, end everything."""
        for one in self._bots:
            await one.kill()
        stop = asyncio.Event()
        bot = asyncio.create_task(app.run_bot(self._config, stop, paced=False))

        async def ended() -> bool:
            # In this order: an invitation's end owes effects, in its own commit.
            return bot.done() or not (await self._ids(_UNDER_WAY) or await self._ids(_OPEN))

        await until(ended, pause=0.05, patience=PATIENCE)
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

    async def close(self) -> None:
        """End what still runs."""
        for one in self._bots:
            with suppress(ProcessLookupError):
                await one.kill()
        await self._store.close()
        await self.firm.stop()

    # --- the figures

    @property
    def people(self) -> int:
        """How many were asked for."""
        return len(self._people)

    def guests(self) -> Copies:
        """Guest accounts: one for each person asked for."""
        users = [user.mail for user in self.firm.cloud.state.users.values() if user.user_type == "Guest"]
        return self._copies(Counter(users))

    def links(self) -> int:
        """How often Graph was asked once more for the link of a guest it had made: no second guest, and no mail of its own."""
        granted = self.firm.cloud.state.invitations
        return len(granted) - len({one.email for one in granted})

    def members(self) -> Copies:
        """Places in the team."""
        state = self.firm.cloud.state
        return self._copies(Counter(state.users[one].mail for one in state.groups[seed.TEAM_GROUP_ID]))

    async def mails(self) -> Copies:
        """Invitation mails."""
        sent: Counter[str | None] = Counter(to for mail in self.firm.cloud.state.mails for to in mail.to)
        return self._copies(sent, await self._unsure("mail_invitation"), await self._parked("mail_invitation"))

    async def messages(self) -> Copies:
        """Cards in « Général », one for each invitation."""
        by_id = {row[0]: row[1] for row in await self._rows(select(Invitation.id, Invitation.email))}
        posted: Counter[str | None] = Counter()
        for message in self.firm.teams.conversations.channel.messages:
            drawn = str(message.versions[0])
            posted.update(email for id_, email in by_id.items() if id_ in drawn)
        return self._copies(posted, await self._unsure("say_invitation"), await self._parked("say_invitation"))

    async def stale(self) -> int:
        """Cards that do not show how their invitation ended: updates lost."""
        messages = {message.id: message for message in self.firm.teams.conversations.channel.messages}
        where = select(PostedCard.activity_id).where(PostedCard.about.startswith("invitation:"))
        shown = [str(messages[row[0]].activity) for row in await self._rows(where)]
        return len(self._people) - sum("Invitation acceptée" in card for card in shown)

    def _copies(
        self, found: Counter[str | None], unsure: set[str] | None = None, parked: set[str] | None = None
    ) -> Copies:
        copies = {one: found[one] for one in self._people}
        doubled = {one for one, count in copies.items() if count > 1}
        return Copies(
            lost=sum(count == 0 for count in copies.values()),
            doubled=len(doubled),
            beyond_twice=sum(count > 2 for count in copies.values()),
            unexplained=len(doubled - (unsure or set())),
            parked=len(parked or ()),
        )

    async def _unsure(self, reaction: str) -> set[str]:
        return await self._people_of(Effect.reaction == reaction, Effect.unsure > 0)

    async def _parked(self, reaction: str) -> set[str]:
        return await self._people_of(Effect.reaction == reaction, Effect.state == EffectState.PARKED)

    async def _people_of(self, *which: ColumnElement[bool]) -> set[str]:
        subject = Effect.payload["subject"].as_string()
        return await self._ids(select(Invitation.email).join(Effect, subject == Invitation.id).where(*which))

    async def _count(self, query: Select[int]) -> int:
        return int((await self._rows(query))[0][0])

    async def _ids(self, query: Select[*tuple[Any, ...]]) -> set[Any]:
        return {row[0] for row in await self._rows(query)}

    async def _rows(self, query: Select[*tuple[Any, ...]]) -> Sequence[Any]:
        async with self._store.read() as session:
            rows: Sequence[Any] = (await session.execute(query)).all()
        return rows


@asynccontextmanager
async def rig(start: Start, database_url: str, *, bots: int = 1) -> AsyncIterator[Rig]:
    """A rig with so many bots, installed and running on this database."""
    firm = await Firm.start()
    environment = {**firm.environment(), "DATABASE_URL": database_url, "INVITE_TO_TEAM": "true"}
    processes = [BotProcess(start, environment | {"PORT": str(free_port())}) for _ in range(bots)]
    made = Rig(firm, settings.load(environment | {"PORT": str(free_port())}), processes)
    guests = asyncio.create_task(made.accept())
    try:
        for one in processes:
            await one.start()
        firm.teams.bot_url = f"{processes[0].url}/api/messages"
        await firm.install()
        yield made
    finally:
        guests.cancel()
        with suppress(asyncio.CancelledError):
            await guests
        await made.close()
