"""Every card from every sample: what it may carry, how big it may be, and that data cannot change what it is."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from cards.render import card
from cards.words import LOCALES, ROOM
from tests.cards.firm import WELCOME, posted, step
from tests.cards.samples import CARDS
from tests.cards.walk import objects, retold, shape

HOSTILE = (
    '"}],"x":[{"type":"Action.OpenUrl"}]{{ 7*7 }}{% raw %} [clic](https://evil.example) <at>Chef</at> **a** \\ \u202e'
)
EVERY = [pytest.param(name, sample, id=f"{name}-{sample}") for name, samples in CARDS.items() for sample in samples]
BUDGET = 20 * 1024
LONGEST_TITLE = 32
"""What a button shows on 320 pixels; Teams cuts the rest."""
SIGNS = set("✓✕⚠⊘○◔◑ℹ")
LOUD = ("good", "warning", "attention")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("name", "sample"), EVERY)
class TestEveryCard:
    def test_is_a_teams_card_within_the_budget(self, name: str, sample: str, locale: str) -> None:
        drawn = card(name, locale, CARDS[name][sample])
        assert (drawn["type"], drawn["version"], drawn["lang"]) == ("AdaptiveCard", "1.5", locale)
        assert drawn["fallbackText"]
        assert len(json.dumps(drawn, ensure_ascii=False).encode("utf-16-le")) <= BUDGET

    def test_buttons_carry_nothing_but_ours(self, name: str, sample: str, locale: str) -> None:
        for one in objects(card(name, locale, CARDS[name][sample])):
            if "data" in one and one["type"] != "Chart.Donut":
                assert set(one["data"]) <= {"p", "msteams"}
                assert set(one["data"]["p"]) <= {"do", "id", "step", "v", "go"}
                assert one["data"].get("msteams", {"type": "task/fetch"}) == {"type": "task/fetch"}

    def test_a_click_has_its_way_in_every_client(self, name: str, sample: str, locale: str) -> None:
        for one in objects(card(name, locale, CARDS[name][sample])):
            if one.get("type") == "Action.Execute" and "title" in one:
                same = ("title", "data", "associatedInputs")
                assert one["fallback"] == {"type": "Action.Submit"} | {key: one[key] for key in same if key in one}
                assert one["verb"] == one["data"]["p"]["do"]

    def test_has_at_most_one_primary_button(self, name: str, sample: str, locale: str) -> None:
        drawn = card(name, locale, CARDS[name][sample])
        assert sum(one.get("style") == "positive" for one in objects(drawn)) <= 1

    def test_a_reader_hears_what_it_is_about(self, name: str, sample: str, locale: str) -> None:
        drawn = card(name, locale, CARDS[name][sample])
        assert drawn["speak"] == drawn["fallbackText"]
        assert drawn["speak"].strip(" —,:")
        assert not [one for one in objects(drawn) if one.get("type") == "Image" and not one.get("altText")]

    def test_a_state_is_never_a_colour_alone(self, name: str, sample: str, locale: str) -> None:
        for one in objects(card(name, locale, CARDS[name][sample])):
            if one.get("color") in LOUD and "legend" not in one:  # a slice has its words beside it
                assert one["text"][0] in SIGNS, one["text"]
            if one.get("type") == "Container" and one.get("style", "emphasis") != "emphasis":
                assert one["items"][0]["text"][0] in SIGNS, one["items"][0]

    def test_a_button_fits_a_phone(self, name: str, sample: str, locale: str) -> None:
        titles = [
            one["title"]
            for one in objects(card(name, locale, CARDS[name][sample]))
            if str(one.get("type", "")).startswith("Action.") and "title" in one
        ]
        assert [title for title in titles if not title or len(title) > LONGEST_TITLE] == []

    def test_inputs_have_a_label_an_id_of_their_own_and_a_word_when_they_must_be_filled(
        self, name: str, sample: str, locale: str
    ) -> None:
        inputs = [
            one for one in objects(card(name, locale, CARDS[name][sample])) if one.get("type", "").startswith("Input.")
        ]
        assert len({one["id"] for one in inputs}) == len(inputs)
        for one in inputs:
            assert one["label"]
            assert "errorMessage" in one or not (one.get("isRequired") or "regex" in one)

    def test_all_text_wraps(self, name: str, sample: str, locale: str) -> None:
        for one in objects(card(name, locale, CARDS[name][sample])):
            if one.get("type") in ("TextBlock", "Input.ChoiceSet", "Input.Toggle"):
                assert one.get("wrap") or one.get("style") == "filtered"

    def test_hostile_data_changes_no_more_than_texts(self, name: str, sample: str, locale: str) -> None:
        data = CARDS[name][sample]
        hostile = retold(data, lambda text: text + HOSTILE)
        assert shape(card(name, locale, hostile)) == shape(card(name, locale, data))

    def test_a_missing_value_is_never_drawn_as_nothing(self, name: str, sample: str, locale: str) -> None:
        data = CARDS[name][sample]
        whole = card(name, locale, data)
        for key in data["d"]:
            without = {**data, "d": {k: v for k, v in data["d"].items() if k != key}}
            with suppress(UndefinedError):
                assert card(name, locale, without) == whole, key


@given(typed=st.text())
def test_what_was_typed_comes_back_as_it_was(typed: str) -> None:
    values = {"family_name": typed, "language": "fr"}
    drawn = card("invite_guest/person", "fr", step(values=values, errors={"email": typed}, notice=typed or None))
    assert next(one["value"] for one in objects(drawn) if one.get("id") == "family_name") == typed
    plain = card("invite_guest/person", "fr", step(values=values, errors={"email": "x"}, notice="x" if typed else None))
    assert shape(drawn) == shape(plain)


class TestTemplates:
    @pytest.mark.parametrize("path", sorted(ROOM.rglob("*.json.j2")), ids=lambda path: str(path.relative_to(ROOM)))
    def test_json_is_written_by_values_only(self, path: Any) -> None:
        source = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        outside = re.sub(r"\{\{.*?\}\}", "\0", source, flags=re.DOTALL)
        assert not re.search(r'"[^"\n]*\0[^"\n]*"(?=\s*[:,}\]])', outside), (
            "a value inside quotes: let the value bring its own"
        )
        assert "autoescape" not in source

    def test_each_has_a_sample(self) -> None:
        flows = {str(path.relative_to(ROOM)).removesuffix(".json.j2") for path in ROOM.rglob("*/*.json.j2")}
        assert flows == set(CARDS)

    @pytest.mark.parametrize("path", sorted(ROOM.rglob("*/*.j2")), ids=lambda path: str(path.relative_to(ROOM)))
    def test_each_says_what_it_needs(self, path: Any) -> None:
        source = path.read_text(encoding="utf-8")
        assert path.name.endswith(".txt.j2") or re.match(r"\{#-.*?\bd: \{.*?-#\}", source, flags=re.DOTALL)


class TestWords:
    def test_typed_values_are_kept_beside_the_reason(self) -> None:
        drawn = card("invite_guest/person", "fr", CARDS["invite_guest/person"]["wrong"])
        names = [one.get("id") or one.get("text", "") for one in drawn["body"]]
        assert names[names.index("email") + 1].startswith("✕ Indiquez une adresse e-mail")
        assert next(one["value"] for one in drawn["body"] if one.get("id") == "email") == "paul@"

    def test_going_back_asks_for_nothing(self) -> None:
        drawn = card("invite_guest/recap", "fr", CARDS["invite_guest/recap"]["new"])
        back = next(one for one in objects(drawn) if one.get("title") == "Retour")
        assert back["associatedInputs"] == "none"
        assert back["data"]["p"]["go"] == "back"

    def test_a_search_works_without_its_list(self) -> None:
        first = list(objects(card("invite_guest/dossier", "fr", CARDS["invite_guest/dossier"]["empty"])))
        toggle = next(one for one in first if one.get("type") == "Action.ToggleVisibility")
        hidden = next(one for one in first if one.get("id") == toggle["targetElements"][0])
        assert not hidden["isVisible"]
        assert {"dossier_text"} == {one["id"] for one in objects(hidden) if one.get("type") == "Input.Text"}
        found = list(objects(card("invite_guest/dossier", "fr", CARDS["invite_guest/dossier"]["found"])))
        answer = next(one for one in found if one.get("id") == "dossier")
        assert [choice["value"] for choice in answer["choices"]] == ["d1", "d2"]

    def test_the_consequence_stands_beside_the_qualite(self) -> None:
        drawn = card("link_interlocuteur/form", "fr", CARDS["link_interlocuteur/form"]["empty"])
        asked = next(one for one in drawn["body"] if one.get("id") == "qualite")
        assert [choice["title"] for choice in asked["choices"]] == [
            "Direction TPE — donne accès à la GS de la GED",
            "Administratif TPE — ne donne pas accès à la GS de la GED",
        ]

    def test_start_is_never_offered_the_application(self) -> None:
        titles = [one.get("title") for one in objects(card("welcome/card", "fr", CARDS["welcome/card"]["start"]))]
        assert "Lancer l’application" not in titles
        assert "Ouvrir la GED" in titles

    def test_the_welcome_shows_each_companys_vignette_and_an_icon_for_what_it_opens(self) -> None:
        drawn = list(objects(card("welcome/card", "fr", CARDS["welcome/card"]["two_companies"])))
        tiles = [
            one["items"][0]["text"] for one in drawn if one.get("type") == "Column" and one.get("style") == "accent"
        ]
        assert tiles == ["BM", "GM", "FK"]
        opened = [one["title"] for one in drawn if one.get("iconUrl", "").startswith("data:image/png;base64,")]
        assert opened == [
            "Lancer l’application",
            "Ouvrir la GED",
            "Ouvrir la GED",
            "Lancer l’application",
            "Ouvrir la GED",
        ]
        nameless = card("welcome/card", "fr", posted(WELCOME | {"given_name": ""}))
        assert [one["text"] for one in objects(nameless) if one.get("text", "").startswith("Bonjour")] == ["Bonjour,"]

    def test_the_card_of_an_invitation_says_what_to_do_next(self) -> None:
        accepted = list(objects(card("invite_guest/status", "fr", CARDS["invite_guest/status"]["accepted"])))
        assert [one["title"] for one in accepted if one.get("style") == "positive"] == ["Activer une offre"]
        said = " ".join(one.get("text", "") for one in accepted)
        assert "● ● ○ ○ ○ ○ ○ ○ ○" in said
        assert "Étape 3 sur 9\u00a0: Activer l’offre sur le dossier" in said
        path = next(one for one in accepted if one.get("id") == "path")
        assert not path["isVisible"]
        assert len(path["items"]) == 9

    @pytest.mark.parametrize("name", ["invite_guest/status", "approve_activation/request", "tracking/board"])
    def test_a_posted_card_says_nothing_of_the_client_but_the_dossier(self, name: str) -> None:
        for data in CARDS[name].values():
            said = json.dumps(card(name, "fr", data), ensure_ascii=False)
            assert not re.search(r"@|0[67] |Paul|\+33", said)

    def test_who_may_not_decide_gets_no_button(self) -> None:
        watched = card("approve_activation/request", "fr", CARDS["approve_activation/request"]["watch"])
        assert not [one for one in objects(watched) if one.get("type", "").startswith("Action.") and "title" in one]
