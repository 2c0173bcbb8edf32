"""Importer: the portfolio's file sent in the 1:1 chat, what each line would change, the sender's Ok, how far it is."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import importing
from dialogs.dialog import Ctx, administrators
from dialogs.saying import Posted, Say, carry
from dialogs.turn import Card, Nothing, Redraw, Reply, SentFile
from services import imports, places, portfolio
from services.errors import Refused
from services.events import Event
from services.imports import Summary, Verdict
from services.models import Import, ImportLine
from services.record import Services

REFUSED_SHOWN, UPDATED_SHOWN, VALUE_SHOWN = 8, 5, 80


async def _card(services: Services, found: Import, locale: str) -> Card:
    async with services.store.read() as session:
        summary = await imports.summary(session, found.id, max(REFUSED_SHOWN, UPDATED_SHOWN))
    facts = {
        "state": found.state,
        "file": found.file_name,
        "why": render.text(f"errors.{found.reason}", locale, **found.facts) if found.reason else None,
    }
    about = {"do": POSTED.name, "id": found.id, "v": found.version}
    return render.card("import_portfolio/status", locale, {"d": facts | _counted(summary, locale), "about": about})


def _counted(summary: Summary, locale: str) -> dict[str, Any]:
    counts = summary.counts
    refused, updated = summary.refused[:REFUSED_SHOWN], summary.updated[:UPDATED_SHOWN]
    return {
        "to_create": counts[Verdict.CREATED],
        "to_update": counts[Verdict.UPDATED],
        "unchanged": counts[Verdict.UNCHANGED],
        "refused": counts[Verdict.REFUSED],
        "taken": summary.taken,
        "to_take": summary.to_take,
        "refused_lines": [{"number": line.number, "code": code(line), "why": why(line, locale)} for line in refused],
        "refused_more": counts[Verdict.REFUSED] - len(refused),
        "updated_lines": [{"number": line.number, "code": code(line), "changes": _changes(line)} for line in updated],
        "updated_more": counts[Verdict.UPDATED] - len(updated),
    }


def code(line: ImportLine) -> str:
    """The code as the line has it, which may be anything, cut to what a code may be."""
    return str(line.said["code"])[:40]


def why(line: ImportLine, locale: str) -> str:
    """The sentence that says why a line is refused."""
    return render.text(f"errors.{line.reason}", locale, **line.facts)


def _changes(line: ImportLine) -> list[tuple[str, str, str]]:
    return [(name, before[:VALUE_SHOWN], after[:VALUE_SHOWN]) for name, (before, after) in line.facts.items()]


# --- a file is sent


async def _received(ctx: Ctx, file: SentFile) -> Reply:
    if file.count > 1:
        raise Refused("one_file")
    await administrators(ctx, fresh=True)
    async with ctx.services.store.work() as work:
        await imports.receive(work, file.name, ctx.who.aad_id, file.url, owner_name=ctx.who.name)
    return Nothing()  # reading takes a moment: its card follows, and is redrawn when the file is read


# --- its card is clicked


async def _draw(ctx: Ctx, subject: str) -> Card:
    if not subject:
        return render.card("import_portfolio/how", ctx.locale, {"d": {}})
    return await _card(ctx.services, await importing.own(ctx, POSTED.name, subject), ctx.locale)


async def _take(ctx: Ctx, subject: str, _inputs: Mapping[str, str]) -> Reply:
    await importing.own(ctx, POSTED.name, subject)
    await administrators(ctx, fresh=True)
    async with ctx.services.store.work() as work:
        await imports.confirm(work, subject, ctx.who.aad_id)
    return Redraw(await _draw(ctx, subject))


async def _drop(ctx: Ctx, subject: str, _inputs: Mapping[str, str]) -> Reply:
    await importing.own(ctx, POSTED.name, subject)
    async with ctx.services.store.work() as work:
        await imports.drop(work, subject, ctx.who.aad_id)
    return Redraw(await _draw(ctx, subject))


POSTED = Posted(
    "import_portfolio",
    draw=_draw,
    acts={"take_portfolio": _take, "drop_portfolio": _drop},
    commands=("importer", "import"),
    on_file=_received,
)


# --- afterwards


async def say_import(event: Event, services: Services) -> None:
    """Reaction to anything that befalls an import: one card in its sender's chat, redrawn."""
    async with services.store.read() as session:
        found = await imports.get(session, event.subject)
    if found.kind not in ("", portfolio.KIND.name):
        return
    locale = services.firm.locale
    say = Say(
        places.personal(found.owner),
        f"import:{found.id}",
        await _card(services, found, locale),
        render.text("import_portfolio.summary", locale),
    )
    await carry(services, say)
