"""Lier: a new or an existing interlocuteur to a dossier, with the e-mail that was invited (R10–R16)."""

from dialogs import fields, identity, steps
from dialogs.dialog import Answers, Choice, Ctx, Dialog, Outcome, Step, View, administrators
from services import interlocuteurs, invitations, loop, loop_tasks, people
from services.dossiers import get as get_dossier
from services.errors import Refused
from services.models import NO_LIMIT, Interlocuteur
from services.store import Work


def _is_new(answers: Answers) -> bool:
    return answers.get("interlocuteur") == steps.NEW


async def _load_who(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    async with ctx.services.store.read() as session:
        known = await interlocuteurs.suggested_for(session, dossier.id)
    rows = [Choice(one.id, interlocuteurs.full_name(one), one.email) for one in known]
    d = {"dossier": steps.dossier_facts(dossier)}
    return View(d, {"interlocuteur": tuple(rows)})


async def _load_form(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    async with ctx.services.store.read() as session:
        invited = await invitations.invited_for(session, dossier.id)
    newest = invited[-1] if invited else None
    defaults = (
        {
            "family_name": newest.family_name,
            "given_name": newest.given_name,
            "mobile": people.shown_phone(newest.mobile),
            "email": newest.email,
        }
        if newest
        else {}
    )
    return View({"dossier": steps.dossier_facts(dossier)}, defaults=defaults)


def _known_id(answers: Answers) -> str | None:
    """Who is on the list already: chosen there, or found to be the same as the one in the form. None: somebody new."""
    return identity.same_person(answers) if _is_new(answers) else answers["interlocuteur"]


async def _known(ctx: Ctx, answers: Answers) -> Interlocuteur | None:
    known = _known_id(answers)
    if known is None:
        return None
    async with ctx.services.store.read() as session:
        return await interlocuteurs.get(session, known)


async def _check_who(ctx: Ctx, answers: Answers) -> None:
    if not _is_new(answers):
        await _check_email(ctx, answers)


async def _check_form(ctx: Ctx, answers: Answers) -> None:
    contact = steps.contact_of(answers)
    invitations.refuse_own_domain(ctx.services.firm, contact.email)
    await identity.ask_same_person(ctx, contact, answers)
    await _check_email(ctx, answers)


async def _check_email(ctx: Ctx, answers: Answers) -> None:
    """R12, with its two repairs: take the e-mail that was invited, or invite this one too."""
    dossier = await steps.chosen_dossier(ctx, answers)
    if known := await _known(ctx, answers):
        await identity.check_known_email(ctx, answers, known, [dossier])
        return
    email = answers["email"]
    await identity.check_email(ctx, answers, email, [dossier], lambda invited: {"email": invited}, known=False)
    if identity.to_invite(answers, email, [dossier]):
        await steps.check_address(ctx, answers)


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    known = await _known(ctx, answers)
    contact = identity.as_mended(known, answers) if known else steps.contact_of(answers)
    limited_to = answers.get("limited_to") or NO_LIMIT
    if known:
        guide = (
            *identity.guide_mend(known, answers),
            *loop.link_known([dossier], contact.family_name, contact.given_name, limited_to),
        )
    else:
        guide = loop.link_interlocuteur(
            dossier, contact.family_name, contact.given_name, contact.email, contact.qualite, limited_to
        )
    return View(
        d={
            "dossier": steps.dossier_facts(dossier),
            "new": known is None,
            "person": steps.contact_facts(contact),
            "limited_to": limited_to,
            "limit_reason": answers.get("limit_reason") or None,
            "steps": steps.guide_rows(guide),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def _load_limit(ctx: Ctx, answers: Answers) -> View:
    return View({"dossier": steps.dossier_facts(await steps.chosen_dossier(ctx, answers))})


async def _check_limit(_ctx: Ctx, answers: Answers) -> None:
    if answers["limited_to"] not in ("", NO_LIMIT) and not answers["limit_reason"]:
        raise Refused("limit_reason_needed", "limit_reason")


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    dossier = await get_dossier(work.session, answers["dossier"])
    if known := _known_id(answers):
        person = await interlocuteurs.get(work.session, known, lock=True)
    else:
        person = await interlocuteurs.create(work, steps.contact_of(answers), ctx.services.firm.locale, ctx.who.aad_id)
    await identity.mend(work, answers, person, [dossier], ctx.who.aad_id)
    await interlocuteurs.link(
        work, person, dossier, ctx.who.aad_id, answers["limited_to"] or NO_LIMIT, answers["limit_reason"]
    )
    await loop_tasks.ask(
        work, "link_interlocuteur", dossier, ctx.actor, done=steps.done_in_loop(answers), interlocuteur=person
    )
    return Outcome("link_interlocuteur.done", {"code": dossier.code})


DIALOG = Dialog(
    name="link_interlocuteur",
    steps=(
        steps.DOSSIER,
        Step(
            "who",
            fields=(fields.choice("interlocuteur"),),
            load=_load_who,
            check=_check_who,
            sample=View(
                {"dossier": steps.SAMPLE_DOSSIER},
                {
                    "interlocuteur": (
                        Choice("1", "Martin Paul", "paul@boulangerie.example"),
                        Choice(steps.NEW, "Nouveau"),
                    )
                },
            ),
        ),
        Step(
            "form",
            fields=steps.CONTACT_FIELDS,
            load=_load_form,
            check=_check_form,
            when=_is_new,
            sample=View({"dossier": steps.SAMPLE_DOSSIER}),
        ),
        Step(
            "limit",
            fields=(fields.text("limited_to", max_length=120), fields.note("limit_reason")),
            load=_load_limit,
            check=_check_limit,
            sample=View({"dossier": steps.SAMPLE_DOSSIER}),
        ),
        Step(
            "recap",
            load=_load_recap,
            ways=frozenset({steps.LATER}),
            sample=View(
                d={
                    "dossier": steps.SAMPLE_DOSSIER,
                    "new": True,
                    "person": steps.SAMPLE_CONTACT,
                    "limited_to": NO_LIMIT,
                    "limit_reason": None,
                    "steps": steps.SAMPLE_GUIDE,
                    "loop_url": "https://loop.example/",
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    start=steps.start_on_dossier,
    commands=("lier", "link"),
)
