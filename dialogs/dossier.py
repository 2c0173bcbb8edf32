"""Dossier: who has what on it, in private; from there, take back, change or end an offer, hand it over, end the mission (R21)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cards import render
from dialogs import dossier_endings, fields, handing, legs, steps
from dialogs.dialog import Answers, Choice, Ctx, Dialog, Outcome, Step, View, administrators
from dialogs.dossier_endings import CHANGE, END_MISSION, END_OFFER, ENDS, WITHDRAW
from dialogs.impacts import SAMPLE_IMPACT
from services import deliveries, endings, matrix, offers, propositions
from services.dossiers import get as get_dossier
from services.errors import Refused, Unavailable
from services.matrix import Cell, Matrix
from services.models import Activation
from services.store import Work

HAND_OVER = "hand_over"
ACTIONS = (WITHDRAW, CHANGE, END_OFFER, HAND_OVER, END_MISSION)


def _asks(*actions: str) -> Callable[[Answers], bool]:
    return lambda answers: answers.get("action") in actions


async def _start(ctx: Ctx) -> Mapping[str, str]:
    """A card about a dossier opens its end; without a subject the dossier is looked for."""
    if not ctx.subject:
        return {}
    return {**await steps.on_dossier(ctx, ctx.subject), "action": END_MISSION}


# --- what stands there


async def _load_matrix(ctx: Ctx, answers: Answers) -> View:
    found = await dossier_endings.matrix_of(ctx, answers)
    async with ctx.services.store.read() as session:
        recorded = await deliveries.of_each(session, legs.subjects(found))
    lines = [
        {
            "name": line.name,
            "invitation": line.invitation.state if line.invitation else "none",
            "legs": legs.of_invitation(line, recorded, ctx.locale),
            "offers": [_cell(cell, recorded, ctx.locale) for cell in line.cells] if line.person else [],
        }
        for line in found.lines
    ]
    active = [await _activation(ctx, one) for one in found.active]
    d = {"dossier": steps.dossier_facts(found.dossier), "active": active, "lines": lines}
    return View(d, {"action": tuple(_action(ctx, one) for one in ACTIONS if _possible(found, one))})


def _cell(cell: Cell, recorded: legs.Recorded, locale: str) -> dict[str, Any]:
    return {"name": cell.offer.name, "state": cell.state, "legs": legs.of_offer(cell, recorded, locale)}


def _action(ctx: Ctx, action: str) -> Choice:
    return Choice(action, render.text(f"dossier.actions.{action}", ctx.locale))


def _possible(found: Matrix, action: str) -> bool:
    match action:
        case "end_offer":
            return bool(found.active)
        case "end_mission":
            return bool(found.lines or found.active)
        case "hand_over":
            return True
        case _:
            return bool(found.live)


async def _check_matrix(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """A mission ends from here, with no other choice to make; a dossier is handed over by whoever has it now."""
    if answers["action"] == HAND_OVER:
        return await handing.owner_of(ctx, answers)
    return await dossier_endings.remember(ctx, answers) if answers["action"] == END_MISSION else {}


async def _activation(ctx: Ctx, one: Activation) -> dict[str, Any]:
    by = one.subscription_confirmed_by
    return {
        "name": offers.offer(one.offer).name,
        "since": one.activated_at,
        "confirmed_by": await _name_of(ctx, by) if by else None,
        "confirmed_at": one.subscription_confirmed_at,
    }


async def _name_of(ctx: Ctx, aad_id: str) -> str:
    """The administrator's name as Entra has it; somebody who left, or an outage: « un administrateur »."""
    try:
        member = await ctx.services.roles.staff_member(aad_id)
    except (Refused, Unavailable):
        member = None
    return member.name if member else render.text("dossier.an_administrator", ctx.locale)


