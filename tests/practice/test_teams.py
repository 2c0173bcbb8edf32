"""The practice Teams: what it signs and sends, what it takes, what it refuses, how it fails when told to."""

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import ServerDisconnectedError

from practice import keys, seed
from practice.conversations import Conversations
from practice.teams import BotFailed, NoAnswer
from tests.practice.stub import StubBot, card, message, text
from tests.teams import Firm


@pytest.fixture
async def firm() -> AsyncIterator[Firm]:
    firm = await Firm.start()
    yield firm
    await firm.stop()


@pytest.fixture
async def bot(firm: Firm) -> AsyncIterator[StubBot]:
    bot = await StubBot.start(firm.teams)
    await firm.install()
    yield bot
    await bot.stop()


class TestTokens:
    async def test_claims_are_bot_framework_s(self, firm: Firm, bot: StubBot) -> None:
        await firm.person("Claire").writes("bonjour")
        claims = bot.claims[-1]
        assert claims["iss"] == "https://api.botframework.com"
        assert claims["aud"] == firm.cloud.app_id
        assert claims["serviceurl"] == firm.teams.service_url
        assert claims["exp"] - claims["nbf"] == 65 * 60

    async def test_published_key_is_endorsed_for_teams_and_no_other_key_verifies(
        self, firm: Firm, bot: StubBot
    ) -> None:
        assert firm.teams.key.published()["endorsements"] == ["msteams"]
        stranger = keys.SigningKey(keys.SigningKey.generate().private, firm.teams.key.kid)
        with pytest.raises(jwt.InvalidSignatureError):
            await bot.verify(stranger.token(firm.cloud.app_id, firm.teams.service_url))

    async def test_a_rotated_key_replaces_the_published_one(self, firm: Firm, bot: StubBot) -> None:
        before = firm.teams.key.token(firm.cloud.app_id, firm.teams.service_url)
        firm.teams.rotate_key()
        await firm.person("Claire").writes("bonjour")
        with pytest.raises(KeyError):
            await bot.verify(before)

    async def test_claims_can_be_replaced_or_removed(self, firm: Firm) -> None:
        token = firm.teams.key.token("other", firm.teams.service_url, exp=None, iss="https://elsewhere.example")
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims.keys() == {"serviceurl", "nbf", "iss", "aud"}
        assert claims["aud"] == "other"


