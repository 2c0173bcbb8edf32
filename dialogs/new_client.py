"""Nouveau client: invite, activate, create and link, propose — one conversation, nothing typed twice, one commit."""

from dialogs import identity, steps
from dialogs.dialog import Answers, Asks, Ctx, Dialog, Fix, Outcome, Step, View, administrators
from services import interlocuteurs, invitations, loop, new_clients, offers
from services.dossiers import get as get_dossier
from services.errors import Refused
from services.interlocuteurs import Contact
from services.loop import GuidedStep
from services.models import NO_LIMIT, Dossier, Interlocuteur
from services.people import email_key
from services.store import Work


async def _load_contact(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    return View({"dossier": steps.dossier_facts(dossier)})


async def _check_contact(ctx: Ctx, answers: Answers) -> None:
    contact = steps.contact_of(answers)
    await steps.check_address(ctx, answers)
    await identity.ask_same_person(ctx, contact, answers)
    if known := await _known(ctx, answers):
        await _check_known_email(ctx, answers, contact, known)


async def _known(ctx: Ctx, answers: Answers) -> Interlocuteur | None:
    known = identity.same_person(answers)
    if known is None:
        return None
    async with ctx.services.store.read() as session:
        return await interlocuteurs.get(session, known)


async def _check_known_email(ctx: Ctx, answers: Answers, contact: Contact, known: Interlocuteur) -> None:
    """R12 for somebody known by another address than the one to be invited: one of the two, for both."""
    if email_key(identity.email_of(known, answers)) != email_key(contact.email):
        dossier = await steps.chosen_dossier(ctx, answers)
        invite_known = {"email": known.email} | identity.said_same({**answers, "email": known.email}, known.id)
        fixes = (Fix("use_invited", identity.taken(known, contact.email)), Fix("invite_known", invite_known))
        raise Asks("email_differs", "email", fixes, email=known.email, invited=contact.email, code=dossier.code)
    await identity.check_known_email(ctx, answers, known, [])


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    offer = offers.offer(answers["offer"])
    known = await _known(ctx, answers)
    contact = identity.as_mended(known, answers) if known else steps.contact_of(answers)
    return View(
        d={
            "person": steps.contact_facts(contact) | {"language": known.language if known else answers["language"]},
            "qualite": contact.qualite,
            "limited_to": NO_LIMIT,
            "limit_reason": None,
            "dossier": steps.dossier_facts(dossier),
            "to_team": ctx.services.firm.invite_to_team,
            "guest": {"state": await steps.guest_state(ctx, contact.email)},
            "offer": steps.offer_card(offer, contact.qualite),
            "steps": steps.guide_rows(_guide(dossier, offer, contact, known, answers)),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


def _guide(
    dossier: Dossier, offer: offers.Offer, contact: Contact, known: Interlocuteur | None, answers: Answers
) -> tuple[GuidedStep, ...]:
    name = (contact.family_name, contact.given_name)
    if known is None:
        return loop.new_client(dossier, offer, *name, contact.email, contact.qualite)
    return (
        *loop.activate_offer(dossier, offer),
        *identity.guide_mend(known, answers),
        *loop.link_known([dossier], *name),
        *loop.propose_offer(dossier, offer, *name)[1:],
    )


async def _check_recap(ctx: Ctx, answers: Answers) -> None:
    if await steps.guest_state(ctx, answers["email"]) == "member":
        raise Refused("already_member", "email")


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    actor = ctx.who.aad_id
    dossier = await get_dossier(work.session, answers["dossier"])
    await invitations.invite_guest(work, steps.guest_of(answers), dossier, actor)
    if known := identity.same_person(answers):
        person = await interlocuteurs.get(work.session, known, lock=True)
    else:
        person = await interlocuteurs.create(work, steps.contact_of(answers), answers["language"], actor)
    await identity.mend(work, answers, person, [dossier], actor)
    confirmed, done = bool(answers.get("subscription")), steps.done_in_loop(answers)
    await new_clients.equip(
        work, dossier, person, answers["offer"], ctx.actor, subscription_confirmed=confirmed, done=done
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
                    "to_team": True,
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
