"""Proposer un service collaboratif pour ce dossier: an active offer, to one linked interlocuteur (R17–R20)."""

from collections.abc import Mapping

from cards import render
from dialogs import fields, identity, steps
from dialogs.dialog import Answers, Choice, Ctx, Dialog, Outcome, Step, View, administrators
from dialogs.saying import letterhead, send_mail
from services import deliveries, interlocuteurs, invitations, loop, loop_tasks, offers, propositions
from services.dossiers import get as get_dossier
from services.errors import Refused
from services.events import Event
from services.models import LIVE_PROPOSITIONS, Proposition
from services.propositions import Proposed
from services.record import Services
from services.store import Work


async def _start(ctx: Ctx) -> Mapping[str, str]:
    """From a refusal: what was proposed, to be corrected. From a card about a dossier: that one."""
    refused = await _refused(ctx)
    if refused is None:
        return await steps.on_dossier(ctx, ctx.subject, _check_dossier) if ctx.subject else {}
    known = await steps.on_dossier(ctx, refused.dossier.id, _check_dossier)
    return {**known, "offer": refused.proposition.offer, "interlocuteur": refused.interlocuteur.id}


async def _refused(ctx: Ctx) -> Proposed | None:
    """The refused proposition that the form was opened from."""
    async with ctx.services.store.read() as session:
        return await propositions.find(session, ctx.subject or "")


async def _check_dossier(ctx: Ctx, answers: Answers) -> None:
    dossier = await steps.chosen_dossier(ctx, answers)
    async with ctx.services.store.read() as session:
        if not await offers.active_on(session, dossier.id):
            raise Refused("no_active_offer", None, code=dossier.code)
        if not await interlocuteurs.linked_to(session, dossier.id):
            raise Refused("no_linked_interlocuteur", None, code=dossier.code)


async def _load_pick(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    async with ctx.services.store.read() as session:
        active = await offers.active_on(session, dossier.id)
        linked = await interlocuteurs.linked_to(session, dossier.id)
    refused = await _refused(ctx)
    refusal = _refusal(refused.proposition) if refused else None
    return View(
        {"dossier": steps.dossier_facts(dossier), "refusal": refusal},
        {
            "offer": tuple(Choice(one.key, one.name) for one in active),
            "interlocuteur": tuple(Choice(one.id, interlocuteurs.full_name(one), one.email) for one in linked),
        },
    )


def _refusal(row: Proposition) -> dict[str, object]:
    return {"by": row.decided_by_name, "at": row.decided_at, "reason": row.reason}


async def _check_pick(ctx: Ctx, answers: Answers) -> None:
    dossier = await steps.chosen_dossier(ctx, answers)
    async with ctx.services.store.read() as session:
        person = await interlocuteurs.get(session, answers["interlocuteur"])
    await identity.check_known_email(ctx, answers, person, [dossier])


async def _load_recap(ctx: Ctx, answers: Answers) -> View:
    dossier = await steps.chosen_dossier(ctx, answers)
    offer = offers.offer(answers["offer"])
    async with ctx.services.store.read() as session:
        person = await interlocuteurs.get(session, answers["interlocuteur"])
        existing = await propositions.live(session, dossier.id, offer.key, person.id)
    guide = (
        *identity.guide_mend(person, answers),
        *loop.propose_offer(dossier, offer, person.family_name, person.given_name),
    )
    return View(
        d={
            "dossier": steps.dossier_facts(dossier),
            "offer": steps.offer_card(offer, offers.Qualite(person.qualite)),
            "interlocuteur": {
                "name": interlocuteurs.full_name(person),
                "email": identity.email_of(person, answers),
                "qualite": person.qualite,
            },
            "existing": {"state": existing.state, "since": existing.proposed_at} if existing else None,
            "steps": steps.guide_rows(guide),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def _finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    dossier = await get_dossier(work.session, answers["dossier"])
    person = await interlocuteurs.get(work.session, answers["interlocuteur"], lock=True)
    await identity.mend(work, answers, person, [dossier], ctx.who.aad_id)
    await interlocuteurs.require_invited(work.session, dossier.id, person.email)
    done = steps.done_in_loop(answers)
    _, made = await propositions.propose_offer(
        work, dossier, answers["offer"], person, ctx.who.aad_id, ctx.who.name, announce=done
    )
    if made:
        await loop_tasks.ask(
            work, "propose_offer", dossier, ctx.actor, done=done, offer=answers["offer"], interlocuteur=person
        )
    facts = {"offer": offers.offer(answers["offer"]).name, "code": dossier.code}
    return Outcome("propose_offer.done" if made else "propose_offer.existing", facts)


DIALOG = Dialog(
    name="propose_offer",
    steps=(
        steps.dossier_step(_check_dossier),
        Step(
            "pick",
            fields=(fields.choice("offer", *offers.CATALOGUE), fields.choice("interlocuteur")),
            load=_load_pick,
            template="propose_offer/offer",
            check=_check_pick,
            sample=View(
                {"dossier": steps.SAMPLE_DOSSIER, "refusal": None},
                {
                    "offer": (Choice("consultation", "Consultation"),),
                    "interlocuteur": (Choice("1", "Martin Paul", "paul@boulangerie.example"),),
                },
            ),
        ),
        Step(
            "recap",
            load=_load_recap,
            ways=frozenset({steps.LATER}),
            sample=View(
                d={
                    "dossier": steps.SAMPLE_DOSSIER,
                    "offer": steps.SAMPLE_OFFERS[1],
                    "interlocuteur": {
                        "name": "Martin Paul",
                        "email": "paul@boulangerie.example",
                        "qualite": "direction_tpe",
                    },
                    "existing": None,
                    "steps": steps.SAMPLE_GUIDE,
                    "loop_url": "https://loop.example/",
                }
            ),
        ),
    ),
    finish=_finish,
    allowed=administrators,
    commands=("proposer", "propose"),
    start=_start,
)


async def mail_identifier(event: Event, services: Services) -> None:
    """Reaction to OfferProposed (R19): the link and the identifier, saying that activation is in progress."""
    async with services.store.read() as session:
        proposed = await propositions.get(session, event.subject)
    if proposed.proposition.state not in LIVE_PROPOSITIONS:
        return  # taken back before the mail left
    person = proposed.interlocuteur
    data = {
        "given_name": person.given_name,
        "email": person.email,
        "company": proposed.dossier.company,
        "offer_name": proposed.offer.name,
        "gives": offers.rights(proposed.offer, proposed.qualite).gives(),
        "url": services.firm.loop_url,
    }
    mail = render.mail("propose_offer/identifier", person.language, {"d": data, "firm": letterhead(services.firm)})
    try:
        await send_mail(services, event.subject, deliveries.IDENTIFIER, person.email, mail)
    except Refused:
        await invitations.tell_offers_changed(event, services)  # the card in « Général » says why
        raise
