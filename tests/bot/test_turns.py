"""Every kind of turn, over real HTTP and through the SDK: what the engine receives, what Teams is answered."""

import asyncio
import json
import logging
from typing import Any

import pytest

from dialogs.turn import (
    Acted,
    Arrived,
    Consented,
    Departed,
    Done,
    Nothing,
    Opened,
    Post,
    Redraw,
    Refreshed,
    Reply,
    Show,
    Sought,
    Submitted,
    Suggest,
    Turn,
    What,
    Wrote,
)
from services.errors import Unavailable
from services.ports import Mention, Message, PlaceKind, Upload
from tests.bot.kit import AAD_ID, BOT, GENERAL, MRI, TENANT, Bot

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Été"}]}
MESSAGE = Message(card=CARD, summary="Menu")
DATA = {"p": {"do": "open_invite", "id": "7"}, "email": "paul@exemple.fr"}
EXECUTE = {"action": {"type": "Action.Execute", "verb": "approve", "data": DATA}, "trigger": "manual"}
REFRESH = {"action": {"type": "Action.Execute", "verb": "view", "data": DATA}, "trigger": "automatic"}
SEARCH = {"kind": "search", "dataset": "dossiers", "queryText": "bou", "queryOptions": {"skip": 0, "top": 10}}

CONTINUE = {
    "task": {
        "type": "continue",
        "value": {
            "title": "Inviter",
            "height": "large",
            "width": "large",
            "card": {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD},
        },
    }
}
CLOSED = {"task": {"type": "message", "value": "C’est fait."}}
REDRAWN = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": CARD}
NOTE = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "C’est fait."}
SILENT = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": ""}
FOUND = {
    "statusCode": 200,
    "type": "application/vnd.microsoft.search.searchResponse",
    "value": {"results": [{"value": "D1", "title": "Boulangerie"}]},
}
NONE_FOUND = {**FOUND, "value": {"results": []}}

SHOW = Show("Inviter", CARD, "large")
DONE = Done("C’est fait.")
SUGGEST = Suggest((("D1", "Boulangerie"),))

UPLOAD = Upload("https://x.sharepoint.com/up", "r.csv", "https://x.sharepoint.com/r.csv", "u1", "csv")
INFO = {
    "uploadUrl": UPLOAD.put_url,
    "name": UPLOAD.name,
    "contentUrl": UPLOAD.content_url,
    "uniqueId": UPLOAD.unique_id,
    "fileType": UPLOAD.file_type,
}
ACCEPTED = {"type": "fileUpload", "action": "accept", "context": DATA, "uploadInfo": INFO}
DECLINED = {"type": "fileUpload", "action": "decline", "context": DATA}

INVOKES = [
    ("task/fetch", {"data": DATA}, Opened(DATA), SHOW, CONTINUE),
    ("task/fetch", {"data": DATA}, Opened(DATA), DONE, CLOSED),
    ("task/fetch", {"data": DATA}, Opened(DATA), Nothing(), {}),
    ("task/fetch", {}, Opened({}), Nothing(), {}),
    ("task/submit", {"data": DATA}, Submitted(DATA), SHOW, CONTINUE),
    ("task/submit", {"data": DATA}, Submitted(DATA), DONE, CLOSED),
    ("task/submit", {"data": DATA}, Submitted(DATA), Nothing(), {}),
    ("adaptiveCard/action", EXECUTE, Acted("approve", DATA, "17"), Redraw(CARD), REDRAWN),
    ("adaptiveCard/action", EXECUTE, Acted("approve", DATA, "17"), DONE, NOTE),
    ("adaptiveCard/action", EXECUTE, Acted("approve", DATA, "17"), Nothing(), SILENT),
    ("adaptiveCard/action", REFRESH, Refreshed("view", DATA), Redraw(CARD), REDRAWN),
    ("adaptiveCard/action", REFRESH, Refreshed("view", DATA), Nothing(), SILENT),
    ("fileConsent/invoke", ACCEPTED, Consented(DATA, UPLOAD), Nothing(), {}),
    ("fileConsent/invoke", DECLINED, Consented(DATA, None), Nothing(), {}),
    ("fileConsent/invoke", DECLINED, Consented(DATA, None), DONE, {}),
    ("application/search", SEARCH, Sought("dossiers", "bou", 10), SUGGEST, FOUND),
    ("application/search", SEARCH, Sought("dossiers", "bou", 10), Nothing(), NONE_FOUND),
    ("application/search", {"dataset": "dossiers"}, Sought("dossiers", "", 15), DONE, NONE_FOUND),
]


