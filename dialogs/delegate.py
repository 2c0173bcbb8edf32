"""Déléguer: somebody's dossiers to a colleague, from a day to a day. No reason is asked; it begins and ends by itself."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cards import render
from dialogs import colleagues, fields
from dialogs.dialog import Answers, Choice, Ctx, Dialog, Outcome, Step, View, administrators
from dialogs.saying import Say, carry
from services import calendar, delegations
from services.calendar import Period, day_of
from services.delegations import Delegated
from services.errors import Refused
from services.events import Event
from services.models import Collaborateur
from services.ports import StaffMember
from services.record import Services
from services.store import Work

NEW, FIXED, HAS = "new", "fixed", "has"


# --- who may


async def _allowed(ctx: Ctx, fresh: bool) -> None:
    """Anyone of the firm for their own dossiers; somebody else's, which the card is about, for an administrator."""
    if await ctx.services.roles.staff_member(ctx.who.aad_id, fresh=fresh) is None:
        raise Refused("not_staff")
    if ctx.subject:
        await _require_theirs(ctx, ctx.subject)


async def _require_theirs(ctx: Ctx, absent: str) -> None:
    own = await _own(ctx)
    if own is None or own.id != absent:
        await administrators(ctx, True)


async def _own(ctx: Ctx) -> Collaborateur | None:
    """The clicker, as the portfolio knows them."""
    member = await ctx.services.roles.staff_member(ctx.who.aad_id)
    async with ctx.services.store.read() as session:
        return await delegations.collaborateur(session, member.email) if member else None


async def _start(ctx: Ctx) -> Mapping[str, str]:
    """Whose dossiers, where that is known: the card's subject, or the clicker; an administrator chooses."""
    absent = ctx.subject or ""
    if not absent and not await ctx.services.roles.is_administrator(ctx.who.aad_id):
        own = await _own(ctx)
        if own is None:
            raise Refused("nothing_to_delegate")
        absent = own.id
    if absent:
        await _require_dossiers(ctx, absent)
    async with ctx.services.store.read() as session:
        standing = await delegations.live(session, _today(ctx), absent or None)
    return {FIXED: "yes" if absent else "", "absent": absent, HAS: "yes" if standing else ""}


async def _require_dossiers(ctx: Ctx, absent: str) -> None:
    async with ctx.services.store.read() as session:
        if absent not in {one.id for one in await delegations.with_dossiers(session)}:
            raise Refused("nothing_to_delegate", "absent")


def _today(ctx: Ctx) -> date:
    return day_of(ctx.services.store.clock())


# --- what stands already


