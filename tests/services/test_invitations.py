"""Invitations against the practice tenant's Graph: one guest, made once, resent at most once a day, revoked, retried."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from practice.cloud import Cloud
from services import guests, invitations
from services.errors import Refused, Unavailable
from services.events import GuestDismissed, InvitationRequested, InvitationResent, InvitationRevoked
from services.graph import Graph
from services.models import Dossier, Invitation, InvitationState
from services.moves import move_invitation
from services.record import Services
from services.store import Store
from tests.practice import conftest as practice
from tests.services.conftest import ADMIN, PAUL, Hand
from tests.services.recording import EVERY_EVENT, invitation, journal, services_of, told

cloud = practice.cloud
graph = practice.graph


@pytest.fixture
async def store(database_url: str, clock: Hand) -> AsyncIterator[Store]:
    made = Store(database_url, clock, EVERY_EVENT)
    yield made
    await made.close()


@pytest.fixture
def services(store: Store, graph: Graph) -> Services:
    return services_of(store, graph)


@pytest.fixture
async def asked(store: Store, dossier: Dossier) -> str:
    """Paul's invitation, asked for; Graph has not heard of it yet."""
    async with store.work() as work:
        return (await invitations.invite_guest(work, PAUL, dossier, ADMIN)).id


@pytest.fixture
async def sent(services: Services, asked: str) -> str:
    """Paul's invitation, sent and awaiting his answer."""
    await guests.send_invitation(InvitationRequested(asked), services)
    return asked


async def resend(store: Store, invitation_id: str) -> None:
    async with store.work() as work:
        await invitations.resend(work, invitation_id, ADMIN)


async def retry(store: Store, invitation_id: str) -> None:
    async with store.work() as work:
        await invitations.retry(work, invitation_id, ADMIN)


async def revoke(store: Store, invitation_id: str) -> None:
    async with store.work() as work:
        await invitations.revoke(work, invitation_id, ADMIN)


def guest_count(cloud: Cloud) -> int:
    return sum(user.user_type == "Guest" and not user.deleted for user in cloud.state.users.values())


# -- made once, or recognised


async def test_a_new_client_is_invited_once_and_one_mail_is_due(cloud: Cloud, services: Services, asked: str) -> None:
    for _ in range(2):
        await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.redeem_url) == (InvitationState.SENT, cloud.state.invitations[0].redeem_url)
    assert cloud.state.count("POST", "/invitations") == 1
    due = await invitations.mail_due(services, asked, "invitation_mail")
    assert due is not None
    assert due[1] == "invitation_mail"


@pytest.mark.parametrize("accepted", [True, None], ids=["accepted", "no_state"])
async def test_scenario_6_a_guest_made_in_entra_who_accepted_is_recognised(
    cloud: Cloud, services: Services, asked: str, accepted: bool | None
) -> None:
    made = cloud.state.create_guest(PAUL.email, "Paul", accepted=accepted)
    await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.user_id, row.made_in_entra) == (InvitationState.ACCEPTED, made.id, True)
    assert cloud.state.count("POST", "/invitations") == 0


async def test_scenario_6_a_guest_made_in_entra_and_pending_is_recognised_then_resent_if_asked(
    cloud: Cloud, services: Services, asked: str
) -> None:
    made = cloud.state.create_guest(PAUL.email, "Paul", accepted=False)
    await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.user_id, row.made_in_entra) == (InvitationState.SENT, made.id, True)
    assert cloud.state.count("POST", "/invitations") == 0
    assert "GuestInvited" not in await told(services.store, asked)

    await resend(services.store, asked)
    await guests.renew_invitation(InvitationResent(asked), services)
    row = await invitation(services.store, asked)
    assert (row.user_id, row.redeem_url) == (made.id, cloud.state.invitations[0].redeem_url)
    assert guest_count(cloud) == 1


async def test_graph_did_it_and_nobody_heard_the_link_is_asked_for_again(
    cloud: Cloud, services: Services, asked: str
) -> None:
    cloud.state.drop_next("POST", "/invitations", done=True)
    with pytest.raises(Unavailable):
        await guests.send_invitation(InvitationRequested(asked), services)
    await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.made_in_entra) == (InvitationState.SENT, False)
    assert row.redeem_url == cloud.state.invitations[-1].redeem_url
    assert guest_count(cloud) == 1
    assert await invitations.mail_due(services, asked, "invitation_mail") is not None


@pytest.mark.parametrize("kind", ["member", "disabled"])
async def test_an_address_that_cannot_be_a_guests_fails_with_its_reason(
    cloud: Cloud, services: Services, asked: str, kind: str
) -> None:
    user = cloud.state.create_guest(PAUL.email, "Paul")
    if kind == "member":
        user.user_type = "Member"
    else:
        user.account_enabled = False
    await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.reason) == (
        InvitationState.FAILED,
        {"member": "already_member", "disabled": "account_disabled"}[kind],
    )


# -- once more (scenario 5)


