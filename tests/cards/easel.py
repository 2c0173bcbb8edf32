"""One Chromium to draw in, for the gallery and for the tests that look at cards."""

import os
import shutil
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from practice.packages import NotInstalled
from tests.cards import look
from tests.cards.look import DESKTOP, Theme

Found = list[tuple[int, str]]
Drawn = Mapping[str, Any]

SILENT = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
"""Arguments for a Chromium in a container, silent on the network."""


class Easel:
    """A page on which cards are drawn, one after the other."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.page = browser.new_page(viewport={"width": DESKTOP, "height": 900})
        self.page.set_content(look.html())
        self.page.wait_for_function("window.stage")
        self.page.evaluate("stage.lettered")

    def draw(self, card: Drawn, theme: Theme = "light", width: int = DESKTOP, scale: int = 1) -> list[str]:
        """Stand a card on the page; gives what Microsoft's parser complains about."""
        complaints: list[str] = self.page.evaluate(
            """async ([card, how]) => {
              document.documentElement.dataset.theme = how.theme;
              document.getElementById("stage").replaceChildren(stage.stand(card, how));
              return stage.complaints(card);
            }""",
            [card, {"theme": theme, "width": width, "scale": scale}],
        )
        return complaints

    def audit(self, cards: Sequence[Drawn], *, width: int, scale: int = 1) -> Found:
        """What is wrong with each card at that width and text size: its index, and a sentence."""
        found: Found = self.page.evaluate(
            "([cards, how]) => stage.audit(cards, how)", [cards, {"width": width, "scale": scale}]
        )
        return found

    def barriers(self, cards: Sequence[Drawn], theme: Theme, rules: Sequence[str] = ()) -> list[str]:
        """axe-core's serious findings (of some rules, or of all) on the cards, all standing on the page at once."""
        found: list[str] = self.page.evaluate(
            """async ([cards, theme, rules]) => {
              document.documentElement.dataset.theme = theme;
              document.body.style.background = "var(--canvas)";
              const place = document.getElementById("stage");
              place.replaceChildren(...cards.map((card) => stage.stand(card, { theme, width: 320 })));
              return stage.barriers(place, rules);
            }""",
            [cards, theme, rules],
        )
        return found

    def texts(self) -> list[str]:
        """Each text block as read on the screen."""
        return self.page.locator("#stage .ac-textBlock").all_inner_texts()

    def tags(self) -> set[str]:
        """The kinds of HTML element the renderer made of the card."""
        made: list[str] = self.page.evaluate("() => [...document.querySelectorAll('#stage *')].map(e => e.localName)")
        return set(made)

    def picture(self) -> bytes:
        """A WebP of the card that stands on the page."""
        drawn = self.page.locator("#stage .card").screenshot()
        lighter: str = self.page.evaluate("stage.lighter", f"data:image/png;base64,{b64encode(drawn).decode()}")
        return b64decode(lighter.partition(",")[2])


class Reader:
    """A mail client: a page that shows one mail, and asks for dark colours or not."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page()

    def read(self, html: str, *, width: int, dark: bool) -> list[str]:
        """What axe-core finds serious in the mail at that width, and whether it scrolls sideways."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.set_content(html)
        wide = int(self.page.evaluate("document.documentElement.scrollWidth"))
        self.page.add_script_tag(path=look.AXE)
        barriers: list[str] = self.page.evaluate(
            """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
              .filter(({ impact }) => impact === "serious" || impact === "critical")
              .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`))"""
        )
        return [*barriers, *([f"{wide} pixels wide"] if wide > width else [])]


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser, for as long as it is needed."""
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium(), args=list(SILENT))
        yield browser
        browser.close()


def opened() -> Iterator[Easel]:
    """For a fixture: an easel, or the reason to skip; in CI there is no reason."""
    try:
        assert chromium(), "no Chromium on the PATH"
        look.html()
    except (AssertionError, NotInstalled) as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
    with launched() as browser:
        yield Easel(browser)