@pytest.mark.parametrize(("name", "value", "what", "reply", "body"), INVOKES)
async def test_an_invoke_is_answered_200_with_its_body(
    bot: Bot, name: str, value: Any, what: What, reply: Reply, body: Any
) -> None:
    bot.reply = reply
    answer = await bot.invoke(name, value, replyToId="17")
    assert (answer.status, answer.json) == (200, body)
    assert [turn.what for turn in bot.turns] == [what]
    assert not bot.connector.calls


@pytest.mark.parametrize("name", ["composeExtension/query", "signin/verifyState", "config/fetch"])
async def test_an_invoke_of_another_kind_is_answered_200_with_nothing(bot: Bot, name: str) -> None:
    answer = await bot.invoke(name, ["anything"])
    assert (answer.status, answer.json, bot.turns) == (200, {}, [])


async def test_a_turn_says_who_and_where(bot: Bot) -> None:
    await bot.say()
    (turn,) = bot.turns
    assert turn.id == "1700000000001"
    assert (turn.who.aad_id, turn.who.mri, turn.who.name) == (AAD_ID, MRI, "Claire Martin")
    assert (turn.who.locale, turn.who.tenant_id) == ("fr-FR", TENANT)
    place = turn.where
    assert (place.kind, place.conversation_id, place.bot_id) == (PlaceKind.CHANNEL, GENERAL, BOT)
    assert (place.service_url, place.tenant_id) == (f"{bot.connector.url}/", TENANT)
    assert (place.team_id, place.group_id, place.user_mri) == (GENERAL, "group-1", None)


async def test_a_personal_conversation_belongs_to_its_person(bot: Bot) -> None:
    await bot.say(
        conversation={"id": "a:1", "conversationType": "personal", "tenantId": TENANT},
        channelData={"tenant": {"id": TENANT}},
    )
    place = bot.turns[0].where
    assert (place.kind, place.conversation_id, place.user_mri) == (PlaceKind.PERSONAL, "a:1", MRI)
    assert (place.team_id, place.group_id) == (None, None)


async def test_a_group_chat_is_not_personal(bot: Bot) -> None:
    await bot.say(conversation={"id": "19:g", "conversationType": "groupChat", "tenantId": TENANT})
    assert bot.turns[0].where.kind is PlaceKind.CHANNEL


async def test_what_is_written_in_a_channel_is_answered_in_its_thread(bot: Bot) -> None:
    bot.reply = Post(
        Message(card={**CARD, "msteams": {"width": "Full"}}, summary="Menu", mentions=(Mention(MRI, "Claire"),))
    )
    answer = await bot.say()
    assert (answer.status, answer.body) == (200, b"")
    (sent,) = bot.connector.received
    assert sent.method == "POST"
    assert sent.path == f"/v3/conversations/{GENERAL};messageid=1700000000000/activities"
    assert sent.authorization == "Bearer token for https://api.botframework.com/.default"
    mention = {"type": "mention", "text": "<at>Claire</at>", "mentioned": {"id": MRI, "name": "Claire"}}
    content = {**CARD, "msteams": {"width": "Full", "entities": [mention]}}
    assert sent.body == {
        "type": "message",
        "from": {"id": BOT},
        "conversation": {"id": f"{GENERAL};messageid=1700000000000"},
        "summary": "Menu",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": content}],
    }


async def test_a_sentence_in_answer_to_a_message_is_plain_text(bot: Bot) -> None:
    bot.reply = DONE
    assert (await bot.say()).status == 200
    (sent,) = bot.connector.activities
    assert (sent["text"], sent["textFormat"]) == ("C’est fait.", "plain")


async def test_a_post_in_answer_to_an_invoke_is_sent_and_closes_the_dialog(bot: Bot) -> None:
    bot.reply = Post(MESSAGE)
    answer = await bot.invoke("task/submit", {"data": DATA})
    assert (answer.status, answer.json) == (200, {})
    assert len(bot.connector.activities) == 1


