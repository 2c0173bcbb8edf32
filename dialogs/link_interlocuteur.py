"""Lier: a new or an existing interlocuteur to a dossier, with the e-mail that was invited (R10–R16)."""

from dialogs import fields, steps
from dialogs.dialog import Answers, Asks, Choice, Ctx, Dialog, Fix, Outcome, Step, View, administrators
from services import interlocuteurs, invitations, loop, people
from services.dossiers import get as get_dossier
from services.errors import Refused
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.models import NO_LIMIT, Interlocuteur
from services.offers import Qualite
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


async def _check_form(ctx: Ctx, answers: Answers) -> None:
    contact = steps.contact_of(answers)
    invitations.refuse_own_domain(ctx.services.firm, contact.email)
    await _check_email(ctx, answers, contact.email)
    await steps.ask_same_person(ctx, contact, answers)


async def _check_who(ctx: Ctx, answers: Answers) -> None:
    if _is_new(answers):
        return
    async with ctx.services.store.read() as session:
        person = await interlocuteurs.get(session, answers["interlocuteur"])
    await _check_email(ctx, answers, person.email)


async def _check_email(ctx: Ctx, answers: Answers, email: str) -> None:
    """R12, with its two repairs: take the e-mail that was invited, or invite this one too."""
    if answers.get("invite_email") == email:
        return
    async with ctx.services.store.read() as session:
        try:
            await interlocuteurs.require_invited(session, answers["dossier"], email)
        except Refused as refusal:
            also = Fix("invite_typed", {"invite_email": email})
            if refusal.key != "email_differs":
                raise Asks(refusal.key, "email", (also,), **refusal.facts) from None
            fixes: tuple[Fix, ...] = (also,)
            if _is_new(answers):
                fixes = (Fix("use_invited", {"email": str(refusal.facts["invited"])}), also)
            raise Asks(refusal.key, "email", fixes, **refusal.facts) from None


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    person: Contact | Interlocuteur
    if _is_new(answers):
        person = steps.contact_of(answers)
    else:
        async with ctx.services.store.read() as session:
            person = await interlocuteurs.get(session, answers["interlocuteur"])
    guide = loop.link_interlocuteur(
        dossier,
        person.family_name,
        person.given_name,
        person.email,
        Qualite(person.qualite),
        answers.get("limited_to") or NO_LIMIT,
    )
    return View(
        d={
            "dossier": steps.dossier_facts(dossier),
            "new": _is_new(answers),
            "person": steps.contact_facts(person),
            "limited_to": answers.get("limited_to") or NO_LIMIT,
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
    if _is_new(answers):
        person = await interlocuteurs.create(work, steps.contact_of(answers), ctx.services.firm.locale, ctx.who.aad_id)
    else:
        person = await interlocuteurs.get(work.session, answers["interlocuteur"])
    if answers.get("invite_email") == person.email:
        guest = NewGuest(person.family_name, person.given_name, person.email, person.mobile, person.language)
        await invitations.invite_guest(work, guest, dossier, ctx.who.aad_id)
    await interlocuteurs.link(
        work, person, dossier, ctx.who.aad_id, answers["limited_to"] or NO_LIMIT, answers["limit_reason"]
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
    commands=("lier", "link"),
)
