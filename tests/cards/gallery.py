"""Draws cards with Microsoft's renderer in Chromium, in Teams' colours, so that they can be looked at.

python -m tests.cards.gallery docs/pictures                     every sample, French, light, phone and desktop
python -m tests.cards.gallery out invite_guest/person --locale fr en --theme light dark contrast --width 320
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from cards.render import card
from tests.cards.look import THEMES, Theme, host_config, page
from tests.cards.samples import CARDS

PACKAGES = Path(__file__).parents[2] / "practice" / "page" / "node_modules"
_SCRIPTS = (
    PACKAGES / "adaptivecards" / "dist" / "adaptivecards.min.js",
    PACKAGES / "markdown-it" / "dist" / "browser" / "markdown-it.umd.min.js",
)
CHROMIUM = "/usr/bin/chromium"
PHONE, DESKTOP = 320, 640

_DRAW = r"""([json, config]) => {
  const Cards = window.AdaptiveCards;
  Cards.GlobalSettings.useMarkdownInRadioButtonAndCheckbox = false;  // choices are plain text in Teams
  const markdown = window.markdownit();
  Cards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    const mention = /(?<!\\)<at>(.*?)(?<!\\)<\/at>/g;  // as Teams: looked for in the text, before Markdown
    result.outputHtml = markdown.render(text.replace(mention, "**$1**"));
    result.didProcess = true;
  };
  const card = new Cards.AdaptiveCard();
  card.hostConfig = new Cards.HostConfig(config);
  const context = new Cards.SerializationContext();
  card.parse(json, context);
  document.getElementById("card").replaceChildren(card.render());
  return context.eventCount ? [...Array(context.eventCount).keys()].map(i => context.getEventAt(i).message) : [];
}"""

_TOO_WIDE = """() => [...document.querySelectorAll("#card, #card *")]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline" && e.tagName !== "INPUT")
  .map(e => e.className + ": " + e.textContent.slice(0, 60))"""


class Easel:
    """One browser page on which cards are drawn, one after the other."""

    def __init__(self, browser_page: Page) -> None:
        self._page = browser_page
        self._prepared: tuple[Theme, int] | None = None

    def draw(self, drawn: Mapping[str, Any], theme: Theme = "light", width: int = DESKTOP) -> list[str]:
        """Draw a card; gives what the renderer complains about (not `lang`: it refuses every second one)."""
        if self._prepared != (theme, width):
            self._page.set_viewport_size({"width": width, "height": 900})
            self._page.set_content(page(theme, width))
            for script in _SCRIPTS:
                self._page.add_script_tag(path=script)
            self._prepared = (theme, width)
        complaints: list[str] = self._page.evaluate(_DRAW, [drawn, host_config(theme)])
        return [one for one in complaints if 'property "lang"' not in one]

    def too_wide(self) -> list[str]:
        """What does not fit the width: it would be cut, or scroll sideways."""
        wide: list[str] = self._page.evaluate(_TOO_WIDE)
        return wide

    def texts(self) -> list[str]:
        """Each text block as read on the screen."""
        return self._page.locator("#card .ac-textBlock").all_inner_texts()

    def tags(self) -> set[str]:
        """The kinds of HTML element the renderer made of the card."""
        made: list[str] = self._page.evaluate("() => [...document.querySelectorAll('#card *')].map(e => e.localName)")
        return set(made)

    def picture(self, path: Path) -> None:
        """A PNG of the whole card."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._page.locator("body").screenshot(path=path)


@contextmanager
def easel() -> Iterator[Easel]:
    """A browser to draw in, with the npm packages of the practice page."""
    with sync_playwright() as tool:
        browser = tool.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield Easel(browser.new_page(device_scale_factor=1.5))
        browser.close()


def _main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("out", type=Path, help="folder of the pictures")
    ask.add_argument("names", nargs="*", help="flow/step or flow/step:sample (all)")
    ask.add_argument("--locale", nargs="+", default=["fr"])
    ask.add_argument("--theme", nargs="+", default=["light"], choices=THEMES)
    ask.add_argument("--width", nargs="+", type=int, default=[PHONE, DESKTOP])
    given = ask.parse_args()
    with easel() as canvas:
        for theme, width, (name, sample) in product(given.theme, given.width, _chosen(given.names)):
            for locale in given.locale:
                canvas.draw(card(name, locale, CARDS[name][sample]), theme, width)
                canvas.picture(given.out / f"{name.replace('/', '.')}.{sample}.{locale}.{theme}.{width}.png")


def _chosen(names: list[str]) -> list[tuple[str, str]]:
    """The samples that `names` (`flow/step` or `flow/step:sample`; none: all) stand for."""
    every = [(name, sample) for name, samples in CARDS.items() for sample in samples]
    return [one for one in every if not names or one[0] in names or f"{one[0]}:{one[1]}" in names]


if __name__ == "__main__":
    _main()
