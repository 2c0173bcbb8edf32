"""Minutes of a Graph gone mad, on a clock that skips what is only waiting: every workflow ends, and clicks are answered."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import kiota_http.observability_options  # noqa: F401 - imported in a thread, it would seem to take no time
import msgraph.graph_request_adapter
import msgraph.graph_service_client  # noqa: F401
from sqlalchemy import select

import app
from practice import seed
from practice.activities import Activity
from practice.card import CannotDo
from practice.ports import free_port
from practice.state import Fault
from practice.teams import Answer, BotFailed
from services import dossiers, interlocuteurs, invitations, offers, portfolio, propositions, settings
from services.deliveries import MAIL_IN_DOUBT
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.models import Dossier, Effect, EffectState, Invitation, Proposition
from services.offers import Qualite
from services.store import Store
from tests.chaos import skipping
from tests.chaos.process import until_ready
from tests.teams import Firm, Person

CALM = 3600.0  # seconds for everything to end once Graph is well again
_MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_CLAIRE = (seed.CLAIRE.aad_id, seed.CLAIRE.name)
_MALO = (seed.MALO.aad_id, seed.MALO.name)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of it. `unfinished`: what did not end as it should; times are in seconds of that clock.

    `mended`: invitations sent once more because their card said that the mail may not have arrived.
    """

    workflows: int
    faults: Counter[str]
    unfinished: list[str]
    mails: Counter[str]
    mended: int
    calmed_after: float
    clicks: int
    slowest_click: float


class Weather:
    """Chooses what each call to Graph meets, while it storms. Entra's tokens are spared."""

    def __init__(self, chance: random.Random) -> None:
        self.storms = False
        self.met: Counter[str] = Counter()
        self._chance = chance

    def __call__(self, method: str, path: str) -> Fault | None:
        """practice.state.State.next_fault."""
        if not self.storms or "oauth2" in path:
            return None
        name, fault = self._chance.choices(self._kinds(), weights=(40, 30, 12, 4, 3, 4, 4, 3))[0]
        self.met[name] += 1
        return fault

    def _kinds(self) -> list[tuple[str, Fault | None]]:
        wait = {"Retry-After": str(self._chance.randint(1, 20))}
        done = self._chance.random() < 0.5
        return [
            ("fine", None),
            ("429", Fault("", "", 1, False, status=429, code="TooManyRequests", headers=wait)),
            ("503", Fault("", "", 1, False, status=503)),
            ("500, 502", Fault("", "", 1, False, status=self._chance.choice((500, 502)))),
            ("504, done or not", Fault("", "", 1, done, status=504)),
            ("reset before", Fault("", "", 1, False, drop=True)),
            ("reset after", Fault("", "", 1, True, drop=True)),
            ("30 s stall, done or not", Fault("", "", 1, done, seconds=30.0)),
        ]


