"""Every kind of activity Teams sends, to the whole program at work: an invoke is answered 200 in its own shape, an event 200.

What is sent is written as Microsoft documents it: "Universal Actions for Adaptive Cards", "Use dialogs with bots", "Build
message extensions", "Conversation events in your Teams bot", "Read receipts", "Meeting apps APIs" (learn.microsoft.com).
"""

import logging
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import app
from bot.pace import Pace
from practice.activities import Activity
from practice.conversations import Conversation, Message
from practice.protocol import check_action_answer, check_search_answer, check_task_answer
from tests.conftest import Bot, config_for
from tests.teams import Firm

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = ("channel", "personal", "groupChat")


class Office:
    """The firm, its bot, and a card of the bot's in « Général » and in Claire's 1:1 chat."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.teams = firm.teams
        self.claire = firm.person("Claire")

    async def invoke(self, name: str | None, value: Any, place: str = "channel") -> tuple[int, Any]:
        return await self._send(self._invoke(place) | {"name": name, "value": value})

    async def event(self, kind: str, place: str = "channel", **told: Any) -> tuple[int, Any]:
        made = self._invoke(place)
        channel_data = made["channelData"] | told.pop("channelData", {})
        bare = {key: made[key] for key in made.keys() - {"name", "value", "replyToId"}}
        return await self._send(bare | {"type": kind, "channelData": channel_data} | told)

    async def _send(self, activity: Activity) -> tuple[int, Any]:
        answer = await self.teams.redeliver(activity)
        return answer.status, answer.body

    def _invoke(self, place: str) -> Activity:
        where, card = self._card(place)
        made = self.teams.envelope.fetch(self.claire.client.persona, where, card, {})
        if place == "groupChat":
            made["conversation"] |= {"id": "19:group@thread.v2", "conversationType": "groupChat", "isGroup": True}
        return made

    def _card(self, place: str) -> tuple[Conversation, Message]:
        shown = self.claire.client.messages("channel" if place == "channel" else "chat")[-1]
        return shown.where, shown.message


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Callable[[], int]
) -> AsyncIterator[Office]:
    patched = pytest.MonkeyPatch()
    patched.setattr(app, "Pace", partial(Pace, burst=100_000))
    database = shutil.copy(sqlite_template, tmp_path_factory.mktemp("invokes") / "passerelle.db")
    firm = await Firm.start()
    bot = Bot(config_for(firm, f"sqlite+aiosqlite:///{database}", unused_tcp_port_factory()), firm)
    await bot.start()
    firm.teams.bot_url = f"{bot.url}/api/messages"
    await firm.install()
    await firm.person("Claire").writes("aide", in_chat=True)
    yield Office(firm)
    await bot.stop()
    await firm.stop()
    patched.undo()


@pytest.fixture(autouse=True)
def nothing_breaks(caplog: pytest.LogCaptureFixture) -> Any:
    """Nothing of all this is a bug of ours to apologise for."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


# --- invokes

Check = Callable[[Any], object]
CONTEXT = {"theme": "default"}
OURS = {"p": {"do": "menu"}}
INFO = {
    "uploadUrl": "https://contoso-my.sharepoint.com/up?tempauth=x",
    "name": "registre.csv",
    "contentUrl": "https://contoso-my.sharepoint.com/registre.csv",
    "uniqueId": "4e2f",
    "fileType": "csv",
}


def _executes(verb: str, trigger: str | None, data: Any = None) -> dict[str, Any]:
    action = {"type": "Action.Execute", "id": "", "title": "Suivi", "verb": verb, "data": data}
    return {"action": action, "trigger": trigger}


def task(*, fetch: bool) -> Check:
    return partial(check_task_answer, fetch=fetch)


def nothing(body: Any) -> None:
    """What an invoke is answered with that the bot offers no door for."""
    assert body == {}


