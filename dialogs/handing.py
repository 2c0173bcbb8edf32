"""The steps that hand dossiers over: to whom, then what it means before the Ok. Those of « Réaffecter », and of « Dossier »."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import colleagues, fields
from dialogs.dialog import Answers, Asks, Choice, Ctx, Fix, Outcome, Step, View
from services import delegations, dossiers, hand_overs
from services.calendar import day_of
from services.errors import Refused
from services.hand_overs import Scope
from services.models import Collaborateur
from services.ports import StaffMember
from services.store import Work

WHAT, ONE, PORTFOLIO = "what", "dossier", "portfolio"
OWNER, AGENCY, EVERYWHERE = "owner", "agency", "all"
SEEN = "handed"


def scope(answers: Answers) -> Scope:
    """Which dossiers the draft is about. Where nothing says otherwise, one."""
    owner = answers.get(OWNER) or None
    if answers.get(WHAT) != PORTFOLIO:
        return Scope(owner, answers["dossier"])
    agency = answers.get(AGENCY) or EVERYWHERE
    return Scope(owner, agency=None if agency == EVERYWHERE else agency.removeprefix("="))


async def owner_of(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """Who has the dossier, as the draft is to remember: what is confirmed is what was shown."""
    async with ctx.services.store.read() as session:
        dossier = await dossiers.get(session, answers.get("dossier") or "")
    return {OWNER: dossier.collaborateur_id or ""}


# --- to whom


async def _load_to(ctx: Ctx, answers: Answers) -> View:
    owner = await _owner(ctx, answers)
    staff = await ctx.services.roles.staff()
    people = [Choice(one.user_id, one.name) for one in staff if not _is(one, owner)]
    return colleagues.to_choose("to", await _name(ctx, owner), people, answers)


async def _check_to(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """The colleague as Entra has them goes with the draft: the Ok asks nobody outside."""
    member = await ctx.services.roles.staff_member(answers["to"])
    if member is None:
        raise Refused("delegate_unknown", "to")
    if _is(member, await _owner(ctx, answers)):
        raise Refused("hand_over_to_same", "to")
    async with ctx.services.store.read() as session:
        moving = await hand_overs.moving(session, scope(answers))
    if not moving.dossiers:
        raise Refused("changed_hands")
    return {"to_email": member.email, "to_name": member.name, SEEN: str(moving.dossiers)}


async def _owner(ctx: Ctx, answers: Answers) -> Collaborateur | None:
    if not answers.get(OWNER):
        return None
    async with ctx.services.store.read() as session:
        return await delegations.person(session, answers[OWNER])


async def _name(ctx: Ctx, owner: Collaborateur | None) -> str | None:
    return await colleagues.called(ctx.services, owner) if owner else None


def _is(member: StaffMember, owner: Collaborateur | None) -> bool:
    return owner is not None and member.email.casefold() == owner.email.casefold()


# --- the Ok


async def _load_impact(ctx: Ctx, answers: Answers) -> View:
    of, owner = scope(answers), await _owner(ctx, answers)
    today = day_of(ctx.services.store.clock())
    async with ctx.services.store.read() as session:
        moving = await hand_overs.moving(session, of)
        dossier = await dossiers.get(session, of.dossier_id) if of.dossier_id else None
        known = await delegations.collaborateur(session, answers["to_email"])
        absent = await delegations.stand_ins(session, today)
        theirs = await delegations.live(session, today, owner.id) if owner else ()
    stands_in = absent[known.id].delegate if known and known.id in absent else None
    d: dict[str, Any] = {
        "code": dossier.code if dossier else None,
        "company": dossier.company if dossier else None,
        "agency": (of.agency or render.text("hand_over.agency.none", ctx.locale)) if of.agency is not None else None,
        "owner": await _name(ctx, owner),
        "to": answers["to_name"],
        "dossiers": moving.dossiers,
        "waiting": moving.waiting,
        "asked": await colleagues.called(ctx.services, stands_in) if stands_in else answers["to_name"],
        "delegated": bool(theirs),
    }
    return View(d)


async def _check_impact(ctx: Ctx, answers: Answers) -> None:
    async with ctx.services.store.read() as session:
        _require_seen((await hand_overs.moving(session, scope(answers))).dossiers, answers)


def _require_seen(count: int, answers: Answers) -> None:
    """Asks again where there is more to hand over than was shown; less is said afterwards."""
    if count > int(answers[SEEN]):
        raise Asks("more_to_hand_over", None, (Fix("hand_over_anyway", {SEEN: str(count)}),), n=count)


async def finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    """Hand over, and say how many did move."""
    to = StaffMember(answers["to"], answers["to_email"], answers["to_name"], False, False)
    moved = await hand_overs.hand_over(work, scope(answers), to, ctx.who.aad_id)
    _require_seen(moved.dossiers, answers)
    left = int(answers[SEEN]) - moved.dossiers
    if left:
        return Outcome("hand_over.some", {"moved": moved.dossiers, "n": left})
    return Outcome("hand_over.done", {"n": moved.dossiers})


TO = Step(
    "to",
    fields=(fields.choice("to"), fields.text("to_text")),
    load=_load_to,
    check=_check_to,
    template="hand_over/who",
    asks_again=frozenset({"search"}),
    sample=View({"field": "to", "name": "Le Goff Malo", "many": True}, {"to": (Choice("1", "Caradec Inès"),)}),
)
IMPACT = Step(
    "impact",
    load=_load_impact,
    check=_check_impact,
    template="hand_over/impact",
    sample=View(
        {
            "code": None,
            "company": None,
            "agency": "Vannes",
            "owner": "Malo Le Goff",
            "to": "Inès Caradec",
            "dossiers": 42,
            "waiting": 3,
            "asked": "Erwan Tanguy",
            "delegated": True,
        }
    ),
)
