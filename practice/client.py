"""One person's Teams client: what they see, and what each of their gestures sends to the bot.

The page of `python -m practice` draws it in a browser; `tests.teams.Person` drives it by visible titles. A client never
looks at what its person may not see, and never sends what a real one would not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from practice import people
from practice.activities import BOT_NAME, Persona
from practice.card import CannotDo
from practice.conversations import Conversation, Message
from practice.protocol import check_action_answer, check_search_answer, check_task_answer
from practice.state import SentMail
from practice.teams import BotFailed, Teams

Where = Literal["channel", "chat"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as one person sees it: `card` is their own view of it, when a refresh or an answer gave them one.

    `view` counts those (0: what everybody sees), so that a client knows when to draw again.
    """

    message: Message
    where: Conversation
    card: Mapping[str, Any] | None
    view: int

    @property
    def text(self) -> str:
        return self.message.text


@dataclass(frozen=True, slots=True)
class Dialog:
    """An open dialog: `info` is the task's value (title, height, width, card), `opened_on` the message it came from."""

    info: Mapping[str, Any]
    opened_on: Message
    where: Conversation

    @property
    def title(self) -> str:
        return str(self.info["title"])

    @property
    def card(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = self.info["card"]["content"]
        return content


class Client:
    """The Teams client of the person with that MRI. `dialog` is the one open, `notice` the last sentence shown to them."""

    def __init__(self, teams: Teams, mri: str) -> None:
        self.teams = teams
        self.mri = mri
        self.dialog: Dialog | None = None
        self.notice = ""
        self._views: dict[str, tuple[int, int, Mapping[str, Any]]] = {}
        self._drawn = 0
        self._asked: set[tuple[str, int]] = set()

    @property
    def persona(self) -> Persona:
        return self.teams.person(self.mri)

    @property
    def in_team(self) -> bool:
        """Whether the firm's team is in this person's list."""
        return people.signed_in(self.teams.cloud.state, self.persona) and people.in_team(
            self.teams.cloud.state, self.persona
        )

    @property
    def mails(self) -> list[SentMail]:
        """Their mailbox, oldest first."""
        return self.teams.cloud.state.mailbox(self.persona.email)

    # Seeing

    def messages(self, place: Where) -> list[Shown]:
        """What stands in "Général" or in the 1:1 chat with the bot, oldest first."""
        where = self._place(place)
        if where is None:
            return []
        return [self._shown(message, where) for message in where.messages if not message.deleted]

    async def refresh(self) -> None:
        """What the client does by itself when a card comes into view: ask once for each version that names this person.

        The bot's error answers leave the card as posted; what is no answer at all raises.
        """
        for message in self.to_refresh():
            self._asked.add((message.id, message.version))
            action = (message.card or {})["refresh"]["action"]
            await self.execute(message, action, action.get("data") or {}, trigger="automatic")

    def to_refresh(self) -> list[Message]:
        """The messages in view that name this person in `refresh.userIds`, and were not yet asked for in this version."""
        found = [shown.message for shown in self.messages("channel") + self.messages("chat")]
        return [
            one
            for one in found
            if self.mri in ((one.card or {}).get("refresh") or {}).get("userIds", ())
            and (one.id, one.version) not in self._asked
        ]

    # Doing

    async def write(self, text: str, *, place: Where = "channel", reply_to: Message | None = None) -> Message:
        """Write a message; in the channel it mentions the bot, as it must for the bot to hear it."""
        where = await self._enter(place)
        spoken = f"<at>{BOT_NAME}</at> {text}" if place == "channel" else text
        message = self.teams.conversations.add(where, self.mri, {}, reply_to.root if reply_to else "")
        activity = self.teams.envelope.message(self.persona, where, spoken, message)
        message.versions[0] = activity
        self.teams.changed()
        await self.teams.deliver(activity)
        return message

    async def send_file(self, name: str, content: bytes) -> Message:
        """Attach a file in the 1:1 chat; in a channel Teams gives bots no file."""
        where = await self._enter("chat")
        message = self.teams.conversations.add(where, self.mri, {})
        message.versions[0] = self.teams.envelope.file(
            self.persona, where, message, name, self.teams.keep_file(name, content)
        )
        self.teams.changed()
        await self.teams.deliver(message.versions[0])
        return message

    async def answer_consent(self, message: Message, *, accept: bool) -> None:
        """« Autoriser » or « Refuser » on the card by which the bot asks to give a file."""
        offered = message.offered
        if offered is None:
            raise CannotDo("that message offers no file")
        content = offered["content"]
        upload = self.teams.open_upload(offered["name"]) if accept else None
        context = content.get("acceptContext" if accept else "declineContext")
        activity = self.teams.envelope.consent(self.persona, self._where(message), message, context, upload)
        await self.teams.deliver(activity)

    async def act(self, message: Message, action: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
        """Press a button of a posted card, `data` being the action's with the inputs; gives the address OpenUrl opens."""
        match action["type"]:
            case "Action.OpenUrl":
                return str(action["url"])
            case "Action.Execute":
                await self.execute(message, action, data, trigger="manual")
            case "Action.Submit":
                kind = (data.get("msteams") or {}).get("type")
                if kind == "task/fetch":
                    await self.fetch(message, data)
                elif kind is None:
                    await self._send_submit(message, data)
                else:
                    raise CannotDo(f"msteams.type {kind!r} is not practised here")
            case other:
                raise CannotDo(f"{other} stays inside the client")
        return None

    async def execute(
        self,
        message: Message,
        action: Mapping[str, Any],
        data: Mapping[str, Any],
        *,
        trigger: Literal["manual", "automatic"],
    ) -> None:
        """adaptiveCard/action: the card answered becomes this person's view, until the message changes for everybody."""
        where = self._where(message)
        activity = self.teams.envelope.execute(self.persona, where, message, action, data, trigger)
        status, value = check_action_answer((await self.teams.deliver(activity)).body)
        if isinstance(value, Mapping):
            self._drawn += 1
            self._views[message.id] = (message.version, self._drawn, value)
            self._asked.add((message.id, message.version))
            self.teams.changed()
        elif status != 200 and trigger == "manual":
            raise BotFailed(f"adaptiveCard/action was answered {status}: {value}")
        elif status == 200:
            self.notice = value

    async def fetch(self, message: Message, data: Mapping[str, Any]) -> None:
        """task/fetch: opens the dialog the bot answers with."""
        where = self._where(message)
        answer = await self.teams.deliver(self.teams.envelope.fetch(self.persona, where, message, data))
        self._next(check_task_answer(answer.body, fetch=True), message, where)

    async def submit_dialog(self, data: Mapping[str, Any]) -> None:
        """task/submit from the open dialog: it goes on, closes, or closes with a sentence (`notice`)."""
        dialog = self.dialog
        if dialog is None:
            raise CannotDo("no dialog is open")
        activity = self.teams.envelope.submit_dialog(self.persona, dialog.where, dialog.opened_on, data)
        answer = await self.teams.deliver(activity)
        self._next(check_task_answer(answer.body, fetch=False), dialog.opened_on, dialog.where)

    def close_dialog(self) -> None:
        """The cross of the dialog: the bot hears nothing."""
        self.dialog = None

    async def search(self, message: Message, dataset: str, text: str) -> tuple[tuple[str, str], ...]:
        """application/search: the (value, title) rows for what was typed."""
        activity = self.teams.envelope.search(self.persona, self._where(message), message, dataset, text)
        return check_search_answer((await self.teams.deliver(activity)).body)

    async def open_chat(self) -> Conversation:
        """The 1:1 chat with the bot; adding the app for oneself comes first, and the bot is told."""
        chat = self.teams.conversations.open_personal(self.mri)
        if chat.id not in self.teams.conversations.installed:
            await self.teams.install(self.persona, chat)
        return chat

    # Inside

    async def _send_submit(self, message: Message, data: Mapping[str, Any]) -> None:
        await self.teams.deliver(self.teams.envelope.submit(self.persona, self._where(message), message, data))

    def _next(self, answer: Mapping[str, Any] | str | None, message: Message, where: Conversation) -> None:
        self.dialog = Dialog(answer, message, where) if isinstance(answer, Mapping) else None
        if isinstance(answer, str):
            self.notice = answer

    def _shown(self, message: Message, where: Conversation) -> Shown:
        version, view, card = self._views.get(message.id, (0, 0, None))
        if version == message.version:
            return Shown(message, where, card, view)
        return Shown(message, where, message.card, 0)

    def _place(self, place: Where) -> Conversation | None:
        if place == "chat":
            return self.teams.conversations.personal(self.mri)
        return self.teams.conversations.channel if self.in_team else None

    async def _enter(self, place: Where) -> Conversation:
        if not people.signed_in(self.teams.cloud.state, self.persona):
            raise CannotDo(f"{self.persona.name} is not in the firm's Teams: no account, or invitation not accepted")
        if place == "chat":
            return await self.open_chat()
        if not self.in_team:
            raise CannotDo(f"{self.persona.name} is not a member of the team")
        return self.teams.conversations.channel

    def _where(self, message: Message) -> Conversation:
        for conversation in self.teams.conversations:
            if conversation.message(message.id) is message:
                return conversation
        raise CannotDo("that message was deleted")
