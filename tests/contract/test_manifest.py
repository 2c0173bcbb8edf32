"""The package's manifest and words by Microsoft's schemas, read twice: by us, and by Microsoft's own validator (npm)."""

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft201909Validator

from tests.manifest.kit import packed

CONTRACTS = Path(os.environ.get("PASSERELLE_CONTRACTS", Path(__file__).parents[2] / ".." / "shared" / "contracts"))
NPM = Path(__file__).parent / "npm"
SCHEMAS = {
    "manifest.json": "teams-v1.30-MicrosoftTeams.schema.json",
    "en.json": "teams-v1.30-MicrosoftTeams.Localization.schema.json",
}
SPOILT_MANIFEST: dict[str, dict[str, Any]] = {
    "colour": {"accentColor": "violet"},
    "version": {"manifestVersion": "1.29"},
    "bot": {"bots": [{"botId": "passerelle", "scopes": ["groupchat"]}]},
    "unknown": {"surprise": True},
}
SPOILT_WORDS: dict[str, dict[str, Any]] = {
    "long": {"name.short": "P" * 31},
    "fourth list": {"bots[0].commandLists[3].commands[0].title": "new"},
}

Faults = Callable[[str, dict[str, Any]], list[str]]

pytestmark = pytest.mark.contract


@cache
def letters() -> str:
    r"""What `\p{L}` stands for inside brackets: Python's `re` does not know it, so every letter of Unicode as ranges."""
    codes = (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("L"))
    runs = ([code for _, code in run] for _, run in groupby(enumerate(codes), lambda pair: pair[1] - pair[0]))
    return "".join(f"\\U{run[0]:08x}-\\U{run[-1]:08x}" for run in runs)


def translated(schema: Any) -> Any:
    r"""The schema with `\p{L}` spelt out in its patterns; any other such class stays, and fails when it is compiled."""
    match schema:
        case dict():
            return {
                key: item.replace(r"\p{L}", letters())
                if key == "pattern" and isinstance(item, str)
                else translated(item)
                for key, item in schema.items()
            }
        case list():
            return [translated(item) for item in schema]
        case _:
            return schema


@cache
def validator(name: str) -> Draft201909Validator:
    """The schemas call themselves draft-04, which knows no `const` and ignores what stands beside a `$ref`: both are used."""
    return Draft201909Validator(translated(json.loads((CONTRACTS / SCHEMAS[name]).read_text(encoding="utf-8-sig"))))


def ours(name: str, document: dict[str, Any]) -> list[str]:
    return [f"{fault.json_path}: {fault.message}" for fault in validator(name).iter_errors(document)]


def microsofts(_name: str, document: dict[str, Any]) -> list[str]:
    run = subprocess.run(
        ["node", "validate.mjs"],
        cwd=npm_packages(),
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    faults: list[str] = json.loads(run.stdout)
    return faults


@cache
def npm_packages() -> Path:
    """The folder of Microsoft's validator, installed as its lock says. Without npm the test is skipped, but never in CI."""
    npm = shutil.which("npm")
    if npm is None and not os.environ.get("CI"):
        pytest.skip("npm is missing: Microsoft's validator cannot be installed")
    assert npm, "npm is missing, and CI must run Microsoft's validator"
    if not (NPM / "node_modules" / ".package-lock.json").exists():
        installed = subprocess.run([npm, "ci"], cwd=NPM, capture_output=True, text=True, check=False)
        assert installed.returncode == 0, installed.stderr
    return NPM


READINGS = [
    pytest.param(ours, "manifest.json", id="ours-manifest"),
    pytest.param(ours, "en.json", id="ours-en"),
    # Microsoft's validator cannot compile the localisation schema it carries: `\b]` is no regular expression with /u.
    pytest.param(microsofts, "manifest.json", id="microsofts-manifest"),
]


@pytest.mark.parametrize(("faults", "name"), READINGS)
def test_the_package_follows_the_schema(faults: Faults, name: str) -> None:
    assert faults(name, packed(name)) == []


@pytest.mark.parametrize("firm", ["Expertise " * 30, '"quoted" \\ & <b>'], ids=["long", "quoted"])
@pytest.mark.parametrize(("faults", "name"), READINGS)
def test_whatever_the_firm_is_called(faults: Faults, name: str, firm: str) -> None:
    assert faults(name, packed(name, FIRM_NAME=firm, FIRM_DOMAINS="")) == []


@pytest.mark.parametrize("faults", [ours, microsofts])
@pytest.mark.parametrize("how", SPOILT_MANIFEST)
def test_a_spoilt_manifest_is_found(faults: Faults, how: str) -> None:
    assert faults("manifest.json", packed("manifest.json") | SPOILT_MANIFEST[how])


@pytest.mark.parametrize("how", SPOILT_WORDS)
def test_spoilt_words_are_found(how: str) -> None:
    assert ours("en.json", packed("en.json") | SPOILT_WORDS[how])


def test_every_pattern_of_the_schemas_is_one_python_knows() -> None:
    for name in SCHEMAS:
        for pattern in _patterns(validator(name).schema):
            re.compile(pattern)


@pytest.mark.parametrize(("text", "is_one"), [("Île", True), ("œuvre", True), ("Ж", True), ("9", False), ("-", False)])
def test_a_letter_is_a_letter_in_any_script(text: str, is_one: bool) -> None:
    assert bool(re.match(f"[{letters()}]", text)) is is_one


def _patterns(schema: Any) -> list[str]:
    match schema:
        case dict():
            here = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
            return here + [pattern for item in schema.values() for pattern in _patterns(item)]
        case list():
            return [pattern for item in schema for pattern in _patterns(item)]
        case _:
            return []
