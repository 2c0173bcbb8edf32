"""The interlocuteurs: found, modified, linked, removed — one transaction each, R12 from either side, nobody's change lost."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from services import (
    dossiers,
    interlocuteur_removal,
    interlocuteur_search,
    interlocuteurs,
    invitations,
    loop_tasks,
    propositions,
)
from services.dossiers import DossierRecord
from services.errors import Refused
from services.interlocuteurs import Contact
from services.loop_tasks import Actor
from services.models import (
    Dossier,
    Interlocuteur,
    InterlocuteurWord,
    InvitationState,
    JournalLine,
    LoopTask,
    Proposition,
    PropositionState,
    Rattachement,
    TaskState,
)
from services.moves import move_invitation
from services.offers import Qualite
from services.store import Store
from tests.services.conftest import ADMIN, CONTACT, PAUL

CLAIRE = Actor(ADMIN, "Claire")
NEW_MAIL = "paul@martin-freres.example"


@pytest.fixture
async def garage(store: Store) -> Dossier:
    record = DossierRecord("GARMAR", "Garage Martin", "732 829 320", "Rennes", "Rennes", "malo@cabinet.example")
    async with store.work() as work:
        await dossiers.keep(work, [record])
    async with store.read() as session:
        return (await dossiers.search(session, "garmar"))[0]


async def invite(store: Store, email: str, dossier: Dossier) -> str:
    async with store.work() as work:
        return (await invitations.invite_guest(work, replace(PAUL, email=email), dossier, ADMIN)).id


async def modify(store: Store, person: Interlocuteur, contact: Contact, seen: int = 1) -> tuple[str, ...] | Refused:
    try:
        async with store.work() as work:
            return await interlocuteurs.modify(work, person.id, contact, seen, ADMIN)
    except Refused as refusal:
        return refusal


async def link(store: Store, person: Interlocuteur, dossier: Dossier) -> Rattachement | Refused:
    try:
        async with store.work() as work:
            return await interlocuteurs.link(work, person, dossier, ADMIN)
    except Refused as refusal:
        return refusal


async def propose(store: Store, dossier: Dossier, person: Interlocuteur, offer: str = "consultation") -> str | Refused:
    """As the dialog does it: the person is held until the commit."""
    try:
        async with store.work() as work:
            held = await interlocuteurs.get(work.session, person.id, lock=True)
            made, _ = await propositions.propose_offer(work, dossier, offer, held, ADMIN, "Claire")
            return made.id
    except Refused as refusal:
        return refusal


async def remove(store: Store, person: Interlocuteur, confirmed: str | None = None) -> Refused | None:
    async with store.read() as session:
        key = confirmed if confirmed is not None else (await interlocuteur_removal.loss(session, person.id)).key
    try:
        async with store.work() as work:
            await interlocuteur_removal.remove(work, person.id, key, CLAIRE)
    except Refused as refusal:
        return refusal
    return None


async def found(store: Store, typed: str, number: int = 1, size: int = 8) -> list[str]:
    async with store.read() as session:
        page = await interlocuteur_search.page(session, typed, number, size)
    return [interlocuteurs.full_name(one) for one in page.people]


async def journal(store: Store, what: str) -> list[tuple[str, str | None, str | None]]:
    async with store.read() as session:
        lines = await session.scalars(select(JournalLine).where(JournalLine.what == what).order_by(JournalLine.id))
        return [(line.subject, line.before, line.after) for line in lines]


class TestModifying:
    async def test_what_changed_is_in_the_journal_by_name_only(self, store: Store, linked: Interlocuteur) -> None:
        changed = await modify(store, linked, replace(CONTACT, mobile="+33698765432", notes="Le matin"))
        assert changed == ("mobile", "notes")
        assert await journal(store, "interlocuteurs.modified") == [(linked.id, None, "mobile notes")]
        async with store.read() as session:
            person = await interlocuteurs.get(session, linked.id)
        assert (person.mobile, person.notes, person.version) == ("+33698765432", "Le matin", 2)

    async def test_nothing_changed_writes_nothing(self, store: Store, linked: Interlocuteur) -> None:
        assert await modify(store, linked, CONTACT) == ()
        assert await journal(store, "interlocuteurs.modified") == []

    async def test_a_new_name_is_found_and_the_old_one_is_not(self, store: Store, linked: Interlocuteur) -> None:
        await modify(store, linked, replace(CONTACT, family_name="Órla", given_name="Béa"))
        assert await found(store, "orla bea") == ["Órla Béa"]
        assert await found(store, "martin paul boul") == ["Órla Béa"]  # the e-mail and the dossier still say so
        assert await found(store, "marti paul", 1) == ["Órla Béa"]
        async with store.read() as session:
            words = set(await session.scalars(select(InterlocuteurWord.word)))
        assert words == {"orla", "bea", "paul", "boulangerie", "example"}

    async def test_an_old_version_changes_nothing_then_the_new_one_does(
        self, store: Store, linked: Interlocuteur
    ) -> None:
        await modify(store, linked, replace(CONTACT, notes="first"))
        late = await modify(store, linked, replace(CONTACT, notes="second"), seen=1)
        assert isinstance(late, Refused)
        assert late.key == "changed_meanwhile"
        assert await modify(store, linked, replace(CONTACT, notes="second"), seen=2) == ("notes",)

    async def test_of_several_at_once_one_changes(self, store: Store, linked: Interlocuteur) -> None:
        outcomes = await asyncio.gather(*(modify(store, linked, replace(CONTACT, notes=str(n))) for n in range(6)))
        assert [one for one in outcomes if not isinstance(one, Refused)] == [("notes",)]
        assert {one.key for one in outcomes if isinstance(one, Refused)} == {"changed_meanwhile"}
        assert len(await journal(store, "interlocuteurs.modified")) == 1

    async def test_r12_the_new_e_mail_must_be_invited_for_every_dossier(
        self, store: Store, dossier: Dossier, garage: Dossier, linked: Interlocuteur
    ) -> None:
        await invite(store, CONTACT.email, garage)
        await link(store, linked, garage)
        blocked = await modify(store, linked, replace(CONTACT, email=NEW_MAIL))
        assert isinstance(blocked, Refused)
        assert blocked.key == "email_differs"
        assert blocked.facts == {"email": NEW_MAIL, "invited": CONTACT.email, "code": "BOUMAR"}
        await invite(store, NEW_MAIL, dossier)
        blocked = await modify(store, linked, replace(CONTACT, email=NEW_MAIL))
        assert isinstance(blocked, Refused)
        assert blocked.facts["code"] == "GARMAR"
        await invite(store, NEW_MAIL.upper(), garage)
        assert await modify(store, linked, replace(CONTACT, email=NEW_MAIL)) == ("email",)

    async def test_r12_case_and_space_are_no_other_e_mail(self, store: Store, linked: Interlocuteur) -> None:
        assert await modify(store, linked, replace(CONTACT, email=CONTACT.email.upper())) == ("email",)

    async def test_somebody_linked_to_nothing_may_have_any_e_mail(self, store: Store) -> None:
        async with store.work() as work:
            await interlocuteurs.create(work, CONTACT, "fr", ADMIN)
        async with store.read() as session:
            (person,) = (await interlocuteur_search.page(session, "", 1, 8)).people
        assert await modify(store, person, replace(CONTACT, email=NEW_MAIL)) == ("email",)


class TestLinking:
    async def test_r12_each_dossier_asks_for_its_own_invitation(
        self, store: Store, garage: Dossier, linked: Interlocuteur
    ) -> None:
        refused = await link(store, linked, garage)
        assert isinstance(refused, Refused)
        assert (refused.key, refused.facts["code"]) == ("not_invited", "GARMAR")
        await invite(store, NEW_MAIL, garage)
        refused = await link(store, linked, garage)
        assert isinstance(refused, Refused)
        assert (refused.key, refused.facts["invited"]) == ("email_differs", NEW_MAIL)
        await invite(store, f" {CONTACT.email.upper()} ", garage)
        assert isinstance(await link(store, linked, garage), Rattachement)

    async def test_a_new_invitation_breaks_nothing_that_stands(
        self, store: Store, dossier: Dossier, linked: Interlocuteur
    ) -> None:
        await invite(store, NEW_MAIL, dossier)
        async with store.read() as session:
            await interlocuteurs.require_invited(session, dossier.id, CONTACT.email)
            assert [one.id for one in await interlocuteurs.linked_to(session, dossier.id)] == [linked.id]
        assert isinstance(await propose(store, dossier, linked), str)

    async def test_a_revoked_invitation_no_longer_counts(
        self, store: Store, dossier: Dossier, linked: Interlocuteur
    ) -> None:
        async with store.work() as work:
            invitation = await invitations.live(work.session, CONTACT.email)
            assert invitation is not None
            await move_invitation(work, invitation.id, InvitationState.REVOKED, ADMIN)
        async with store.read() as session:
            with pytest.raises(Refused, match="not_invited"):
                await interlocuteurs.require_invited(session, dossier.id, CONTACT.email)

    async def test_the_same_link_twice_is_one(self, store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
        await asyncio.gather(*(link(store, linked, dossier) for _ in range(3)))
        assert len(await journal(store, "interlocuteurs.linked")) == 1

    async def test_linked_at_once_to_the_same_dossier_is_linked_once(
        self, store: Store, garage: Dossier, linked: Interlocuteur
    ) -> None:
        await invite(store, CONTACT.email, garage)
        outcomes = await asyncio.gather(*(link(store, linked, garage) for _ in range(6)))
        assert all(isinstance(one, Rattachement) or one.key == "linked_meanwhile" for one in outcomes)
        assert len(await journal(store, "interlocuteurs.linked")) == 2  # BOUMAR before, GARMAR now


class TestRemoving:
    async def test_what_is_lost_is_said_first(self, store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
        await propose(store, dossier, linked, "consultation")
        active = await propose(store, dossier, linked, "start")
        assert isinstance(active, str)
        async with store.work() as work:
            await propositions.approve_activation(work, active, "malo", "Malo", ticked=True)
        async with store.read() as session:
            loss = await interlocuteur_removal.loss(session, linked.id)
        assert [dossier.code for _, dossier in loss.links] == ["BOUMAR"]
        assert {(one.offer, one.state) for one, _ in loss.propositions} == {
            ("consultation", PropositionState.PROPOSED),
            ("start", PropositionState.ACTIVE),
        }

    async def test_links_and_live_propositions_go_in_the_same_commit(
        self, store: Store, dossier: Dossier, linked: Interlocuteur
    ) -> None:
        proposed = await propose(store, dossier, linked, "consultation")
        active = await propose(store, dossier, linked, "start")
        assert isinstance(active, str)
        async with store.work() as work:
            await propositions.approve_activation(work, active, "malo", "Malo", ticked=True)
        assert await remove(store, linked) is None
        async with store.read() as session:
            rows = {one.id: one for one in await session.scalars(select(Proposition))}
            assert await session.scalar(select(func.count()).select_from(Rattachement)) == 0
            assert await session.scalar(select(func.count()).select_from(InterlocuteurWord)) == 0
            kept = await session.get(Interlocuteur, linked.id)
            with pytest.raises(Refused, match="interlocuteur_unknown"):
                await interlocuteurs.get(session, linked.id)
        assert kept is not None
        assert kept.removed_at is not None
        assert rows[str(proposed)].state == PropositionState.WITHDRAWN
        assert rows[active].state == PropositionState.ENDED
        assert {one.closed_by_name for one in rows.values()} == {"Claire"}
        assert await journal(store, "propositions.withdrawn") == [(proposed, "proposed", "withdrawn")]
        assert await journal(store, "propositions.ended") == [(active, "active", "ended")]
        assert await journal(store, "interlocuteurs.unlinked") == [(linked.id, "BOUMAR", None)]
        assert await journal(store, "interlocuteurs.removed") == [(linked.id, None, None)]
        assert await found(store, "martin") == []

    async def test_the_guest_account_is_left_alone(self, store: Store, linked: Interlocuteur) -> None:
        await remove(store, linked)
        async with store.read() as session:
            assert await invitations.live(session, CONTACT.email) is not None

    async def test_a_loss_not_shown_is_not_confirmed(
        self, store: Store, dossier: Dossier, linked: Interlocuteur
    ) -> None:
        async with store.read() as session:
            seen = (await interlocuteur_removal.loss(session, linked.id)).key
        await propose(store, dossier, linked)
        refused = await remove(store, linked, seen)
        assert refused is not None
        assert refused.key == "more_to_lose"
        async with store.read() as session:
            assert await interlocuteurs.get(session, linked.id)
        assert await remove(store, linked) is None

    async def test_removed_twice_is_refused(self, store: Store, linked: Interlocuteur) -> None:
        assert await remove(store, linked) is None
        again = await remove(store, linked)
        assert again is not None
        assert again.key == "interlocuteur_unknown"

    async def test_nobody_proposes_or_links_while_somebody_removes(
        self, store: Store, dossier: Dossier, garage: Dossier, linked: Interlocuteur
    ) -> None:
        await invite(store, CONTACT.email, garage)
        await asyncio.gather(
            remove(store, linked), propose(store, dossier, linked), link(store, linked, garage), remove(store, linked)
        )
        async with store.read() as session:
            person = await session.get(Interlocuteur, linked.id)
            assert person is not None
            states = set(await session.scalars(select(Proposition.state)))
            links = await session.scalar(select(func.count()).select_from(Rattachement))
        if person.removed_at is None:  # the loss changed under both: the administrator is asked again
            assert links
        else:
            assert not links
            assert states <= {PropositionState.WITHDRAWN}

    async def test_what_was_left_to_do_in_loop_for_the_person_is_dropped(
        self, store: Store, dossier: Dossier, linked: Interlocuteur
    ) -> None:
        async with store.work() as work:
            person = await interlocuteurs.get(work.session, linked.id)
            await loop_tasks.ask(work, "link_interlocuteur", dossier, CLAIRE, done=False, interlocuteur=person)
            await propositions.propose_offer(work, dossier, "start", person, ADMIN, "Claire", announce=False)
            await loop_tasks.ask(work, "new_client", dossier, CLAIRE, done=False, offer="start", interlocuteur=person)
        assert await remove(store, linked) is None
        async with store.read() as session:
            left = [
                (task, await loop_tasks.guide(session, task))
                for task in await session.scalars(select(LoopTask).where(LoopTask.state == TaskState.TODO))
            ]
        assert [task.what for task, _ in left] == ["activate_offer"]  # the dossier's, whoever it was for


async def test_a_contact_crosses_unchanged(store: Store) -> None:
    full = Contact(
        "d’Aubigné", "Jean-Luc", "+33612345678", "+33299000000", "jl@x.fr", Qualite.ADMINISTRATIF_TPE,
        "1 rue A", "Bât. B", "Étage 3", "Rennes", "35000", "France", "Deux\nlignes",
    )  # fmt: skip
    async with store.work() as work:
        await interlocuteurs.create(work, full, "fr", ADMIN)
    async with store.read() as session:
        (person,) = (await interlocuteur_search.page(session, "aubigne", 1, 8)).people
    assert interlocuteurs.contact_of(person) == full
    assert interlocuteurs.differences(full, full) == ()
