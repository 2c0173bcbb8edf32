"""Starting, weighing and stopping the bots: ours and its peers', each a process of its own, the peers in their own venvs."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Self

from bench import wire
from practice.ports import free_port

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "bench"
PEERS = Path(__file__).parent / "peers"
READY_WITHIN = 60.0
STOP_WITHIN = 12.0
_TICKS = os.sysconf("SC_CLK_TCK")
_INHERITED = ("PATH", "HOME", "LANG")


class DidNotStart(Exception):
    """A bot died or never got ready; with the end of what it wrote."""


def install(name: str, requirements: Path) -> Path:
    """The interpreter of a bot's own virtualenv under build/, made or renewed when its requirements changed."""
    folder = BUILD / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", requirements], check=True, stderr=subprocess.DEVNULL)
        stamp.write_text(wanted)
    return python


@dataclass(slots=True)
class Bot:
    """One bot process."""

    name: str
    process: asyncio.subprocess.Process
    port: int
    started: float
    cold_start: float
    log: Path

    @classmethod
    async def start(
        cls, name: str, command: list[str | Path], environment: Mapping[str, str], ready: str, status: int | None = None
    ) -> Self:
        """Start and wait until `ready` is answered (with `status`, if given).

        `started` is when that began, by perf_counter; `cold_start` how long it took (seconds). Raises DidNotStart.
        """
        port = free_port()
        inherited = {one: os.environ[one] for one in _INHERITED if one in os.environ}
        env = {**inherited, **environment, "PORT": str(port), "HOST": "127.0.0.1"}
        BUILD.mkdir(parents=True, exist_ok=True)
        log = BUILD / f"{name}.log"
        started = perf_counter()
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *map(str, command), cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT
            )
        bot = cls(name, process, port, started, 0.0, log)
        try:
            async with asyncio.timeout(READY_WITHIN):
                await bot._wait(ready, status)
        except (TimeoutError, DidNotStart):
            await bot.stop()
            raise DidNotStart(f"{name}: {log.read_text()[-2000:]}") from None
        bot.cold_start = perf_counter() - started
        return bot

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for who does not hear it."""
        if self.process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_WITHIN)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    def cpu(self) -> float:
        """Seconds of processor time so far, all threads, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self) -> float:
        """Resident memory now, in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise ProcessLookupError(self.process.pid)

    async def _wait(self, path: str, wanted: int | None) -> None:
        while True:
            if self.process.returncode is not None:
                raise DidNotStart
            with suppress(OSError, asyncio.TimeoutError):
                client = await wire.Client.open(self.port)
                try:
                    status, _ = await asyncio.wait_for(client.ask(wire.get(path)), 5)
                finally:
                    client.close()
                if wanted in (None, status):
                    return
            await asyncio.sleep(0.005)
