"""People at their practice Teams, and what Teams takes from the bot they talk to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from practice import seed
from practice.card import CannotDo
from practice.protocol import CARD_TYPE, MESSAGE_TYPE, SEARCH_TYPE, ProtocolError, check_card
from tests.practice.stub import StubBot, attached, card, message, shows, text
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


def submit(title: str, **data: Any) -> dict[str, Any]:
    return {"type": "Action.Submit", "title": title, "data": data}


def execute(title: str, verb: str, **data: Any) -> dict[str, Any]:
    return {"type": "Action.Execute", "title": title, "verb": verb, "data": data}


def opens(title: str, **data: Any) -> dict[str, Any]:
    return submit(title, msteams={"type": "task/fetch"}, **data)


def answers(content: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "type": CARD_TYPE, "value": content}


FORM = card(
    {"type": "Input.Text", "id": "nom", "label": "Nom", "isRequired": True, "errorMessage": "Indiquez le nom."},
    {
        "type": "Input.Text",
        "id": "mail",
        "label": "E-mail",
        "regex": "^\\S+@\\S+$",
        "errorMessage": "Adresse incomplète.",
    },
    {
        "type": "Input.ChoiceSet",
        "id": "qualite",
        "label": "Qualité",
        "choices": [
            {"title": "Direction TPE — accès à la GS de la GED", "value": "direction"},
            {"title": "Administratif TPE", "value": "administratif"},
        ],
    },
    {"type": "Input.Toggle", "id": "ok", "title": "Activation de l’extension"},
    {
        "type": "Input.ChoiceSet",
        "id": "dossier",
        "label": "Dossier",
        "style": "filtered",
        "choices": [],
        "choices.data": {"type": "Data.Query", "dataset": "dossiers"},
    },
    actions=[submit("Continuer", step="1"), {**submit("Retour", step="0"), "associatedInputs": "none"}],
)


class TestPeople:
    async def test_a_dialog_from_card_to_message(self, firm: Firm, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, message(card(text("Menu"), actions=[opens("Inviter", flow="invite")])))
        bot.on["task/fetch"] = lambda _: shows("Inviter un entrepreneur", FORM)
        bot.on["task/submit"] = lambda _: {"task": {"type": "message", "value": "C’est parti."}}
        bot.on["application/search"] = lambda _: {
            "type": SEARCH_TYPE,
            "value": {"results": [{"value": "42", "title": "BOUMAR · Boulangerie Martin"}]},
        }
        claire = firm.person("Claire")

        await claire.clicks("Inviter")
        assert claire.dialog is not None
        assert claire.dialog.title == "Inviter un entrepreneur"
        fetched = bot.of("task/fetch")[-1]
        assert fetched["value"]["data"] == {"flow": "invite", "msteams": {"type": "task/fetch"}}
        assert fetched["replyToId"] == firm.teams.conversations.channel.messages[-1].id

        await claire.clicks("Continuer")
        assert claire.errors == {"Nom": "Indiquez le nom."}
        await claire.fills({"Nom": "Martin", "E-mail": "paul", "Qualité": "Direction TPE"})
        await claire.clicks("Continuer")
        assert claire.dialog.errors == {"E-mail": "Adresse incomplète."}
        assert bot.of("task/submit") == []

        assert await claire.searches("Dossier", "boul") == ("BOUMAR · Boulangerie Martin",)
        assert bot.of("application/search")[-1]["value"]["queryText"] == "boul"
        await claire.picks("Boulangerie Martin")
        await claire.fills({"E-mail": "paul@martin.example", "Activation de l'extension": True})
        await claire.clicks("Continuer")
        assert claire.dialog is None
        assert claire.notice == "C’est parti."
        assert bot.of("task/submit")[-1]["value"]["data"] == {
            "step": "1",
            "nom": "Martin",
            "mail": "paul@martin.example",
            "qualite": "direction",
            "ok": "true",
            "dossier": "42",
        }

    async def test_a_button_without_inputs_leaves_an_invalid_form(self, firm: Firm, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, message(card(text("Menu"), actions=[opens("Inviter")])))
        bot.on["task/fetch"] = lambda _: shows("Inviter", FORM)
        claire = firm.person("Claire")
        await claire.clicks("Inviter")
        await claire.clicks("Retour")
        assert bot.of("task/submit")[-1]["value"]["data"] == {"step": "0"}
        assert claire.dialog is None

    async def test_text_typed_in_a_typeahead_but_not_chosen_is_refused(self, firm: Firm, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, message(FORM))
        claire = firm.person("Claire")
        await claire.fills({"Nom": "Martin", "Dossier": "boul"})
        await claire.clicks("Continuer")
        assert "Dossier" in claire.errors
        assert bot.of("message") == []

    async def test_submit_on_a_posted_card_is_a_message_with_value(self, firm: Firm, bot: StubBot) -> None:
        name = await bot.posts(seed.TEAM_ID, message(card(text("Menu"), actions=[submit("Aide", go="help")])))
        await firm.person("Claire").clicks("Aide")
        heard = bot.of("message")[-1]
        assert (heard["value"], heard["replyToId"]) == ({"go": "help"}, name)
        assert "text" not in heard

    async def test_execute_redraws_for_the_clicker_and_an_update_for_all(self, firm: Firm, bot: StubBot) -> None:
        name = await bot.posts(
            seed.TEAM_ID, message(card(text("À décider"), actions=[execute("Approuver", "approve", n=1)]))
        )
        bot.on["adaptiveCard/action"] = lambda _: answers(card(text("Vous avez approuvé")))
        malo, claire = firm.person("Malo"), firm.person("Claire")
        old = claire.card("À décider")
        await malo.clicks("Approuver")
        heard = bot.of("adaptiveCard/action")[-1]
        assert heard["value"] == {
            "action": {"type": "Action.Execute", "verb": "approve", "data": {"n": 1}},
            "trigger": "manual",
        }
        assert heard["replyToId"] == name
        await malo.sees("Vous avez approuvé")
        await claire.sees("À décider")
        await bot.call("PUT", f"/{seed.TEAM_ID}/activities/{name}", message(card(text("Approuvé par Malo"))))
        await malo.sees("Approuvé par Malo")
        await claire.sees("Approuvé par Malo")
        await old.click("Approuver")
        assert len(bot.of("adaptiveCard/action")) == 2

    async def test_refresh_asks_once_a_version_for_those_named_and_shows_them_their_own_view(
        self, firm: Firm, bot: StubBot
    ) -> None:
        refresh = {"action": execute("", "look", subject="7"), "userIds": [seed.MALO.mri]}
        bot.on["adaptiveCard/action"] = lambda heard: answers(card(text(f"Pour {heard['from']['name']}")))
        name = await bot.posts(seed.TEAM_ID, message(card(text("Pour tous"), refresh=refresh)))
        await firm.person("Malo").sees("Pour Malo Le Goff")
        await firm.person("Malo").looks()
        await firm.person("Claire").sees("Pour tous")
        asked = bot.of("adaptiveCard/action")
        assert [one["value"]["trigger"] for one in asked] == ["automatic"]
        await bot.call(
            "PUT", f"/{seed.TEAM_ID}/activities/{name}", message(card(text("Pour tous, 2"), refresh=refresh))
        )
        await firm.person("Malo").looks()
        assert len(bot.of("adaptiveCard/action")) == 2

    async def test_a_double_click_and_a_redelivery_reach_the_bot_twice(self, firm: Firm, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, message(card(text("À décider"), actions=[execute("Approuver", "approve")])))
        bot.on["adaptiveCard/action"] = lambda _: answers(card(text("Fait")))
        malo = firm.person("Malo")
        held = malo.card("À décider")
        await asyncio.gather(held.click("Approuver"), held.click("Approuver"))
        await malo.repeats()
        await malo.repeats(new_id=True)
        ids = [one["id"] for one in bot.of("adaptiveCard/action")]
        assert len(ids) == 4
        assert ids[1] == ids[2] != ids[3]

    async def test_hidden_parts_appear_and_show_cards_open(self, firm: Firm, bot: StubBot) -> None:
        hidden = {"type": "Container", "id": "more", "isVisible": False, "items": [text("Détail")]}
        shown = {"type": "Action.ShowCard", "title": "Refuser", "card": card(actions=[submit("Envoyer")])}
        toggle = {"type": "Action.ToggleVisibility", "title": "Plus", "targetElements": ["more"]}
        await bot.posts(seed.TEAM_ID, message(card(text("Tête"), hidden, actions=[toggle, shown])))
        claire = firm.person("Claire")
        await claire.sees_no("Détail", "Envoyer")
        await claire.clicks("Plus")
        await claire.clicks("Refuser")
        await claire.sees("Détail", "Envoyer")
        await claire.clicks("Envoyer")
        assert bot.of("message")[-1]["value"] == {}

    async def test_who_is_not_in_the_team_sees_and_writes_nothing_there(self, firm: Firm, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, message(card(text("Entre nous"))))
        paul = firm.person("Paul")
        with pytest.raises(CannotDo):
            await paul.writes("bonjour", in_chat=True)
        firm.cloud.state.create_guest(seed.PAUL.email, seed.PAUL.name)
        assert paul.channel == []
        with pytest.raises(CannotDo):
            await paul.writes("bonjour")
        await paul.writes("bonjour", in_chat=True)
        assert bot.of("message")[-1]["from"]["aadObjectId"] == paul.client.persona.aad_id

    async def test_what_is_not_there_cannot_be_done(self, firm: Firm, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, message(FORM))
        claire = firm.person("Claire")
        with pytest.raises(CannotDo, match="Continuer"):
            await claire.clicks("Supprimer")
        with pytest.raises(CannotDo, match="offers"):
            await claire.fills({"Qualité": "Autre"})
        with pytest.raises(AssertionError, match="does not see"):
            await claire.sees("Rien de tel", within=0.01)


class TestProtocol:
    @pytest.mark.parametrize(
        "broken",
        [
            {"type": "Card"},
            card(version="1.6"),
            card(version=1.5),
            card({"type": "Badge"}),
            card({"text": "sans type"}),
            card({"type": "Input.Text"}),
            card({"type": "Input.Text", "id": "a"}, {"type": "Input.Date", "id": "a"}),
            card({"type": "Input.Text", "id": "a", "isRequired": True}),
            card({"type": "Input.Toggle", "id": "a", "title": "x", "value": True}),
            card(actions=[{"type": "Action.Http", "title": "x"}]),
            card(actions=[{"type": "Action.Submit", "title": "x", "data": "texte"}]),
            card(actions=[submit(str(n)) for n in range(7)]),
            card(actions=[{"type": "Action.OpenUrl", "title": "x", "url": "javascript:alert(1)"}]),
            card(refresh={"action": submit("x"), "userIds": []}),
            card(refresh={"action": execute("x", "y"), "userIds": [seed.CLAIRE.aad_id]}),
            card(refresh={"action": execute("x", "y"), "userIds": [f"29:{n}" for n in range(61)]}),
            card(text("x" * 60_000)),
        ],
    )
    async def test_cards_teams_does_not_draw(self, broken: dict[str, Any]) -> None:
        with pytest.raises(ProtocolError):
            check_card(broken)

    async def test_a_dialog_takes_no_execute(self) -> None:
        check_card(card(actions=[execute("x", "y")]))
        with pytest.raises(ProtocolError):
            check_card(card(actions=[execute("x", "y")]), in_dialog=True)

    @pytest.mark.parametrize(
        "body",
        [
            None,
            {},
            {"task": None},
            {"task": {"type": "continue", "value": {"title": "x"}}},
            {"task": {"type": "continue", "value": {"card": attached(FORM)}}},
            {"task": {"type": "continue", "value": {"title": "x", "card": FORM}}},
            {"task": {"type": "continue", "value": {"title": "x", "width": "huge", "card": attached(FORM)}}},
            {"task": {"type": "message", "value": {"text": "x"}}},
        ],
    )
    async def test_dialogs_teams_does_not_open(self, firm: Firm, bot: StubBot, body: Any) -> None:
        await bot.posts(seed.TEAM_ID, message(card(text("Menu"), actions=[opens("Inviter")])))
        bot.on["task/fetch"] = lambda _: body
        with pytest.raises(ProtocolError):
            await firm.person("Claire").clicks("Inviter")

    @pytest.mark.parametrize(
        "body",
        [
            None,
            "texte",
            card(),
            {"statusCode": 200, "type": CARD_TYPE, "value": attached(card())},
            {"statusCode": 403, "type": CARD_TYPE, "value": card()},
            {"statusCode": 200, "type": MESSAGE_TYPE, "value": {"text": "x"}},
            {"statusCode": 200, "type": "application/vnd.microsoft.error", "value": {"code": "x", "message": "y"}},
            {"status_code": 200, "type": CARD_TYPE, "value": card()},
        ],
    )
    async def test_execute_answers_teams_does_not_take(self, firm: Firm, bot: StubBot, body: Any) -> None:
        await bot.posts(seed.TEAM_ID, message(card(text("À décider"), actions=[execute("Approuver", "approve")])))
        bot.on["adaptiveCard/action"] = lambda _: body
        with pytest.raises(ProtocolError):
            await firm.person("Claire").clicks("Approuver")

    async def test_an_invoke_is_answered_200_and_nothing_else(self, firm: Firm, bot: StubBot) -> None:
        await bot.posts(seed.TEAM_ID, message(card(text("Menu"), actions=[opens("Inviter")])))
        bot.on["task/fetch"] = lambda _: shows("Inviter", FORM)
        bot.status = 500
        with pytest.raises(ProtocolError, match="500"):
            await firm.person("Claire").clicks("Inviter")

    @pytest.mark.parametrize(
        "body",
        [
            None,
            {"type": SEARCH_TYPE, "value": {}},
            {"type": SEARCH_TYPE, "value": {"results": [{"value": "1"}]}},
            {"type": SEARCH_TYPE, "value": {"results": [{"value": "1", "title": "x"}] * 16}},
            {"type": "search", "value": {"results": []}},
        ],
    )
    async def test_search_answers_teams_does_not_take(self, firm: Firm, bot: StubBot, body: Any) -> None:
        await bot.posts(seed.TEAM_ID, message(FORM))
        bot.on["application/search"] = lambda _: body
        with pytest.raises(ProtocolError):
            await firm.person("Claire").searches("Dossier", "boul")