async def _load_current(ctx: Ctx, answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        standing = await delegations.live(session, _today(ctx), answers.get("absent") or None)
    rows = [Choice(NEW, render.text("delegate.current.new", ctx.locale))]
    return View(choices={"action": (*rows, *[await _ending(ctx, one) for one in standing])})


async def _ending(ctx: Ctx, one: Delegated) -> Choice:
    absent = await colleagues.called(ctx.services, one.absent)
    title = render.text("delegate.current.end", ctx.locale, absent=absent, delegate=one.delegate.name)
    days = {"first": one.row.first_day, "last": one.row.last_day}
    return Choice(one.row.id, title, render.text("delegate.current.days", ctx.locale, **days))


async def _check_current(ctx: Ctx, answers: Answers) -> None:
    if answers["action"] != NEW:
        async with ctx.services.store.read() as session:
            standing = await delegations.get(session, answers["action"])
        await _require_theirs(ctx, standing.row.absent_id)


def _makes_one(answers: Answers) -> bool:
    return not answers.get(HAS) or answers.get("action") == NEW


def _asks_who(answers: Answers) -> bool:
    return _makes_one(answers) and not answers.get(FIXED)


# --- who, and when


async def _load_absent(ctx: Ctx, answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        found = await delegations.with_dossiers(session)
    people = [Choice(one.id, await colleagues.called(ctx.services, one)) for one in found]
    return colleagues.to_choose("absent", None, people, answers)


async def _check_absent(ctx: Ctx, answers: Answers) -> None:
    await _require_dossiers(ctx, answers["absent"])


async def _load_delegate(ctx: Ctx, answers: Answers) -> View:
    absent = await _absent(ctx, answers)
    staff = await ctx.services.roles.staff()
    people = [Choice(one.user_id, one.name) for one in staff if one.email.lower() != absent.email.lower()]
    return colleagues.to_choose("delegate", await colleagues.called(ctx.services, absent), people, answers)


async def _check_delegate(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """The colleague as Entra has them goes with the draft: the Ok asks nobody outside."""
    member = await ctx.services.roles.staff_member(answers["delegate"])
    if member is None:
        raise Refused("delegate_unknown", "delegate")
    if member.email.lower() == (await _absent(ctx, answers)).email.lower():
        raise Refused("delegate_is_absent", "delegate")
    return {"delegate_email": member.email, "delegate_name": member.name}


async def _absent(ctx: Ctx, answers: Answers) -> Collaborateur:
    async with ctx.services.store.read() as session:
        return await delegations.person(session, answers["absent"])


async def _load_days(ctx: Ctx, _answers: Answers) -> View:
    return View({"today": _today(ctx)})


async def _check_days(ctx: Ctx, answers: Answers) -> None:
    wanted = calendar.period(answers["first_day"], answers["last_day"], _today(ctx))
    async with ctx.services.store.read() as session:
        await delegations.require_free(session, answers["absent"], wanted)


# --- the Ok


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    absent = await _absent(ctx, answers)
    during = Period(answers["first_day"], answers["last_day"])
    async with ctx.services.store.read() as session:
        dossiers, waiting = await delegations.concerned(session, absent.id)
        known = await delegations.collaborateur(session, answers["delegate_email"])
        theirs = await delegations.live(session, during.first, known.id) if known else ()
        others = await delegations.replaced_by(session, absent.id, during)
    d = {
        "absent": await colleagues.called(ctx.services, absent),
        "delegate": answers["delegate_name"],
        "first": during.first,
        "last": during.last,
        "dossiers": dossiers,
        "waiting": len(waiting),
        "also_absent": any(one.period.meets(during) for one in theirs),
        "stands_in": [await colleagues.called(ctx.services, one.absent) for one in others],
    }
    return View(d)


async def _check_recap(ctx: Ctx, answers: Answers) -> None:
    await _require_theirs(ctx, answers["absent"])


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    if not _makes_one(answers):
        await delegations.end(work, answers["action"], ctx.who.aad_id)
        return Outcome("delegate.ended")
    delegate = StaffMember(answers["delegate"], answers["delegate_email"], answers["delegate_name"], False, False)
    wanted = calendar.period(answers["first_day"], answers["last_day"], day_of(work.now))
    await delegations.entrust(work, answers["absent"], delegate, wanted, ctx.who.aad_id, ctx.who.name)
    return Outcome("delegate.done")


_SEARCH = frozenset({"search"})
_SAMPLE_PEOPLE = (Choice("1", "Caradec Inès"), Choice("2", "Tanguy Erwan"))
_SAMPLE_DAY = date(2026, 8, 3)

DIALOG = Dialog(
    name="delegate",
    steps=(
        Step(
            "current",
            fields=(fields.choice("action"),),
            load=_load_current,
            check=_check_current,
            when=lambda answers: bool(answers.get(HAS)),
            sample=View(
                choices={"action": (Choice(NEW, "Déléguer des dossiers"), Choice("1", "Mettre fin", "du … au …"))}
            ),
        ),
        Step(
            "absent",
            fields=(fields.choice("absent"), fields.text("absent_text")),
            load=_load_absent,
            check=_check_absent,
            when=_asks_who,
            template="delegate/who",
            asks_again=_SEARCH,
            sample=View({"field": "absent", "name": None, "many": True}, {"absent": _SAMPLE_PEOPLE}),
        ),
        Step(
            "delegate",
            fields=(fields.choice("delegate"), fields.text("delegate_text")),
            load=_load_delegate,
            check=_check_delegate,
            when=_makes_one,
            template="delegate/who",
            asks_again=_SEARCH,
            sample=View({"field": "delegate", "name": "Le Goff Malo", "many": True}, {"delegate": _SAMPLE_PEOPLE}),
        ),
        Step(
            "days",
            fields=(fields.day("first_day"), fields.day("last_day")),
            load=_load_days,
            check=_check_days,
            when=_makes_one,
            sample=View({"today": _SAMPLE_DAY}),
        ),
        Step(
            "recap",
            load=_load_recap,
            check=_check_recap,
            when=_makes_one,
            sample=View(
                {
                    "absent": "Malo Le Goff",
                    "delegate": "Inès Caradec",
                    "first": _SAMPLE_DAY,
                    "last": date(2026, 8, 14),
                    "dossiers": 42,
                    "waiting": 3,
                    "also_absent": True,
                    "stands_in": ["Erwan Tanguy"],
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=_allowed,
    commands=("deleguer", "delegate", "absence", "absent"),
    start=_start,
)


# --- afterwards


async def say_to_delegate(event: Event, services: Services) -> None:
    """Reaction to a delegation made, begun or ended: one card in the chat of who takes over."""
    found = await _acquainted(event, services)
    await _say(services, found, "delegate", found.delegate)


async def say_to_absent(event: Event, services: Services) -> None:
    """The same in the chat of who is absent, where somebody else decided it."""
    found = await _acquainted(event, services)
    if found.row.made_by != found.absent.aad_id:
        await _say(services, found, "absent", found.absent)


async def _acquainted(event: Event, services: Services) -> Delegated:
    async with services.store.read() as session:
        found = await delegations.get(session, event.subject)
    for one in (found.absent, found.delegate):
        await colleagues.acquainted(services, one)
    async with services.store.read() as session:
        return await delegations.get(session, event.subject)


async def _say(services: Services, found: Delegated, reader: str, person: Collaborateur) -> None:
    key = await colleagues.chat_with(services, person)
    if key is None:
        raise Refused("no_conversation")
    row = found.row
    d: dict[str, Any] = {
        "state": row.state,
        "reader": reader,
        "absent": found.absent.name,
        "delegate": found.delegate.name,
        "first": row.first_day,
        "last": row.last_day,
        "made_by": row.made_by_name,
    }
    card = render.card("delegate/card", services.firm.locale, {"d": d})
    await carry(services, Say(key, f"delegation:{row.id}", card, card["fallbackText"]))
