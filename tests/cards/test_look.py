"""Cards as Microsoft's renderer draws them: text as typed, nothing cut, nothing wider than a phone."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cards.render import card, markdown
from cards.words import LOCALES
from tests.cards.firm import posted
from tests.cards.gallery import DESKTOP, PACKAGES, PHONE, Easel, easel
from tests.cards.samples import CARDS
from tests.cards.walk import retold

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
    if not (PACKAGES / "adaptivecards").exists():
        pytest.skip(f"npm packages are missing: run npm ci in {PACKAGES.parent.name}/")
    with easel() as opened:
        yield opened


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


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=MARKS)
def test_any_text_is_drawn_as_typed(canvas: Easel, typed: str) -> None:
    assert "".join(shown(canvas, f"x{typed}x\n{typed}").split()) == "".join(f"x{typed}x{typed}".split())


def test_what_needs_no_escape_gets_none() -> None:
    # Teams on Android and iOS shows the backslash: it stays away from what people really write.
    for typed in ("Dupont & Fils (Nantes) - n° 3", "jean_paul@sci.fr", "Le 12/03 : 1.5 % [", "a < b", "Qui ? Moi !"):
        assert markdown(typed).replace("\\[", "[") == typed


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", CARDS)
def test_nothing_is_cut_nor_scrolls_sideways(canvas: Easel, name: str, width: int, locale: str) -> None:
    for sample, data in CARDS[name].items():
        assert canvas.draw(card(name, locale, data), "light", width) == []
        assert canvas.too_wide() == [], sample


@pytest.mark.parametrize("name", CARDS)
def test_a_long_word_does_not_widen_the_card(canvas: Easel, name: str) -> None:
    for sample, data in CARDS[name].items():
        long = retold(
            data, lambda text: text if text.startswith("https:") else text + " " + "Anticonstitutionnellement" * 2
        )
        canvas.draw(card(name, "fr", long), "light", PHONE)
        assert canvas.too_wide() == [], sample
