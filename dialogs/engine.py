"""Turn -> Reply, for every flow: permission, whose draft, stale and double clicks, errors beside their field, language."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from cards import render
from dialogs.dialog import Answers, Asks, Choice, Ctx, Dialog, Step, View, journal_refusal
from dialogs.fields import typed_text
from dialogs.menu import launch_card, menu_card, notice_card, search_rows
from dialogs.saying import Posted
from dialogs.turn import (
    Acted,
    Arrived,
    Consented,
    Departed,
    Done,
    Nothing,
    Opened,
    Post,
    Redraw,
    Refreshed,
    Reply,
    SentFile,
    Show,
    Sought,
    Submitted,
    Suggest,
    Turn,
    Wrote,
)
from services import drafts, people, places, spaces
from services.drafts import Draft
from services.errors import Refused, Unavailable
from services.ports import Message, Place, PlaceKind, Upload
from services.record import Services

log = logging.getLogger(__name__)

BACK, NEXT, FIX, WAY = "back", "next", "fix:", "way"


class Engine:
    """Answers turns. Holds tables, and the places of the last minute; every state is in the store."""

    def __init__(self, services: Services, dialogs: tuple[Dialog, ...], posted: tuple[Posted, ...]) -> None:
        self._services = services
        self._dialogs = {dialog.name: dialog for dialog in dialogs}
        callable_by_word: tuple[Dialog | Posted, ...] = (*dialogs, *posted)
        self._commands = {word: one for one in callable_by_word for word in one.commands}
        self._verbs = {verb: kind for kind in posted for verb in (kind.name, *kind.acts)}
        self._searches = {dataset: search for kind in posted for dataset, search in kind.searches.items()}
        self._seen = places.Seen(services.store.clock)
        self._for_guests = next((kind for kind in posted if kind.for_guests), None)
        self._on_file = next((kind.on_file for kind in posted if kind.on_file), None)

    async def answer(self, turn: Turn) -> Reply:
        """The reply to one verified turn. A refusal is an ordinary answer: a sentence in the person's language."""
        new_here = await self._remember(turn)
        if isinstance(turn.what, Arrived) and not new_here:
            return Nothing()  # Teams announces an installation twice; one menu is enough
        locale = render.locale_of(turn.who.locale, self._services.firm.locale)
        ctx = Ctx(self._services, turn.who, locale)
        try:
            return await self._route(ctx, turn)
        except (Refused, Unavailable) as fault:
            return self._sorry(ctx, turn, fault)

    async def _route(self, ctx: Ctx, turn: Turn) -> Reply:
        match turn.what:
            case Wrote() | Arrived(bot=True) if (
                self._for_guests and turn.where.kind is PlaceKind.PERSONAL and await self._is_stranger(ctx)
            ):
                card = await self._for_guests.draw(ctx, "")
                return Post(Message(card, card["fallbackText"]))
            case Wrote(text):
                return await self._wrote(ctx, text)
            case Opened(data):
                return await self._opened(ctx, _ours(data))
            case Submitted(data):
                return await self._submitted(ctx, _ours(data), data)
            case Acted(verb, data):
                return await self._acted(ctx, verb, _ours(data), data)
            case Refreshed(verb, data):
                return await self._drawn(ctx, verb, _ours(data))
            case Sought(dataset, text, top):
                async with _watched(ctx, "search"):
                    return Suggest(await self._sought(ctx, dataset, text, top))
            case Consented(data, upload):
                return await self._consented(ctx, _ours(data), upload)
            case SentFile():
                return await self._sent_file(ctx, turn.what, turn.where)
            case Arrived(bot=True):
                return Post(Message(await menu_card(ctx), render.text("menu.summary", ctx.locale)))
            case _:
                return Nothing()

    # --- someone writes

    async def _wrote(self, ctx: Ctx, text: str) -> Reply:
        words = people.words(text)
        asked = (self._commands.get(" ".join(words[:2])) or self._commands.get(words[0])) if words else None
        if isinstance(asked, Dialog):
            card = launch_card(ctx, asked.name)
        elif asked is not None:
            async with _watched(ctx, asked.name):
                card = await asked.draw(ctx, "")
        else:
            card = await menu_card(ctx, text.strip() or None)
        return Post(Message(card, render.text("menu.summary", ctx.locale)))

    async def _is_stranger(self, ctx: Ctx) -> bool:
        """Whether they are not of the firm: guests above all. Unavailable where neither Entra nor we can say.

        Who is known to us, of the firm or invited, is answered while Entra is silent: neither answer lets anybody act.
        """
        roles, aad_id = ctx.services.roles, ctx.who.aad_id
        try:
            return await roles.staff_member(aad_id) is None
        except Refused:
            return False  # in nobody's team yet
        except Unavailable:
            if roles.was_staff(aad_id):
                return False
            async with ctx.services.store.read() as session:
                if await spaces.of_account(session, aad_id) is None:
                    raise
            return True

    async def _sought(self, ctx: Ctx, dataset: str, text: str, top: int) -> tuple[tuple[str, str], ...]:
        search = self._searches.get(dataset)
        return tuple(await search(ctx, text, top)) if search else await search_rows(ctx, dataset, text, top)

    async def _sent_file(self, ctx: Ctx, file: SentFile, where: Place) -> Reply:
        if self._on_file is None or where.kind is not PlaceKind.PERSONAL:
            raise Refused("file_not_private")
        async with _watched(ctx, "file"):
            return await self._on_file(ctx, file)

    async def _consented(self, ctx: Ctx, ours: Mapping[str, Any], upload: Upload | None) -> Reply:
        take = self._kind(str(ours.get("do"))).on_consent
        if take is None:
            raise Refused("card_unknown")
        async with _watched(ctx, "file", str(ours.get("id"))):
            return await take(ctx, str(ours.get("id")), upload)

    # --- someone clicks in a dialog

    async def _opened(self, ctx: Ctx, ours: Mapping[str, Any]) -> Reply:
        dialog = self._dialogs.get(str(ours.get("do")))
        if dialog is None:
            raise Refused("card_unknown")
        ctx = replace(ctx, subject=str(ours["id"]) if ours.get("id") else None)
        await self._permit(ctx, dialog, fresh=False)
        typed = await dialog.start(ctx) if dialog.start else {}
        step = self._step_after(dialog, self._answers(ctx, dialog, typed), None)
        draft = await drafts.start(ctx.services.store, dialog.name, ctx.who.aad_id, ctx.subject, step.name, typed)
        return await self._show(ctx, dialog, step, draft)

    async def _submitted(self, ctx: Ctx, ours: Mapping[str, Any], data: Mapping[str, Any]) -> Reply:
        draft = await drafts.find(ctx.services.store, str(ours.get("id")))
        if draft is not None and draft.owner != ctx.who.aad_id:
            await journal_refusal(ctx, draft.dialog, draft.id, "not_yours")
            draft = None
        if draft is None or draft.dialog not in self._dialogs:
            raise Refused("draft_gone")
        dialog = self._dialogs[draft.dialog]
        ctx = replace(ctx, subject=draft.subject)
        if draft.outcome is not None:
            return self._done(ctx, draft.outcome)
        step = next(one for one in dialog.steps if one.name == draft.step)
        if ours.get("step") != step.name or ours.get("v") != draft.version:
            return await self._show(ctx, dialog, step, draft, notice="stale")
        go = str(ours.get("go", NEXT))
        typed = draft.typed if go == BACK else {**draft.typed, **_typed(step, data)}
        try:
            return await self._take(ctx, dialog, step, draft, typed, go)
        except Unavailable as fault:  # nothing typed is lost: the same step, and why
            return await self._show(ctx, dialog, step, draft, typed=typed, notice=fault.key)

    async def _take(self, ctx: Ctx, dialog: Dialog, step: Step, draft: Draft, typed: dict[str, str], go: str) -> Reply:
        again, _, answer = go.partition(":")
        answers = self._answers(ctx, dialog, typed)
        ends = go != BACK and again not in step.asks_again and self._is_last(dialog, answers, step)
        await self._permit(ctx, dialog, fresh=ends)
        if go == BACK:
            return await self._move(ctx, dialog, draft, self._step_before(dialog, answers, step), typed)
        if again in step.asks_again:
            return await self._move(ctx, dialog, draft, step, {**typed, again: answer} if answer else typed)
        typed = {**typed, WAY: go} if go in step.ways else {key: typed[key] for key in typed if key != WAY}
        return await self._next(ctx, dialog, step, draft, typed, go)

    async def _next(self, ctx: Ctx, dialog: Dialog, step: Step, draft: Draft, typed: dict[str, str], go: str) -> Reply:
        mended = False
        for _ in range(2):  # a chosen repair changes what was typed, which is then read like anything typed
            _, wrong = ctx.reader.all(step.fields, typed)
            if wrong:
                return await self._show(ctx, dialog, step, draft, typed=typed, wrong=wrong)
            try:
                learnt = await step.check(ctx, self._answers(ctx, dialog, typed)) if step.check else None
            except Refused as refusal:
                fix = _chosen(refusal, go)
                if fix is None:
                    return await self._refuse(ctx, dialog, step, draft, typed, refusal, mended=mended)
                typed, go, mended = {**typed, **fix}, NEXT, True
                continue
            typed = {**typed, **(learnt or {})}
            break
        answers = self._answers(ctx, dialog, typed)
        if not self._is_last(dialog, answers, step):
            return await self._move(ctx, dialog, draft, self._step_after(dialog, answers, step), typed)
        return await self._finish(ctx, dialog, step, draft, typed)

    async def _refuse(
        self,
        ctx: Ctx,
        dialog: Dialog,
        step: Step,
        draft: Draft,
        typed: dict[str, str],
        refusal: Refused,
        *,
        mended: bool,
    ) -> Reply:
        """The step once more, and why; a repair just chosen is kept, though another one is now asked for."""
        if mended:
            moved = await drafts.move(ctx.services.store, draft, step.name, typed)
            if moved is None:
                return await self._present(ctx, dialog, draft.id)
            draft = moved
        return await self._show(ctx, dialog, step, draft, typed=typed, refusal=refusal)

    async def _move(self, ctx: Ctx, dialog: Dialog, draft: Draft, step: Step, typed: Mapping[str, str]) -> Reply:
        moved = await drafts.move(ctx.services.store, draft, step.name, typed)
        if moved is None:
            return await self._present(ctx, dialog, draft.id)
        return await self._show(ctx, dialog, step, moved)

    async def _finish(self, ctx: Ctx, dialog: Dialog, step: Step, draft: Draft, typed: Mapping[str, str]) -> Reply:
        answers = self._answers(ctx, dialog, typed)
        try:
            async with ctx.services.store.work() as work:
                if not await drafts.close(work, draft):
                    raise _Overtaken
                outcome = await dialog.finish(ctx, work, answers)
                kept = {"key": outcome.key, "facts": dict(outcome.facts)}
                await drafts.tell(work, draft, kept)
        except _Overtaken:
            return await self._present(ctx, dialog, draft.id)
        except Refused as refusal:
            return await self._show(ctx, dialog, step, draft, typed=typed, refusal=refusal)
        return self._done(ctx, kept)

    async def _present(self, ctx: Ctx, dialog: Dialog, draft_id: str) -> Reply:
        """Where a draft stands now, for the click that came second."""
        draft = await drafts.find(ctx.services.store, draft_id)
        if draft is None:
            return Done(render.text("errors.draft_gone", ctx.locale))
        if draft.outcome is not None:
            return self._done(ctx, draft.outcome)
        step = next(one for one in dialog.steps if one.name == draft.step)
        return await self._show(ctx, dialog, step, draft)

    def _done(self, ctx: Ctx, outcome: Mapping[str, Any]) -> Done:
        return Done(render.text(outcome["key"], ctx.locale, **outcome["facts"]))

    async def _show(
        self,
        ctx: Ctx,
        dialog: Dialog,
        step: Step,
        draft: Draft,
        *,
        typed: Mapping[str, str] | None = None,
        wrong: Mapping[str, Refused] | None = None,
        refusal: Refused | None = None,
        notice: str | None = None,
    ) -> Show:
        typed = draft.typed if typed is None else typed
        answers = self._answers(ctx, dialog, typed)
        view = await step.load(ctx, answers) if step.load else View()
        wrong = dict(wrong or {})
        if refusal is not None and refusal.field in {f.name for f in step.fields} and not isinstance(refusal, Asks):
            wrong[str(refusal.field)] = refusal
        elif refusal is not None:
            notice = _sentence(refusal, ctx.locale)
        elif notice is not None:
            notice = render.text(f"errors.{notice}", ctx.locale)
        form = {
            "do": dialog.name,
            "id": draft.id,
            "step": step.name,
            "v": draft.version,
            "values": {**view.defaults, **typed},
            "errors": {name: _sentence(fault, ctx.locale) for name, fault in wrong.items()},
            "notice": notice,
            "fixes": _fixes(refusal, ctx.locale),
            "first": self._step_before(dialog, answers, step) is step,
            "last": self._is_last(dialog, answers, step),
        }
        return Show(
            render.text(f"{dialog.name}.title", ctx.locale),
            draw(dialog, step, ctx.locale, ctx.services.firm.name, form, view),
        )

    # --- someone clicks on a posted card

    async def _acted(self, ctx: Ctx, verb: str, ours: Mapping[str, Any], data: Mapping[str, Any]) -> Reply:
        kind = self._kind(verb)
        act, subject = kind.acts.get(verb), str(ours.get("id"))
        async with _watched(ctx, verb, subject):
            if act is None:
                return await self._drawn(ctx, verb, ours)
            await self._keep_out_guests(ctx, kind)
            inputs = {name: typed_text(value) for name, value in data.items() if name != "p"}
            return await act(ctx, subject, inputs)

    async def _drawn(self, ctx: Ctx, verb: str, ours: Mapping[str, Any]) -> Reply:
        kind = self._kind(verb)
        await self._keep_out_guests(ctx, kind)
        return Redraw(await kind.draw(ctx, str(ours.get("id"))))

    async def _keep_out_guests(self, ctx: Ctx, kind: Posted) -> None:
        try:
            stranger = not kind.for_guests and await self._is_stranger(ctx)
        except Unavailable:
            return  # nobody we invited; whatever changes anything asks again
        if stranger:
            raise Refused("not_staff")

    def _kind(self, verb: str) -> Posted:
        try:
            return self._verbs[verb]
        except KeyError:
            raise Refused("card_unknown") from None

    # --- shared

    async def _permit(self, ctx: Ctx, dialog: Dialog, *, fresh: bool) -> None:
        async with _watched(ctx, dialog.name, ctx.subject):
            await dialog.allowed(ctx, fresh)

    def _answers(self, ctx: Ctx, dialog: Dialog, typed: Mapping[str, str]) -> dict[str, Any]:
        """What every step so far says, read anew from what was typed; a repair's own marks come through as they are."""
        answers: dict[str, Any] = dict(typed)
        for step in dialog.steps:
            read, wrong = ctx.reader.all(step.fields, typed)
            answers |= read | dict.fromkeys(wrong)
        return answers

    def _step_after(self, dialog: Dialog, answers: Answers, step: Step | None) -> Step:
        start = dialog.steps.index(step) + 1 if step else 0
        return next(one for one in dialog.steps[start:] if one.when(answers))

    def _step_before(self, dialog: Dialog, answers: Answers, step: Step) -> Step:
        earlier = [one for one in dialog.steps[: dialog.steps.index(step)] if one.when(answers)]
        return earlier[-1] if earlier else step

    def _is_last(self, dialog: Dialog, answers: Answers, step: Step) -> bool:
        return not any(one.when(answers) for one in dialog.steps[dialog.steps.index(step) + 1 :])

    def _sorry(self, ctx: Ctx, turn: Turn, fault: Refused | Unavailable) -> Reply:
        facts = fault.facts if isinstance(fault, Refused) else {}
        sentence = render.text(f"errors.{fault.key}", ctx.locale, **facts)
        match turn.what:
            case Opened() | Submitted():
                return Done(sentence)
            case Acted() | Refreshed():
                return Redraw(notice_card(ctx, sentence))
            case Sought():
                return Suggest(())
            case _:
                return Post(Message(notice_card(ctx, sentence), sentence))

    async def _remember(self, turn: Turn) -> bool:
        """Keep where the turn came from; gives whether that place is new."""
        store = self._services.store
        key, place = _place(turn)
        if isinstance(turn.what, Arrived | Departed):
            self._seen.forget(key)
        elif self._seen.lately(key, place):
            return False
        known = await places.find(store, key)
        if known is not None and known.team_id != place.team_id:
            return False  # the bot serves one team: a second one does not take the first one's place
        if isinstance(turn.what, Departed):
            await places.forget(store, key)
            return False
        if known is not None and place.group_id is None:
            return False  # Teams leaves the group id out of some activities
        return await places.remember(store, key, place)