class TestConnector:
    async def test_a_post_is_kept_and_an_update_keeps_every_version(self, firm: Firm, bot: StubBot) -> None:
        name = await bot.posts(seed.TEAM_ID, message(card(text("un"))))
        assert await bot.call("PUT", f"/{seed.TEAM_ID}/activities/{name}", message(card(text("deux")))) == (
            200,
            {"id": name},
        )
        kept = firm.teams.conversations.channel.message(name)
        assert kept is not None
        assert kept.version == 2
        assert firm.person("Claire").channel[-1].texts == ("deux",)

    async def test_a_deleted_message_is_gone(self, firm: Firm, bot: StubBot) -> None:
        name = await bot.posts(seed.TEAM_ID, message(card(text("un"))))
        assert (await bot.call("DELETE", f"/{seed.TEAM_ID}/activities/{name}"))[0] == 200
        assert firm.person("Claire").channel == []
        status, body = await bot.call("PUT", f"/{seed.TEAM_ID}/activities/{name}", message(card(text("deux"))))
        assert (status, body["error"]["code"]) == (404, "ActivityNotFoundInConversation")

    async def test_replies_stay_in_their_thread_and_posts_start_one(self, firm: Firm, bot: StubBot) -> None:
        question = await firm.person("Claire").writes("bonjour")
        heard = bot.of("message")[-1]["conversation"]["id"]
        assert heard == f"{seed.TEAM_ID};messageid={question.id}"
        await bot.posts(heard.replace(";", "%3B"), {"type": "message", "text": "réponse"})
        await bot.call("POST", f"/{seed.TEAM_ID}/activities/{question.id}", {"type": "message", "text": "autre"})
        alone = await bot.posts(seed.TEAM_ID, {"type": "message", "text": "à part"})
        roots = [one.root for one in firm.teams.conversations.channel.messages]
        assert roots == [question.id] * 3 + [alone]

    async def test_the_same_chat_each_time(self, firm: Firm, bot: StubBot) -> None:
        body = {
            "bot": {"id": seed.BOT_MRI},
            "members": [{"id": seed.MALO.mri}],
            "channelData": {"tenant": {"id": seed.TENANT_ID}},
        }
        status, first = await bot.call("POST", "", body)
        assert status == 201
        assert (await bot.call("POST", "", body | {"members": [{"id": seed.MALO.aad_id}]}))[1] == first
        await bot.posts(first["id"], {"type": "message", "text": "pour vous"})
        await firm.person("Malo").sees("pour vous")
        await firm.person("Claire").sees_no("pour vous")

    @pytest.mark.parametrize(
        ("members", "tenant", "expected"),
        [
            ([seed.PAUL.mri], seed.TENANT_ID, (403, "ForbiddenOperationException")),
            (["29:nobody"], seed.TENANT_ID, (400, "BadSyntax")),
            ([seed.MALO.mri], None, (400, "BadSyntax")),
            ([seed.MALO.mri, seed.INES.mri], seed.TENANT_ID, (400, "BadSyntax")),
        ],
    )
    async def test_chats_that_cannot_be_opened(
        self, bot: StubBot, members: list[str], tenant: str | None, expected: tuple[int, str]
    ) -> None:
        body = {"members": [{"id": one} for one in members], "tenantId": tenant}
        status, answer = await bot.call("POST", "", body)
        assert (status, answer["error"]["code"]) == expected

    async def test_the_roster_pages_and_names_mri_and_object_id(self, firm: Firm, bot: StubBot) -> None:
        status, body = await bot.call("GET", f"/{seed.TEAM_ID}/pagedmembers?pageSize=50")
        assert status == 200
        assert "continuationToken" not in body
        assert {(one["id"], one["aadObjectId"]) for one in body["members"]} == {(p.mri, p.aad_id) for p in seed.STAFF}
        status, one = await bot.call("GET", f"/{seed.TEAM_ID}/members/{seed.INES.aad_id}")
        assert one["email"] == seed.INES.email
        assert (await bot.call("GET", f"/{seed.TEAM_ID}/members/29:nobody"))[0] == 404
        for number in range(60):
            guest = firm.cloud.state.create_guest(f"g{number}@client.example", f"G {number}")
            firm.cloud.state.groups[seed.TEAM_GROUP_ID][guest.id] = "guest"
        _, first = await bot.call("GET", f"/{seed.TEAM_ID}/pagedmembers?pageSize=1")
        token = first["continuationToken"]
        _, second = await bot.call("GET", f"/{seed.TEAM_ID}/pagedmembers?pageSize=50&continuationToken={token}")
        assert (len(first["members"]), len(second["members"])) == (50, 18)

    async def test_refusals(self, firm: Firm, bot: StubBot) -> None:
        here = f"/{seed.TEAM_ID}/activities"
        mine = await firm.person("Claire").writes("bonjour")
        hello = {"type": "message", "text": "bonjour"}
        cases: list[tuple[tuple[Any, ...], dict[str, Any], int, str]] = [
            (("POST", "/19:elsewhere@thread.tacv2/activities", hello), {}, 404, "ConversationNotFound"),
            (("POST", here, hello), {"token": ""}, 401, "Unauthorized"),
            (("POST", here, hello), {"token": "forged.token"}, 401, "Unauthorized"),
            (("POST", here), {"raw": b"{not json"}, 400, "BadSyntax"),
            (("POST", here, ["a list"]), {}, 400, "BadSyntax"),
            (("POST", here, {"type": "message"}), {}, 400, "BadArgument"),
            (("POST", here, {"type": "message", "text": "x" * 51_200}), {}, 413, "MessageSizeTooBig"),
            (("POST", here, message(card(version="1.6"))), {}, 400, "BadArgument"),
            (("PUT", f"{here}/123", hello), {}, 404, "ActivityNotFoundInConversation"),
            (("PUT", f"{here}/{mine.id}", hello), {}, 403, "NotEnoughPermissions"),
            (("DELETE", f"{here}/{mine.id}"), {}, 403, "NotEnoughPermissions"),
            (("POST", f"{here}/123", hello), {}, 404, "ActivityNotFoundInConversation"),
        ]
        for arguments, options, status, code in cases:
            answer = await bot.call(*arguments, **options)
            assert (answer[0], answer[1]["error"]["code"]) == (status, code), arguments
        assert len(firm.teams.conversations.channel.messages) == 1

    async def test_a_big_message_under_the_limit_is_taken(self, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, {"type": "message", "text": "x" * 40_000})

    async def test_after_removal_the_bot_is_not_in_the_roster(self, firm: Firm, bot: StubBot) -> None:
        await firm.teams.install(firm.teams.person("Claire"), installed=False)
        status, body = await bot.call("POST", f"/{seed.TEAM_ID}/activities", {"type": "message", "text": "bonjour"})
        assert (status, body["error"]["code"]) == (403, "BotNotInConversationRoster")

    async def test_a_blocked_chat_refuses(self, firm: Firm, bot: StubBot) -> None:
        await firm.person("Malo").writes("bonjour", in_chat=True)
        chat = bot.of("message")[-1]["conversation"]["id"]
        firm.teams.blocked_by.add(seed.MALO.mri)
        status, body = await bot.call("POST", f"/{chat}/activities", {"type": "message", "text": "bonjour"})
        assert (status, body["error"]["code"]) == (403, "ConversationBlockedByUser")

    async def test_rates_are_enforced_where_asked(self, firm: Firm, bot: StubBot) -> None:
        firm.teams.limited = True
        for _ in range(7):
            await bot.posts(seed.TEAM_ID, {"type": "message", "text": "bonjour"})
        status, body = await bot.call("POST", f"/{seed.TEAM_ID}/activities", {"type": "message", "text": "bonjour"})
        assert (status, body["error"]["code"]) == (429, "Throttled")
        assert int(bot.headers["Retry-After"]) >= 1


