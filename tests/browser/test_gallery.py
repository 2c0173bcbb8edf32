"""The gallery in a real browser: it shows everything; cards and mails keep nobody out; nothing looks other than it did."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.cards import gallery
from tests.cards.easel import Easel, Reader, opened
from tests.cards.look import THEMES, Theme
from tests.cards.pictures import KEPT, PICTURES, kept, picture, unlike
from tests.cards.pieces import STEP, letters, pieces

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def canvas() -> Iterator[Easel]:
    yield from opened()


@pytest.fixture(scope="module")
def hung(canvas: Easel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The gallery as `make gallery` writes it, open."""
    path = tmp_path_factory.mktemp("gallery") / "index.html"
    path.write_text(gallery.page(), encoding="utf-8")
    shown = gallery.hung(canvas.browser, path)
    yield shown
    shown.close()


def test_the_gallery_shows_every_card_and_every_mail(hung: Page) -> None:
    captions = hung.locator("figcaption").all_inner_texts()
    assert len(captions) > 100
    assert sorted(captions) == sorted([*(one.caption for one in pieces()), *(one.caption for one in letters())])
    assert list(gallery.faulty(hung)) == []


def test_a_piece_opens_in_every_theme_and_width(hung: Page) -> None:
    hung.get_by_role("button", name="welcome/card · two_companies").click()
    assert hung.locator("dialog .card").count() == 6
    hung.keyboard.press("Escape")
    hung.get_by_role("searchbox").fill("welcome/welcome")
    hung.wait_for_selector("body[data-ready]")
    assert {one.partition(" ")[0] for one in hung.locator("figcaption").all_inner_texts()} == {"welcome/welcome"}


@pytest.mark.parametrize("theme", THEMES)
def test_cards_keep_nobody_out(canvas: Easel, theme: Theme) -> None:
    rules = () if theme == "light" else ("color-contrast",)  # the rest does not change with the theme
    assert (
        canvas.barriers([piece.draw("fr", "plain") for piece in pieces() if piece.sample != STEP], theme, rules) == []
    )


def test_a_barrier_is_noticed(canvas: Easel) -> None:
    piece = next(pieces())
    spoilt = piece.draw("fr", "plain")
    spoilt["body"].append({"type": "Image", "url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="})
    spoilt["body"].append({"type": "Input.Text", "id": "nameless"})
    assert {one.partition(":")[0] for one in canvas.barriers([spoilt], "light")} >= {"label"}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_mails_keep_nobody_out_and_fit_a_phone(canvas: Easel, dark: bool) -> None:
    client = Reader(canvas.browser)
    found = {}
    for letter in letters():
        found[letter.caption] = client.read(letter.write("fr", "plain").html, width=320, dark=dark)
        found[f"{letter.caption}, long"] = client.read(letter.write("fr", "long").html, width=320, dark=dark)
    client.page.close()
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_pictures_are_few_and_small() -> None:
    sizes = {path.name: path.stat().st_size for path in KEPT.glob("*")}
    assert sizes.keys() == {kept(name).name for name in PICTURES}
    assert len(sizes) <= 8
    assert max(sizes.values()) <= 60_000


@pytest.mark.parametrize("name", PICTURES)
def test_a_card_looks_as_it_did(canvas: Easel, name: str, tmp_path: Path) -> None:
    now = picture(canvas, name)
    (tmp_path / f"{name}.webp").write_bytes(now)
    changed = unlike(canvas, kept(name).read_bytes(), now)
    assert changed is None, f"{changed} differ ({tmp_path}); if it is meant, `make gallery` draws it anew"


def test_another_look_is_noticed(canvas: Easel) -> None:
    before = picture(canvas, "request")
    for spoil in (
        "one => one.querySelector('.ac-pushButton.style-positive').style.background = '#0e700e'",
        "one => one.querySelectorAll('.ac-textBlock')[3].remove()",
        "one => one.querySelectorAll('p').forEach(p => p.style.fontWeight = '600')",
        "one => one.querySelector('.ac-adaptiveCard').style.paddingLeft = '20px'",
    ):
        picture(canvas, "request")
        canvas.page.eval_on_selector("#stage .card", spoil)
        assert unlike(canvas, before, canvas.picture()) is not None, spoil
