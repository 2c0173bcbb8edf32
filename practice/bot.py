"""The bot as a child process of the practice: started with its settings, watched, stopped as an operator would."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Literal

import aiohttp

READY_WITHIN = 60.0
STOP_WITHIN = 12.0
"""Seconds a SIGTERM may take (the bot promises ten) before the process is killed."""
_LOOK_EVERY = 0.2

Status = Literal["starting", "running", "stopped", "died"]


class Bot:
    """`python app.py` from `root`. `log` keeps its last lines; `changed` is called when `status` changes.

    `before` and `after` frame every start: what must be true of the bot's database, and of the team, for it to be of use.
    Either says False when it failed.
    """

    before: Callable[[], Awaitable[bool]] | None = None
    after: Callable[[], Awaitable[bool]] | None = None

    def __init__(self, root: Path, environment: Mapping[str, str], changed: Callable[[], object]) -> None:
        self.log: deque[str] = deque(maxlen=200)
        self.status: Status = "stopped"
        self._root = root
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self.changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._url = f"http://127.0.0.1:{environment['PORT']}"

    @property
    def messages_url(self) -> str:
        return f"{self._url}/api/messages"

    async def run(self, *arguments: str) -> int:
        """Run one command of `app.py` to its end; gives its exit status."""
        process = await self._spawn(*arguments)
        await self._read(process)
        return await process.wait()

    async def start(self) -> bool:
        """Start serving and wait until /readyz says yes; False when it died or took too long, which `log` explains."""
        self._say("starting")
        if self.before and not await self.before():
            self._say("died")
            return False
        if not await self._serve():
            return False
        self._say("running")
        return await self.after() if self.after else True

    async def _serve(self) -> bool:
        self._process = await self._spawn()
        self._reader = asyncio.create_task(self._follow(self._process))
        try:
            async with asyncio.timeout(READY_WITHIN), aiohttp.ClientSession() as http:
                while not await self._is_ready(http):
                    if self._process.returncode is not None:
                        return False
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL for a bot that does not keep its promise."""
        process, self._process = self._process, None
        if process is None or self._reader is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_WITHIN):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await self._reader
        self._say("stopped")

    async def restart(self) -> bool:
        await self.stop()
        return await self.start()

    async def _spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "app.py",
            *arguments,
            cwd=self._root,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is the practice's: it stops the bot itself, after the page
        )

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            self.log.append(line.decode("utf-8", "replace").rstrip())

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        await self._read(process)
        code = await process.wait()
        if self._process is process:
            self.log.append(f"(exit status {code})")
            self._say("died")

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self._url}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _say(self, status: Status) -> None:
        self.status = status
        self.changed()
