"""`python -m practice`: the whole product to try at home, with a practice firm instead of Microsoft 365.

Starts the practice cloud, Teams and page on loopback, then the bot itself as it is deployed, and keeps what happened under
`var/practice-<port>/` (or `--folder`) until `--fresh`.
"""

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
import webbrowser
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import NamedTuple

from practice import packages, seed
from practice.bot import Bot
from practice.cloud import Cloud
from practice.server import Page
from practice.teams import BotFailed, Teams

_ROOT = Path(__file__).parent.parent
_PAGE = Path(__file__).parent / "page"
_HOST = "127.0.0.1"


def main() -> int:
    options = _options()
    try:
        ports = _ports(options.port)
        # One firm per port, so that two practices never share a database.
        folder: Path = options.folder or _ROOT / "var" / f"practice-{ports.page}"
        packages.install(_PAGE)
        if options.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_practise(ports, folder, open_browser=not options.no_open))
    except (_CannotStart, packages.NotInstalled) as reason:
        print(f"practice: {reason}", file=sys.stderr)
        return 1


class _CannotStart(Exception):
    """Why nothing can be practised, in a sentence."""


class _Ports(NamedTuple):
    page: int
    teams: int
    cloud: int
    bot: int


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m practice", description="Try Passerelle with a practice firm.")
    parser.add_argument(
        "--port",
        type=int,
        default=3979,
        help="of the page; the three next serve Teams, the cloud, the bot; 0: any free",
    )
    parser.add_argument("--folder", type=Path, help="where the firm is kept (default: var/practice-<port>)")
    parser.add_argument("--fresh", action="store_true", help="forget what was practised before")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    return parser.parse_args()


def _ports(first: int) -> _Ports:
    """Four ports nobody uses. Addresses are kept in databases and mails, so a busy one is refused, not replaced."""
    with ExitStack() as probes:
        found = []
        for port in range(first, first + 4) if first else (0,) * 4:
            probe = probes.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                raise _CannotStart(f"port {port} is taken; is a practice already running? If not: --port") from None
            found.append(probe.getsockname()[1])
    return _Ports(*found)


async def _practise(ports: _Ports, folder: Path, *, open_browser: bool) -> int:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with AsyncExitStack() as running:
        cloud = await Cloud.start(port=ports.cloud, path=folder / "cloud.json")
        running.push_async_callback(cloud.stop)
        teams = await Teams.start(cloud, port=ports.teams, path=folder / "teams.json")
        running.push_async_callback(teams.stop)
        teams.limited = True
        bot = Bot(_ROOT, _environment(teams, ports, folder), teams.changed)
        running.push_async_callback(bot.stop)
        teams.bot_url = bot.messages_url
        page = await Page.start(teams, bot, port=ports.page)
        running.push_async_callback(page.stop)
        bot.before = lambda: _import_portfolio(bot, teams, folder)
        bot.after = lambda: _install_bot(bot, teams)
        await bot.start()
        _announce(page, bot, open_browser=open_browser)
        await stopped.wait()
        print("\npractice: stopping…")
    return 0


def _environment(teams: Teams, ports: _Ports, folder: Path) -> dict[str, str]:
    return teams.environment() | {
        "HOST": _HOST,
        "PORT": str(ports.bot),
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'passerelle.db'}",
        "LOOP_URL": f"http://{_HOST}:{ports.page}/loop",
    }


async def _import_portfolio(bot: Bot, teams: Teams, folder: Path) -> bool:
    """Fill a new database with the practice portfolio; one is new until the bot was installed in the team."""
    if seed.TEAM_ID in teams.conversations.installed:
        return True
    print("practice: importing the practice portfolio…")
    portfolio = folder / "portefeuille.csv"
    portfolio.write_text(seed.portfolio_csv(), "utf-8-sig", newline="")
    return await bot.run("import", "--yes", str(portfolio)) == 0


async def _install_bot(bot: Bot, teams: Teams) -> bool:
    """The administrator adds the bot to the team, once in the life of the practice firm."""
    if seed.TEAM_ID not in teams.conversations.installed:
        try:
            await teams.install(teams.person(seed.CLAIRE.mri))
        except BotFailed as failure:
            teams.conversations.installed.discard(seed.TEAM_ID)
            bot.log.append(f"the bot could not be installed in the team: {failure}")
            return False
    return True


def _announce(page: Page, bot: Bot, *, open_browser: bool) -> None:
    if bot.status != "running":
        print("practice: the bot did not start; its last words:", *list(bot.log)[-15:], sep="\n  ", file=sys.stderr)
    print(f"practice: {page.url}  (Ctrl-C stops everything)")
    display = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if open_browser and display:
        webbrowser.open(page.url)


if __name__ == "__main__":
    raise SystemExit(main())