async def test_scenario_5_resent_once_a_day_counted_and_too_soon_says_the_time_left(
    cloud: Cloud, services: Services, sent: str, clock: Hand
) -> None:
    store = services.store
    await resend(store, sent)
    clock.forward(hours=3)
    with pytest.raises(Refused) as soon:
        await resend(store, sent)
    assert (soon.value.key, soon.value.facts["left"].total_seconds()) == ("resent_too_soon", 21 * 3600)  # type: ignore[attr-defined]
    clock.forward(hours=21)
    await resend(store, sent)
    row = await invitation(store, sent)
    assert (row.resends, row.resent_at) == (2, clock.now)
    assert [after for *_, after in await journal(store, "invitations.resent")] == ["1", "2"]


async def test_each_resend_has_a_fresh_link_a_mail_of_its_own_and_no_second_guest(
    cloud: Cloud, services: Services, sent: str
) -> None:
    first = await invitation(services.store, sent)
    await resend(services.store, sent)
    for _ in range(2):  # a reaction may be run again
        await guests.renew_invitation(InvitationResent(sent), services)
    row = await invitation(services.store, sent)
    assert row.user_id == first.user_id
    assert row.redeem_url not in (None, first.redeem_url)
    assert guest_count(cloud) == 1
    due = await invitations.mail_due(services, sent, "invitation_mail")
    assert due is not None
    assert due[1] == "invitation_mail_1"


async def test_two_resends_at_once_are_one(services: Services, sent: str) -> None:
    outcomes = await asyncio.gather(*(resend(services.store, sent) for _ in range(5)), return_exceptions=True)
    assert [one for one in outcomes if one is None] == [None]
    assert {one.key for one in outcomes if isinstance(one, Refused)} == {"resent_too_soon"}
    assert (await invitation(services.store, sent)).resends == 1
    assert (await told(services.store, sent)).count("InvitationResent") == 1


async def test_what_awaits_no_answer_is_not_resent(services: Services, sent: str, cloud: Cloud) -> None:
    cloud.state.redeem(cloud.state.invitations[0].redeem_url)
    await resend(services.store, sent)  # nobody had noticed the acceptance yet
    await guests.renew_invitation(InvitationResent(sent), services)
    assert (await invitation(services.store, sent)).state == InvitationState.ACCEPTED
    assert cloud.state.count("POST", "/invitations") == 1
    with pytest.raises(Refused, match="not_pending"):
        await resend(services.store, sent)


# -- refused for good, then mended (scenarios 7 and 8)


async def test_scenario_7_a_blocked_domain_fails_then_allowed_it_is_tried_again(
    cloud: Cloud, services: Services, asked: str
) -> None:
    domain = PAUL.email.partition("@")[2]
    cloud.state.blocked_domains.add(domain)
    await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.reason) == (InvitationState.FAILED, "domain_blocked")

    cloud.state.blocked_domains.clear()
    await retry(services.store, asked)
    await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.reason) == (InvitationState.SENT, None)
    assert await invitations.mail_due(services, asked, "invitation_mail") is not None
    with pytest.raises(Refused, match="not_to_retry"):
        await retry(services.store, asked)


async def test_scenario_8_made_by_hand_because_the_application_may_not(
    cloud: Cloud, services: Services, asked: str
) -> None:
    cloud.state.invitations_allowed = False
    await guests.send_invitation(InvitationRequested(asked), services)
    assert (await invitation(services.store, asked)).reason == "app_may_not_invite"

    made = cloud.state.create_guest(PAUL.email, "Paul", accepted=False)
    await retry(services.store, asked)
    await guests.send_invitation(InvitationRequested(asked), services)
    row = await invitation(services.store, asked)
    assert (row.state, row.user_id, row.made_in_entra) == (InvitationState.SENT, made.id, True)
    assert cloud.state.count("POST", "/invitations", 201) == 0


async def test_a_retry_is_refused_where_somebody_invited_the_person_meanwhile(
    cloud: Cloud, services: Services, asked: str, dossier: Dossier
) -> None:
    cloud.state.invitations_allowed = False
    await guests.send_invitation(InvitationRequested(asked), services)
    cloud.state.invitations_allowed = True
    async with services.store.work() as work:
        other = await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    with pytest.raises(Refused, match="invited_meanwhile"):
        await retry(services.store, asked)
    await guests.send_invitation(InvitationRequested(other.id), services)
    assert (await invitation(services.store, other.id)).state == InvitationState.SENT
    assert (await invitation(services.store, asked)).state == InvitationState.FAILED


async def test_expired_it_is_taken_up_again_with_a_new_link_and_a_mail_of_its_own(
    cloud: Cloud, services: Services, sent: str
) -> None:
    first = await invitation(services.store, sent)
    async with services.store.work() as work:
        await move_invitation(work, sent, InvitationState.EXPIRED, "passerelle", redeem_url=None)
    with pytest.raises(Refused, match="not_pending"):
        await resend(services.store, sent)
    await retry(services.store, sent)
    await guests.send_invitation(InvitationRequested(sent), services)
    row = await invitation(services.store, sent)
    assert (row.state, row.user_id) == (InvitationState.SENT, first.user_id)
    assert row.redeem_url not in (None, first.redeem_url)
    due = await invitations.mail_due(services, sent, "invitation_mail")
    assert due is not None
    assert due[1] == "invitation_mail_1"
    assert guest_count(cloud) == 1