class Story:
    """Clients invited, then offered something, while it storms; and an administrator who goes on clicking."""

    def __init__(self, firm: Firm, store: Store) -> None:
        self.firm = firm
        self.slowest = 0.0
        self.clicks = 0
        self._asked = 0
        self._store = store
        self._redeemed: set[str] = set()

    async def portfolio(self) -> list[Dossier]:
        async with self._store.work() as work:
            lines = portfolio.read(seed.portfolio_csv(20).encode())
            await dossiers.keep(work, [portfolio.record(line.said) for line in lines])
            return list((await work.session.scalars(select(Dossier))).unique())

    async def asks(self, number: int, dossier: Dossier) -> None:
        """One client more: invited, linked, and Start proposed."""
        email = f"client{number}@entreprise.example"
        guest = NewGuest("Client", f"N{number}", email, "+33612345678", "fr")
        contact = Contact("Client", f"N{number}", guest.mobile, "", email, Qualite.DIRECTION_TPE, *[""] * 7)
        async with self._store.work() as work:
            await invitations.invite_guest(work, guest, dossier, _CLAIRE[0])
            await offers.activate_offer(work, dossier, "start", _CLAIRE[0], subscription_confirmed=False)
            person = await interlocuteurs.create(work, contact, "fr", _CLAIRE[0])
            await interlocuteurs.link(work, person, dossier, _CLAIRE[0])
            await propositions.propose_offer(work, dossier, "start", person, *_CLAIRE)

    async def lives(self) -> None:
        """Guests follow their links and Malo approves, every few seconds. Until cancelled."""
        while True:
            await asyncio.sleep(3)
            self._redeem()
            async with self._store.work() as work:
                waiting = select(Proposition.id).where(Proposition.state == "awaiting_approval").limit(1)
                for proposition in await work.session.scalars(waiting):
                    await propositions.approve_activation(work, proposition, *_MALO, ticked=True)

    async def mends(self) -> int:
        """Once it is calm, Claire sends again what its card says may not have arrived; gives how many."""
        async with self._store.work() as work:
            doubtful = select(Invitation.id).where(Invitation.state == "sent", Invitation.reason == MAIL_IN_DOUBT)
            found = (await work.session.scalars(doubtful)).all()
            for invitation in found:
                await invitations.resend(work, invitation, _CLAIRE[0])
        return len(found)

    def _redeem(self) -> None:
        state = self.firm.cloud.state
        mailed = {to for mail in state.mails for to in mail.to if "invite" in mail.subject}
        newest = {one.email: one for one in state.invitations}
        for email in mailed - self._redeemed:
            state.redeem(newest[email].redeem_url)
            self._redeemed.add(email)

    async def clicks_about(self) -> None:
        """Claire invites others by the form, again and again, however it is answered. Until cancelled."""
        claire = self.firm.person("Claire")
        deliver, clock = self.firm.teams.deliver, asyncio.get_running_loop().time

        async def timed(activity: Activity, **more: Any) -> Answer:
            asked = clock()
            try:
                return await deliver(activity, **more)
            finally:
                self.clicks += 1
                self.slowest = max(self.slowest, clock() - asked)

        with patch.object(self.firm.teams, "deliver", timed):
            await claire.writes("inviter")
            while True:
                with suppress(CannotDo, BotFailed):
                    await self._invites(claire)
                await claire.closes()
                await asyncio.sleep(5)

    async def _invites(self, claire: Person) -> None:
        """The last click asks Graph anew who she is, and what it knows of the guest."""
        self._asked += 1
        email = f"clic{self._asked}@entreprise.example"
        await claire.clicks("Ouvrir le formulaire")
        await claire.fills(
            {"Nom": "Clic", "Prénom": "Client", "E-mail": email, "Numéro de téléphone mobile": "0612345678"}
        )
        await claire.clicks("Continuer")
        await claire.searches("Dossier", "boumar")
        await claire.picks("BOUMAR")
        await claire.clicks("Continuer")
        await claire.clicks("Envoyer l’invitation")

    # --- the end

    async def open_effects(self) -> int:
        async with self._store.read() as session:
            due = select(Effect.id).where(Effect.state.in_((EffectState.DUE, EffectState.RUNNING)))
            waiting = select(Invitation.id).where(Invitation.state.in_(("requested", "sent")))
            undecided = select(Proposition.id).where(Proposition.state != "active")
            return sum([len((await session.scalars(query)).all()) for query in (due, waiting, undecided)])

    async def invited(self) -> int:
        async with self._store.read() as session:
            return len((await session.scalars(select(Invitation.id))).all())

    async def unfinished(self) -> list[str]:
        """What is not as it should be, in words."""
        state = self.firm.cloud.state
        guests = Counter(user.mail for user in state.users.values() if user.user_type == "Guest")
        wrong = []
        async with self._store.read() as session:
            for invitation in await session.scalars(select(Invitation)):
                if guests[invitation.email] != 1:
                    wrong.append(f"{invitation.email}: {guests[invitation.email]} guests")
                if invitation.state != "accepted":
                    wrong.append(f"{invitation.email}: invitation {invitation.state} {invitation.reason}")
            for proposition in await session.scalars(select(Proposition)):
                if proposition.state != "active":
                    wrong.append(f"proposition {proposition.id}: {proposition.state}")
            parked = await session.scalars(select(Effect).where(Effect.state == EffectState.PARKED))
            wrong += [
                f"{one.reaction} parked: {one.reason}" for one in parked if not (_is_mail(one) and one.unsure > 1)
            ]
        return wrong

    async def mails(self) -> Counter[str]:
        """How many mails arrived once, twice, more often; or were given up after the one replay, which is reported."""
        found = Counter((to, mail.subject) for mail in self.firm.cloud.state.mails for to in mail.to)
        words = {1: "once", 2: "twice"}
        result = Counter(words.get(count, "more often") for count in found.values())
        async with self._store.read() as session:
            effects = (await session.scalars(select(Effect))).all()
        result["parked"] = sum(_is_mail(one) and one.state == EffectState.PARKED for one in effects)
        result["owed"] = sum(_is_mail(one) for one in effects)
        return result


def _is_mail(effect: Effect) -> bool:
    return effect.reaction.startswith("mail_")


async def _storm(folder: Path, minutes: float, people: int, chance: random.Random) -> Report:
    loop = asyncio.get_running_loop()
    began = loop.time()

    def clock() -> datetime:
        return _MONDAY + timedelta(seconds=loop.time() - began)

    firm = await Firm.start()
    weather = Weather(chance)
    firm.cloud.state.next_fault = weather  # type: ignore[method-assign]
    database = f"sqlite+aiosqlite:///{folder / 'bot.db'}"
    config = settings.load({**firm.environment(), "DATABASE_URL": database, "PORT": str(free_port())})
    store = app.open_store(config, clock)
    stop = asyncio.Event()
    bot = asyncio.create_task(app.run_bot(config, stop, clock))
    url = f"http://{config.host}:{config.port}"
    firm.teams.bot_url = f"{url}/api/messages"
    story = Story(firm, store)
    try:
        await until_ready(url)
        await firm.install()
        companies = await story.portfolio()
        lives, clicks = asyncio.create_task(story.lives()), asyncio.create_task(story.clicks_about())
        weather.storms = True
        for number in range(people):
            await story.asks(number, companies[number % len(companies)])
            await asyncio.sleep(60 * minutes / people)
        weather.storms = False
        calm = loop.time()
        clicks.cancel()
        mended = 0
        async with asyncio.timeout(CALM):
            while await story.open_effects():
                mended += await story.mends()
                await asyncio.sleep(1)
        calmed_after = loop.time() - calm
        lives.cancel()
        await asyncio.gather(lives, clicks, return_exceptions=True)
        return Report(
            workflows=people + await story.invited(),
            faults=weather.met,
            unfinished=await story.unfinished(),
            mails=await story.mails(),
            mended=mended,
            calmed_after=calmed_after,
            clicks=story.clicks,
            slowest_click=story.slowest,
        )
    finally:
        stop.set()
        await bot
        await store.close()
        await firm.stop()


def storm(folder: Path, *, minutes: float, people: int, number: int = 1) -> Report:
    """Let it storm over so many clients; `number` chooses the storm. Runs its own event loop."""
    with patch.object(app, "PRACTICE_POLL", 15.0):
        report: Report = skipping.run(partial(_storm, folder, minutes, people, random.Random(number)))
    return report
