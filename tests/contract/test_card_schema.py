"""Every card is an Adaptive Card by Microsoft's own schema (1.6: it knows the typeahead that Teams takes in 1.5 cards)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft6Validator

from cards.render import card
from cards.words import LOCALES
from tests.cards.samples import CARDS
from tests.cards.walk import objects

CONTRACTS = Path(os.environ.get("PASSERELLE_CONTRACTS", Path(__file__).parents[2] / ".." / "shared" / "contracts"))

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def schema() -> Draft6Validator:
    return Draft6Validator(json.loads((CONTRACTS / "adaptive-card-1.6.0.schema.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", CARDS)
def test_schema(schema: Draft6Validator, name: str, locale: str) -> None:
    for sample, data in CARDS[name].items():
        faults = [
            f"{fault.json_path}: {fault.message}"
            for fault in schema.iter_errors(without_teams(card(name, locale, data)))
        ]
        assert not faults, f"{name}, {sample}"


def test_a_bad_card_is_found(schema: Draft6Validator) -> None:
    bad = without_teams(card("common/notice", "fr", CARDS["common/notice"]["info"]))
    bad["body"][0]["wrapp"] = True
    assert not schema.is_valid(bad)


def test_a_chart_is_left_out_by_a_client_that_knows_none() -> None:
    charts = [
        one
        for samples in CARDS.items()
        for data in samples[1].values()
        for one in objects(card(samples[0], "fr", data))
        if _is_chart(one)
    ]
    assert charts
    for one in charts:
        assert one.keys() == {"type", "title", "fallback", "data"}
        assert one["fallback"] == "drop"
        assert all(slice_.keys() == {"legend", "value", "color"} and slice_["value"] > 0 for slice_ in one["data"])


def without_teams(value: Any) -> Any:
    """The card as a client other than Teams takes it: without `msteams`, and without charts, which its `fallback` drops.

    Both are Teams' own and no part of the schema ("Charts in Adaptive Cards", learn.microsoft.com/microsoftteams).
    """
    match value:
        case dict():
            return {key: without_teams(item) for key, item in value.items() if key != "msteams"}
        case list():
            return [without_teams(item) for item in value if not (_is_chart(item) and item["fallback"] == "drop")]
        case _:
            return value


def _is_chart(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("type", "")).startswith("Chart.")
