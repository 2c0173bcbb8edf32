"""The adapter over real HTTP: what it asks of Graph, what it understands, and how it fails."""

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from practice import seed
from practice.cloud import Cloud
from services.errors import Refused, Unavailable
from services.graph import Graph
from services.ports import DirectoryUser
from tests.practice import conftest as practice

cloud = practice.cloud
graph = practice.graph

PAUL = seed.PAUL
TEAMS = "https://teams.microsoft.com/"
MAIL = practice.MAIL


async def invite(graph: Graph, email: str = PAUL.email) -> str:
    return (await graph.directory.invite(email, PAUL.name, "fr-FR", TEAMS)).user_id


# -- looking somebody up


async def test_nobody_has_the_address(graph: Graph) -> None:
    assert await graph.directory.find_by_email(PAUL.email) is None


async def test_a_member_is_found_whatever_the_case(graph: Graph) -> None:
    assert await graph.directory.find_by_email(seed.MALO.email.upper()) == DirectoryUser(
        id=seed.MALO.aad_id, email=seed.MALO.email, name=seed.MALO.name, guest=False, state=None
    )


@pytest.mark.parametrize(("accepted", "state"), [(True, "Accepted"), (False, "PendingAcceptance"), (None, None)])
async def test_a_guest_made_by_hand_is_found(cloud: Cloud, graph: Graph, accepted: bool | None, state: str) -> None:
    made = cloud.state.create_guest(PAUL.email, PAUL.name, accepted=accepted)
    found = await graph.directory.find_by_email(PAUL.email)
    assert found is not None
    assert (found.id, found.guest, found.state, found.name) == (made.id, True, state, PAUL.name)


async def test_a_second_address_is_found_and_a_quote_in_it_is_only_a_quote(cloud: Cloud, graph: Graph) -> None:
    guest = cloud.state.create_guest("paul@autre.example", PAUL.name)
    guest.other_mails.append("l'atelier@martin.example")
    found = await graph.directory.find_by_email("l'atelier@martin.example")
    assert found is not None
    assert (found.id, found.email) == (guest.id, "paul@autre.example")
    assert await graph.directory.find_by_email("x' or mail eq 'paul@autre.example") is None


async def test_the_one_whose_mail_it_is_goes_before_one_who_also_has_it(cloud: Cloud, graph: Graph) -> None:
    cloud.state.users[seed.MALO.aad_id].other_mails.append(PAUL.email)
    guest = cloud.state.create_guest(PAUL.email, PAUL.name)
    found = await graph.directory.find_by_email(PAUL.email)
    assert found is not None
    assert found.id == guest.id


async def test_a_guest_whose_mail_is_empty_keeps_the_other_address(cloud: Cloud, graph: Graph) -> None:
    cloud.state.create_guest(PAUL.email, PAUL.name).mail = None
    found = await graph.directory.find_by_email(PAUL.email)
    assert found is not None
    assert found.email == PAUL.email


async def test_by_id_and_after_deletion(cloud: Cloud, graph: Graph) -> None:
    user_id = await invite(graph)
    found = await graph.directory.find_by_id(user_id)
    assert found is not None
    assert found.email == PAUL.email
    cloud.state.users[user_id].account_enabled = False
    disabled = await graph.directory.find_by_id(user_id)
    assert disabled is not None
    assert not disabled.enabled
    await graph.directory.delete_guest(user_id)
    await graph.directory.delete_guest(user_id)
    assert await graph.directory.find_by_id(user_id) is None


# -- inviting


async def test_an_invitation_makes_a_pending_guest_and_sends_nothing(cloud: Cloud, graph: Graph) -> None:
    invited = await graph.directory.invite(PAUL.email, PAUL.name, "fr-FR", TEAMS)
    [granted] = cloud.state.invitations
    assert (granted.user_id, granted.redeem_url) == (invited.user_id, invited.redeem_url)
    assert (granted.email, granted.language, granted.redirect_url) == (PAUL.email, "fr-FR", TEAMS)
    assert cloud.state.mails == []
    cloud.state.redeem(invited.redeem_url)
    accepted = await graph.directory.find_by_id(invited.user_id)
    assert accepted is not None
    assert (accepted.state, accepted.name) == ("Accepted", PAUL.name)


async def test_inviting_again_gives_the_same_guest(cloud: Cloud, graph: Graph) -> None:
    assert await invite(graph) == await invite(graph, PAUL.email.upper())
    assert sum(user.user_type == "Guest" for user in cloud.state.users.values()) == 1


