"""Who runs: our bot and its peers' echo bots, started one by one, and what is asked of each."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import wire
from bench.bots import PEERS, ROOT, Bot, install
from bench.connector import COLLABORATEURS, PERSONAS, Microsoft
from bench.lanes import Repeating, Requests, Walk, Walking, arrived, menu_asked, opening, redrawn, written
from bench.load import Lane, WrongAnswer
from practice.activities import Persona

OURS = "passerelle"
TRIES = 5
"""A bot that has just started still loads Graph's SDK: on a busy machine it may ask to try again."""
ECHOES = ("floor", "botbuilder", "agents", "teams")
"""The bots that echo, each its own environment under build/bench; `floor` is the least a bot can do."""
SAID = {
    OURS: "Passerelle",
    "floor": "aiohttp + PyJWT, no SDK (the floor)",
    "botbuilder": "botbuilder 4.17.1",
    "agents": "microsoft-agents 1.9.0",
    "teams": "microsoft-teams-apps 2.1.1",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing measured: what is asked of a bot, on so many connections."""

    name: str
    bot: str
    lanes: Callable[[int], Sequence[Lane]]


@dataclass
class Running:
    """Our bot, and the peers asked for, all started, the bot installed in its team and people in their dialogs."""

    microsoft: Microsoft
    bots: dict[str, Bot] = field(default_factory=dict)
    walks: list[Walk] = field(default_factory=list)

    def lines(self) -> list[Line]:
        """Every line, in the order of the table."""
        made = [Line(f"{SAID[name]}: echo", name, self._writing) for name in ECHOES if name in self.bots]
        if "floor" in self.bots:
            made.append(Line(f"{SAID['floor']}: invoke answered", "floor", self._refreshing))
        return [
            *made,
            Line(MENU, OURS, self._refreshing),
            Line(WRITTEN, OURS, self._writing),
            Line(REAL, OURS, self._walking),
        ]

    def _writing(self, connections: int) -> Sequence[Lane]:
        bodies = [written(self.microsoft.envelope, who, "aide") for who in PERSONAS]
        return _shared(Requests(self.microsoft), bodies, connections)

    def _refreshing(self, connections: int) -> Sequence[Lane]:
        # An administrator's menu also says how much waits for one, which is in the database.
        bodies = [menu_asked(self.microsoft.envelope, who) for who in COLLABORATEURS]
        return _shared(Requests(self.microsoft), bodies, connections, redrawn)

    def _walking(self, connections: int) -> Sequence[Lane]:
        requests = Requests(self.microsoft)
        return [Walking(requests, self.walks[lane::connections]) for lane in range(connections)]


MENU = f"{SAID[OURS]}: a collaborateur’s menu drawn anew (no database)"
WRITTEN = f"{SAID[OURS]}: written to, the menu posted"
REAL = f"{SAID[OURS]}: a step of a dialog (draft read and written in SQLite, card drawn)"


def _shared(
    requests: Requests, bodies: list[bytes], connections: int, right: Callable[[bytes], bool] = lambda _: True
) -> Sequence[Lane]:
    return [Repeating(requests, bodies[lane::connections], right) for lane in range(connections)]


async def start_ours(microsoft: Microsoft, database: Path, ready: str = "/readyz", *, quick: bool) -> Bot:
    """Our bot, as it is deployed: `python app.py`, on SQLite at `database`, until `ready` answers 200.

    Where it is not `quick`, with the packages of an installation and no others: some look for what they might use.
    """
    python = Path(sys.executable) if quick else install(OURS, ROOT / "requirements.lock")
    environment = microsoft.our_environment() | {
        "DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "LOG_LEVEL": "WARNING",
    }
    return await Bot.start(OURS, [python, "app.py"], environment, ready, 200)


async def start_peer(microsoft: Microsoft, name: str) -> Bot:
    """A peer's echo bot, until it answers anything at all."""
    python = install(name, PEERS / name / "requirements.txt")
    return await Bot.start(name, [python, PEERS / name / "bot.py"], microsoft.peer_environment(), "/", None)


async def settle(microsoft: Microsoft, bot: Bot, people: int) -> list[Walk]:
    """Install our bot in its team; then so many people open « Inviter ». Raises WrongAnswer."""
    requests = Requests(microsoft)
    client = await wire.Client.open(bot.port)

    async def ask(body: bytes) -> bytes:
        status, answer = await client.ask(requests.of(body))
        if status != 200:
            raise WrongAnswer(f"{status}: {answer[:300]!r}")
        return answer

    async def opened(who: Persona) -> bytes:
        for _ in range(TRIES):
            answer = await ask(opening(microsoft.envelope, who))
            if b'"continue"' in answer:
                return answer
        raise WrongAnswer(f"no dialog: {answer[:300]!r}")

    try:
        for body in arrived(microsoft.envelope, PERSONAS[0]):
            await ask(body)
        walks = []
        for number, who in enumerate(PERSONAS[:people]):
            walk = Walk(microsoft.envelope, who, number)
            walk.opened(await opened(who))
            walks.append(walk)
    finally:
        client.close()
    return walks


async def start_all(
    stack: AsyncExitStack, microsoft: Microsoft, folder: Path, peers: Sequence[str], *, quick: bool
) -> Running:
    """Everybody at once: a round goes from one to the next, and what disturbs the machine disturbs them alike."""
    running = Running(microsoft)
    for name in peers:
        running.bots[name] = await start_peer(microsoft, name)
        stack.push_async_callback(running.bots[name].stop)
    ours = running.bots[OURS] = await start_ours(microsoft, folder / "passerelle.db", quick=quick)
    stack.push_async_callback(ours.stop)
    running.walks = await settle(microsoft, ours, len(PERSONAS))
    return running
