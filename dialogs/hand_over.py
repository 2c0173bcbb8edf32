"""Réaffecter: a dossier, or all that a collaborateur has, goes to a colleague for good; what awaits an approval goes too."""

from collections.abc import Mapping
from dataclasses import replace

from cards import render
from dialogs import colleagues, fields, handing, steps
from dialogs.dialog import Answers, Choice, Ctx, Dialog, Step, View, administrators
from dialogs.handing import AGENCY, EVERYWHERE, ONE, OWNER, PORTFOLIO, WHAT
from services import delegations, hand_overs
from services.errors import Refused

SEVERAL = "several"


async def _start(ctx: Ctx) -> Mapping[str, str]:
    """A card about a dossier hands over that one; without a subject it is asked."""
    if not ctx.subject:
        return {}
    which = {**await steps.on_dossier(ctx, ctx.subject), WHAT: ONE}
    return {**which, **await handing.owner_of(ctx, which)}


def _one(answers: Answers) -> bool:
    return answers.get(WHAT) == ONE and steps.unknown(answers)


def _portfolio(answers: Answers) -> bool:
    return answers.get(WHAT) == PORTFOLIO


def _several(answers: Answers) -> bool:
    return _portfolio(answers) and bool(answers.get(SEVERAL))


async def _load_what(ctx: Ctx, _answers: Answers) -> View:
    rows = (Choice(one, render.text(f"hand_over.what.{one}", ctx.locale)) for one in (ONE, PORTFOLIO))
    return View(choices={WHAT: tuple(rows)})


async def _load_owner(ctx: Ctx, answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        found = await delegations.with_dossiers(session)
    people = [Choice(one.id, await colleagues.called(ctx.services, one)) for one in found]
    return colleagues.to_choose(OWNER, None, people, answers)


async def _check_owner(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
    """Whether the next step has a choice to offer goes with the draft; an agency of somebody else's does not."""
    async with ctx.services.store.read() as session:
        found = await hand_overs.agencies(session, answers[OWNER])
    if not found:
        raise Refused("nothing_to_hand_over", OWNER)
    return {SEVERAL: "yes" if len(found) > 1 else "", AGENCY: ""}


async def _load_agency(ctx: Ctx, answers: Answers) -> View:
    async with ctx.services.store.read() as session:
        found = await hand_overs.agencies(session, answers[OWNER])
    rows = [("=" + name, name or render.text("hand_over.agency.none", ctx.locale), count) for name, count in found]
    rows.insert(0, (EVERYWHERE, render.text("hand_over.agency.all", ctx.locale), sum(row[2] for row in rows)))
    choices = (Choice(value, title, render.text("hand_over.agency.count", ctx.locale, n=n)) for value, title, n in rows)
    return View(choices={AGENCY: tuple(choices)})


DIALOG = Dialog(
    name="hand_over",
    steps=(
        Step(
            "what",
            fields=(fields.choice(WHAT, ONE, PORTFOLIO),),
            load=_load_what,
            when=steps.unknown,
            sample=View(choices={WHAT: (Choice(ONE, "Un dossier"), Choice(PORTFOLIO, "Les dossiers d’une personne"))}),
        ),
        replace(steps.DOSSIER, check=handing.owner_of, when=_one),
        Step(
            "owner",
            fields=(fields.choice(OWNER), fields.text("owner_text")),
            load=_load_owner,
            check=_check_owner,
            when=_portfolio,
            template="hand_over/who",
            asks_again=frozenset({"search"}),
            sample=View({"field": OWNER, "name": None, "many": True}, {OWNER: (Choice("1", "Le Goff Malo"),)}),
        ),
        Step(
            "agency",
            fields=(fields.choice(AGENCY),),
            load=_load_agency,
            when=_several,
            sample=View(choices={AGENCY: (Choice(EVERYWHERE, "Toutes", "42 dossiers"), Choice("=Vannes", "Vannes"))}),
        ),
        handing.TO,
        handing.IMPACT,
    ),
    finish=handing.finish,
    allowed=administrators,
    start=_start,
    commands=("reassigner", "reassign"),
)
