"""The house's shape: every step draws, every event has a reaction, every refusal has its sentence, no two words clash."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cards.words import LOCALES, text, words_of
from dialogs import DIALOGS, POSTED, REACTIONS, reasons
from dialogs.dialog import Dialog, Step
from dialogs.stepper import draw
from services.events import EVENTS
from services.outbox import Reaction

ROOT = Path(__file__).parent.parent
HOSTILE = '"}], "x": [{{ 7*7 }} </at> **gras** [lien](http://evil.example) <script>alert(1)</script> \u202e\u0000 é' * 3
STEPS = [pytest.param(dialog, step, id=f"{dialog.name}.{step.name}") for dialog in DIALOGS for step in dialog.steps]


def form(dialog: Dialog, step: Step, typed: str) -> dict[str, Any]:
    return {
        "do": dialog.name,
        "id": "0" * 32,
        "step": step.name,
        "v": 1,
        "values": {field.name: typed for field in step.fields},
        "errors": {field.name: typed for field in step.fields},
        "notice": typed or None,
        "fixes": [{"go": "fix:x", "title": typed}],
        "first": False,
        "last": True,
    }


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("typed", ["", "Martin", HOSTILE], ids=["empty", "plain", "hostile"])
@pytest.mark.parametrize(("dialog", "step"), STEPS)
def test_every_step_draws_from_its_sample(dialog: Dialog, step: Step, typed: str, locale: str) -> None:
    card = draw(dialog, step, locale, "Cabinet", form(dialog, step, typed), step.sample)
    assert card["type"] == "AdaptiveCard"
    inputs = {one["id"] for one in _elements(card) if str(one.get("type", "")).startswith("Input.")}
    assert inputs == {field.name for field in step.fields} or step.asks_again  # a search shows its fields in turn


@pytest.mark.parametrize(("dialog", "step"), STEPS)
def test_a_dialogs_card_carries_ids_only(dialog: Dialog, step: Step) -> None:
    card = draw(dialog, step, "fr", "Cabinet", form(dialog, step, "Martin"), step.sample)
    for element in _elements(card):
        if element.get("type") == "Action.Submit":
            assert set(element["data"]) <= {"p", "msteams"}
            assert set(element["data"]["p"]) <= {"do", "id", "step", "v", "go"}


def test_every_event_has_a_reaction() -> None:
    assert set(REACTIONS) == set(EVENTS.values())


def test_a_reaction_has_one_name_and_one_meaning() -> None:
    by_name: dict[str, set[Reaction]] = {}
    for follow in REACTIONS.values():
        for reaction in follow:
            by_name.setdefault(reaction.name, set()).add(reaction)
    assert {name for name, same in by_name.items() if len(same) > 1} == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reaction_has_its_name_for_people(locale: str) -> None:
    """An administrator reads it, where the program gave up on one (« À réessayer »)."""
    named = words_of("parked", locale)
    assert {one.name for follow in REACTIONS.values() for one in follow if f"what.{one.name}" not in named} == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_is_a_sentence_with_nothing_left_to_fill_in(locale: str) -> None:
    for key in _refusal_keys() | {"timeout", "fault", "outcome_unknown", "of_another_version"}:
        assert not set("{}") & set(reasons.sentence(key, locale)), key


def test_no_two_commands_clash() -> None:
    words = Counter(word for table in (DIALOGS, POSTED) for one in table for word in one.commands)
    assert [word for word, count in words.items() if count > 1] == []


def test_no_two_verbs_clash() -> None:
    verbs = Counter(verb for kind in POSTED for verb in (kind.name, *kind.acts))
    assert [verb for verb, count in verbs.items() if count > 1] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_has_its_sentence(locale: str) -> None:
    common = words_of("common", locale)
    missing = {key for key in _refusal_keys() if f"errors.{key}" not in common}
    assert missing == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_fix_has_its_button(locale: str) -> None:
    common = words_of("common", locale)
    assert {name for name in _first_arguments("Fix") if f"errors.fix.{name}" not in common} == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_outcome_has_its_sentence(locale: str) -> None:
    for key in _first_arguments("Outcome"):
        assert text(key, locale, code="BOUMAR", offer="Start", n=2, moved=1)


# Keys an adapter or the practice of retries only ever records; nobody is shown a sentence for them.
SILENT = {"cursor_expired"}


def _refusal_keys() -> set[str]:
    keys = _first_arguments("Refused") | _first_arguments("Unavailable") | _first_arguments("Asks")
    for path in _sources("dialogs"):
        keys |= set(re.findall(r'must="(\w+)"', path.read_text()))
    services = ("directory", "mailbox", "chat")
    keys |= {f"{service}_{how}" for service in services for how in ("down", "throttled")}
    return {key for key in keys if not key.startswith("_")} - SILENT  # a leading _ is the end of such a composed key


def _first_arguments(callee: str) -> set[str]:
    found = set()
    for room in ("services", "dialogs", "bot"):
        for path in _sources(room):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == callee:
                    found |= {
                        one.value
                        for one in ast.walk(node.args[0] if node.args else node)
                        if isinstance(one, ast.Constant) and isinstance(one.value, str)
                    }
    return found


def _sources(room: str) -> list[Path]:
    return [path for path in (ROOT / room).rglob("*.py") if "versions" not in path.parts]


def _elements(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value] + [one for item in value.values() for one in _elements(item)]
    if isinstance(value, list):
        return [one for item in value for one in _elements(item)]
    return []
