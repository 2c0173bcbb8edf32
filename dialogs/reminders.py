"""Rappels: the rhythm of reminders and their pauses, for administrators to see and to change."""

import re
from datetime import date
from typing import Any

from cards import render
from dialogs import fields
from dialogs.dialog import Answers, Choice, Ctx, Dialog, Outcome, Step, View, administrators
from dialogs.fields import Field
from services import calendar
from services.calendar import Rhythm, day_of
from services.errors import Refused
from services.store import Work

PAUSE, RHYTHM = "pause", "rhythm"
YES, NO = "yes", "no"


async def _load_what(ctx: Ctx, _answers: Answers) -> View:
    now = ctx.services.store.clock()
    async with ctx.services.store.read() as session:
        days = await calendar.of_firm(session, now)
        pauses = await calendar.pauses(session, days.today)
    rows = [Choice(PAUSE, _said(ctx, "do_pause")), Choice(RHYTHM, _said(ctx, "do_rhythm"))]
    rows += [Choice(one.id, _said(ctx, "do_resume", first=one.first_day, last=one.last_day)) for one in pauses]
    paused_until = next((one.last for one in days.pauses if days.today in one), None)
    return View({"paused_until": paused_until, **_facts(days.rhythm)}, {"action": tuple(rows)})


def _said(ctx: Ctx, key: str, **facts: object) -> str:
    return render.text(f"reminders.what.{key}", ctx.locale, **facts)


def _facts(rhythm: Rhythm) -> dict[str, Any]:
    return {
        "guest_days": rhythm.guest_days,
        "expire_after": rhythm.expire_after,
        "remind_after": rhythm.remind_after,
        "escalate_after": rhythm.escalate_after,
        "alsace_moselle": rhythm.alsace_moselle,
    }


async def _load_pause(ctx: Ctx, _answers: Answers) -> View:
    return View({"today": _today(ctx)})


async def _check_pause(ctx: Ctx, answers: Answers) -> None:
    calendar.period(answers["first_day"], answers["last_day"], _today(ctx))


def _today(ctx: Ctx) -> date:
    return day_of(ctx.services.store.clock())


async def _load_rhythm(ctx: Ctx, _answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        now = await calendar.rhythm(session)
    defaults = {
        "guest_days": ", ".join(map(str, now.guest_days)),
        "expire_after": str(now.expire_after),
        "remind_after": str(now.remind_after),
        "escalate_after": str(now.escalate_after),
        "alsace_moselle": YES if now.alsace_moselle else NO,
    }
    return View(defaults=defaults)


async def _check_rhythm(_ctx: Ctx, answers: Answers) -> None:
    calendar.require_rhythm(_rhythm(answers))


def _rhythm(answers: Answers) -> Rhythm:
    return Rhythm(
        guest_days=answers["guest_days"],
        expire_after=answers["expire_after"],
        remind_after=answers["remind_after"],
        escalate_after=answers["escalate_after"],
        alsace_moselle=answers["alsace_moselle"] == YES,
    )


def _number(name: str) -> Field:
    return Field(name, _whole, required=True, default=None, max_length=10)


def _whole(typed: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", typed.strip()):
        raise Refused("number_invalid")
    return int(typed)


def _numbers(typed: str) -> tuple[int, ...]:
    """« 3, 7, 15 » as people separate numbers."""
    return tuple(_whole(one) for one in re.split(r"[\s,;+/-]+", typed.strip(" ,;")))


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    match answers["action"]:
        case "pause":
            wanted = calendar.period(answers["first_day"], answers["last_day"], day_of(work.now))
            await calendar.pause(work, wanted, ctx.who.aad_id)
            return Outcome("reminders.paused")
        case "rhythm":
            await calendar.set_rhythm(work, _rhythm(answers), ctx.who.aad_id)
            return Outcome("reminders.changed")
        case pause_id:
            await calendar.resume(work, pause_id, ctx.who.aad_id)
            return Outcome("reminders.resumed")


DIALOG = Dialog(
    name="reminders",
    steps=(
        Step(
            "what",
            fields=(fields.choice("action"),),
            load=_load_what,
            sample=View({"paused_until": date(2026, 5, 31), **_facts(Rhythm())}, {"action": (Choice(PAUSE, "Pause"),)}),
        ),
        Step(
            "pause",
            fields=(fields.day("first_day"), fields.day("last_day")),
            load=_load_pause,
            check=_check_pause,
            when=lambda answers: answers.get("action") == PAUSE,
            sample=View({"today": date(2026, 1, 2)}),
        ),
        Step(
            "rhythm",
            fields=(
                Field("guest_days", _numbers, required=True, default=()),
                _number("expire_after"),
                _number("remind_after"),
                _number("escalate_after"),
                fields.choice("alsace_moselle", YES, NO),
            ),
            load=_load_rhythm,
            check=_check_rhythm,
            when=lambda answers: answers.get("action") == RHYTHM,
        ),
    ),
    finish=_finish,
    allowed=administrators,
    commands=("rappels", "reminders", "pause"),
)
