"""The activities Teams sends to a bot, field by field as Microsoft documents them for each kind of event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

from practice.conversations import Conversation, Message
from practice.protocol import FILE_TYPE

Activity = dict[str, Any]
BOT_NAME = "Passerelle"
_ZONE = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody in Teams. `aad_id` is empty for a client who is not (yet) a guest of the tenant."""

    mri: str
    aad_id: str
    name: str
    email: str
    locale: str
    guest: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every activity of one installation has in common, and the activities made from it."""

    app_id: str
    tenant_id: str
    service_url: str
    team_id: str
    group_id: str
    team_name: str

    @property
    def bot_id(self) -> str:
        return f"28:{self.app_id}"

    def message(self, who: Persona, where: Conversation, text: str, message: Message) -> Activity:
        """What somebody wrote; in a channel Teams only tells the bot when it is mentioned, and says so in `entities`."""
        activity = self._activity("message", who, where, message) | {
            "id": message.id,
            "textFormat": "plain",
            "text": text,
            "attachments": [{"contentType": "text/html", "content": f"<p>{text}</p>"}],
        }
        if where.kind == "channel":
            mention = {"type": "mention", "mentioned": self._bot(), "text": f"<at>{BOT_NAME}</at>"}
            activity["entities"] = [mention, *activity["entities"]]
        return activity

    def file(self, who: Persona, where: Conversation, message: Message, name: str, url: str) -> Activity:
        """A file sent in the 1:1 chat: `url` gives its content for a while, to whoever has it."""
        return self._activity("message", who, where, message) | {
            "id": message.id,
            "attachments": [
                {
                    "contentType": FILE_TYPE,
                    "contentUrl": url.partition("?")[0],
                    "name": name,
                    "content": {"downloadUrl": url, "uniqueId": str(uuid4()), "fileType": name.rpartition(".")[2]},
                },
                {"contentType": "text/html", "content": "<p>&nbsp;</p>"},
            ],
        }

    def submit(self, who: Persona, where: Conversation, card: Message, data: Mapping[str, Any]) -> Activity:
        """Action.Submit on a posted card: a message without text, whose `value` is the action's data and the inputs."""
        return self._activity("message", who, where, card) | {
            "id": f"f:{uuid4()}",
            "replyToId": card.id,
            "value": dict(data),
        }

    def execute(
        self,
        who: Persona,
        where: Conversation,
        card: Message,
        action: Mapping[str, Any],
        data: Mapping[str, Any],
        trigger: Literal["manual", "automatic"],
    ) -> Activity:
        """Action.Execute pressed (manual), or a card's refresh asked by the client itself (automatic)."""
        told = {"type": "Action.Execute", "verb": action.get("verb", ""), "data": dict(data)}
        if "id" in action:
            told["id"] = action["id"]
        return self._invoke("adaptiveCard/action", who, where, card, {"action": told, "trigger": trigger}) | {
            "replyToId": card.id
        }

    def fetch(self, who: Persona, where: Conversation, card: Message, data: Mapping[str, Any]) -> Activity:
        """task/fetch: a button that opens a dialog."""
        value = {"data": dict(data), "context": {"theme": "default"}}
        return self._invoke("task/fetch", who, where, card, value) | {"replyToId": card.id}

    def consent(
        self, who: Persona, where: Conversation, card: Message, context: object, upload: Mapping[str, str] | None
    ) -> Activity:
        """fileConsent/invoke: whether the bot may put a file in one's OneDrive, and where."""
        value: dict[str, Any] = {"type": "fileUpload", "context": context}
        value |= {"action": "accept", "uploadInfo": dict(upload)} if upload else {"action": "decline"}
        return self._invoke("fileConsent/invoke", who, where, card, value) | {"replyToId": card.id}

    def submit_dialog(self, who: Persona, where: Conversation, card: Message, data: Mapping[str, Any]) -> Activity:
        """task/submit: a button inside a dialog that `card` opened. Teams does not repeat the card's id."""
        return self._invoke("task/submit", who, where, card, {"data": dict(data), "context": {"theme": "default"}})

    def search(self, who: Persona, where: Conversation, card: Message, dataset: str, text: str) -> Activity:
        """application/search: a keystroke in a Data.Query typeahead."""
        value = {
            "kind": "search",
            "queryText": text,
            "queryOptions": {"skip": 0, "top": 15},
            "dataset": dataset,
        }
        return self._invoke("application/search", who, where, card, value)

    def arrived(self, who: Persona, where: Conversation, *, installed: bool) -> list[Activity]:
        """The bot was installed there (or removed): installationUpdate, then conversationUpdate naming the bot."""
        install = self._activity("installationUpdate", who, where, None) | {
            "id": f"f:{uuid4()}",
            "action": "add" if installed else "remove",
        }
        update = self._activity("conversationUpdate", who, where, None) | {
            "id": f"f:{uuid4()}",
            "membersAdded" if installed else "membersRemoved": [{"id": self.bot_id}],
        }
        if where.kind == "channel":
            install["channelData"]["settings"] = {"selectedChannel": {"id": self.team_id}}
            event = "teamMemberAdded" if installed else "teamMemberRemoved"
            update["channelData"] |= {"eventType": event}
            update["channelData"]["team"]["name"] = self.team_name
        return [install, update]

    def members_added(self, by: Persona, added: list[Persona], where: Conversation) -> Activity:
        """People joined the team."""
        update = self._activity("conversationUpdate", by, where, None) | {
            "id": f"f:{uuid4()}",
            "membersAdded": [{"id": one.mri, "aadObjectId": one.aad_id} for one in added],
        }
        update["channelData"] |= {"eventType": "teamMemberAdded"}
        return update

    def _bot(self) -> dict[str, str]:
        return {"id": self.bot_id, "name": BOT_NAME}

    def _activity(self, kind: str, who: Persona, where: Conversation, about: Message | None) -> Activity:
        now = datetime.now(UTC)
        channel = where.kind == "channel"
        data: dict[str, Any] = {"tenant": {"id": self.tenant_id}}
        if channel:
            data |= {
                "teamsChannelId": self.team_id,
                "teamsTeamId": self.team_id,
                "channel": {"id": self.team_id},
                "team": {"id": self.team_id, "aadGroupId": self.group_id},
            }
        return {
            "type": kind,
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "localTimestamp": now.astimezone(ZoneInfo(_ZONE)).isoformat(timespec="milliseconds"),
            "localTimezone": _ZONE,
            "serviceUrl": self.service_url,
            "channelId": "msteams",
            "from": {"id": who.mri, "name": who.name, "aadObjectId": who.aad_id},
            "conversation": {
                "id": where.address(about),
                "tenantId": self.tenant_id,
                "conversationType": where.kind,
            }
            | ({"isGroup": True} if channel else {}),
            "recipient": self._bot(),
            "entities": [
                {
                    "type": "clientInfo",
                    "locale": who.locale,
                    "country": who.locale[-2:],
                    "platform": "Web",
                    "timezone": _ZONE,
                }
            ],
            "channelData": data,
            "locale": who.locale,
        }

    def _invoke(self, name: str, who: Persona, where: Conversation, card: Message, value: dict[str, Any]) -> Activity:
        activity = self._activity("invoke", who, where, card) | {"id": f"f:{uuid4()}", "name": name, "value": value}
        activity["channelData"]["source"] = {"name": "message"}
        return activity
