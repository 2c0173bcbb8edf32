"""What the documents name exists: files, headings, pictures, commands, targets, settings, metrics."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dialogs import DIALOGS, POSTED
from services import people, settings
from tests.cards.pictures import PICTURES

ROOT = Path(__file__).parent.parent
LEFT_OUT = {"node_modules", ".venv", "build", ".git", "var", "practice", "tests"}
DOCS = [path for path in sorted(ROOT.rglob("*.md")) if not LEFT_OUT & set(path.relative_to(ROOT).parts)]
LINK = re.compile(r"\]\(([^)\s]+)\)")
LIBRARIES = {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES"}  # settings a library of ours reads itself
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def said(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def code(path: Path) -> Iterator[str]:
    """What stands between backticks."""
    return (found.strip("`") for found in CODE.findall(said(path)))


def anchors(path: Path) -> set[str]:
    """The headings, as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", said(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@cache
def subcommands() -> set[str]:
    told = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return set(re.findall(r"^    ([a-z][a-z-]*)", told, re.MULTILINE))


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", said(ROOT / "Makefile"), re.MULTILINE))


@cache
def read_settings() -> set[str]:
    """The names of the variables the program reads."""

    class Asked(dict[str, str]):
        def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
            names.add(key)
            return default

        def __getitem__(self, key: str) -> str:
            names.add(key)
            raise KeyError(key)

    names: set[str] = set()
    with pytest.raises(settings.WrongSettings):
        settings.load(Asked())
    return names


def test_there_are_documents_for_everybody() -> None:
    names = {str(path.relative_to(ROOT)) for path in DOCS}
    assert names >= {
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/rgpd.md",
        "docs/copies.md",
    }
    assert names >= {"docs/guide-administrateur.md", "docs/guide-entrepreneur.md", "docs/operations/runbook.md"}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
class TestEachDocument:
    def test_links_lead_somewhere(self, path: Path) -> None:
        for link in LINK.findall(said(path)):
            if re.match(r"https?:|mailto:", link):
                continue
            file, _, heading = link.partition("#")
            there = (path.parent / file).resolve() if file else path
            assert there.exists(), link
            assert not heading or heading in anchors(there), link

    def test_commands_exist(self, path: Path) -> None:
        for piece in code(path):
            for command in re.findall(r"python app\.py ([a-z][a-z-]+)", piece):
                assert command in subcommands(), piece
            for target in re.findall(r"^make ([a-z]+)", piece, re.MULTILINE):
                assert target in targets(), piece

    def test_files_exist(self, path: Path) -> None:
        for piece in code(path):
            if re.fullmatch(r"(bot|cards|dialogs|services|manifest|practice|tests|bench|docs)/[\w./-]*\w", piece):
                assert (ROOT / piece).exists(), piece

    def test_settings_are_read(self, path: Path) -> None:
        prefixes = tuple({name.partition("_")[0] + "_" for name in read_settings() if "_" in name})
        for piece in code(path):
            if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", piece) and piece.startswith(prefixes) and piece not in LIBRARIES:
                assert piece in read_settings(), piece


def test_every_setting_is_in_the_readme() -> None:
    assert read_settings() <= set(re.findall(r"`([A-Z_]+)`", said(ROOT / "README.md"))), "undocumented"


def test_every_command_is_in_the_readme() -> None:
    assert {name for name in subcommands() if f"`{name}`" not in said(ROOT / "README.md")} == set()


def test_every_word_that_opens_something_is_in_the_readme() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", said(ROOT / "README.md"), re.MULTILINE)
    words = {" ".join(people.words(word)) for row in rows for word in re.findall(r"`([^`]+)`", row)}
    called = [*((one.name, one.commands) for one in DIALOGS), *((one.name, one.commands) for one in POSTED)]
    assert [name for name, by in called if by and not words & set(by)] == []


def test_every_picture_is_shown_or_compared() -> None:
    shown = {Path(link).name for path in DOCS for link in LINK.findall(said(path))}
    kept = {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    assert kept == {f"{name}.webp" for name in PICTURES}
    assert {link for link in shown if link.endswith(".webp")} <= kept