async def test_each_refusal_of_an_invitation_has_its_key(cloud: Cloud, graph: Graph) -> None:
    cloud.state.blocked_domains.add("bloque.example")
    disabled = cloud.state.create_guest("parti@martin.example", "Parti")
    disabled.account_enabled = False
    cloud.state.users[seed.MALO.aad_id].other_mails.append("malo@perso.example")
    keys = {}
    for email in (
        "a@bloque.example",
        "parti@martin.example",
        "malo@perso.example",
        f"nouveau@{seed.DOMAIN}",
        "paul+loop@martin.example",
        "paul@",
    ):
        with pytest.raises(Refused) as refused:
            await invite(graph, email)
        keys[email] = refused.value.key
        assert refused.value.facts["code"]
        assert refused.value.facts["request_id"]
    assert list(keys.values()) == [
        "domain_blocked",
        "account_disabled",
        "already_member",
        "already_member",
        "email_not_accepted",
        "email_not_accepted",
    ]
    assert cloud.state.invitations == []


async def test_a_domain_absent_from_the_allow_list_is_blocked(cloud: Cloud, graph: Graph) -> None:
    cloud.state.allowed_domains.add("permis.example")
    with pytest.raises(Refused, match="domain_blocked"):
        await invite(graph)
    assert await invite(graph, "paul@permis.example")


async def test_invitations_switched_off_in_the_tenant(cloud: Cloud, graph: Graph) -> None:
    cloud.state.invitations_allowed = False
    with pytest.raises(Refused, match="app_may_not_invite"):
        await invite(graph)


@pytest.mark.parametrize(
    ("status", "code", "message", "key"),
    [
        (
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
            "app_may_not_invite",
        ),
        (400, "BadRequest", "This invitation is blocked by cross-tenant access settings.", "domain_blocked"),
        (
            403,
            "Forbidden",
            "Invitations are blocked for this directory due to suspicious activity.",
            "directory_refused",
        ),
        (400, "BadRequest", "Something Graph never said before.", "directory_refused"),
    ],
)
async def test_refusals_only_graph_itself_can_give(
    cloud: Cloud, graph: Graph, status: int, code: str, message: str, key: str
) -> None:
    cloud.state.fail_next("POST", "/invitations", status, code=code, message=message)
    with pytest.raises(Refused) as refused:
        await invite(graph)
    assert (refused.value.key, refused.value.facts["code"]) == (key, code)


# -- following changes


async def test_changes_start_now_and_tell_acceptance_then_deletion(cloud: Cloud, graph: Graph) -> None:
    pending = await graph.directory.invite(PAUL.email, PAUL.name, "fr-FR", TEAMS)
    start = await graph.directory.changes(None)
    assert start.users == ()
    cloud.state.redeem(pending.redeem_url)
    accepted = await graph.directory.changes(start.cursor)
    assert [(user.id, user.state, user.guest) for user in accepted.users] == [(pending.user_id, "Accepted", True)]
    assert (await graph.directory.changes(accepted.cursor)).users == ()
    cloud.state.delete_user(pending.user_id)
    gone = await graph.directory.changes(accepted.cursor)
    assert [(user.id, user.deleted) for user in gone.users] == [(pending.user_id, True)]


async def test_changes_follow_every_page(cloud: Cloud, graph: Graph) -> None:
    cursor = (await graph.directory.changes(None)).cursor
    for number in range(5):
        cloud.state.create_guest(f"client{number}@martin.example", "Client")
    cloud.state.page_size = 2
    assert len((await graph.directory.changes(cursor)).users) == 5
    assert cloud.state.count("GET", "/users/delta") == 3


async def test_a_forgotten_or_spoilt_cursor_has_expired(cloud: Cloud, graph: Graph) -> None:
    cursor = (await graph.directory.changes(None)).cursor
    with pytest.raises(Refused, match="cursor_expired"):
        await graph.directory.changes(f"{cursor}&$top=1")
    assert (await graph.directory.changes(cursor)).users == ()
    cloud.state.forget_deltas()
    with pytest.raises(Refused, match="cursor_expired"):
        await graph.directory.changes(cursor)
    fresh = await graph.directory.changes((await graph.directory.changes(None)).cursor)
    assert fresh.users == ()


async def test_a_link_to_another_host_is_not_followed(cloud: Cloud, graph: Graph) -> None:
    stranger = await Cloud.start()
    cloud.state.page_size = 2
    cloud.state.base_url = stranger.graph_url
    with pytest.raises(Unavailable, match="directory_down"):
        await graph.directory.team_members(seed.TEAM_GROUP_ID)
    assert stranger.state.calls == []
    await stranger.stop()


# -- teams and groups


async def test_the_team_says_who_owns_it_on_every_page(cloud: Cloud, graph: Graph) -> None:
    cloud.state.page_size = 3
    members = await graph.directory.team_members(seed.TEAM_GROUP_ID)
    assert {(one.user_id, one.email, one.name, one.owner) for one in members} == {
        (person.aad_id, person.email, person.name, person.owner) for person in seed.STAFF
    }
    assert not any(one.guest for one in members)


