"""Nouveaux clients: a list sent in the 1:1 chat, each line's verdict, the sender's Ok, how far it is, the result as a file."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from cards import render
from dialogs import importing, steps
from dialogs.dialog import Ctx, administrators
from dialogs.fields import Reader
from dialogs.saying import Posted, Say, carry
from dialogs.turn import Card, Nothing, Redraw, Reply
from services import bulk, bulk_check, bulk_standing, client_list, imports, places, sheets
from services.bulk import NewClient, ReadLine
from services.bulk_standing import TO_TAKE, Verdict
from services.errors import Refused
from services.events import Event, ImportChecked
from services.models import Import, ImportLine, ImportState, Invitation, LoopTask
from services.moves import move_import
from services.ports import FileOffer, Upload
from services.record import Services
from services.retention import OPERATOR

REFUSED_SHOWN = 8
UNHEARD = "directory_down"
"""Why a list is dropped that nothing is wrong with."""
FILE_STATES = (ImportState.CHECKED, ImportState.DONE, ImportState.STOPPED)
_FIELDS = {field.name: field for field in (*steps.CONTACT_FIELDS, *steps.PERSON.fields, *steps.OFFER.fields)}


# --- a line


def reader(locale: str) -> ReadLine:
    """Reads a line by the fields of « Nouveau client »; a client without a language gets the firm's, as there."""

    def read(said: Mapping[str, str]) -> NewClient:
        typed = client_list.typed(said)
        typed["language"] = typed["language"] or locale
        if not typed["code"]:
            raise Refused("required", "code")
        answers, wrong = Reader().all(tuple(_FIELDS[name] for name in client_list.COLUMNS if name in _FIELDS), typed)
        if wrong:
            raise next(iter(wrong.values()))
        return NewClient(
            code=typed["code"],
            guest=steps.guest_of(answers),
            contact=steps.contact_of(answers),
            offer=answers["offer"],
            subscription_confirmed=bool(typed["subscription"]),
            done=bool(typed["loop"]),
        )

    return read


def why(line: ImportLine, locale: str) -> str:
    """The sentence that says why a line is refused, after the name of its column where it is about one."""
    facts = dict(line.facts)
    column = client_list.COLUMNS.get(str(facts.pop("field", "")))
    sentence = render.text(f"errors.{line.reason}", locale, **facts)
    return render.text("import_clients.status.beside", locale, column=column, why=sentence) if column else sentence


def correct(line: ImportLine, locale: str) -> str | None:
    """What to do about it, where the sentence does not say so."""
    return render.text(f"import_clients.correct.{line.reason}", locale) if line.reason in _CORRECT else None


_CORRECT = frozenset({"email_typo", "email_shared", "same_person", "subscription_needed"})


# --- the card


async def _card(services: Services, found: Import, locale: str) -> Card:
    async with services.store.read() as session:
        now = await bulk_standing.standing(session, found.id)
        refused = await bulk_standing.refused(session, found.id, REFUSED_SHOWN)
    d: dict[str, Any] = {
        "state": found.state,
        "file": found.file_name,
        "why": render.text(f"errors.{found.reason}", locale, **found.facts) if found.reason else None,
        "unheard": found.reason == UNHEARD,
        "to_invite": now.counts[Verdict.INVITED],
        "to_recognise": now.counts[Verdict.RECOGNISED],
        "to_announce": now.counts[Verdict.ANNOUNCED],
        "unchanged": now.counts[Verdict.UNCHANGED],
        "refused": now.counts[Verdict.REFUSED],
        "taken": now.taken,
        "to_take": now.taken + now.left,
        "sent": now.guests - now.under_way - now.failed,
        "under_way": now.under_way,
        "failed": now.failed,
        "in_loop": now.in_loop,
        "refused_lines": [
            {
                "number": line.number,
                "code": str(line.said.get("code", ""))[:40],
                "why": why(line, locale),
                "correct": correct(line, locale),
            }
            for line in refused
        ],
        "refused_more": now.counts[Verdict.REFUSED] - len(refused),
    }
    about = {"do": POSTED.name, "id": found.id, "v": found.version}
    return render.card("import_clients/status", locale, {"d": d, "about": about})


async def _draw(ctx: Ctx, subject: str) -> Card:
    return await _card(ctx.services, await importing.own(ctx, POSTED.name, subject), ctx.locale)


def _act(decide: Any) -> Any:
    async def act(ctx: Ctx, subject: str, _inputs: Mapping[str, str]) -> Reply:
        await importing.own(ctx, POSTED.name, subject)
        await administrators(ctx, fresh=True)
        async with ctx.services.store.work() as work:
            await decide(work, subject, ctx.who.aad_id)
        return Redraw(await _draw(ctx, subject))

    return act


async def _consented(ctx: Ctx, subject: str, upload: Upload | None) -> Reply:
    await importing.own(ctx, POSTED.name, subject)
    await administrators(ctx, fresh=True)
    if upload is not None:
        async with ctx.services.store.work() as work:
            await bulk.accept_file(work, subject, upload, ctx.who.aad_id)
    return Nothing()


