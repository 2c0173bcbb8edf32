"""Diagnostic: what the doctor finds, in private for an administrator, and at the prompt (`python app.py doctor`)."""

from collections.abc import Callable, Iterable
from typing import Any

from cards import render
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from services.doctor import Doctor, Line
from services.errors import Refused
from services.store import Work

PATIENCE = 1.0  # seconds, twice at worst: Teams wants its answer within three
PATIENCE_AT_THE_PROMPT = 20.0
AGAIN = "again"


async def run(doctor: Doctor, locale: str, say: Callable[[str], None]) -> int:
    """The command: one line each; gives the exit status, 1 when something is to be mended."""
    lines = await doctor.examine(PATIENCE_AT_THE_PROMPT)
    for row in _rows(lines, locale):
        verdict = render.text(f"diagnostic.lines.{'right' if row['right'] else 'wrong'}", locale)
        say(render.text("diagnostic.line", locale, verdict=f"{verdict:<10}", title=row["title"], said=row["said"]))
    return 0 if all(line.right for line in lines) else 1


def _rows(lines: Iterable[Line], locale: str) -> list[dict[str, Any]]:
    return [
        {
            "title": render.text(f"diagnostic.titles.{line.check}", locale),
            "right": line.right,
            "said": render.text(f"diagnostic.{line.key}", locale, **line.facts),
        }
        for line in lines
    ]


async def _load(ctx: Ctx, _answers: Answers) -> View:
    if ctx.services.doctor is None:
        raise Refused("not_found")
    return View({"lines": _rows(await ctx.services.doctor.examine(PATIENCE), ctx.locale)})


async def _finish(_ctx: Ctx, _work: Work, _answers: Answers) -> Outcome:
    return Outcome("diagnostic.done")


DIALOG = Dialog(
    name="diagnostic",
    steps=(
        Step(
            "lines",
            load=_load,
            asks_again=frozenset({AGAIN}),
            sample=View(
                {
                    "lines": [
                        {"title": "Réglages", "right": True, "said": "complets."},
                        {"title": "Boîte d’envoi", "right": False, "said": "MAIL_FROM manque."},
                    ]
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    commands=("diagnostic", "diagnosis", "doctor"),
)