# -- revoked


async def test_revoked_before_the_answer_the_guest_goes_once(cloud: Cloud, services: Services, sent: str) -> None:
    await revoke(services.store, sent)
    row = await invitation(services.store, sent)
    assert (row.state, row.redeem_url) == (InvitationState.REVOKED, None)
    for _ in range(2):
        await guests.remove_pending_guest(InvitationRevoked(sent), services)
    assert guest_count(cloud) == 0
    assert cloud.state.count("DELETE", "/users/*") == 1
    assert [subject for _, subject, *_ in await journal(services.store, "guests.removed")] == [sent]
    with pytest.raises(Refused, match="not_to_revoke"):
        await revoke(services.store, sent)


async def test_revoked_after_the_answer_the_guest_stays_until_the_mission_ends(
    cloud: Cloud, services: Services, sent: str
) -> None:
    cloud.state.redeem(cloud.state.invitations[0].redeem_url)
    await revoke(services.store, sent)
    await guests.remove_pending_guest(InvitationRevoked(sent), services)
    assert guest_count(cloud) == 1
    await guests.remove_guest(GuestDismissed(sent), services)
    await guests.remove_guest(GuestDismissed(sent), services)
    assert guest_count(cloud) == 0


async def test_already_deleted_in_entra_is_done(cloud: Cloud, services: Services, sent: str) -> None:
    row = await invitation(services.store, sent)
    assert row.user_id is not None
    await revoke(services.store, sent)
    cloud.state.fail_next("DELETE", "/users/*", 404, code="Request_ResourceNotFound")
    await guests.remove_guest(GuestDismissed(sent), services)
    assert (await invitation(services.store, sent)).reason is None


async def test_revoked_before_graph_was_asked_nobody_is_looked_for(
    cloud: Cloud, services: Services, asked: str
) -> None:
    cloud.state.create_guest(PAUL.email, "Paul", accepted=False)
    await revoke(services.store, asked)
    await guests.send_invitation(InvitationRequested(asked), services)
    await guests.remove_pending_guest(InvitationRevoked(asked), services)
    assert guest_count(cloud) == 1
    assert cloud.state.count("POST", "/invitations") == 0


async def test_revoked_while_graph_answered_the_guest_it_made_goes_too(
    cloud: Cloud, services: Services, asked: str
) -> None:
    cloud.state.drop_next("POST", "/invitations", done=True)
    with pytest.raises(Unavailable):
        await guests.send_invitation(InvitationRequested(asked), services)
    await revoke(services.store, asked)
    await guests.send_invitation(InvitationRequested(asked), services)
    await guests.remove_pending_guest(InvitationRevoked(asked), services)
    assert guest_count(cloud) == 0


async def test_invited_again_meanwhile_the_guest_stays(
    cloud: Cloud, services: Services, sent: str, dossier: Dossier
) -> None:
    await revoke(services.store, sent)
    async with services.store.work() as work:
        await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    await guests.remove_guest(GuestDismissed(sent), services)
    assert guest_count(cloud) == 1


async def test_a_member_of_the_firm_is_never_deleted(cloud: Cloud, services: Services, sent: str) -> None:
    row = await invitation(services.store, sent)
    await revoke(services.store, sent)
    cloud.state.users[row.user_id or ""].user_type = "Member"
    await guests.remove_guest(GuestDismissed(sent), services)
    assert cloud.state.count("DELETE", "/users/*") == 0


async def test_where_graph_refuses_the_removal_the_card_says_who_must_do_it(
    cloud: Cloud, services: Services, sent: str
) -> None:
    await revoke(services.store, sent)
    cloud.state.fail_next("DELETE", "/users/*", 403, code="Authorization_RequestDenied")
    await guests.remove_guest(GuestDismissed(sent), services)
    assert (await invitation(services.store, sent)).reason == "guest_not_removed"
    assert (await told(services.store, sent))[-1] == "OffersChanged"


async def test_what_does_not_exist_is_refused(store: Store) -> None:
    for act in (resend, retry, revoke):
        with pytest.raises(Refused, match="not_found"):
            await act(store, "0" * 32)


async def test_only_one_invitation_lives_whatever_is_retried_at_once(
    cloud: Cloud, services: Services, asked: str, dossier: Dossier
) -> None:
    cloud.state.invitations_allowed = False
    await guests.send_invitation(InvitationRequested(asked), services)

    async def invite() -> Invitation:
        async with services.store.work() as work:
            return await invitations.invite_guest(work, PAUL, dossier, ADMIN)

    outcomes = await asyncio.gather(retry(services.store, asked), invite(), return_exceptions=True)
    keys = {one.key for one in outcomes if isinstance(one, Refused)}
    assert keys <= {"invited_meanwhile"}
    assert not [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, Refused)]
    async with services.store.read() as session:
        assert len(await invitations.invited_for(session, dossier.id)) == 1