async def test_a_group_has_members_without_roles(graph: Graph) -> None:
    [claire] = await graph.directory.group_members(seed.ADMIN_GROUP_ID)
    assert (claire.user_id, claire.email, claire.owner, claire.guest) == (
        seed.CLAIRE.aad_id,
        seed.CLAIRE.email,
        False,
        False,
    )


async def test_an_unknown_team_or_group_is_refused(graph: Graph) -> None:
    for ask in (graph.directory.team_members, graph.directory.group_members):
        with pytest.raises(Refused) as refused:
            await ask("00000000-0000-4000-8000-000000000000")
        assert (refused.value.key, refused.value.facts["code"]) == ("directory_refused", "NotFound")


async def test_a_guest_joins_the_team_once(cloud: Cloud, graph: Graph) -> None:
    user_id = await invite(graph)
    await graph.directory.add_to_team(seed.TEAM_GROUP_ID, user_id)
    await graph.directory.add_to_team(seed.TEAM_GROUP_ID, user_id)
    members = await graph.directory.team_members(seed.TEAM_GROUP_ID)
    assert [(one.email, one.guest) for one in members if one.user_id == user_id] == [(PAUL.email, True)]
    cloud.state.fail_next("POST", "/teams/*/members", 409, code="Conflict")
    await graph.directory.add_to_team(seed.TEAM_GROUP_ID, user_id)


async def test_a_team_that_takes_no_guests(cloud: Cloud, graph: Graph) -> None:
    cloud.state.teams_accept_guests = False
    user_id = await invite(graph)
    with pytest.raises(Refused, match="directory_refused"):
        await graph.directory.add_to_team(seed.TEAM_GROUP_ID, user_id)


# -- mail


async def test_a_mail_leaves_from_the_shared_mailbox(cloud: Cloud, graph: Graph) -> None:
    await graph.mailbox.send(MAIL)
    [mail] = cloud.state.mailbox(PAUL.email)
    assert (mail.sender, mail.to, mail.subject) == (seed.MAIL_FROM, (PAUL.email,), MAIL.subject)
    assert (mail.content_type, mail.content) == ("html", MAIL.html)
    assert mail.reply_to == ("accueil@cabinet-duhamel.example",)


async def test_a_mailbox_outside_our_scope_refuses(cloud: Cloud, graph: Graph) -> None:
    cloud.state.sending_mailboxes.clear()
    with pytest.raises(Refused) as refused:
        await graph.mailbox.send(MAIL)
    assert (refused.value.key, refused.value.facts["code"]) == ("mailbox_refused", "ErrorAccessDenied")


async def test_a_gateway_timeout_after_sending_is_ambiguous_and_never_repeated(cloud: Cloud, graph: Graph) -> None:
    cloud.state.fail_next("POST", "/users/*/sendMail", 504, done=True)
    with pytest.raises(Unavailable) as lost:
        await graph.mailbox.send(MAIL)
    assert (lost.value.key, lost.value.ambiguous) == ("mailbox_down", True)
    assert len(cloud.state.mails) == 1


async def test_a_busy_mailbox(cloud: Cloud, graph: Graph) -> None:
    cloud.state.fail_next("POST", "/users/*/sendMail", 429, headers={"Retry-After": "7"})
    with pytest.raises(Unavailable) as busy:
        await graph.mailbox.send(MAIL)
    assert (busy.value.key, busy.value.retry_after, busy.value.ambiguous) == ("mailbox_throttled", 7.0, False)
    assert cloud.state.mails == []


# -- what goes wrong on the way


async def test_a_throttled_read_is_read_again(cloud: Cloud, graph: Graph) -> None:
    cloud.state.fail_next("GET", "/users", 429, headers={"Retry-After": "0"}, times=2)
    assert await graph.directory.find_by_email(seed.MALO.email)
    assert cloud.state.count("GET", "/users") == 3


async def test_a_read_gives_up_on_the_third_refusal(cloud: Cloud, graph: Graph) -> None:
    cloud.state.fail_next("GET", "/users", 503, headers={"Retry-After": "0"}, times=3)
    with pytest.raises(Unavailable, match="directory_down"):
        await graph.directory.find_by_email(seed.MALO.email)
    assert cloud.state.count("GET", "/users") == 3


@pytest.mark.parametrize(
    "wait", ["30.5", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)], ids=["seconds", "date"]
)
async def test_a_wait_longer_than_the_time_left_is_handed_to_the_caller(cloud: Cloud, graph: Graph, wait: str) -> None:
    cloud.state.fail_next("GET", "/users", 429, headers={"Retry-After": wait})
    with pytest.raises(Unavailable) as busy:
        await graph.directory.find_by_email(seed.MALO.email)
    assert busy.value.key == "directory_throttled"
    assert busy.value.retry_after is not None
    assert busy.value.retry_after >= 30
    assert cloud.state.count("GET", "/users") == 1