class TestMisfortunes:
    async def test_scripted_statuses_carry_retry_after_and_run_out(self, firm: Firm, bot: StubBot) -> None:
        firm.teams.fail_next("post", 429, retry_after=3, times=2)
        hello = {"type": "message", "text": "bonjour"}
        for _ in range(2):
            status, _ = await bot.call("POST", f"/{seed.TEAM_ID}/activities", hello)
            assert (status, bot.headers["Retry-After"]) == (429, "3")
        await bot.posts(seed.TEAM_ID, hello)
        assert firm.teams.counts["post"] == 3
        assert firm.teams.counts["post 429"] == 2

    async def test_a_cut_connection_may_come_after_the_effect(self, firm: Firm, bot: StubBot) -> None:
        firm.teams.drop_next("post", done=True)
        with pytest.raises(ServerDisconnectedError):
            await bot.posts(seed.TEAM_ID, {"type": "message", "text": "bonjour"})
        assert len(firm.teams.conversations.channel.messages) == 1

    async def test_a_failure_may_come_after_the_effect_once(self, firm: Firm, bot: StubBot) -> None:
        firm.teams.fail_next("post", 504, done=True)
        status, _ = await bot.call("POST", f"/{seed.TEAM_ID}/activities", {"type": "message", "text": "bonjour"})
        assert status == 504
        assert len(firm.teams.conversations.channel.messages) == 1

    async def test_a_late_answer_takes_effect_once(self, firm: Firm, bot: StubBot) -> None:
        firm.teams.delay_next("post", 0.01, done=True)
        await bot.posts(seed.TEAM_ID, {"type": "message", "text": "bonjour"})
        assert len(firm.teams.conversations.channel.messages) == 1


class TestDelivery:
    async def test_installation_says_who_where_and_which_team(self, firm: Firm, bot: StubBot) -> None:
        install, update = bot.of("installationUpdate")[-1], bot.of("conversationUpdate")[-1]
        assert install["action"] == "add"
        assert update["membersAdded"] == [{"id": seed.BOT_MRI}]
        assert update["channelData"]["team"] == {
            "id": seed.TEAM_ID,
            "aadGroupId": seed.TEAM_GROUP_ID,
            "name": seed.TEAM_NAME,
        }
        assert install["conversation"]["id"] == seed.TEAM_ID

    async def test_a_mention_in_the_channel(self, firm: Firm, bot: StubBot) -> None:
        await firm.person("Claire").writes("inviter")
        heard = bot.of("message")[-1]
        assert heard["text"] == "<at>Passerelle</at> inviter"
        assert heard["entities"][0]["mentioned"]["id"] == heard["recipient"]["id"] == seed.BOT_MRI
        assert heard["from"] == {"id": seed.CLAIRE.mri, "name": "Claire Duhamel", "aadObjectId": seed.CLAIRE.aad_id}
        assert heard["conversation"]["conversationType"] == "channel"
        assert heard["channelData"]["tenant"]["id"] == heard["conversation"]["tenantId"] == seed.TENANT_ID
        assert (heard["locale"], heard["channelId"]) == ("fr-FR", "msteams")

    async def test_the_first_word_in_a_chat_installs_the_bot_there(self, firm: Firm, bot: StubBot) -> None:
        malo = firm.person("Malo")
        await malo.writes("bonjour", in_chat=True)
        await malo.writes("aide", in_chat=True)
        assert [one["type"] for one in bot.heard[2:]] == [
            "installationUpdate",
            "conversationUpdate",
            "message",
            "message",
        ]
        assert bot.heard[-1]["text"] == "aide"
        assert "team" not in bot.heard[-1]["channelData"]

    async def test_no_answer_in_time(self, firm: Firm, bot: StubBot) -> None:
        bot.free.clear()
        firm.teams.answer_within = 0.05
        firm.teams.redelivers = "new id"
        with pytest.raises(NoAnswer):
            await firm.person("Claire").writes("bonjour")
        first, second = bot.of("message")
        assert first["id"] != second["id"]
        assert first["text"] == second["text"]

    async def test_a_bot_that_breaks_or_is_gone(self, firm: Firm, bot: StubBot) -> None:
        bot.status = 500
        with pytest.raises(BotFailed, match="500"):
            await firm.person("Claire").writes("bonjour")
        await bot.stop()
        with pytest.raises(BotFailed, match="reached"):
            await firm.person("Claire").writes("bonjour")

    async def test_conversations_survive_a_restart(self, firm: Firm, bot: StubBot, tmp_path: Any) -> None:
        path = tmp_path / "teams.json"
        first = Conversations(seed.TEAM_ID, path)
        first.installed.add(seed.TEAM_ID)
        kept = first.add(first.open_personal(seed.MALO.mri), seed.BOT_MRI, message(card(text("un"))))
        first.save()
        again = Conversations(seed.TEAM_ID, path)
        chat = again.personal(seed.MALO.mri)
        assert chat is not None
        assert chat.message(kept.id) == kept
        assert again.installed == {seed.TEAM_ID}
        assert int(again.next_id()) > int(kept.id)
