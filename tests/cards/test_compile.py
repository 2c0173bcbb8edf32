"""Templates as functions: what they draw, what data can do in them, and what they may not say."""

import traceback
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, TemplateSyntaxError, UndefinedError

from cards._compile import Run, compiled
from cards._drawn import Context

FRAME = """
{
  "title": {{ title }},
  {% if more is defined %}"more": {"is": {{ more }}},{% endif %}
  "body": [{% block body %}{% endblock %} null]
}
"""


def draw(template: str, /, **names: Any) -> Any:
    """What a template draws, as a card extending FRAME does or as it stands."""
    environment = Environment(loader=DictLoader({"frame": FRAME, "card": template}))

    @cache
    def run(name: str) -> Run:
        return compiled(environment, name, {"length": len}, run)

    drawn, _ = run("card")(Context(names))
    return drawn


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


def without_null(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_null(item) for key, item in value.items() if item is not None}
        case list():
            return [without_null(item) for item in value if item is not None]
        case _:
            return value


@given(value=JSON)
def test_data_stays_what_it_is_where_it_is(value: Any) -> None:
    drawn = draw('{"a": {{ d }}, "b": [{{ d }}, "end"], "c": {"d": {{ d }}}},', d=value)
    expected = {"a": value, "b": [value, "end"], "c": {"d": value}}
    assert drawn == [without_null(expected)]


@given(text=st.text())
def test_text_is_never_read_again(text: str) -> None:
    assert draw('{% macro said(it) %}{"text": {{ "«" ~ it ~ "»" }}},{% endmacro %}[{{ said(d) }}]', d=text) == [
        [{"text": f"«{text}»"}]
    ]


class TestStatements:
    def test_a_card_fills_the_frame(self) -> None:
        card = '{% extends "frame" %}{% set title = d %}{% block body %}{"x": 1}, {{ d }},{% endblock %}'
        assert draw(card, d="t") == [{"title": "t", "body": [{"x": 1}, "t"]}]
        assert draw(card, d="t", more=2) == [{"title": "t", "more": {"is": 2}, "body": [{"x": 1}, "t"]}]

    def test_lists_are_filled_in_loops(self) -> None:
        loop = '{"l": [{% for a, b in rows if a %}{"a": {{ a }}, "last": {{ loop.last }}},{% else %}"none"{% endfor %} null]}'
        assert draw(loop, rows=[(1, 2), (0, 3), (4, 5)]) == [{"l": [{"a": 1, "last": False}, {"a": 4, "last": True}]}]
        assert draw(loop, rows=[]) == [{"l": ["none"]}]

    def test_a_macro_draws_around_what_is_drawn(self) -> None:
        template = (
            '{% macro box(style=none) %}{"style": {{ style }}, "items": [{{ caller() }} null]},{% endmacro %}'
            '{% set inner %}{"n": 1}, {"n": 2},{% endset %}'
            '{% call box() %}{{ inner }}{% endcall %}{% call box("x") %}{% endcall %}'
        )
        assert draw(template) == [{"items": [{"n": 1}, {"n": 2}]}, {"style": "x", "items": []}]

    def test_choices(self) -> None:
        template = "{% if n is none %}1{% elif n > 2 %}2{% else %}{{ 3 if not n else n + 1 }}{% endif %}"
        assert [draw(template, n=n) for n in (None, 3, 0, 1)] == [[1], [2], [3], [2]]


class TestRefused:
    @pytest.mark.parametrize(
        "template",
        [
            '{"a" 1}',
            '{"a": 1',
            "[1, 2}",
            "x",
            '{{{ d }}: 1}',
            "{{ d | safe }}",
            "{{ d | tojson }}",
            "{{ 1 if d }}",
            "{{ d() if d is callable else 1 }}",
            "{{ f(*d) }}",
            "{% include 'frame' %}",
            "{% import 'frame' as f %}",
            "{% set class = 1 %}",
            "{% set put_ = d %}",
            '{"a": {{ d.__class__ }} }{{ d.__class__() }}',
        ],
    )  # fmt: skip
    def test_what_no_card_needs(self, template: str) -> None:
        with pytest.raises((TemplateSyntaxError, UndefinedError)):
            draw(template, d={"a": 1}, f=len)

    @pytest.mark.parametrize("template", ["{{ no }}", "{{ d.no }}", '{{ d["no"] }}', "{{ d.l[3] }}", "{{ d.items }}"])
    def test_what_is_missing(self, template: str) -> None:
        with pytest.raises(UndefinedError, match="undefined"):
            draw(template, d={"l": []})

    @pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {1, 2}, b"x"])
    def test_what_json_does_not_know(self, value: object) -> None:
        with pytest.raises(TypeError):
            draw('{"a": {{ d }}}', d=value)

    def test_what_is_drawn_is_no_text(self) -> None:
        with pytest.raises(TypeError):
            draw('{% set a %}{"n": 1}{% endset %}{{ "x" ~ a }}')


def test_a_traceback_shows_the_element_of_the_template() -> None:
    with pytest.raises(UndefinedError) as caught:
        draw('{"a": 1},\n{"b": [\n  {\n "c": {{ no }}\n }\n]}')
    assert ("card", 3) in [(frame.filename, frame.lineno) for frame in traceback.extract_tb(caught.tb)]
