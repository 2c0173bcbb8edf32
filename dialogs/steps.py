"""Steps that several flows share: find a dossier, say who the person is, choose an offer, fill the interlocuteur in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dialogs import fields
from dialogs.dialog import Answers, Asks, Choice, Ctx, Fix, Step, View
from services import dossiers, invitations, journey, offers, people
from services.errors import Refused, Unavailable
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.loop import GuidedStep
from services.models import Dossier, Interlocuteur, Invitation
from services.offers import Qualite

LOOK_UP_TIMEOUT = 2.0
LANGUAGES = ("fr", "en")

SAMPLE_DOSSIER = {
    "code": "BOUMAR",
    "company": "Boulangerie Martin",
    "siren": "552 100 554",
    "commune": "Vannes",
    "agency": "Vannes",
    "collaborateur": "Malo Le Goff",
}


# --- the dossier

Check = Callable[[Ctx, Answers], Awaitable[None]]
KNOWN = "known"
"""A mark in the draft: the card that opened the form says which dossier."""
NEXT = {
    journey.ACTIVATE: "activate_offer",
    journey.DESCRIBE: "link_interlocuteur",
    journey.LINK: "link_interlocuteur",
    journey.PROPOSE: "propose_offer",
}
"""The dialog that does the step, by the step an invited person's path is at. Its subject is the dossier."""


async def chosen_dossier(ctx: Ctx, answers: Answers) -> Dossier:
    """The dossier of the draft, as it stands now."""
    async with ctx.services.store.read() as session:
        return await dossiers.get(session, answers.get("dossier") or "")


def dossier_facts(dossier: Dossier) -> dict[str, Any]:
    """What a card shows of a dossier."""
    return {
        "code": dossier.code,
        "company": dossier.company,
        "siren": dossiers.shown_siren(dossier.siren),
        "commune": dossier.commune,
        "agency": dossier.agency,
        "collaborateur": dossier.collaborateur.name if dossier.collaborateur else None,
    }


async def _load_dossiers(ctx: Ctx, answers: Answers) -> View:
    text, chosen = answers.get("dossier_text") or "", answers.get("dossier") or ""
    if not text and not chosen:
        return View()
    async with ctx.services.store.read() as session:
        try:
            found = list(await dossiers.search(session, text)) if text else [await dossiers.get(session, chosen)]
        except Refused:
            # Taken out meanwhile; or the title of a row, which Microsoft's own library submits where Teams gives its value.
            found = list(await dossiers.search(session, chosen))
    return View(choices={"dossier": tuple(Choice(one.id, dossiers.title(one)) for one in found)})


async def _check_dossier(ctx: Ctx, answers: Answers) -> None:
    await chosen_dossier(ctx, answers)


def unknown(answers: Answers) -> bool:
    """Whether the dossier is still to be found."""
    return not answers.get(KNOWN)


async def on_dossier(ctx: Ctx, dossier_id: str, check: Check = _check_dossier) -> Mapping[str, str]:
    """What a draft about this dossier begins with; refused as `check` says."""
    known = {"dossier": dossier_id, KNOWN: "yes"}
    await check(ctx, known)
    return known


async def start_on_dossier(ctx: Ctx) -> Mapping[str, str]:
    """A card about a dossier opens the form on it; without a subject the dossier is looked for."""
    return await on_dossier(ctx, ctx.subject) if ctx.subject else {}


def dossier_step(check: Check = _check_dossier) -> Step:
    """Find the dossier; the flow's own `check` may refuse one it cannot work on."""
    return Step(
        "dossier",
        fields=(fields.choice("dossier"), fields.text("dossier_text")),
        load=_load_dossiers,
        check=check,
        when=unknown,
        template="invite_guest/dossier",
        asks_again=frozenset({"search"}),
        sample=View(choices={"dossier": (Choice("1", "Boulangerie Martin · BOUMAR · 552 100 554 · Vannes"),)}),
    )


DOSSIER = dossier_step()


# --- the person


async def check_address(ctx: Ctx, answers: Answers) -> None:
    """The e-mail typed is one client's: not the firm's own domain; a likely slip or a shared box is asked about."""
    email = answers["email"]
    invitations.refuse_own_domain(ctx.services.firm, email)
    if answers.get("email_kept") == email:
        return
    keep = Fix("keep_typed", {"email_kept": email})
    if meant := people.likely_meant(email):
        raise Asks("email_typo", "email", (Fix("use_meant", {"email": meant}), keep), email=email, suggestion=meant)
    if people.is_shared(email):
        raise Asks("email_shared", "email", (keep,), email=email)


PERSON = Step(
    "person",
    fields=(
        fields.text("family_name", required=True, max_length=120),
        fields.text("given_name", required=True, max_length=120),
        fields.email("email"),
        fields.phone("mobile", mobile=True, required=True),
        fields.choice("language", *LANGUAGES),
    ),
    check=check_address,
    template="invite_guest/person",
)


async def start_with_language(ctx: Ctx) -> Mapping[str, str]:
    """The client's language is French unless the administrator says otherwise."""
    return {"language": ctx.services.firm.locale}


def guest_of(answers: Answers) -> NewGuest:
    """The person as answered."""
    return NewGuest(
        answers["family_name"], answers["given_name"], answers["email"], answers["mobile"], answers["language"]
    )


def person_facts(answers: Answers) -> dict[str, Any]:
    """What the administrator sees of the person before the Ok."""
    return {
        "family_name": answers["family_name"],
        "given_name": answers["given_name"],
        "email": answers["email"],
        "mobile": people.shown_phone(answers["mobile"]),
        "language": answers["language"],
    }