async def test_the_submit_fallback_of_a_button_redraws_the_card_it_came_from(bot: Bot) -> None:
    bot.reply = Redraw(CARD)
    answer = await bot.say(value=DATA, text=None, replyToId="17")
    assert (answer.status, answer.body) == (200, b"")
    assert bot.turns[0].what == Acted("open_invite", DATA, "17")
    (sent,) = bot.connector.received
    assert sent.method == "PUT"
    assert sent.path.endswith(";messageid=1700000000000/activities/17")
    assert sent.body["attachments"][0]["content"] == CARD


async def test_the_submit_fallback_of_an_unknown_card_posts_the_new_one(bot: Bot) -> None:
    bot.reply = Redraw(CARD)
    await bot.say(value={}, text=None)
    assert bot.turns[0].what == Acted("", {}, None)
    assert bot.connector.activities[0]["attachments"][0]["content"] == CARD


NEWCOMERS = [{"id": MRI}, {"id": "29:other"}]
EVENTS: list[tuple[dict[str, Any], What | None]] = [
    ({"type": "installationUpdate", "action": "add"}, Arrived(bot=True)),
    ({"type": "installationUpdate", "action": "add-upgrade"}, Arrived(bot=True)),
    ({"type": "installationUpdate", "action": "remove"}, Departed()),
    ({"type": "installationUpdate", "action": "remove-upgrade"}, None),
    ({"type": "conversationUpdate", "membersAdded": [{"id": BOT}]}, Arrived(bot=True)),
    ({"type": "conversationUpdate", "membersAdded": [{"id": BOT}, *NEWCOMERS]}, Arrived(True, (MRI, "29:other"))),
    ({"type": "conversationUpdate", "membersAdded": NEWCOMERS}, Arrived(False, (MRI, "29:other"))),
    ({"type": "conversationUpdate", "membersRemoved": [{"id": BOT}]}, Departed()),
    ({"type": "conversationUpdate", "membersRemoved": NEWCOMERS}, None),
    ({"type": "conversationUpdate"}, None),
    ({"type": "messageReaction", "reactionsAdded": [{"type": "like"}]}, None),
    ({"type": "messageUpdate"}, None),
    ({"type": "typing"}, None),
    ({"type": "somethingNew", "value": 5}, None),
]


@pytest.mark.parametrize(("changes", "what"), EVENTS)
async def test_an_event_is_answered_200_with_nothing(bot: Bot, changes: dict[str, Any], what: What | None) -> None:
    answer = await bot.say(**changes)
    assert (answer.status, answer.body) == (200, b"")
    assert [turn.what for turn in bot.turns] == ([] if what is None else [what])


@pytest.mark.parametrize("mode", ["expectReplies", "ephemeral"])
async def test_the_sender_cannot_choose_how_the_sdk_answers(bot: Bot, mode: str) -> None:
    bot.reply = Post(MESSAGE)
    answer = await bot.say(deliveryMode=mode)
    assert (answer.status, answer.body) == (200, b"")
    assert len(bot.connector.activities) == 1


async def test_fields_nobody_reads_may_hold_anything(bot: Bot) -> None:
    answer = await bot.say(timestamp="yesterday", suggestedActions=[], relatesTo="x", importance={})
    assert answer.status == 200
    assert bot.turns[0].what == Wrote("menu")


async def test_an_attachment_that_is_none_is_turned_away(bot: Bot) -> None:
    answer = await bot.say(attachments=5)
    assert answer.status == 400
    assert bot.turns == []


async def _broken(_: Turn) -> Reply:
    raise KeyError("paul@exemple.fr")


async def _endless(_: Turn) -> Reply:
    await asyncio.Event().wait()
    return Nothing()


APOLOGIES = [
    ("task/fetch", {"data": DATA}, {"task": {"type": "message", "value": "Désolé."}}),
    ("task/submit", {"data": DATA}, {"task": {"type": "message", "value": "Désolé."}}),
    ("adaptiveCard/action", EXECUTE, {**NOTE, "value": "Désolé."}),
    ("adaptiveCard/action", REFRESH, {**NOTE, "value": "Désolé."}),
    ("application/search", SEARCH, NONE_FOUND),
]