# --- the Ok


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    if answers["action"] == HAND_OVER:
        return await handing.finish(ctx, work, answers)
    dossier = await get_dossier(work.session, answers["dossier"])
    done, code = steps.done_in_loop(answers), dossier.code
    if answers["action"] in ENDS:
        dossier_endings.require_seen(await matrix.of_dossier(work.session, dossier), answers)
    match answers["action"]:
        case "withdraw":
            held = await propositions.get(work.session, answers["proposition"])
            await endings.withdraw_offer(work, answers["proposition"], ctx.actor, done=done)
            return Outcome("dossier.withdrawn", {"code": code, "offer": held.offer.name})
        case "change":
            to, confirmed = answers["offer"], bool(answers.get("subscription"))
            await endings.change_offer(
                work, answers["proposition"], to, ctx.actor, subscription_confirmed=confirmed, done=done
            )
            return Outcome("dossier.changed", {"code": code, "offer": offers.offer(to).name})
        case "end_offer":
            await endings.end_offer(work, dossier, answers["offer"], ctx.actor, done=done)
            return Outcome("dossier.ended", {"code": code, "offer": offers.offer(answers["offer"]).name})
        case _:
            await endings.end_mission(work, dossier, ctx.actor, done=done)
            return Outcome("dossier.mission_ended", {"code": code})


_SAMPLE_LINES = [
    {
        "name": "Martin Paul",
        "invitation": "accepted",
        "legs": [],
        "offers": [
            {"name": "Start", "state": "not_proposed", "legs": []},
            {
                "name": "Consultation",
                "state": "active",
                "legs": [{"key": deliveries.WELCOME, "state": "waiting", "at": None, "reason": None}],
            },
        ],
    },
    {"name": "Martin Sophie", "invitation": "sent", "legs": [], "offers": []},
]
_SAMPLE_LOOP = {"steps": steps.SAMPLE_GUIDE, "loop_url": "https://loop.example/"}

DIALOG = Dialog(
    name="dossier",
    steps=(
        steps.DOSSIER,
        Step(
            "matrix",
            fields=(fields.choice("action", *ACTIONS),),
            load=_load_matrix,
            check=_check_matrix,
            sample=View(
                {"dossier": steps.SAMPLE_DOSSIER, "active": [], "lines": _SAMPLE_LINES},
                {"action": (Choice(WITHDRAW, "Retirer l’offre d’une personne"),)},
            ),
        ),
        Step(
            "pick",
            fields=(fields.choice("proposition"),),
            load=dossier_endings.load_pick,
            check=dossier_endings.check_pick,
            when=_asks(WITHDRAW, CHANGE),
            sample=View(
                {"dossier": steps.SAMPLE_DOSSIER},
                {"proposition": (Choice("1", "Martin Paul · Consultation", "Offre active"),)},
            ),
        ),
        Step(
            "to_end",
            fields=(fields.choice("offer", *offers.CATALOGUE),),
            load=dossier_endings.load_to_end,
            check=dossier_endings.remember,
            when=_asks(END_OFFER),
            sample=View({"dossier": steps.SAMPLE_DOSSIER}, {"offer": (Choice("consultation", "Consultation"),)}),
        ),
        Step(
            "change_to",
            fields=(fields.choice("offer", *offers.CATALOGUE),),
            load=dossier_endings.load_change_to,
            check=dossier_endings.check_change_to,
            when=_asks(CHANGE),
            sample=View(
                {
                    "dossier": steps.SAMPLE_DOSSIER,
                    "name": "Martin Paul",
                    "before": "Consultation",
                    "offers": steps.SAMPLE_OFFERS[:1],
                },
                {"offer": (Choice("start", "Start"),)},
            ),
        ),
        Step(
            "change",
            fields=(fields.tick("subscription"),),
            load=dossier_endings.load_change,
            when=_asks(CHANGE),
            ways=frozenset({steps.LATER}),
            sample=View(
                {
                    "dossier": steps.SAMPLE_DOSSIER,
                    "name": "Martin Paul",
                    "before": "Start",
                    "after": "Consultation",
                    "lost": (),
                    "gained": ("loop_read",),
                    "subscription": True,
                    **_SAMPLE_LOOP,
                }
            ),
        ),
        Step(
            "end",
            load=dossier_endings.load_end,
            check=dossier_endings.check_end,
            when=_asks(*ENDS),
            ways=frozenset({steps.LATER}),
            sample=View(
                {
                    "dossier": steps.SAMPLE_DOSSIER,
                    "action": WITHDRAW,
                    "offer": "Consultation",
                    "people": [SAMPLE_IMPACT],
                    **_SAMPLE_LOOP,
                }
            ),
        ),
        replace(handing.TO, when=_asks(HAND_OVER)),
        replace(handing.IMPACT, when=_asks(HAND_OVER)),
    ),
    finish=_finish,
    allowed=administrators,
    commands=("dossier", "matrice", "matrix"),
    start=_start,
)
