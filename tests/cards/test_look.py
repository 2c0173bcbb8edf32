"""Cards as Microsoft's renderer draws them: text as typed, nothing cut, nothing wider than a phone."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cards.render import card, markdown
from cards.words import LOCALES
from tests.cards.easel import Easel, opened
from tests.cards.firm import posted
from tests.cards.look import DESKTOP, PHONE
from tests.cards.pieces import TELL, Data, pieces
from tests.cards.samples import CARDS

pytestmark = pytest.mark.browser

AS_TYPED = [
    "Dupont & Fils",
    "Dupont &amp; Fils &#38; Cie",
    "jean_paul.le_goff@sci_du_port.fr",
    "_souligné_ __deux__ *un* **gras** ~~barré~~ `code`",
    "[clic](https://evil.example) ![image](https://evil.example/x.png) [a]: https://evil.example",
    "[a][b] [https://evil.example]",
    "<at>Chef</at> <b>gras</b> <https://evil.example> a < b > c",
    "# Titre",
    "> cité",
    "- liste",
    "-",
    "---",
    "===",
    "+ liste",
    "* liste",
    "1. liste",
    "2026) liste",
    "1.5 million",
    "a | b",
    "{{DATE(2026-02-14T06:08:39Z, SHORT)}} {{TIME(2026-02-14T06:08:39Z)}}",
    "C:\\dossier\\*.pdf \\_ \\\\ \\",
    "Société « L’Été » (SARL) n° 3 !",
]


@pytest.fixture(scope="module")
def canvas() -> Iterator[Easel]:
    yield from opened()


def shown(canvas: Easel, text: str) -> str:
    """What the reader sees of `text` in the notice card; its html holds no mark-up of the text's own."""
    canvas.draw(card("common/notice", "fr", posted({"kind": "info", "title": "T", "text": text})))
    assert canvas.tags() <= {"div", "p"}
    return canvas.texts()[-1]


@pytest.mark.parametrize("typed", AS_TYPED)
def test_text_is_drawn_as_typed(canvas: Easel, typed: str) -> None:
    assert shown(canvas, typed) == typed


def test_lines_stay_lines(canvas: Easel) -> None:
    assert shown(canvas, "un\n  - deux\r\n\n1. trois\u2028quatre").split() == [
        "un",
        "-",
        "deux",
        "1.",
        "trois",
        "quatre",
    ]


MARKS = st.text(alphabet="ab1 _*[](){}<>&#;:!|~`'\"\\/@.+-=\n\té", max_size=30)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=MARKS)
def test_any_text_is_drawn_as_typed(canvas: Easel, typed: str) -> None:
    assert "".join(shown(canvas, f"x{typed}x\n{typed}").split()) == "".join(f"x{typed}x{typed}".split())


def test_what_needs_no_escape_gets_none() -> None:
    # Teams on Android and iOS shows the backslash: it stays away from what people really write.
    for typed in ("Dupont & Fils (Nantes) - n° 3", "jean_paul@sci.fr", "Le 12/03 : 1.5 % [", "a < b", "Qui ? Moi !"):
        assert markdown(typed).replace("\\[", "[") == typed


def shortcomings(canvas: Easel, locale: str, data: Data, *, width: int, scale: int = 1) -> list[str]:
    """What is wrong with any piece so drawn: which one, and why."""
    drawn = list(pieces())
    found = canvas.audit([piece.draw(locale, data) for piece in drawn], width=width, scale=scale)
    return [f"{drawn[index].caption}: {fault}" for index, fault in found]


@pytest.mark.parametrize("data", TELL)
@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_is_cut_nor_scrolls_sideways_on_a_phone_and_each_input_has_its_label(
    canvas: Easel, locale: str, data: Data
) -> None:
    assert shortcomings(canvas, locale, data, width=PHONE) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_nor_on_a_desktop(canvas: Easel, locale: str) -> None:
    assert shortcomings(canvas, locale, "plain", width=DESKTOP) == []


@pytest.mark.parametrize("data", ["plain", "long"])
@pytest.mark.parametrize("locale", LOCALES)
def test_text_of_twice_the_size_loses_nothing(canvas: Easel, locale: str, data: Data) -> None:
    assert shortcomings(canvas, locale, data, width=PHONE, scale=2) == []


def test_microsofts_parser_has_nothing_to_say(canvas: Easel) -> None:
    assert {piece.caption: said for piece in pieces() if (said := canvas.draw(piece.draw("fr", "plain")))} == {}


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("'<p style=\"width: 500px\">x</p>'", "wider than its box"),
        ("'<p style=\"height: 8px; overflow: hidden\">x<br>y</p>'", "cut"),
        ("'<input type=\"text\">'", "no label"),
        ("'<button></button>'", "no name"),
    ],
)
def test_what_is_wrong_is_noticed(canvas: Easel, spoilt: str, said: str) -> None:
    canvas.draw(card("common/notice", "fr", CARDS["common/notice"]["info"]), width=PHONE)
    found = canvas.page.evaluate(
        f"""() => {{
          const stood = document.querySelector("#stage .card");
          stood.insertAdjacentHTML("beforeend", {spoilt});
          return stage.faults(stood);
        }}"""
    )
    assert said in " ".join(found)
