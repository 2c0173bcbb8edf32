"""A Dockerfile read, and its last stage done in a folder instead of an image. No more of the language than ours uses."""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

# Done to a machine, not to a folder; the test says what stands for them.
NOT_HERE = ("useradd", "install --directory", "rm -rf /usr/local")


@dataclass(frozen=True, slots=True)
class Instruction:
    word: str
    rest: str


def read(file: Path) -> list[list[Instruction]]:
    """The stages."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[Instruction]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        stages[-1].append(Instruction(word, rest.strip()))
    return stages


def exec_form(instruction: Instruction) -> list[str]:
    """The words of an ENTRYPOINT, or of a HEALTHCHECK's CMD. ValueError where a shell would run it."""
    words = json.loads(instruction.rest[instruction.rest.index("[") :])
    if not isinstance(words, list):
        raise ValueError("not in exec form")
    return words


class Folder:
    """Where the last stage is done: `root` stands for /, `context` for the checkout, `venv` for what the stage before made."""

    def __init__(self, root: Path, context: Path, venv: Path) -> None:
        self.root, self.context, self.venv = root, context, venv
        self.work = root
        self.environment: dict[str, str] = {}
        self.ignored = [line for line in (context / ".dockerignore").read_text().split() if not line.startswith("#")]

    def do(self, instruction: Instruction) -> None:
        match instruction.word:
            case "WORKDIR":
                self.work = self._inside(instruction.rest)
                self.work.mkdir()
            case "COPY" if instruction.rest.startswith("--from=packages /venv "):
                self._inside("/venv").symlink_to(self.venv)
            case "COPY":
                *sources, target = instruction.rest.split()
                for source in sources:
                    self._copy(self.context / source, self.work / target)
            case "RUN":
                for command in instruction.rest.split(" && "):
                    self._run(command.strip())
            case "ENV":
                for pair in shlex.split(instruction.rest):
                    name, _, value = pair.partition("=")
                    self.environment[name] = value.replace("/venv", f"{self.root}/venv")
            case "FROM" | "LABEL" | "USER" | "VOLUME" | "EXPOSE" | "HEALTHCHECK" | "ENTRYPOINT":
                pass
            case _:
                raise NotImplementedError(instruction.word)

    def _inside(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _run(self, command: str) -> None:
        if not command.startswith(NOT_HERE):
            there = re.sub(r"(?<= )/(?=data)", f"{self.root}/", command)
            python = f"{self.venv}/bin"
            subprocess.run(there, shell=True, check=True, cwd=self.work, env={"PATH": f"{python}:/usr/bin:/bin"})

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=self._left_out)
        elif self._sent(source):
            shutil.copy(source, target)
        else:
            raise FileNotFoundError(f".dockerignore leaves out {source.name}")

    def _left_out(self, folder: str, names: list[str]) -> list[str]:
        return [name for name in names if not self._sent(Path(folder) / name)]

    def _sent(self, file: Path) -> bool:
        """As docker reads .dockerignore: the last line that fits, or fits a folder above, decides."""
        path = file.relative_to(self.context)
        sent = True
        for line in self.ignored:
            pattern = line.lstrip("!")
            several = pattern.startswith("**/")
            parts = path.parts if several else [*map(str, (path, *path.parents))]
            if any(fnmatch(part, pattern.removeprefix("**/")) for part in parts):
                sent = line.startswith("!")
        return sent
