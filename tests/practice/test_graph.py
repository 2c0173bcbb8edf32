"""The practice Graph refuses what Graph refuses: asked over HTTP, without our adapter's good manners."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from practice import seed
from practice.cloud import Cloud
from practice.entra import CONNECTOR_SCOPE, GRAPH_SCOPE

PAUL = seed.PAUL
TEAM = f"/teams/{seed.TEAM_GROUP_ID}/members"
INVITATION = {"invitedUserEmailAddress": PAUL.email, "inviteRedirectUrl": "https://teams.microsoft.com/"}
MESSAGE = {
    "subject": "Bonjour",
    "body": {"contentType": "Text", "content": "Bonjour"},
    "toRecipients": [{"emailAddress": {"address": PAUL.email}}],
}
BIND = "https://graph.microsoft.com/v1.0/users('{}')"


async def fetch_token(cloud: Cloud, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": cloud.app_id,
        "client_secret": cloud.app_secret,
        "scope": GRAPH_SCOPE,
        "tenant": cloud.tenant_id,
    } | changes
    async with httpx.AsyncClient(base_url=cloud.authority_url) as client:
        return await client.post(f"/{form.pop('tenant')}/oauth2/v2.0/token", data=form)


@pytest.fixture
async def http(cloud: Cloud) -> AsyncIterator[httpx.AsyncClient]:
    token = (await fetch_token(cloud)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{cloud.graph_url}/v1.0", headers=headers) as client:
        yield client


def refusal(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["message"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    return answer.status_code, error["code"]


# -- tokens


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "other"}, 400, "unauthorized_client", 700016),
        ({"tenant": "other"}, 400, "invalid_request", 90002),
        ({"scope": "https://graph.microsoft.com/User.Read"}, 400, "invalid_scope", 1002012),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
async def test_entra_refuses(cloud: Cloud, changes: dict[str, str], status: int, error: str, code: int) -> None:
    answer = await fetch_token(cloud, **changes)
    assert answer.status_code == status
    assert (answer.json()["error"], answer.json()["error_codes"]) == (error, [code])
    assert cloud.app_secret not in answer.text


async def test_graph_opens_to_its_own_token_only(cloud: Cloud, http: httpx.AsyncClient) -> None:
    connector = (await fetch_token(cloud, scope=CONNECTOR_SCOPE)).json()["access_token"]
    assert cloud.valid_connector_token(connector)
    for header in ("", "Bearer", "Bearer forged.token", f"Bearer {connector}", f"Basic {connector}"):
        answer = await http.get("/users", headers={"Authorization": header})
        assert refusal(answer) == (401, "InvalidAuthenticationToken")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    cloud.state.revoke_tokens()
    assert refusal(await http.get("/users")) == (401, "InvalidAuthenticationToken")
    assert not cloud.valid_connector_token(connector)


async def test_a_token_has_an_end(cloud: Cloud) -> None:
    cloud.state.token_seconds = 0
    assert not cloud.valid_connector_token((await fetch_token(cloud, scope=CONNECTOR_SCOPE)).json()["access_token"])


# -- reading


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"mail eq '{seed.MALO.email.upper()}'", {"Malo Le Goff"}),
        ("otherMails/any(x:x eq 'l''atelier@martin.example')", {"L’Atelier"}),
        (f"id in ('{seed.MALO.aad_id}', '{seed.INES.aad_id}')", {"Malo Le Goff", "Inès Caradec"}),
        ("startswith(displayName,'in') and userType eq 'Member'", {"Inès Caradec"}),
        ("(id eq 'x' or userType eq 'Guest') and externalUserState eq 'PendingAcceptance'", {"Pierre"}),
        ("externalUserState eq null and userType eq 'Guest'", {"Vieux"}),
        ("accountEnabled eq false", {"Vieux"}),
    ],
)
async def test_filters(cloud: Cloud, http: httpx.AsyncClient, text: str, names: set[str]) -> None:
    cloud.state.create_guest("l'atelier@martin.example", "L’Atelier")
    cloud.state.create_guest("pierre@martin.example", "Pierre", accepted=False)
    cloud.state.create_guest("vieux@martin.example", "Vieux", accepted=None).account_enabled = False
    answer = await http.get("/users", params={"$filter": text})
    assert {user["displayName"] for user in answer.json()["value"]} == names


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"$filter": "mail eq"}, "BadRequest"),
        ({"$filter": "mail eq 'o'neil@x.example'"}, "BadRequest"),
        ({"$filter": "mail eq paul"}, "BadRequest"),
        ({"$filter": "mail like 'paul'"}, "BadRequest"),
        ({"$filter": "(mail eq 'a'"}, "BadRequest"),
        ({"$filter": "mail eq 'a' §"}, "BadRequest"),
        ({"$filter": "shoeSize eq '42'"}, "BadRequest"),
        ({"$filter": " or ".join(f"id eq '{n}'" for n in range(16))}, "Request_UnsupportedQuery"),
        ({"$select": "id,shoeSize"}, "BadRequest"),
        ({"$top": "0"}, "BadRequest"),
        ({"$top": "1000"}, "BadRequest"),
        ({"$skiptoken": "nonsense"}, "BadRequest"),
    ],
)
async def test_malformed_queries(http: httpx.AsyncClient, query: dict[str, str], code: str) -> None:
    assert refusal(await http.get("/users", params=query)) == (400, code)


async def test_what_is_not_selected_is_not_shown(cloud: Cloud, http: httpx.AsyncClient) -> None:
    guest = cloud.state.create_guest(PAUL.email, PAUL.name)
    assert "externalUserState" not in (await http.get(f"/users/{guest.id}")).json()
    chosen = (await http.get(f"/users/{PAUL.email}", params={"$select": "id,externalUserState"})).json()
    assert chosen.items() >= {"id": guest.id, "externalUserState": "Accepted"}.items()


async def test_unknown_things(http: httpx.AsyncClient) -> None:
    assert refusal(await http.get("/users/nobody")) == (404, "Request_ResourceNotFound")
    assert refusal(await http.delete("/users/nobody")) == (404, "Request_ResourceNotFound")
    assert refusal(await http.get("/groups/none/members")) == (404, "NotFound")
    assert refusal(await http.get(f"/teams/{seed.ADMIN_GROUP_ID}/members")) == (404, "NotFound")
    assert refusal(await http.get("/planets")) == (400, "BadRequest")
    assert refusal(await http.patch("/users/nobody", json={})) == (400, "BadRequest")


async def test_a_whole_delta_then_what_follows(cloud: Cloud, http: httpx.AsyncClient) -> None:
    cloud.state.page_size = 5
    guest = cloud.state.create_guest(PAUL.email, PAUL.name, accepted=None)
    url, seen = "/users/delta?$select=id,mail,externalUserState", list[dict[str, Any]]()
    while "deltatoken" not in url:
        page = (await http.get(url)).json()
        seen += page["value"]
        url = page.get("@odata.nextLink") or page["@odata.deltaLink"]
    assert len(seen) == len(cloud.state.users)
    assert seen[-1] == {"id": guest.id, "mail": PAUL.email}  # what holds nothing is left out
    cloud.state.delete_user(guest.id)
    [gone] = (await http.get(url)).json()["value"]
    assert gone == {"id": guest.id, "@removed": {"reason": "changed"}}


async def test_a_delta_of_chosen_users(cloud: Cloud, http: httpx.AsyncClient) -> None:
    one, other = (cloud.state.create_guest(f"{name}@martin.example", name, accepted=False) for name in "ab")
    ids = [one.id, *map(str, range(49))]
    query = {"$filter": " or ".join(f"id eq '{user_id}'" for user_id in ids)}
    first = (await http.get("/users/delta()", params=query)).json()
    assert [user["id"] for user in first["value"]] == [one.id]
    for guest in (one, other):
        cloud.state.touch(guest.id)
    assert [user["id"] for user in (await http.get(first["@odata.deltaLink"])).json()["value"]] == [one.id]
    query["$filter"] += " or id eq 'x'"
    assert refusal(await http.get("/users/delta()", params=query)) == (400, "Request_UnsupportedQuery")


# -- writing


@pytest.mark.parametrize("path", ["/invitations", f"/users/{seed.MAIL_FROM}/sendMail", TEAM])
@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"[]", "application/json"), (b"{}", "application/json"), (b"{}", "text/plain")],
)
async def test_bodies_that_say_nothing(
    cloud: Cloud, http: httpx.AsyncClient, path: str, content: bytes, kind: str
) -> None:
    answer = await http.post(path, content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert refusal(answer)
    assert (cloud.state.invitations, cloud.state.mails) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        {"inviteRedirectUrl": "https://x.example"},
        {"invitedUserEmailAddress": PAUL.email},
        {**INVITATION, "inviteRedirectUrl": "teams"},
        *({**INVITATION, "invitedUserEmailAddress": bad} for bad in ("p", "p@", ".p@x.fr", "p+q@x.fr", "p o@x.fr", 3)),
    ],
)
async def test_malformed_invitations(cloud: Cloud, http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert refusal(await http.post("/invitations", json=body)) == (400, "BadRequest")
    assert cloud.state.invitations == []


async def test_microsofts_mail_has_microsofts_words_and_goes_to_new_guests_only(
    cloud: Cloud, http: httpx.AsyncClient
) -> None:
    info = {"customizedMessageBody": "Bienvenue chez nous"}
    body = {**INVITATION, "sendInvitationMessage": True, "invitedUserMessageInfo": info}
    first = (await http.post("/invitations", json=body)).json()
    assert first["invitedUserMessageInfo"]["customizedMessageBody"] is None
    [mail] = cloud.state.mailbox(PAUL.email)
    assert "Bienvenue" not in mail.content
    assert first["inviteRedeemUrl"] in mail.content
    again = (await http.post("/invitations", json=body)).json()
    assert again["invitedUser"] == first["invitedUser"]
    assert len(cloud.state.mailbox(PAUL.email)) == 1


async def test_redeeming_in_a_browser(cloud: Cloud, http: httpx.AsyncClient) -> None:
    invited = (await http.post("/invitations", json=INVITATION)).json()
    page = await http.get(invited["inviteRedeemUrl"])
    assert (page.status_code, page.headers["Location"]) == (302, INVITATION["inviteRedirectUrl"])
    assert cloud.state.users[invited["invitedUser"]["id"]].external_user_state == "Accepted"
    assert (await http.post("/invitations", json=INVITATION)).json()["status"] == "Completed"
    cloud.state.delete_user(invited["invitedUser"]["id"])
    for url in (invited["inviteRedeemUrl"], f"{cloud.graph_url}/redeem?rd=guess", f"{cloud.graph_url}/redeem"):
        assert (await http.get(url)).status_code == 404


async def test_a_guest_deleted_then_invited_is_another(cloud: Cloud, http: httpx.AsyncClient) -> None:
    first = (await http.post("/invitations", json=INVITATION)).json()["invitedUser"]["id"]
    assert (await http.delete(f"/users/{first}")).status_code == 204
    assert (await http.post("/invitations", json=INVITATION)).json()["invitedUser"]["id"] != first


async def test_mails_refused(cloud: Cloud, http: httpx.AsyncClient) -> None:
    body = {"message": MESSAGE}
    assert refusal(await http.post("/users/nobody@x.example/sendMail", json=body)) == (404, "ErrorInvalidUser")
    url = f"/users/{seed.MAIL_FROM}/sendMail"
    assert refusal(await http.post(url, json={"message": {**MESSAGE, "toRecipients": []}}))[0] == 400
    nameless = {**MESSAGE, "toRecipients": [{"emailAddress": {"address": "paul"}}]}
    assert refusal(await http.post(url, json={"Message": nameless})) == (400, "ErrorInvalidRecipients")
    assert refusal(await http.post(f"/users/{seed.CLAIRE.email}/sendMail", json=body)) == (403, "ErrorAccessDenied")
    assert cloud.state.mails == []
    assert (await http.post(url, json=body)).status_code == 202
    assert [mail.content_type for mail in cloud.state.mails] == ["text"]


async def test_team_members_refused(cloud: Cloud, http: httpx.AsyncClient) -> None:
    member = {"@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": []}
    for bind, expected in (
        ("https://elsewhere.example/users/x", (400, "BadRequest")),
        (BIND.format("nobody"), (404, "NotFound")),
        (BIND.format(seed.MALO.aad_id), (400, "BadRequest")),
    ):
        assert refusal(await http.post(TEAM, json={**member, "user@odata.bind": bind})) == expected


# -- the tenant itself


async def test_a_restart_forgets_nothing_that_matters(tmp_path: Path) -> None:
    path = tmp_path / "var" / "cloud.json"
    first = await Cloud.start(path=path)
    token = (await fetch_token(first, scope=CONNECTOR_SCOPE)).json()["access_token"]
    headers = {"Authorization": f"Bearer {(await fetch_token(first)).json()['access_token']}"}
    async with httpx.AsyncClient(base_url=f"{first.graph_url}/v1.0", headers=headers) as http:
        link = (await http.get("/users/delta()", params={"$deltatoken": "latest"})).json()["@odata.deltaLink"]
        invited = (await http.post("/invitations", json=INVITATION)).json()
        await http.post(f"/users/{seed.MAIL_FROM}/sendMail", json={"message": MESSAGE})
    await first.stop()
    second = await Cloud.start(path=path)
    assert second.valid_connector_token(token)
    assert second.state.mailbox(PAUL.email) == first.state.mailbox(PAUL.email)
    second.state.redeem(invited["inviteRedeemUrl"])
    async with httpx.AsyncClient(headers=headers) as http:
        changed = (await http.get(link.replace(first.graph_url, second.graph_url))).json()["value"]
    assert [user["id"] for user in changed] == [invited["invitedUser"]["id"]]
    assert [user.mail for user in second.state.users.values()].count(PAUL.email) == 1
    assert list(path.parent.iterdir()) == [path]
    await second.stop()


async def test_scripted_faults_end_and_are_counted(cloud: Cloud, http: httpx.AsyncClient) -> None:
    cloud.state.drop_next("POST", "/invitations", done=True)
    cloud.state.fail_next("POST", "/invitations", 503, times=2)
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post("/invitations", json=INVITATION)
    statuses = [(await http.post("/invitations", json=INVITATION)).status_code for _ in range(3)]
    assert statuses == [503, 503, 201]
    assert cloud.state.count("POST", "/invitations") == 4
    assert cloud.state.count("POST", "/invitations", 201) == 1
    assert len(cloud.state.invitations) == 2