@pytest.mark.parametrize(
    ("status", "ambiguous"),
    [(429, False), (503, False), (408, False), (412, False), (500, True), (502, True), (504, True)],
)
async def test_an_invitation_is_never_sent_twice(cloud: Cloud, graph: Graph, status: int, ambiguous: bool) -> None:
    cloud.state.fail_next("POST", "/invitations", status, headers={"Retry-After": "0"})
    with pytest.raises(Unavailable) as lost:
        await invite(graph)
    assert lost.value.ambiguous is ambiguous
    assert lost.value.key == ("directory_throttled" if status == 429 else "directory_down")
    assert cloud.state.count("POST", "/invitations") == 1


@pytest.mark.parametrize("done", [True, False])
async def test_a_connection_cut_after_sending_is_ambiguous(cloud: Cloud, graph: Graph, done: bool) -> None:
    cloud.state.drop_next("POST", "/invitations", done=done)
    with pytest.raises(Unavailable) as lost:
        await invite(graph)
    assert lost.value.ambiguous
    assert len(cloud.state.invitations) == done
    found = await graph.directory.find_by_email(PAUL.email)  # what whoever repeats does first
    assert (found is not None) == done


async def test_a_cut_read_or_deletion_is_not_ambiguous(cloud: Cloud, graph: Graph) -> None:
    user_id = await invite(graph)
    cloud.state.drop_next("DELETE", "/users/*", done=True)
    with pytest.raises(Unavailable) as lost:
        await graph.directory.delete_guest(user_id)
    assert not lost.value.ambiguous
    await graph.directory.delete_guest(user_id)


async def test_no_connection_at_all_is_not_ambiguous(cloud: Cloud, graph: Graph) -> None:
    await graph.warm()
    await cloud.stop()
    with pytest.raises(Unavailable) as lost:
        await invite(graph)
    assert (lost.value.key, lost.value.ambiguous) == ("directory_down", False)


async def test_every_call_ends_in_time(cloud: Cloud) -> None:
    graph = practice.connect(cloud, read_timeout=0.05, write_timeout=0.05)
    await graph.warm()
    cloud.state.delay_next("*", "*", 60, times=9, done=True)
    with pytest.raises(Unavailable) as slow:
        await graph.directory.find_by_email(PAUL.email)
    assert (slow.value.key, slow.value.ambiguous) == ("directory_down", False)
    with pytest.raises(Unavailable) as slow:
        await invite(graph)
    assert slow.value.ambiguous
    with pytest.raises(Unavailable) as slow:
        await graph.mailbox.send(MAIL)
    assert (slow.value.key, slow.value.ambiguous) == ("mailbox_down", True)
    await graph.close()


async def test_a_gateways_page_instead_of_json(cloud: Cloud, graph: Graph) -> None:
    cloud.state.fail_next("POST", "/invitations", 502, page="<h1>Bad gateway</h1>")
    with pytest.raises(Unavailable) as lost:
        await invite(graph)
    assert lost.value.ambiguous
    cloud.state.fail_next("POST", "/invitations", 200, page="<h1>Sign in to the network</h1>")
    with pytest.raises(Unavailable) as lost:
        await invite(graph)
    assert lost.value.ambiguous
    cloud.state.fail_next("GET", "/users", 404, page="<h1>Not found</h1>")
    with pytest.raises(Refused, match="directory_refused"):
        await graph.directory.find_by_email(PAUL.email)


async def test_what_is_logged_and_raised_names_nobody(
    cloud: Cloud, graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "services")
    cloud.state.blocked_domains.add("boulangerie-martin.example")
    with pytest.raises(Refused) as refused:
        await invite(graph)
    cloud.state.fail_next("GET", "/users", 400, message=f"Bad filter: mail eq '{PAUL.email}'")
    with pytest.raises(Refused):
        await graph.directory.find_by_email(PAUL.email)
    cloud.state.sending_mailboxes.clear()
    with pytest.raises(Refused):
        await graph.mailbox.send(MAIL)
    assert len(caplog.records) == 3
    assert "martin" not in caplog.text.lower()
    assert "martin" not in f"{refused.value} {refused.value.facts} {refused.value.__cause__}".lower()


def test_the_sdk_is_not_imported_with_the_module() -> None:
    heavy = "[m for m in sys.modules if m.split('.')[0] in ('msgraph', 'azure', 'kiota_http', 'msgraph_core')]"
    code = f"import sys, services.graph; print({heavy})"
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout.strip() == "[]"
