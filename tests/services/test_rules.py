"""The rules of the procedure, R1 to R29, each by its number: the test fails where the rule does."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from cards import render
from dialogs import DIALOGS, delegate
from dialogs.approve_activation import DIALOG as REFUSE
from dialogs.dialog import administrators
from dialogs.link_interlocuteur import DIALOG as LINK
from dialogs.stepper import draw
from services import dossiers, interlocuteurs, invitations, loop, matrix, offers, propositions
from services.errors import Refused
from services.events import OfferActivated, OfferProposed
from services.interlocuteurs import Contact
from services.models import NO_LIMIT, Dossier, Effect, Interlocuteur, JournalLine, Proposition, PropositionState
from services.offers import CATALOGUE, Qualite, rights
from services.store import Owed, Store
from tests.services.conftest import ADMIN, CONTACT, PAUL, Hand

SOPHIE = replace(PAUL, family_name="Kervella", given_name="Sophie", email="sophie@boulangerie.example")
SOPHIES = replace(CONTACT, family_name="Kervella", given_name="Sophie", email=SOPHIE.email, mobile="+33612345679")
WELCOME = {
    "given_name": "Paul",
    "company": "Boulangerie Martin",
    "email": PAUL.email,
    "space_url": "https://loop.example/espace",
    "ged_url": "https://loop.example/ged",
    "others": [],
}


def welcome(key: str) -> render.RenderedMail:
    granted = rights(CATALOGUE[key], Qualite.DIRECTION_TPE)
    d = WELCOME | {
        "offer_name": CATALOGUE[key].name,
        "gives": granted.gives(),
        "launch_url": "https://loop.example/application" if granted.may_launch else None,
    }
    return render.mail("welcome/welcome", "fr", {"d": d, "firm": {"name": "Cabinet", "color": "#5b5fc7"}})


async def propose(store: Store, dossier: Dossier, person: Interlocuteur, offer: str = "consultation") -> Proposition:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, offer, person, ADMIN, "Claire")
    return made


async def approve(store: Store, proposition_id: str, who: str, *, ticked: bool = True) -> None:
    async with store.work() as work:
        await propositions.approve_activation(work, proposition_id, who, who.title(), ticked=ticked)


async def linked_by(store: Store, dossier: Dossier, contact: Contact, **more: str) -> Interlocuteur:
    async with store.work() as work:
        person = await interlocuteurs.create(work, contact, "fr", ADMIN)
        await interlocuteurs.link(work, person, dossier, ADMIN, **more)
    return person


def test_r1_no_form_opens_to_who_is_not_of_the_firm() -> None:
    for dialog in DIALOGS:
        assert dialog.allowed is not None, dialog.name
    for_clients = [dialog.name for dialog in DIALOGS if dialog.allowed not in (administrators,)]
    assert set(for_clients) <= {REFUSE.name, delegate.DIALOG.name}  # both ask for a member of the team themselves


@pytest.mark.parametrize("qualite", list(Qualite))
@pytest.mark.parametrize("key", list(CATALOGUE))
def test_r2_rights_follow_from_offer_and_qualite_and_are_said_in_words(key: str, qualite: Qualite) -> None:
    granted = rights(CATALOGUE[key], qualite)
    assert set(granted.gives()) >= {"ged", "deposit", "mobile_dashboard"}
    assert ("gs_ged" in granted.gives()) == (qualite is Qualite.DIRECTION_TPE)
    for locale in ("fr", "en"):
        assert all(render.text(f"rights.{right}", locale) for right in granted.gives())
        assert all(render.text(f"lacks.{lack}", locale) for lack in granted.lacks())


def test_r3_start_opens_no_dossier_and_is_never_shown_the_application() -> None:
    granted = rights(CATALOGUE["start"], Qualite.DIRECTION_TPE)
    assert not granted.may_launch
    assert not {"loop_read", "loop_work"} & set(granted.gives())
    assert "Lancer l’application" not in welcome("start").html + welcome("start").text


def test_r4_consultation_is_read_only() -> None:
    granted = rights(CATALOGUE["consultation"], Qualite.NONE)
    assert "loop_read" in granted.gives()
    assert "loop_work" in granted.lacks()
    assert "lecture seule" in render.text("rights.loop_read", "fr")


def test_r5_co_production_is_all_modules_but_revision() -> None:
    granted = rights(CATALOGUE["co_production"], Qualite.NONE)
    assert "loop_work" in granted.gives()
    assert "«\u00a0Révision\u00a0»" in render.text("rights.loop_work", "fr")


@pytest.mark.parametrize("key", ["consultation", "co_production"])
async def test_r6_a_paid_offer_needs_the_subscription_confirmed_and_says_by_whom(
    store: Store, clock: Hand, dossier: Dossier, key: str
) -> None:
    with pytest.raises(Refused, match="subscription_needed"):
        async with store.work() as work:
            await offers.activate_offer(work, dossier, key, ADMIN, subscription_confirmed=False)
    async with store.work() as work:
        made = await offers.activate_offer(work, dossier, key, ADMIN, subscription_confirmed=True)
    assert (made.subscription_confirmed_by, made.subscription_confirmed_at) == (ADMIN, clock.now)


def test_r7_inviting_activating_and_creating_are_for_administrators() -> None:
    doing = {
        "new_client",
        "invite_guest",
        "activate_offer",
        "link_interlocuteur",
        "propose_offer",
        "interlocuteurs",
        "dossier",
    }
    assert {dialog.name for dialog in DIALOGS if dialog.allowed is administrators} >= doing


async def test_r8_who_is_on_the_tenant_is_never_invited_again(store: Store, dossier: Dossier) -> None:
    async with store.work() as work:
        first = await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    async with store.work() as work:
        again = await invitations.invite_guest(work, replace(PAUL, email=" PAUL@boulangerie.example"), dossier, ADMIN)
    assert first.id == again.id


async def test_r9_an_offer_is_activated_on_a_dossier_of_the_portefeuille(store: Store, dossier: Dossier) -> None:
    async with store.read() as session:
        with pytest.raises(Refused, match="dossier_unknown"):
            await dossiers.get(session, "nowhere")
    async with store.work() as work:
        await offers.activate_offer(
            work, await dossiers.get(work.session, dossier.id), "start", ADMIN, subscription_confirmed=False
        )
    async with store.read() as session:
        assert [one.key for one in await offers.active_on(session, dossier.id)] == ["start"]


async def test_r11_the_thirteen_fields_are_kept_and_modified(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    full = Contact(
        "Martin", "Paul", "+33612345678", "+33297000000", PAUL.email, Qualite.ADMINISTRATIF_TPE,
        "1 rue du Four", "Bâtiment B", "BP 12", "Vannes", "56000", "France", "Rappeler le matin",
    )  # fmt: skip
    async with store.work() as work:
        changed = await interlocuteurs.modify(work, linked.id, full, linked.version, ADMIN)
    assert set(changed) >= {"landline", "qualite", "address_1", "commune", "postcode", "notes"}
    async with store.read() as session:
        assert interlocuteurs.contact_of(await interlocuteurs.get(session, linked.id)) == full


async def test_r12_another_e_mail_than_the_invited_one_is_blocked_then_mended(store: Store, dossier: Dossier) -> None:
    async with store.work() as work:
        await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    with pytest.raises(Refused, match="email_differs") as refused:
        await linked_by(store, dossier, replace(CONTACT, email="p.martin@boulangerie.example"))
    assert (refused.value.facts["email"], refused.value.facts["invited"]) == (
        "p.martin@boulangerie.example",
        PAUL.email,
    )
    assert await linked_by(store, dossier, replace(CONTACT, email="PAUL@boulangerie.example"))


def test_r13_each_qualite_says_its_consequence() -> None:
    step = next(one for one in LINK.steps if one.name == "form")
    form = {"do": "x", "id": "1", "step": "form", "v": 1, "values": {}, "errors": {}, "notice": None, "fixes": []}
    card = str(draw(LINK, step, "fr", "Cabinet", {**form, "first": False, "last": True}, step.sample))
    assert "Direction TPE — donne accès" in card
    assert "Administratif TPE — ne donne pas accès" in card


async def test_r16_limite_a_stays_a_dash_unless_a_reason_is_given(store: Store, dossier: Dossier) -> None:
    async with store.work() as work:
        await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    with pytest.raises(Refused, match="limit_reason_needed"):
        await linked_by(store, dossier, CONTACT, limited_to="Paie")
    person = await linked_by(store, dossier, CONTACT)
    async with store.read() as session:
        ((link, _),) = await interlocuteurs.links_of(session, person.id)
    assert link.limited_to == NO_LIMIT


async def test_r17_r18_the_same_triple_creates_nothing_and_shows_the_existing_one(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    first = await propose(store, dossier, linked)
    assert (await propose(store, dossier, linked)).id == first.id


def test_r19_the_client_gets_the_link_and_the_identifier_and_reads_that_activation_is_in_progress() -> None:
    d = {
        "given_name": "Paul",
        "company": "Boulangerie",
        "offer_name": "Start",
        "email": PAUL.email,
        "url": "https://loop.example/",
        "gives": ["ged"],
    }
    mail = render.mail("propose_offer/identifier", "fr", {"d": d, "firm": {"name": "Cabinet", "color": "#5b5fc7"}})
    for body in (mail.html, mail.text):
        assert PAUL.email in body
        assert "https://loop.example/" in body
        assert "en cours" in body


async def test_r20_the_collaborateur_is_sent_to_the_widget_in_the_loop_hub(dossier: Dossier) -> None:
    keys = [step.key for step in loop.initialise(dossier, CATALOGUE["start"])]
    assert keys == ["open_hub", "initialiser", "tick_extension", "ok"]
    assert "Loop Hub" in render.text("loop.open_hub", "fr")


async def test_r21_several_offers_for_several_people_stand_in_one_matrix(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with store.work() as work:
        await invitations.invite_guest(work, SOPHIE, dossier, ADMIN)
    sophie = await linked_by(store, dossier, SOPHIES)
    await propose(store, dossier, linked, "consultation")
    await approve(store, (await propose(store, dossier, sophie, "start")).id, "malo")
    async with store.read() as session:
        seen = await matrix.of_dossier(session, dossier)
    shown = {
        line.person.given_name: {cell.offer.key: cell.state for cell in line.cells}
        for line in seen.lines
        if line.person
    }
    assert shown["Paul"]["consultation"] == PropositionState.PROPOSED
    assert shown["Sophie"]["start"] == PropositionState.ACTIVE


async def test_r22_to_r25_without_the_tick_the_offer_is_not_active(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    made = await propose(store, dossier, linked)
    with pytest.raises(Refused, match="tick_needed"):
        await approve(store, made.id, "malo", ticked=False)
    await approve(store, made.id, "malo")
    async with store.read() as session:
        assert (await propositions.get(session, made.id)).proposition.state == PropositionState.ACTIVE


@pytest.mark.parametrize("key", ["consultation", "co_production"])
def test_r26_to_r28_the_welcome_has_the_vignette_the_address_the_rights_and_both_ways_in(key: str) -> None:
    mail = welcome(key)
    for body in (mail.html, mail.text):
        for said in (
            "Boulangerie Martin",
            "https://loop.example/espace",
            "https://loop.example/application",
            "https://loop.example/ged",
        ):
            assert said in body
    for right in rights(CATALOGUE[key], Qualite.DIRECTION_TPE).gives():
        assert render.text(f"rights.{right}", "fr") in mail.text


async def test_r29_interlocuteurs_are_listed_by_nom_then_prenom(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    async with store.work() as work:
        await invitations.invite_guest(work, SOPHIE, dossier, ADMIN)
    await linked_by(store, dossier, SOPHIES)
    async with store.read() as session:
        listed = [interlocuteurs.full_name(one) for one in await interlocuteurs.linked_to(session, dossier.id)]
    assert listed == ["Kervella Sophie", "Martin Paul"]


async def test_of_two_at_once_one_decides_three_hundred_times(
    store: Store, dossier: Dossier, linked: Interlocuteur
) -> None:
    """Exactly one winner, one journal line, one effect owed each time."""
    store._owed = {OfferActivated: (Owed("welcome", "welcome"),), OfferProposed: ()}
    for _ in range(300):
        made = await propose(store, dossier, linked)
        outcomes = await asyncio.gather(
            approve(store, made.id, "malo"), approve(store, made.id, "ines"), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "Refused"]
        async with store.work() as work:
            row = await work.session.get(Proposition, made.id)
            assert row is not None
            row.state = PropositionState.ENDED
    async with store.read() as session:
        won = await session.scalars(select(JournalLine).where(JournalLine.what == "propositions.active"))
        owed = await session.scalars(select(Effect))
        assert (len(won.all()), len(owed.all())) == (300, 300)
