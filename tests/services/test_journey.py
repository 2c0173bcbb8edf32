"""The nine steps of a client's path: what is done, what is next, who is to do it, since when."""

import pytest

from services import deliveries, invitations, journey, loop_tasks, offers, propositions
from services.journey import Journey
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur, Invitation, InvitationState
from services.moves import move_invitation
from services.store import Store
from tests.services.conftest import ADMIN, PAUL, Hand

CLAIRE = Actor(ADMIN, "Claire")


async def invited(store: Store, dossier: Dossier) -> str:
    async with store.work() as work:
        return (await invitations.invite_guest(work, PAUL, dossier, ADMIN)).id


async def becomes(store: Store, invitation_id: str, state: InvitationState, **changes: object) -> None:
    async with store.work() as work:
        assert await move_invitation(work, invitation_id, state, "graph", **changes)


async def stands(store: Store, invitation_id: str, dossier: Dossier) -> Journey:
    async with store.read() as session:
        found = await journey.of_person(session, await invitations.get(session, invitation_id), dossier)
    assert found is not None
    return found


async def of(store: Store, person: Interlocuteur, dossier: Dossier) -> str:
    async with store.read() as session:
        found = await invitations.newest_for(session, dossier.id, person.email)
    assert isinstance(found, Invitation)
    return found.id


async def propose(store: Store, dossier: Dossier, person: Interlocuteur) -> str:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, "consultation", person, ADMIN, "Claire")
    return made.id


async def test_from_the_request_to_the_acceptance(store: Store, clock: Hand, dossier: Dossier) -> None:
    asked_at = clock.now
    paul = await invited(store, dossier)
    assert await stands(store, paul, dossier) == Journey((), "invite", "passerelle", asked_at)
    clock.forward(minutes=1)
    await becomes(store, paul, InvitationState.SENT, sent_at=clock.now)
    sent_at = clock.now
    assert await stands(store, paul, dossier) == Journey(("invite",), "accept", "entrepreneur", sent_at)
    clock.forward(days=2)
    await becomes(store, paul, InvitationState.ACCEPTED, accepted_at=clock.now)
    assert await stands(store, paul, dossier) == Journey(("invite", "accept"), "activate", "administrateur", clock.now)


async def test_what_went_wrong_is_the_administrators(store: Store, dossier: Dossier) -> None:
    paul = await invited(store, dossier)
    await becomes(store, paul, InvitationState.FAILED, reason="domain_blocked")
    stood = await stands(store, paul, dossier)
    assert (stood.next, stood.ball, stood.reason) == ("invite", "administrateur", "domain_blocked")


@pytest.mark.parametrize("state", [InvitationState.REVOKED, InvitationState.EXPIRED])
async def test_a_path_given_up_is_none(store: Store, dossier: Dossier, state: InvitationState) -> None:
    paul = await invited(store, dossier)
    await becomes(store, paul, InvitationState.SENT)
    await becomes(store, paul, state)
    async with store.read() as session:
        assert await journey.of_person(session, await invitations.get(session, paul), dossier) is None


async def test_steps_done_ahead_of_the_guest_are_done(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    paul = await of(store, linked, dossier)
    await becomes(store, paul, InvitationState.SENT)
    await propose(store, dossier, linked)
    stood = await stands(store, paul, dossier)
    assert stood.done == ("invite", "activate", "describe", "link", "propose")
    assert (stood.next, stood.ball) == ("accept", "entrepreneur")


async def test_the_collaborateur_has_the_ball_until_they_decide(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    paul = await of(store, linked, dossier)
    await becomes(store, paul, InvitationState.ACCEPTED, accepted_at=clock.now)
    proposed = await propose(store, dossier, linked)
    assert (await stands(store, paul, dossier)).next == "tell"
    clock.forward(minutes=5)
    await propositions.awaits_approval(store, proposed, "passerelle")
    stood = await stands(store, paul, dossier)
    assert (stood.next, stood.ball, stood.since) == ("approve", "collaborateur", clock.now)
    clock.forward(days=1)
    async with store.work() as work:
        await propositions.refuse_activation(work, proposed, "malo", "Malo", "Le widget manque.")
    stood = await stands(store, paul, dossier)
    assert (stood.next, stood.ball, stood.since) == ("approve", "administrateur", clock.now)
    again = await propose(store, dossier, linked)
    async with store.work() as work:
        await propositions.approve_activation(work, again, "malo", "Malo", ticked=True)
    assert await stands(store, paul, dossier) == Journey(journey.STEPS, None, None, clock.now)


async def test_a_mail_that_could_not_leave_is_not_done(store: Store, dossier: Dossier, linked: Interlocuteur) -> None:
    paul = await of(store, linked, dossier)
    await becomes(store, paul, InvitationState.ACCEPTED, accepted_at=store.clock())
    proposed = await propose(store, dossier, linked)
    async with store.work() as work:
        await propositions.approve_activation(work, proposed, "malo", "Malo", ticked=True)
    await deliveries.record(store, proposed, deliveries.WELCOME, "mailbox_refused")
    stood = await stands(store, paul, dossier)
    assert (stood.next, stood.ball, stood.reason) == ("welcome", "administrateur", "mailbox_refused")
    await deliveries.record(store, proposed, deliveries.WELCOME)
    assert (await stands(store, paul, dossier)).next is None


async def test_what_is_left_to_do_in_loop_is_not_done(store: Store, dossier: Dossier) -> None:
    paul = await invited(store, dossier)
    await becomes(store, paul, InvitationState.ACCEPTED, accepted_at=store.clock())
    async with store.work() as work:
        await offers.activate_offer(work, dossier, "start", ADMIN, subscription_confirmed=False)
        task = await loop_tasks.ask(work, "activate_offer", dossier, CLAIRE, done=False, offer="start")
    assert (await stands(store, paul, dossier)).next == "activate"
    async with store.work() as work:
        await loop_tasks.finish(work, task.id, CLAIRE)
    stood = await stands(store, paul, dossier)
    assert (stood.next, stood.ball) == ("describe", "administrateur")
