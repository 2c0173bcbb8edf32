"""The steps of « Dossier » that take back, change or end: which offer, then what it means, before the Ok."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs import steps
from dialogs.dialog import Answers, Asks, Choice, Ctx, Fix, View
from dialogs.impacts import Closes, impact
from services import endings, interlocuteurs, loop, matrix, offers, propositions
from services.errors import Refused
from services.loop import GuidedStep
from services.matrix import Line, Matrix
from services.propositions import Proposed

WITHDRAW, CHANGE, END_OFFER, END_MISSION = "withdraw", "change", "end_offer", "end_mission"
ENDS = (WITHDRAW, END_OFFER, END_MISSION)
SEEN = "seen"


async def matrix_of(ctx: Ctx, answers: Answers) -> Matrix:
    """What stands on the draft's dossier now."""
    dossier = await steps.chosen_dossier(ctx, answers)
    async with ctx.services.store.read() as session:
        return await matrix.of_dossier(session, dossier)


# --- which offer


async def load_pick(ctx: Ctx, answers: Answers) -> View:
    """Every offer somebody has or is proposed."""
    found = await matrix_of(ctx, answers)
    rows = tuple(
        Choice(cell.proposition.id, f"{line.name} · {cell.offer.name}", render.text(f"states.{cell.state}", ctx.locale))
        for line, cell in found.live
        if cell.proposition
    )
    return View({"dossier": steps.dossier_facts(found.dossier)}, {"proposition": rows})


async def check_pick(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """The choice is of this dossier, and still live."""
    await _picked(ctx, answers)
    return await remember(ctx, answers)


async def _picked(ctx: Ctx, answers: Answers) -> Proposed:
    async with ctx.services.store.read() as session:
        held = await propositions.get(session, answers.get("proposition") or "")
    if held.dossier.id != answers["dossier"]:
        raise Refused("choice_unknown", "proposition")
    endings.require_live(held.proposition)
    return held


async def load_to_end(ctx: Ctx, answers: Answers) -> View:
    """The offers switched on for the dossier."""
    found = await matrix_of(ctx, answers)
    rows = tuple(Choice(one.offer, offers.offer(one.offer).name) for one in found.active)
    return View({"dossier": steps.dossier_facts(found.dossier)}, {"offer": rows})


async def load_change_to(ctx: Ctx, answers: Answers) -> View:
    """The other offers of the catalogue, with what each gives this person."""
    held = await _picked(ctx, answers)
    async with ctx.services.store.read() as session:
        active = await offers.active_on(session, held.dossier.id)
    others = [one for one in offers.CATALOGUE.values() if one != held.offer]
    d = {
        "dossier": steps.dossier_facts(held.dossier),
        "name": interlocuteurs.full_name(held.interlocuteur),
        "before": held.offer.name,
        "offers": [steps.offer_card(one, held.qualite, active=one in active) for one in others],
    }
    return View(d, {"offer": tuple(Choice(one.key, one.name) for one in others)})


async def check_change_to(ctx: Ctx, answers: Answers) -> None:
    """Another offer, which the person does not have yet."""
    held = await _picked(ctx, answers)
    async with ctx.services.store.read() as session:
        await endings.require_changeable(session, held, answers["offer"])


# --- what it means


async def load_change(ctx: Ctx, answers: Answers) -> View:
    """What the person loses and gains; a paid offer that is not on yet asks for its subscription (R6)."""
    held, wanted = await _picked(ctx, answers), offers.offer(answers["offer"])
    async with ctx.services.store.read() as session:
        active = await offers.activation(session, held.dossier.id, wanted.key) is not None
    lost, gained = matrix.difference([offers.rights(held.offer, held.qualite)], [offers.rights(wanted, held.qualite)])
    person = held.interlocuteur
    guide = (
        *loop.withdraw_offer(held.dossier, held.offer, person.family_name, person.given_name)[:-1],
        *(() if active else loop.activate_offer(held.dossier, wanted)[1:-1]),
        *loop.propose_offer(held.dossier, wanted, person.family_name, person.given_name)[1:],
    )
    return _view(
        ctx,
        guide,
        {
            "dossier": steps.dossier_facts(held.dossier),
            "name": interlocuteurs.full_name(person),
            "before": held.offer.name,
            "after": wanted.name,
            "lost": lost,
            "gained": gained,
            "subscription": wanted.paid and not active,
        },
    )


async def remember(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """The draft keeps what is about to be shown: that, and nothing more, is what is confirmed."""
    return {SEEN: _key(await matrix_of(ctx, answers), answers)} if answers["action"] in ENDS else {}


async def check_end(ctx: Ctx, answers: Answers) -> None:
    """Nobody changed what ends since it was shown."""
    require_seen(await matrix_of(ctx, answers), answers)


def require_seen(found: Matrix, answers: Answers) -> None:
    """Asks again, `more_to_end`, where somebody proposed, decided or linked meanwhile."""
    key = _key(found, answers)
    if key != answers.get(SEEN):
        now, later = {SEEN: key}, {SEEN: key, "way": steps.LATER}
        raise Asks("more_to_end", None, (Fix("end_anyway", now), Fix("end_anyway_later", later)))


def _key(found: Matrix, answers: Answers) -> str:
    return found.key(_closes(answers), everyone=answers["action"] == END_MISSION)


def _closes(answers: Answers) -> Closes:
    """Which cells end."""
    match answers["action"]:
        case "withdraw":
            return lambda cell: cell.proposition is not None and cell.proposition.id == answers["proposition"]
        case "end_offer":
            return lambda cell: cell.offer.key == answers["offer"]
        case _:
            return lambda _: True


async def load_end(ctx: Ctx, answers: Answers) -> View:
    """Who loses what, and what becomes of the guest accounts where the mission ends."""
    found = await matrix_of(ctx, answers)
    offer, guide = await _ending(ctx, answers, found)
    closes, mission = _closes(answers), answers["action"] == END_MISSION
    people = [
        await _last_impact(ctx, found, line) if mission else impact(line, closes)
        for line in found.lines
        if mission or any(cell.live and closes(cell) for cell in line.cells)
    ]
    facts = {
        "dossier": steps.dossier_facts(found.dossier),
        "action": answers["action"],
        "offer": offer,
        "people": people,
    }
    return _view(ctx, guide, facts)


async def _ending(ctx: Ctx, answers: Answers, found: Matrix) -> tuple[str, tuple[GuidedStep, ...]]:
    """The offer's name ("" for all), and what is to be done in Loop."""
    match answers["action"]:
        case "withdraw":
            held = await _picked(ctx, answers)
            person = held.interlocuteur
            return held.offer.name, loop.withdraw_offer(held.dossier, held.offer, person.family_name, person.given_name)
        case "end_offer":
            offer = offers.offer(answers["offer"])
            return offer.name, loop.end_offer(found.dossier, offer)
        case _:
            return "", loop.end_mission(found.dossier)


async def _last_impact(ctx: Ctx, found: Matrix, line: Line) -> dict[str, Any]:
    async with ctx.services.store.read() as session:
        also_on = await matrix.elsewhere(session, found.dossier.id, line.email)
    has_account = line.invitation is not None and line.invitation.user_id is not None
    guest = "kept" if also_on else "removed" if has_account else None
    return impact(line, lambda _: True, guest=guest, also_on=also_on)


def _view(ctx: Ctx, guide: tuple[GuidedStep, ...], d: dict[str, Any]) -> View:
    return View({**d, "steps": steps.guide_rows(guide), "loop_url": ctx.services.firm.loop_url})
