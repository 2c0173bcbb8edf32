"""Every card and every mail on one page, to review at a glance: `make gallery`, then open build/gallery/index.html.

Beside the page: its sections as pictures, for who has no browser at hand. What is wrong with any piece is told, and those of
docs/pictures that look other than they did are drawn anew.
"""

import sys
import time
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from cards.words import LOCALES
from tests.cards import look
from tests.cards.easel import Easel, launched
from tests.cards.look import DESKTOP, PHONE
from tests.cards.pictures import renew
from tests.cards.pieces import TELL, Letter, Piece, letters, pieces, title_of

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "build" / "gallery"
SHEETS = (("light", PHONE), ("dark", PHONE), ("light", DESKTOP))


def page() -> str:
    """The gallery, self-contained: everything is in it, drawn by the browser that opens it."""
    by_flow = sorted(pieces(), key=lambda piece: piece.flow == "posted cards")
    flows = [
        {"flow": flow, "title": title_of(flow), "pieces": [_piece(one) for one in some]}
        for flow, some in groupby(by_flow, key=lambda piece: piece.flow)
    ]
    data = look.embedded({"flows": flows, "mails": [_letter(one) for one in letters()]})
    return look.html(
        extra=f"<style>{look.ours('gallery.css')}</style>",
        body=f'<script type="application/json" id="pieces">{data}</script>'
        f'<script type="module">{look.ours("gallery.js")}</script>',
    )


def _piece(piece: Piece) -> dict[str, Any]:
    cards = {locale: {data: piece.draw(locale, data) for data in TELL} for locale in LOCALES}
    return {"name": piece.name, "sample": piece.sample, "cards": cards}


def _letter(letter: Letter) -> dict[str, Any]:
    mails = {}
    for locale in LOCALES:
        written = {data: letter.write(locale, data) for data in TELL}
        mails[locale] = {
            data: {"subject": mail.subject, "html": mail.html, "text": mail.text} for data, mail in written.items()
        }
    return {"name": letter.name, "sample": letter.sample, "mails": mails}


def hung(browser: Browser, path: Path) -> Page:
    """The gallery open in a browser."""
    opened = browser.new_page(viewport={"width": 1680, "height": 1000})
    opened.set_default_timeout(180_000)  # a section as a picture is thousands of pixels high
    opened.on("pageerror", lambda error: print(error, file=sys.stderr))
    opened.goto(path.as_uri())
    opened.wait_for_selector("body[data-ready]")
    return opened


def hang(opened: Page, **chosen: str) -> None:
    """Draw everything as chosen: locale, theme, width, data, text."""
    opened.evaluate("chosen => { location.hash = new URLSearchParams(chosen).toString(); }", chosen)
    shown = "".join(f'[data-shows*="{name}={value}"]' for name, value in chosen.items())
    opened.wait_for_selector(f"body[data-ready]{shown}")


def faulty(opened: Page) -> Iterator[str]:
    """What the page marks in red: which piece, and why."""
    for one in opened.locator("figure.faulty").all():
        yield f"{one.locator('figcaption').inner_text()}: {one.get_attribute('title')}"


def _main() -> int:
    started = time.monotonic()
    GALLERY.mkdir(parents=True, exist_ok=True)
    index = GALLERY / "index.html"
    index.write_text(page(), encoding="utf-8")
    wrong = 0
    with launched() as browser:
        opened = hung(browser, index)
        opened.add_style_tag(content=".bar { position: static }")
        for theme, width in SHEETS:
            hang(opened, theme=theme, width=str(width))
            for section in opened.locator("section").all():
                section.screenshot(path=GALLERY / f"{section.get_attribute('id')}.{theme}.{width}.png")
        for locale, data in product(LOCALES, TELL):  # a theme moves nothing
            hang(opened, locale=locale, data=data)
            for fault in faulty(opened):
                wrong += 1
                print(f"{locale} {data} · {fault}")
        for name in renew(Easel(browser)):
            print(f"docs/pictures: {name} has another look")
    print(f"{index.relative_to(ROOT)}: {wrong} faults, {time.monotonic() - started:.0f} s")
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(_main())
