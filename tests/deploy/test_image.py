"""The Dockerfile without Docker: its last stage done in a folder, with no package but those of requirements.lock, and started."""

import os
import re
import subprocess
import sys
import sysconfig
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.deploy.dockerfile import Folder, Instruction, exec_form, read
from tests.deploy.process import ROOT, ended, serving
from tests.teams import Firm

STAGES = read(ROOT / "Dockerfile")
LAST = STAGES[-1]


def the(word: str) -> Instruction:
    return next(one for one in LAST if one.word == word)


def locked(folder: Path) -> Path:
    """An environment that holds what requirements.lock says and nothing else: links to what is installed here."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    here = Path(sysconfig.get_path("purelib"))
    there = folder / "lib" / here.parent.name / "site-packages"
    for name in re.findall(r"^([A-Za-z0-9._-]+)==\S+(?! ;)", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        try:
            files = distribution(name).files or []
        except ModuleNotFoundError:  # for another system: `; sys_platform == 'win32'`
            continue
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            link = there / top
            if not link.exists():
                link.symlink_to(here / top)
    return folder


async def status(command: list[str], environment: dict[str, str]) -> int:
    process = await create_subprocess_exec(*command, env=environment, stderr=DEVNULL)
    return await process.wait()


async def test_what_it_copies_starts_with_the_locked_packages_and_ends_on_sigterm(
    empty_firm: Firm, tmp_path: Path, unused_tcp_port: int
) -> None:
    root = tmp_path / "image"
    (root / "data").mkdir(parents=True)
    image = Folder(root, ROOT, locked(tmp_path / "venv"))
    for instruction in LAST:
        image.do(instruction)

    assert sorted(file.name for file in image.work.iterdir()) == sorted(
        ("LICENSE", "__pycache__", "app.py", "bot", "cards", "dialogs", "manifest", "services", "var")
    )
    assert not list(image.work.rglob("*.svg"))
    # Practice is on loopback only; everything else is as the image says.
    environment = {**image.environment, **empty_firm.environment(), "HOST": "127.0.0.1", "PORT": str(unused_tcp_port)}
    environment["PATH"] = environment["PATH"].replace("$PATH", os.environ["PATH"])
    async with serving(environment, exec_form(the("ENTRYPOINT")), cwd=image.work) as process:
        assert (root / "data" / "passerelle.db").exists()
        health = exec_form(the("HEALTHCHECK"))
        assert await status(health, environment) == 0
        assert await ended(process) == 0
    assert await status(health, environment) != 0


def test_packages_are_taken_by_their_hash_and_none_is_built() -> None:
    (run,) = (one.rest for one in STAGES[0] if one.word == "RUN")
    assert {"--require-hashes", "--only-binary", "--without-pip"} < set(run.split())


def test_it_does_not_run_as_root_and_writes_to_its_volume_only() -> None:
    assert the("USER").rest == "10001"
    assert the("VOLUME").rest == "/data"
    users = [one.rest for one in LAST if one.word == "RUN" and "--uid 10001" in one.rest]
    assert "--owner passerelle --mode 700 /data" in users[0]


@pytest.mark.parametrize("word", ["ENTRYPOINT", "HEALTHCHECK"])
def test_no_shell_stands_between_a_signal_and_the_program(word: str) -> None:
    assert exec_form(the(word))[0] == "python"
