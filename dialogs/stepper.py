"""One person through a dialog's steps: whose draft, stale and double clicks, errors beside their field, the end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from cards import render
from dialogs.dialog import Answers, Asks, Choice, Ctx, Dialog, Step, View, journal_refusal
from dialogs.fields import Said, typed_text
from dialogs.turn import Done, Reply, Show
from services import drafts
from services.drafts import Draft
from services.errors import Refused, Unavailable

BACK, NEXT, FIX, WAY = "back", "next", "fix:", "way"


class Stepper:
    """Takes people through these dialogs, by name. Holds nothing else: where each of them stands is in their draft."""

    def __init__(self, dialogs: Mapping[str, Dialog]) -> None:
        self._dialogs = dialogs
        self._fields = {
            name: {field.name: field for step in dialog.steps for field in step.fields}
            for name, dialog in dialogs.items()
        }

    async def open(self, ctx: Ctx, ours: Mapping[str, Any]) -> Reply:
        """The first step of the dialog a button names, for a new draft. Refused: `card_unknown`, and who may not."""
        dialog = self._dialogs.get(str(ours.get("do")))
        if dialog is None:
            raise Refused("card_unknown")
        ctx = replace(ctx, subject=str(ours["id"]) if ours.get("id") else None)
        await self._permit(ctx, dialog, fresh=False)
        typed = await dialog.start(ctx) if dialog.start else {}
        step = self._step_after(dialog, self._answers(ctx, dialog, typed), None)
        draft = await drafts.start(ctx.services.store, dialog.name, ctx.who.aad_id, ctx.subject, step.name, typed)
        return await self._show(ctx, dialog, step, draft)

    async def submit(self, ctx: Ctx, ours: Mapping[str, Any], data: Mapping[str, Any]) -> Reply:
        """What follows a click in a dialog: the next step, the same one and why, or the end. Refused("draft_gone")."""
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

    # --- what was answered so far, and where that leads

    async def _permit(self, ctx: Ctx, dialog: Dialog, *, fresh: bool) -> None:
        async with watched(ctx, dialog.name, ctx.subject):
            await dialog.allowed(ctx, fresh)

    def _answers(self, ctx: Ctx, dialog: Dialog, typed: Mapping[str, str]) -> Answers:
        """What every step so far says, read anew from what was typed; a repair's own marks come through as they are."""
        return Said(ctx.reader, self._fields[dialog.name], typed)

    def _step_after(self, dialog: Dialog, answers: Answers, step: Step | None) -> Step:
        start = dialog.steps.index(step) + 1 if step else 0
        return next(one for one in dialog.steps[start:] if one.when(answers))

    def _step_before(self, dialog: Dialog, answers: Answers, step: Step) -> Step:
        earlier = [one for one in dialog.steps[: dialog.steps.index(step)] if one.when(answers)]
        return earlier[-1] if earlier else step

    def _is_last(self, dialog: Dialog, answers: Answers, step: Step) -> bool:
        return not any(one.when(answers) for one in dialog.steps[dialog.steps.index(step) + 1 :])


@asynccontextmanager
async def watched(ctx: Ctx, name: str, subject: str | None = None) -> AsyncIterator[None]:
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