@asynccontextmanager
async def _watched(ctx: Ctx, name: str, subject: str | None = None) -> AsyncIterator[None]:
    """A door: what this person may not do behind it is journalled. Not for a refresh: no attempt, and it never writes."""
    try:
        yield
    except Refused as refusal:
        await journal_refusal(ctx, name, subject, refusal.key)
        raise


class _Overtaken(Exception):
    """Another click ended the draft first: this transaction must leave nothing."""


def draw(
    dialog: Dialog, step: Step, locale: str, firm_name: str, form: Mapping[str, Any], view: View
) -> dict[str, Any]:
    """One step's card. Public so that every step can be drawn from its sample, without a server."""
    rows = {name: [_row(choice) for choice in choices] for name, choices in view.choices.items()}
    data = {"form": {**form, "choices": rows}, "d": dict(view.d), "firm": {"name": firm_name}}
    return render.card(step.template or f"{dialog.name}/{step.name}", locale, data)


def _row(choice: Choice) -> dict[str, str]:
    return {"value": choice.value, "title": choice.title, "note": choice.note}


def _ours(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Our part of a card's data: opaque ids, a step and a version, nothing else is believed."""
    ours = data.get("p")
    return ours if isinstance(ours, Mapping) else {}


def _typed(step: Step, data: Mapping[str, Any]) -> dict[str, str]:
    """What each input of the step holds: a client leaves an emptied one out of what it sends."""
    return {field.name: typed_text(data.get(field.name, "")) for field in step.fields}


def _sentence(refusal: Refused, locale: str) -> str:
    return render.text(f"errors.{refusal.key}", locale, **refusal.facts)


def _fixes(refusal: Refused | None, locale: str) -> list[dict[str, str]]:
    if not isinstance(refusal, Asks):
        return []
    return [
        {"go": FIX + fix.name, "title": render.text(f"errors.fix.{fix.name}", locale, **refusal.facts)}
        for fix in refusal.fixes
    ]


def _chosen(refusal: Refused, go: str) -> Mapping[str, str] | None:
    if not isinstance(refusal, Asks):
        return None
    return next((fix.sets for fix in refusal.fixes if go == FIX + fix.name), None)


def _place(turn: Turn) -> tuple[str, Place]:
    where = turn.where
    if where.kind is PlaceKind.PERSONAL:
        return places.personal(turn.who.aad_id), where
    general = Place(  # the General channel's id is the team's id, whatever the firm named it
        where.kind,
        where.team_id or where.conversation_id,
        where.service_url,
        where.tenant_id,
        where.bot_id,
        where.team_id,
        where.group_id,
    )
    return places.GENERAL, general
