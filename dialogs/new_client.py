"""Nouveau client: invite, activate, create and link, propose — one conversation, nothing typed twice, one commit."""

from dialogs import steps
from dialogs.dialog import Answers, Ctx, Dialog, Outcome, Step, View, administrators
from services import interlocuteurs, invitations, loop, loop_tasks, offers, propositions
from services.dossiers import get as get_dossier
from services.errors import Refused
from services.models import NO_LIMIT
from services.offers import Qualite
from services.store import Work


async def _load_contact(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    return View({"dossier": steps.dossier_facts(dossier)})


async def _check_contact(ctx: Ctx, answers: Answers) -> None:
    contact = steps.contact_of(answers)
    invitations.refuse_own_domain(ctx.services.firm, contact.email)
    await steps.ask_same_person(ctx, contact, answers)


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    offer = offers.offer(answers["offer"])
    contact = steps.contact_of(answers)
    guide = loop.new_client(
        dossier, offer, contact.family_name, contact.given_name, contact.email, Qualite(contact.qualite)
    )
    return View(
        d={
            "person": steps.person_facts(answers),
            "qualite": contact.qualite,
            "limited_to": NO_LIMIT,
            "limit_reason": None,
            "dossier": steps.dossier_facts(dossier),
            "guest": {"state": await steps.guest_state(ctx, contact.email)},
            "offer": steps.offer_card(offer, Qualite(contact.qualite)),
            "steps": steps.guide_rows(guide),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def _check_recap(ctx: Ctx, answers: Answers) -> None:
    if await steps.guest_state(ctx, answers["email"]) == "member":
        raise Refused("already_member", "email")


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    actor = ctx.who.aad_id
    dossier = await get_dossier(work.session, answers["dossier"])
    await invitations.invite_guest(work, steps.guest_of(answers), dossier, actor)
    await offers.activate_offer(
        work, dossier, answers["offer"], actor, subscription_confirmed=bool(answers.get("subscription"))
    )
    if answers.get("interlocuteur", steps.NEW) != steps.NEW:
        person = await interlocuteurs.get(work.session, answers["interlocuteur"])
    else:
        person = await interlocuteurs.create(work, steps.contact_of(answers), answers["language"], actor)
    await interlocuteurs.link(work, person, dossier, actor)
    done = steps.done_in_loop(answers)
    _, made = await propositions.propose_offer(
        work, dossier, answers["offer"], person, actor, ctx.who.name, announce=done
    )
    if made:
        await loop_tasks.ask(
            work, "new_client", dossier, ctx.actor, done=done, offer=answers["offer"], interlocuteur=person
        )
    return Outcome("new_client.done", {"code": dossier.code, "offer": offers.offer(answers["offer"]).name})


DIALOG = Dialog(
    name="new_client",
    steps=(
        steps.PERSON,
        steps.DOSSIER,
        steps.OFFER,
        steps.SUBSCRIPTION,
        Step(
            "contact",
            fields=steps.CONTACT_FIELDS,
            load=_load_contact,
            check=_check_contact,
            template="link_interlocuteur/form",
            sample=View({"dossier": steps.SAMPLE_DOSSIER}),
        ),
        Step(
            "recap",
            load=_load_recap,
            ways=frozenset({steps.LATER}),
            check=_check_recap,
            sample=View(
                d={
                    "person": steps.SAMPLE_PERSON,
                    "qualite": "direction_tpe",
                    "limited_to": NO_LIMIT,
                    "limit_reason": None,
                    "dossier": steps.SAMPLE_DOSSIER,
                    "guest": {"state": "none"},
                    "offer": steps.SAMPLE_OFFERS[1],
                    "steps": steps.SAMPLE_GUIDE,
                    "loop_url": "https://loop.example/",
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    commands=("nouveau", "new"),
    start=steps.start_with_language,
)