INVOKES: list[tuple[str, Any, Check]] = [
    ("adaptiveCard/action", _executes("menu", "manual", OURS), check_action_answer),
    ("adaptiveCard/action", _executes("menu", "automatic", OURS), check_action_answer),
    ("adaptiveCard/action", _executes("tracking", "manual", {"p": {"do": "tracking"}}), check_action_answer),
    (
        "adaptiveCard/action",
        _executes("approve", "manual", {"p": {"do": "approve", "id": "gone"}}),
        check_action_answer,
    ),
    ("adaptiveCard/action", _executes("approve_activation", "automatic", OURS), check_action_answer),
    ("adaptiveCard/action", _executes("of another app", "manual"), check_action_answer),
    ("adaptiveCard/action", _executes("", None), check_action_answer),
    ("adaptiveCard/action", {"action": {"type": "Action.Execute"}, "authentication": None}, check_action_answer),
    ("task/fetch", {"data": {"p": {"do": "invite_guest"}}, "context": CONTEXT}, task(fetch=True)),
    ("task/fetch", {"data": {"p": {"do": "unknown"}}, "context": CONTEXT}, task(fetch=True)),
    ("task/fetch", {"data": None, "context": CONTEXT}, task(fetch=True)),
    ("task/submit", {"data": {"p": {"draft": "gone", "step": "who", "v": 1}}, "context": CONTEXT}, task(fetch=False)),
    ("task/submit", {"data": {}, "context": CONTEXT}, task(fetch=False)),
    (
        "application/search",
        {"kind": "search", "dataset": "dossiers", "queryText": "bou", "queryOptions": {"skip": 0, "top": 15}},
        check_search_answer,
    ),
    ("application/search", {"dataset": "of another app", "queryText": "", "queryOptions": None}, check_search_answer),
    ("fileConsent/invoke", {"type": "fileUpload", "action": "accept", "context": {}, "uploadInfo": INFO}, nothing),
    ("fileConsent/invoke", {"type": "fileUpload", "action": "decline", "context": None}, nothing),
    ("signin/verifyState", {"state": "123456"}, nothing),
    ("signin/tokenExchange", {"id": "1", "connectionName": "aad", "token": "eyJ0eXAi"}, nothing),
    ("signin/failure", {"code": "installappfailed", "message": "x"}, nothing),
    ("composeExtension/query", {"commandId": "search", "parameters": [], "queryOptions": {"count": 25}}, nothing),
    ("composeExtension/queryLink", {"url": "https://exemple.fr/"}, nothing),
    ("composeExtension/anonymousQueryLink", {"url": "https://exemple.fr/"}, nothing),
    ("composeExtension/selectItem", {"id": "1"}, nothing),
    ("composeExtension/fetchTask", {"commandId": "create", "commandContext": "message"}, nothing),
    ("composeExtension/submitAction", {"commandId": "create", "data": {}, "botMessagePreviewAction": "send"}, nothing),
    ("composeExtension/querySettingUrl", {}, nothing),
    ("composeExtension/setting", {"state": "CancelledByUser"}, nothing),
    ("composeExtension/onCardButtonClicked", {"id": "1"}, nothing),
    ("actionableMessage/executeAction", {"body": "{}", "actionId": "1"}, nothing),
    ("config/fetch", {"data": None, "context": CONTEXT}, nothing),
    ("config/submit", {"data": {"choice": "1"}, "context": CONTEXT}, nothing),
    ("tab/fetch", {"tabContext": {"tabEntityId": "suivi"}, "context": CONTEXT}, nothing),
    ("tab/submit", {"data": {"type": "tab/submit"}, "tabContext": {"tabEntityId": "suivi"}}, nothing),
    ("handoff/action", {"continuation": "a token"}, nothing),
    (
        "message/submitAction",
        {"actionName": "feedback", "actionValue": {"reaction": "like", "feedback": '{"feedbackText":"merci"}'}},
        nothing,
    ),
    ("message/fetchTask", {"data": {"actionName": "feedback", "actionValue": {"reaction": "like"}}}, nothing),
    ("suggestedActions/submit", "a text", nothing),
    ("somethingNew/invoke", [1, "two", None], nothing),
    ("", None, nothing),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "value", "check"), INVOKES, ids=[f"{at}-{name or 'unnamed'}" for at, (name, *_) in enumerate(INVOKES)]
)
async def test_an_invoke_is_answered_200_in_its_shape(
    office: Office, place: str, name: str, value: Any, check: Check
) -> None:
    status, body = await office.invoke(name, value, place)
    assert status == 200
    check(body)


async def test_an_invoke_without_name_or_value_is_answered_too(office: Office) -> None:
    assert await office.invoke(None, None) == (200, {})


@pytest.mark.parametrize("who", ["Malo", "Emma"])
async def test_an_invoke_of_whoever_may_not_is_answered_in_its_shape_too(office: Office, who: str) -> None:
    """A member who is no administrator, and a guest of the tenant."""
    persona = office.teams.person(who)
    where, card = office._card("channel")
    for name, value, check in INVOKES:
        made = office.teams.envelope.fetch(persona, where, card, {}) | {"name": name, "value": value}
        answer = await office.teams.redeliver(made)
        assert answer.status == 200, name
        check(answer.body)


# --- everything else

OTHER = {"id": "29:somebody", "aadObjectId": "5d9e1f70-0a4b-4f1d-b6a5-3b9c8e7f6a21"}
CHANNEL = {"id": "19:new@thread.tacv2", "name": "Social"}


def _updates(event: str, **told: Any) -> dict[str, Any]:
    return {"type": "conversationUpdate", "channelData": {"eventType": event, **told}}


def _meets(event: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "event", "name": f"application/vnd.microsoft.{event}", "value": value}