POSTED = Posted(
    "import_clients",
    draw=_draw,
    acts={
        "take_clients": _act(imports.confirm),
        "drop_clients": _act(imports.drop),
        "pause_clients": _act(bulk.pause),
        "resume_clients": _act(bulk.resume),
        "stop_clients": _act(bulk.stop),
    },
    on_consent=_consented,
)


# --- the result


def result(
    rows: Sequence[tuple[ImportLine, Invitation | None, LoopTask | None]], state: ImportState, locale: str
) -> bytes:
    """Every line with its verdict, as a list that may be sent again."""
    names = ("number", "verdict", "correct", "invitation", "task")
    heads = [*client_list.COLUMNS.values(), *(render.text(f"import_clients.columns.{name}", locale) for name in names)]
    return sheets.written([heads, *(_result_row(*row, state, locale) for row in rows)])


def _result_row(
    line: ImportLine, invitation: Invitation | None, task: LoopTask | None, state: ImportState, locale: str
) -> list[str]:
    verdict = line.verdict
    if verdict in TO_TAKE and state != ImportState.CHECKED:
        verdict = f"{verdict}_done" if line.taken else "not_done"
    correction = ""
    if line.reason:
        correction = " ".join(filter(None, (why(line, locale), correct(line, locale))))
    return [
        *(str(line.said.get(field, "")) for field in client_list.COLUMNS),
        str(line.number),
        render.text(f"import_clients.verdicts.{verdict}", locale),
        correction,
        _state(invitation.state, invitation.reason, locale) if invitation else "",
        _state(task.state, None, locale) if task else "",
    ]


def _state(state: str, reason: str | None, locale: str) -> str:
    words = render.text(f"states.{state}", locale)
    return f"{words}. {render.text(f'errors.{reason}', locale, status=0)}" if reason else words


# --- afterwards


async def judge_clients(event: Event, services: Services) -> None:
    """Reaction to ClientsRead: the next lines get their verdict."""
    firm = services.firm
    await bulk_check.examine(services.store, firm, services.directory, event.subject, reader(firm.locale))


async def give_up_judging(event: Event, services: Services, _reason: str) -> None:
    """Entra did not say for hours: the list may be sent again."""
    async with services.store.work() as work:
        found = await imports.get(work.session, event.subject)
        if await move_import(work, found.id, ImportState.DROPPED, found.owner, reason=UNHEARD):
            work.emit(ImportChecked(found.id))


async def take_clients(event: Event, services: Services) -> None:
    """Reaction to ImportConfirmed and ClientsUnderWay: the next lines of a list of new clients."""
    found = await _found(event, services)
    if found.kind == client_list.KIND.name:
        await bulk.advance(services.store, services.firm, found.id, reader(services.firm.locale))


async def say_clients(event: Event, services: Services) -> None:
    """Reaction to anything that befalls a list of new clients: one card in its sender's chat, redrawn."""
    found = await _found(event, services)
    if found.kind != client_list.KIND.name or found.owner == OPERATOR:
        return
    locale = services.firm.locale
    card = await _card(services, found, locale)
    about = f"import:{found.id}"
    await carry(services, Say(places.personal(found.owner), about, card, render.text("import_clients.summary", locale)))


async def offer_file(event: Event, services: Services) -> None:
    """Reaction to ImportChecked and ImportFinished: may the verdicts be put in the sender's OneDrive?"""
    found = await _found(event, services)
    place = await places.find(services.store, places.personal(found.owner))
    if found.kind != client_list.KIND.name or found.state not in FILE_STATES or place is None:
        return
    when = "checked" if found.state == ImportState.CHECKED else "done"
    offer = FileOffer(
        name=render.text("import_clients.file.name", services.firm.locale, name=PurePath(found.file_name).stem),
        description=render.text(f"import_clients.file.description.{when}", services.firm.locale),
        size=len(await _result(services, found)),
        context={"p": {"do": POSTED.name, "id": found.id}},
    )
    await services.chat.post(place, offer)


async def give_file(event: Event, services: Services) -> None:
    """Reaction to FileAccepted: the verdicts, as they stand now, where Teams said; then shown in the chat."""
    found = await _found(event, services)
    place = await places.find(services.store, places.personal(found.owner))
    if found.upload is None or place is None:
        return
    upload = Upload(**found.upload)
    await services.files.put(upload.put_url, await _result(services, found))
    await services.chat.post(place, upload)
    async with services.store.work() as work:
        (await imports.get(work.session, found.id)).upload = None


async def _result(services: Services, found: Import) -> bytes:
    async with services.store.read() as session:
        rows = await bulk_standing.lines_of(session, found.id)
    return result(rows, found.state, services.firm.locale)


async def _found(event: Event, services: Services) -> Import:
    async with services.store.read() as session:
        return await imports.get(session, event.subject)
