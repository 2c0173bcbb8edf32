"""Linking somebody, new or known, to one or several dossiers at once (R14/R15); « Limité à » stays « - » here (R16)."""

from dialogs import fields, identity, steps
from dialogs.dialog import Answers, Choice, Ctx, Outcome, Step, View
from dialogs.interlocuteurs.choice import LINK, chosen, doing, person_of
from services import dossiers, interlocuteurs, loop, loop_tasks
from services.errors import Refused
from services.interlocuteurs import Contact
from services.models import Dossier
from services.store import Work


async def _contact(ctx: Ctx, answers: Answers) -> Contact:
    """The person as they will be: the form's, or the known one once the repair chosen is done."""
    if chosen(answers) is None:
        return steps.contact_of(answers)
    return identity.as_mended(await person_of(ctx, answers), answers)


async def _ticked(ctx: Ctx, answers: Answers) -> list[Dossier]:
    async with ctx.services.store.read() as session:
        return [await dossiers.get(session, one) for one in answers.get("dossiers") or ()]


async def _linked(ctx: Ctx, answers: Answers) -> set[str]:
    known = chosen(answers)
    async with ctx.services.store.read() as session:
        return {dossier.id for _, dossier in await interlocuteurs.links_of(session, known)} if known else set()


# --- the dossiers


async def _load_dossiers(ctx: Ctx, answers: Answers) -> View:
    text = answers.get("dossiers_text")
    ticked, linked = await _ticked(ctx, answers), await _linked(ctx, answers)
    async with ctx.services.store.read() as session:
        found = await dossiers.search(session, text) if text else []
    rows = {one.id: one for one in (*ticked, *found) if one in ticked or one.id not in linked}
    d = {
        "name": interlocuteurs.full_name(await _contact(ctx, answers)),
        "searched": bool(text),
        "found": len(found),
        "linked": [one.code for one in found if one.id in linked],
    }
    return View(d, {"dossiers": tuple(Choice(one.id, dossiers.title(one)) for one in rows.values())})


async def _check_dossiers(ctx: Ctx, answers: Answers) -> None:
    ticked, linked = await _ticked(ctx, answers), await _linked(ctx, answers)
    for dossier in ticked:
        if dossier.id in linked:
            raise Refused("already_linked", "dossiers", code=dossier.code)
    if chosen(answers):
        await identity.check_known_email(ctx, answers, await person_of(ctx, answers), ticked)
        return
    contact = steps.contact_of(answers)
    await identity.check_email(ctx, answers, contact.email, ticked, lambda invited: {"email": invited}, known=False)
    await identity.ask_same_person(ctx, contact, answers)  # the e-mail that was invited may be somebody's


def _when(answers: Answers) -> bool:
    return doing(answers) in (steps.NEW, LINK)


DOSSIERS = Step(
    "dossiers",
    fields=(fields.text("dossiers_text"), fields.choices("dossiers")),
    load=_load_dossiers,
    check=_check_dossiers,
    when=_when,
    asks_again=frozenset({"search"}),
    sample=View(
        {"name": "Martin Paul", "searched": True, "found": 2, "linked": ["GARMAR"]},
        {"dossiers": (Choice("1", "Boulangerie Martin · BOUMAR · 552 100 554 · Vannes"),)},
    ),
)

# --- the recap


async def _load_links(ctx: Ctx, answers: Answers) -> View:
    ticked, contact = await _ticked(ctx, answers), await _contact(ctx, answers)
    name = (contact.family_name, contact.given_name)
    if chosen(answers):
        known = await person_of(ctx, answers)
        guide = (*identity.guide_mend(known, answers), *loop.link_known(ticked, *name))
    else:
        guide = loop.link_interlocuteur(ticked[0], *name, contact.email, contact.qualite, more=ticked[1:])
    return View(
        d={
            "name": interlocuteurs.full_name(contact),
            "new": chosen(answers) is None,
            "person": steps.contact_facts(contact),
            "dossiers": [{"code": one.code, "company": one.company, "limited_to": "-"} for one in ticked],
            "email": contact.email,
            "invited": [one.code for one in identity.to_invite(answers, contact.email, ticked)],
            "steps": steps.guide_rows(guide),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    """Create the person where they are new, do the repairs chosen, link to every dossier: all of it, or nothing."""
    actor = ctx.who.aad_id
    ticked = [await dossiers.get(work.session, one) for one in answers["dossiers"]]
    if known := chosen(answers):
        person = await interlocuteurs.get(work.session, known, lock=True)
    else:
        person = await interlocuteurs.create(work, steps.contact_of(answers), ctx.services.firm.locale, actor)
    await identity.mend(work, answers, person, ticked, actor)
    for dossier in ticked:
        await interlocuteurs.link(work, person, dossier, actor)
        done = steps.done_in_loop(answers)
        await loop_tasks.ask(work, "link_interlocuteur", dossier, ctx.actor, done=done, interlocuteur=person)
    return Outcome("interlocuteurs.linked", {"code": [one.code for one in ticked]})


LINKS = Step(
    "links",
    load=_load_links,
    when=_when,
    ways=frozenset({steps.LATER}),
    sample=View(
        d={
            "name": "Martin Paul",
            "new": True,
            "person": steps.SAMPLE_CONTACT,
            "dossiers": [{"code": "BOUMAR", "company": "Boulangerie Martin", "limited_to": "-"}],
            "email": "paul@boulangerie.example",
            "invited": ["BOUMAR"],
            "steps": steps.SAMPLE_GUIDE,
            "loop_url": "https://loop.example/",
        }
    ),
)