MEETING = {"MeetingType": "Scheduled", "Title": "Bilan", "Id": "MCMx", "JoinUrl": "https://teams.microsoft.com/l/x"}
PRESENT = {"members": [{"user": OTHER | {"name": "Malo"}, "meeting": {"inMeeting": True, "role": "Organizer"}}]}
EVENTS: list[dict[str, Any]] = [
    _updates("teamMemberAdded") | {"membersAdded": [OTHER]},
    _updates("teamMemberRemoved") | {"membersRemoved": [OTHER]},
    _updates("channelMemberAdded", channel=CHANNEL) | {"membersAdded": [OTHER]},
    _updates("channelMemberRemoved", channel=CHANNEL) | {"membersRemoved": [OTHER]},
    *(_updates(f"channel{what}", channel=CHANNEL) for what in ("Created", "Renamed", "Deleted", "Restored")),
    *(_updates(f"channel{what}", channel=CHANNEL) for what in ("Shared", "Unshared")),
    *(_updates(f"team{what}") for what in ("Renamed", "Archived", "Unarchived", "Restored", "Deleted", "HardDeleted")),
    {"type": "conversationUpdate", "topicName": "Général"},
    {"type": "conversationUpdate", "membersAdded": [OTHER], "membersRemoved": []},
    {"type": "messageReaction", "reactionsAdded": [{"type": "like"}], "replyToId": "1"},
    {"type": "messageReaction", "reactionsRemoved": [{"type": "heart"}], "replyToId": "1"},
    {"type": "messageUpdate", "text": "aide", "channelData": {"eventType": "editMessage"}},
    {"type": "messageUpdate", "text": "aide", "channelData": {"eventType": "undeleteMessage"}},
    {"type": "messageDelete", "channelData": {"eventType": "softDeleteMessage"}},
    {"type": "event", "name": "application/vnd.microsoft.readReceipt", "value": {"lastReadMessageId": "1680"}},
    _meets("meetingStart", MEETING | {"StartTime": "2025-06-05T00:01:02Z"}),
    _meets("meetingEnd", MEETING | {"EndTime": "2025-06-05T01:02:03Z"}),
    _meets("meetingParticipantJoin", PRESENT),
    _meets("meetingParticipantLeave", PRESENT),
    {"type": "event", "name": "tokens/response", "value": {"token": "x"}},
    {"type": "event"},
    {"type": "typing"},
    {"type": "command", "name": "application/vnd.contoso.x", "value": {"commandId": "1", "data": {}}},
    {"type": "commandResult", "name": "application/vnd.contoso.x", "value": {"commandId": "1"}},
    {"type": "handoff", "value": {}},
    {"type": "trace", "name": "x", "valueType": "x", "value": []},
    {"type": "endOfConversation", "code": "completedSuccessfully"},
    {"type": "contactRelationUpdate", "action": "add"},
    {"type": "deleteUserData"},
    {"type": "suggestion", "text": "aide"},
    {"type": "invokeResponse", "value": {"status": 200}},
    {"type": "somethingNew", "value": [1]},
]


def _told(event: Mapping[str, Any]) -> str:
    return str(event.get("channelData", {}).get("eventType") or event.get("name") or event["type"])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("event", EVENTS, ids=[f"{at}-{_told(one)}" for at, one in enumerate(EVENTS)])
async def test_an_event_is_answered_200_and_says_nothing(office: Office, place: str, event: dict[str, Any]) -> None:
    office.teams.counts.clear()
    assert await office.event(event["type"], place, **_without_type(event)) == (200, None)
    assert set(office.teams.counts) == {"delivered"}


def _without_type(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "type"}


@pytest.mark.parametrize("place", ["channel", "personal"])
async def test_an_installation_is_answered_200_each_time(office: Office, place: str) -> None:
    bot = {"id": office.teams.envelope.bot_id}
    for action in ("add", "add-upgrade", "remove-upgrade", "remove", "add"):
        assert await office.event("installationUpdate", place, action=action) == (200, None)
    for update in ({"membersRemoved": [bot]}, {"membersAdded": [bot, OTHER]}):
        assert await office.event("conversationUpdate", place, **update) == (200, None)


MESSAGES: list[dict[str, Any]] = [
    {"text": None},
    {"text": "", "attachments": []},
    {"text": "aide", "entities": None, "attachments": None},
    {
        "text": "<at>Passerelle</at>",
        "entities": [{"type": "https://schema.org/Message", "@type": "Message", "@id": ""}],
    },
    {"attachments": [{"contentType": "image/png", "contentUrl": "https://smba.example/x", "name": "x.png"}]},
    {"attachments": [{"contentType": "reference", "contentUrl": "https://exemple.fr", "content": "x"}]},
    {"attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": {"type": "AdaptiveCard"}}]},
    {"value": {"unlike": "ours"}, "text": None, "replyToId": "1"},
    {"value": {"p": {"do": "menu"}}, "text": "messageBack", "replyToId": "1"},
]


@pytest.mark.parametrize("place", ["channel", "personal"])
@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
async def test_any_message_is_answered_200(office: Office, place: str, message: dict[str, Any]) -> None:
    assert await office.event("message", place, **message) == (200, None)