@pytest.mark.parametrize(("name", "value", "body"), APOLOGIES)
async def test_an_error_of_the_engine_becomes_an_apology(
    bot: Bot, caplog: pytest.LogCaptureFixture, name: str, value: Any, body: Any
) -> None:
    bot.engine = _broken
    answer = await bot.invoke(name, value)
    assert (answer.status, answer.json) == (200, body)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "error=KeyError" in record.getMessage()
    assert "incident=" in record.getMessage()
    assert "test_turns.py:" in record.getMessage()
    assert "exemple" not in caplog.text
    assert "Claire" not in caplog.text


async def test_the_apology_speaks_the_persons_language(bot: Bot) -> None:
    bot.engine = _broken
    await bot.say(locale="en-GB")
    await bot.say()
    assert [sent["text"] for sent in bot.connector.activities] == ["Sorry.", "Désolé."]


async def test_a_slow_engine_is_given_up() -> None:
    bot = Bot()
    bot.limit, bot.engine = 0.01, _endless
    await bot.start()
    answer = await bot.invoke("adaptiveCard/action", EXECUTE)
    await bot.close()
    assert (answer.status, answer.json["value"]) == (200, "Désolé.")


MISFITS: list[tuple[str, Any, Reply]] = [
    ("task/submit", {"data": DATA}, Redraw(CARD)),
    ("adaptiveCard/action", EXECUTE, SHOW),
    ("application/search", SEARCH, Redraw(CARD)),
    ("adaptiveCard/action", EXECUTE, Redraw({"body": object()})),
    ("adaptiveCard/action", EXECUTE, Redraw({"body": float("nan")})),
]


@pytest.mark.parametrize(("name", "value", "reply"), MISFITS)
async def test_a_reply_teams_could_not_read_becomes_an_apology(bot: Bot, name: str, value: Any, reply: Reply) -> None:
    bot.reply = reply
    answer = await bot.invoke(name, value)
    assert answer.status == 200
    assert answer.json == NONE_FOUND or "Désolé." in json.dumps(answer.json, ensure_ascii=False)


@pytest.mark.parametrize("reply", [SHOW, SUGGEST, Redraw(CARD)])
async def test_a_reply_that_is_no_message_becomes_an_apology(bot: Bot, reply: Reply) -> None:
    bot.reply = reply
    assert (await bot.say()).status == 200
    assert [sent["text"] for sent in bot.connector.activities] == ["Désolé."]


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
async def test_a_connector_that_refuses_does_not_fail_the_turn(
    bot: Bot, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    bot.reply, bot.connector.status = Post(MESSAGE), status
    answer = await bot.say()
    assert (answer.status, answer.body) == (200, b"")
    assert [record.getMessage().split(":")[0] for record in caplog.records if record.levelno >= logging.ERROR] == [
        "turn failed",
        "apology failed",
    ]


async def test_a_dialog_whose_post_fails_says_so(bot: Bot) -> None:
    bot.reply, bot.connector.status = Post(MESSAGE), 503
    answer = await bot.invoke("task/submit", {"data": DATA})
    assert answer.json == {"task": {"type": "message", "value": "Désolé."}}


async def test_an_outside_that_is_down_is_an_apology_too(bot: Bot) -> None:
    async def down(_: Turn) -> Reply:
        raise Unavailable("directory_down")

    bot.engine = down
    assert (await bot.invoke("task/fetch", {})).json["task"]["value"] == "Désolé."


async def test_a_turn_is_answered_while_another_waits(bot: Bot) -> None:
    waiting, go = asyncio.Event(), asyncio.Event()

    async def first_waits(turn: Turn) -> Reply:
        if len(bot.turns) == 1:
            waiting.set()
            await go.wait()
        return Nothing()

    bot.engine = first_waits
    slow = asyncio.create_task(bot.say())
    await waiting.wait()
    assert (await bot.say()).status == 200
    go.set()
    assert (await slow).status == 200


async def test_a_turn_goes_on_when_the_caller_hangs_up(bot: Bot) -> None:
    started, go, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_: Turn) -> Reply:
        started.set()
        await go.wait()
        ended.set()
        return Nothing()

    bot.engine = slow
    caller = asyncio.create_task(bot.say())
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert (await bot.get("/healthz")).status == 200
    go.set()
    await ended.wait()
