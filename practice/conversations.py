"""What the practice Teams remembers: its conversations, their messages and every version of each."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from practice.protocol import CARD_TYPE, CONSENT_TYPE, FILE_INFO_TYPE, FILE_TYPE

_THREAD = ";messageid="


@dataclass(slots=True)
class Message:
    """One message. `author` is an MRI (28:… for the bot), `root` the id of the first message of its channel thread.

    `versions` holds the activity as first sent and as each update replaced it, newest last.
    """

    id: str
    author: str
    root: str
    versions: list[dict[str, Any]]
    deleted: bool = False

    @property
    def activity(self) -> dict[str, Any]:
        """The activity as everybody sees it now."""
        return self.versions[-1]

    @property
    def version(self) -> int:
        return len(self.versions)

    @property
    def card(self) -> Mapping[str, Any] | None:
        """The Adaptive Card the message carries, if it carries one."""
        attachments = self.activity.get("attachments") or []
        return next((one["content"] for one in attachments if one["contentType"] == CARD_TYPE), None)

    @property
    def file(self) -> str:
        """The name of the file it brings, if it brings one."""
        attachments = self.activity.get("attachments") or []
        return next((str(one["name"]) for one in attachments if one["contentType"] == FILE_TYPE), "")

    @property
    def offered(self) -> Mapping[str, Any] | None:
        """The card by which the bot asks to give a file, if it is one."""
        return self._attached(CONSENT_TYPE)

    @property
    def given(self) -> Mapping[str, Any] | None:
        """The card of a file the bot gave, if it is one."""
        return self._attached(FILE_INFO_TYPE)

    def _attached(self, kind: str) -> Mapping[str, Any] | None:
        return next((one for one in self.activity.get("attachments") or [] if one["contentType"] == kind), None)

    @property
    def text(self) -> str:
        return str(self.activity.get("text") or "")


@dataclass(slots=True)
class Conversation:
    """The team's channel, or the 1:1 chat of the bot with `person` (an MRI; empty for the channel)."""

    id: str
    kind: Literal["channel", "personal"]
    person: str = ""
    messages: list[Message] = field(default_factory=list)

    def message(self, activity_id: str) -> Message | None:
        """The message with that id, unless it was deleted."""
        return next((one for one in self.messages if one.id == activity_id and not one.deleted), None)

    def address(self, message: Message | None) -> str:
        """The conversation id an activity about `message` carries: in a channel, that of its thread."""
        return f"{self.id}{_THREAD}{message.root}" if message and self.kind == "channel" else self.id


class Conversations:
    """All of them, kept in `path` (JSON) when given: a practice firm's cards survive a restart, as the bot's do."""

    def __init__(self, channel_id: str, path: Path | None = None) -> None:
        self.installed: set[str] = set()
        """Where the bot is installed: ids of conversations."""
        self._path = path
        self._last = 0
        self._all: dict[str, Conversation] = {channel_id: Conversation(channel_id, "channel")}
        self.channel = self._all[channel_id]
        if path and path.exists():
            self._load(json.loads(path.read_text("utf-8")))

    def __iter__(self) -> Iterator[Conversation]:
        return iter(self._all.values())

    def find(self, address: str) -> tuple[Conversation | None, str]:
        """The conversation an id (with or without `;messageid=`) names, and the thread's root (empty: none named)."""
        name, _, root = address.partition(_THREAD)
        return self._all.get(name), root

    def personal(self, mri: str) -> Conversation | None:
        """The bot's 1:1 chat with that person, None before either of them opened it."""
        return next((one for one in self._all.values() if one.person == mri), None)

    def open_personal(self, mri: str) -> Conversation:
        """The bot's 1:1 chat with that person: the same one each time, made at the first."""
        chat = self.personal(mri)
        if chat is None:
            chat = Conversation(f"a:1{uuid4().hex}{uuid4().hex}", "personal", mri)
            self._all[chat.id] = chat
        return chat

    def add(self, conversation: Conversation, author: str, activity: dict[str, Any], root: str = "") -> Message:
        """Append a message; without `root` it starts a thread of its own."""
        name = self.next_id()
        message = Message(name, author, root or name, [activity])
        conversation.messages.append(message)
        return message

    def next_id(self) -> str:
        """A message id as Teams makes them: milliseconds since 1970, never twice the same."""
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)
        return str(self._last)

    def save(self) -> None:
        if self._path:
            content = {"installed": sorted(self.installed), "conversations": [asdict(one) for one in self]}
            beside = self._path.with_suffix(".tmp")
            beside.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
            beside.replace(self._path)

    def _load(self, content: dict[str, Any]) -> None:
        self.installed = set(content["installed"])
        for one in content["conversations"]:
            messages = [Message(**message) for message in one.pop("messages")]
            self._all[one["id"]] = Conversation(**one, messages=messages)
        self.channel = self._all[self.channel.id]
        self._last = max((int(message.id) for one in self for message in one.messages), default=0)
