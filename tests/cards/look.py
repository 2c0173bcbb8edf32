"""A page on which cards stand as Teams draws them: the practice page's renderer, colours and styles, in one file.

Nothing here says how a card looks: colours and type are practice/page's (host.js, theme.css, cards.css), the drawing is its
cards.js. The letters are brought along (Open Sans for Segoe UI, a little wider; DejaVu for the signs), so that a card
is the same on every machine.
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from practice import packages

Theme = Literal["light", "dark", "contrast"]
THEMES: tuple[Theme, ...] = ("light", "dark", "contrast")
PHONE, DESKTOP = 320, 640

_OURS = Path(__file__).parent / "page"
AXE = _OURS / "node_modules" / "axe-core" / "axe.min.js"
_TEAMS = Path(__file__).parents[2] / "practice" / "page"
_SIGNS = "U+1E00-1EFF, U+2070-2BFF"  # Vietnamese, arrows, ticks, circles: what Open Sans does not have


@cache
def html(*, extra: str = "", body: str = '<main id="stage"></main>') -> str:
    """The page, self-contained: it opens without a server. `extra` goes at the end of the head, `body` replaces the stage."""
    ours, teams = packages.install(_OURS), packages.install(_TEAMS)
    styles = (
        teams / "adaptivecards" / "dist" / "adaptivecards.css",
        *(_TEAMS / name for name in ("theme.css", "cards.css")),
        _OURS / "stage.css",
    )
    scripts = (teams / "adaptivecards" / "dist" / "adaptivecards.min.js", AXE)
    modules = {
        "markdown-it": _read(teams / "markdown-it" / "dist" / "browser" / "markdown-it.esm.min.mjs"),
        "host": _read(_TEAMS / "host.js"),
        "cards": _read(_TEAMS / "cards.js").replace('"./host.js"', '"host"'),  # a data: URL has no neighbours
        "stage": _read(_OURS / "stage.js"),
    }
    imports = {name: _data("text/javascript", source.encode()) for name, source in modules.items()}
    return "\n".join(
        [
            '<!doctype html><html lang="fr" data-theme="light"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Passerelle</title>',
            f"<style>{_letters(ours)}</style>",
            *(f"<style>{_read(one)}</style>" for one in styles),
            *(f"<script>{_read(one)}</script>" for one in scripts),
            f'<script type="importmap">{embedded({"imports": imports})}</script>',
            '<script type="module">import * as stage from "stage"; window.stage = stage;</script>',
            f"{extra}</head><body>{body}</body></html>",
        ]
    )


def embedded(data: object) -> str:
    """JSON to stand inside a <script>: no `<` that could end it."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def ours(name: str) -> str:
    """A file of this folder's page."""
    return _read(_OURS / name)


def _letters(ours: Path) -> str:
    latin, files = "Segoe UI Variable Text", ours / "@fontsource" / "open-sans" / "files"
    faces = [
        _face(latin, weight, files / f"open-sans-{subset}-{weight}-normal.woff2", within)
        for weight in (400, 600)
        for subset, within in (("latin-ext", "U+0100-02FF"), ("latin", "U+0000-00FF, U+0131, U+0152-0153, U+2000-206F"))
    ]
    return "\n".join([*faces, _face("Segoe UI", 400, ours / "dejavu-fonts-ttf" / "ttf" / "DejaVuSans.ttf", _SIGNS)])


def _face(family: str, weight: int, file: Path, within: str) -> str:
    facts: Mapping[str, str] = {
        "font-family": f'"{family}"',
        "font-weight": str(weight),
        "src": f"url({_data('font/woff2' if file.suffix == '.woff2' else 'font/ttf', file.read_bytes())})",
        "unicode-range": within,
    }
    return "@font-face {" + "; ".join(f"{name}: {value}" for name, value in facts.items()) + "}"


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