def invited_facts(invitation: Invitation) -> dict[str, Any]:
    """The same, of somebody already invited."""
    return person_facts(
        {
            "family_name": invitation.family_name,
            "given_name": invitation.given_name,
            "email": invitation.email,
            "mobile": invitation.mobile,
            "language": invitation.language,
        }
    )


async def guest_state(ctx: Ctx, email: str) -> str:
    """Where this person stands: none, pending, accepted, made_in_entra; unknown where Entra does not say, or not in time.

    It only tells the administrator: whatever Entra answers, the form stays, and the invitation itself will ask again.
    """
    async with ctx.services.store.read() as session:
        invitation = await invitations.live(session, email)
    if invitation is not None:
        return "accepted" if invitation.state == "accepted" else "pending"
    try:
        async with asyncio.timeout(LOOK_UP_TIMEOUT):
            known = await ctx.services.directory.find_by_email(email)
    except (Refused, Unavailable, TimeoutError):
        return "unknown"
    if known is None:
        return "none"
    return "made_in_entra" if known.guest else "member"


# --- the offer


def offer_card(offer: offers.Offer, qualite: Qualite = Qualite.NONE, *, active: bool = False) -> dict[str, Any]:
    """One offer: what it gives, what it does not, whether the dossier has it already."""
    rights = offers.rights(offer, qualite)
    return {
        "name": offer.name,
        "paid": offer.paid,
        "active": active,
        "gives": rights.gives(),
        "lacks": rights.lacks(),
    }


OFFER_CHOICES = tuple(Choice(offer.key, offer.name) for offer in offers.CATALOGUE.values())
SAMPLE_OFFERS = [offer_card(offer) for offer in offers.CATALOGUE.values()]


async def _load_offers(ctx: Ctx, answers: Answers) -> View:
    dossier = await chosen_dossier(ctx, answers)
    async with ctx.services.store.read() as session:
        active = await offers.active_on(session, dossier.id)
    rows = [offer_card(offer, active=offer in active) for offer in offers.CATALOGUE.values()]
    return View({"dossier": dossier_facts(dossier), "offers": rows}, {"offer": OFFER_CHOICES})


OFFER = Step(
    "offer",
    fields=(fields.choice("offer", *offers.CATALOGUE),),
    load=_load_offers,
    template="activate_offer/offer",
    sample=View({"dossier": SAMPLE_DOSSIER, "offers": SAMPLE_OFFERS}, {"offer": OFFER_CHOICES}),
)


def is_paid(answers: Answers) -> bool:
    """Whether the chosen offer asks for a subscription."""
    key = str(answers.get("offer"))
    return key in offers.CATALOGUE and offers.offer(key).paid


async def _load_subscription(ctx: Ctx, answers: Answers) -> View:
    dossier = await chosen_dossier(ctx, answers)
    return View({"dossier": dossier_facts(dossier), "offer": {"name": offers.offer(answers["offer"]).name}})


SUBSCRIPTION = Step(
    "subscription",
    fields=(fields.tick("subscription", must="subscription_needed"),),
    load=_load_subscription,
    when=is_paid,
    template="activate_offer/subscription",
    sample=View({"dossier": SAMPLE_DOSSIER, "offer": {"name": "Consultation"}}),
)


# --- the interlocuteur

NEW = "new"

CONTACT_FIELDS = (
    fields.text("family_name", required=True, max_length=120),
    fields.text("given_name", max_length=120),
    fields.phone("mobile", mobile=True, required=True),
    fields.phone("landline", mobile=False, required=False),
    fields.email("email"),
    fields.choice("qualite", *(one.value for one in Qualite if one), required=False),
    fields.text("address_1"),
    fields.text("address_2"),
    fields.text("address_3"),
    fields.text("commune", max_length=120),
    fields.text("postcode", max_length=12),
    fields.text("country", max_length=80),
    fields.note("notes"),
)


def contact_of(answers: Answers) -> Contact:
    """The interlocuteur as answered. Refused beside a postcode or a commune that France does not have."""
    given = {field.name: answers[field.name] for field in CONTACT_FIELDS}
    place = {"commune": people.commune, "postcode": people.postcode}
    given |= {name: read(given[name], given["country"]) for name, read in place.items()}
    return Contact(**{**given, "qualite": Qualite(given["qualite"])})


def contact_facts(person: Interlocuteur | Contact) -> dict[str, str]:
    """The thirteen fields as a recap shows them."""
    shown = {field.name: str(getattr(person, field.name)) for field in CONTACT_FIELDS}
    shown["mobile"] = people.shown_phone(person.mobile)
    shown["landline"] = people.shown_phone(person.landline)
    return shown


# --- what to do in Loop

LATER = "later"


def done_in_loop(answers: Answers) -> bool:
    """Whether the person says it is done in Loop already."""
    return answers.get("way") != LATER


def guide_rows(guide: tuple[GuidedStep, ...]) -> list[dict[str, Any]]:
    """The steps as a card lists them: the sentence's key, and the values to copy with their label keys."""
    return [{"key": step.key, "facts": step.values} for step in guide]


SAMPLE_GUIDE = [
    {"key": "open_dossier", "facts": [("dossier", "BOUMAR"), ("company", "Boulangerie Martin")]},
    {"key": "ok", "facts": []},
]
SAMPLE_PERSON = {
    "family_name": "Martin",
    "given_name": "Paul",
    "email": "paul.martin@boulangerie-martin.example",
    "mobile": "06 12 34 56 78",
    "language": "fr",
}
SAMPLE_CONTACT = {field.name: "" for field in CONTACT_FIELDS} | {
    "family_name": "Martin",
    "given_name": "Paul",
    "mobile": "06 12 34 56 78",
    "email": "paul.martin@boulangerie-martin.example",
    "qualite": "direction_tpe",
}
