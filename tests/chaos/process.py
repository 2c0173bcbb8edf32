"""The bot as a process of its own, to be killed: started as an operator does, or forked from one that has the imports."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

import aiohttp

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0
ASK = aiohttp.ClientTimeout(total=5)
_TAIL = 4000  # of what a bot wrote, bytes


class Unready(Exception):
    """A bot never became ready; the message says what it answered last, and what it wrote."""


async def until(true: Callable[[], Awaitable[bool]], *, pause: float = 0.01, patience: float = PATIENCE) -> None:
    """Look again and again at something outside this process. TimeoutError after `patience` seconds."""
    async with asyncio.timeout(patience):
        while True:
            if await true():
                return
            await asyncio.sleep(pause)


async def until_ready(url: str, written: Callable[[], str] = str) -> None:
    """Wait until the bot at this address is ready. Raises Unready; `written` gives what it wrote meanwhile."""
    said = ""
    async with aiohttp.ClientSession(timeout=ASK) as http:

        async def ready() -> bool:
            nonlocal said
            try:
                async with http.get(f"{url}/readyz") as answer:
                    said = f"{answer.status} {await answer.text()}"
                    return answer.status == 200
            except (aiohttp.ClientError, TimeoutError) as fault:
                said = repr(fault)
            return False

        try:
            await until(ready)
        except TimeoutError:
            raise Unready(f"{said}\n{written()}") from None


class Start(Protocol):
    """Starts a bot with these settings; gives its process id."""

    async def __call__(self, environment: Mapping[str, str]) -> int: ...

    def written(self) -> str:
        """The end of what its bots wrote on stderr."""
        ...


class _Log:
    """What bots write on stderr."""

    def __init__(self) -> None:
        self.file = TemporaryFile()  # noqa: SIM115 - whoever holds it closes it

    def tail(self) -> str:
        end = os.fstat(self.file.fileno()).st_size
        return os.pread(self.file.fileno(), _TAIL, max(end - _TAIL, 0)).decode(errors="replace")


class Operator:
    """Starts `python app.py`."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []
        self._log = _Log()
        self.written = self._log.tail

    async def __call__(self, environment: Mapping[str, str]) -> int:
        self._started = [one for one in self._started if one.poll() is None]
        command, quiet = [sys.executable, "app.py"], subprocess.DEVNULL
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=self._log.file)  # noqa: ASYNC220
        self._started.append(started)
        return started.pid

    def close(self) -> None:
        """Kill what still runs."""
        for one in self._started:
            one.kill()
            one.wait()
        self._log.file.close()


class Zygote:
    """Forks bots from a process that has everything imported: for the tests that have no time."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        script = [sys.executable, str(Path(__file__).with_name("zygote.py"))]
        self._log = _Log()
        self._parent = subprocess.Popen(script, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=self._log.file, text=True)
        self.written = self._log.tail
        self._children: set[int] = set()
        self._read()

    async def __call__(self, environment: Mapping[str, str]) -> int:
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(dict(environment)) + "\n")
        self._parent.stdin.flush()
        child = int(self._read())
        self._children.add(child)
        return child

    def _read(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline()

    def close(self) -> None:
        """Kill what still runs, and the parent."""
        for child in self._children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._parent.kill()
        self._parent.communicate()
        self._log.file.close()


class BotProcess:
    """One bot's process after the other, all with the same settings."""

    def __init__(self, start: Start, environment: Mapping[str, str]) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environment = inherited | dict(environment)
        self._start = start
        self._pid = 0
        self.url = f"http://127.0.0.1:{environment['PORT']}"

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self._pid = await self._start(self._environment)
        await until_ready(self.url, self._start.written)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is no more."""
        os.kill(self._pid, signal.SIGKILL)
        await until(self._is_dead, pause=0.001)

    async def _is_dead(self) -> bool:
        return is_dead(self._pid)


def is_dead(pid: int) -> bool:
    """Whether all threads of a process are over: the last one lets go of the files, the sockets and the locks."""
    return all(state(thread) in "ZX" for thread in _threads(pid))


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # there is no such process any more
        return []


def state(thread: Path) -> str:
    """As `ps` shows it (`/proc/<pid>` is the first thread's); X where there is none."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"
