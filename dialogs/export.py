"""Exporter: the board or the journal as a file, for an administrator, in their 1:1 chat once they accept it."""

import asyncio

from cards import render
from dialogs import exported, fields
from dialogs.dialog import Answers, Choice, Ctx, Dialog, Outcome, Step, View, administrators, journal_refusal
from dialogs.saying import Posted
from dialogs.turn import Card, Nothing, Reply
from services import exports, places
from services.calendar import day_of
from services.errors import Refused
from services.events import Event
from services.models import Export
from services.ports import FileOffer, Place, Upload
from services.record import Services
from services.store import Work

# --- asking for it, in a dialog


def _choices(locale: str) -> View:
    named = {"what": exports.WHAT, "format": exports.FORMATS}
    return View(
        choices={
            field: tuple(Choice(one, render.text(f"export.{field}.{one}", locale)) for one in values)
            for field, values in named.items()
        }
    )


async def _load(ctx: Ctx, _answers: Answers) -> View:
    return _choices(ctx.locale)


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    await exports.ask(work, answers["what"], answers["format"], ctx.who.aad_id)
    return Outcome("export.done")


DIALOG = Dialog(
    name="export",
    steps=(
        Step(
            "ask",
            fields=(fields.choice("what", *exports.WHAT), fields.choice("format", *exports.FORMATS)),
            load=_load,
            sample=_choices("fr"),
        ),
    ),
    finish=_finish,
    allowed=administrators,
)


# --- accepting it, in the chat


async def _draw(_ctx: Ctx, _subject: str) -> Card:
    raise Refused("card_unknown")  # Teams draws what it asks itself


async def _consented(ctx: Ctx, subject: str, upload: Upload | None) -> Reply:
    async with ctx.services.store.read() as session:
        found = await exports.find(session, subject)
    if found is not None and found.owner != ctx.who.aad_id:
        await journal_refusal(ctx, POSTED.name, subject, "not_yours")
        found = None
    if found is None:
        raise Refused("not_found")
    await administrators(ctx, fresh=True)
    async with ctx.services.store.work() as work:
        if upload is None:
            await exports.forget(work, subject)
        else:
            await exports.accept(work, subject, upload, ctx.who.aad_id)
    return Nothing()


POSTED = Posted("export_file", draw=_draw, on_consent=_consented)


# --- afterwards


async def offer_export(event: Event, services: Services) -> None:
    """Reaction to ExportAsked: may it be put in their OneDrive?"""
    found = await _found(event, services)
    if found is None:
        return
    locale = services.firm.locale
    day = day_of(services.store.clock()).isoformat()
    offer = FileOffer(
        name=render.text(f"export.file.{found.what}", locale, day=day, kind=found.kind),
        description=render.text(f"export.what.{found.what}", locale),
        size=len(await _content(services, found)),
        context={"p": {"do": POSTED.name, "id": found.id}},
    )
    await services.chat.post(await _chat(services, found.owner), offer)


async def give_export(event: Event, services: Services) -> None:
    """Reaction to ExportAccepted: the file as it stands now, where Teams said; then shown in the chat."""
    found = await _found(event, services)
    if found is None or found.upload is None:
        return
    upload = Upload(**found.upload)
    await services.files.put(upload.put_url, await _content(services, found))
    await services.chat.post(await _chat(services, found.owner), upload)
    async with services.store.work() as work:
        await exports.forget(work, found.id)


async def _found(event: Event, services: Services) -> Export | None:
    async with services.store.read() as session:
        return await exports.find(session, event.subject)


async def _content(services: Services, found: Export) -> bytes:
    rows = await exported.rows(services.store, found.what, services.firm.locale)
    return await asyncio.to_thread(exports.written, rows, found.kind)


async def _chat(services: Services, aad_id: str) -> Place:
    """Their 1:1 chat, opened where they never wrote there."""
    place = await places.find(services.store, places.personal(aad_id))
    if place is not None:
        return place
    general = await places.find(services.store, places.GENERAL)
    members = await services.chat.members(general) if general else ()
    mri = next((one.mri for one in members if one.aad_id == aad_id), None)
    if general is None or mri is None:
        raise Refused("no_conversation")
    place = await services.chat.open_personal(general, mri)
    await places.remember(services.store, places.personal(aad_id), place)
    return place
