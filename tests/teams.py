"""People of the practice firm at their Teams client, for tests that read as transcripts.

    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Inviter un entrepreneur")
    await claire.fills({"Nom": "Martin", "E-mail": "paul@boulangerie-martin.example"})
    await claire.clicks("Continuer")
    await claire.sees("Invitation envoyée")

Everything is found by what a person sees: titles, labels, texts, compared without markdown, kinds of space or apostrophe.
A gesture a real client would refuse raises `CannotDo`; an answer Teams would refuse raises `ProtocolError`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import unescape
from typing import Any, Self

from practice.activities import Activity
from practice.card import Button, CannotDo, Surface, plain
from practice.client import Client, Shown, Where
from practice.cloud import Cloud
from practice.conversations import Message
from practice.state import SentMail
from practice.teams import Answer, Teams
from tests.seen import CardHandle, OpenDialog, mail_text

PATIENCE = 5.0
"""Seconds `sees` waits for what comes later, by an outbox."""
_MAIL_POLL = 0.02  # the practice cloud tells nobody when a mail arrives


class Person:
    """Somebody at their Teams. `client` is the machine below, for what no title names."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._surfaces: dict[int, Surface] = {}
        self._kept: list[Mapping[str, Any]] = []  # keeps the cards of `_surfaces` alive: they are known by identity
        self._suggested: dict[str, Sequence[tuple[str, str]]] = {}
        self._filled: Surface | None = None
        self._answered: set[str] = set()  # messages that offered a file

    def __repr__(self) -> str:
        return f"<{self.client.persona.name}>"

    # Doing

    async def writes(self, text: str, *, in_chat: bool = False, reply_to: Message | None = None) -> Message:
        """Write to the bot: in "Général" with a mention, or in the 1:1 chat."""
        return await self.client.write(text, place="chat" if in_chat else "channel", reply_to=reply_to)

    async def sends_file(self, name: str, content: bytes) -> Message:
        """Attach a file in the 1:1 chat with the bot."""
        return await self.client.send_file(name, content)

    async def accepts_file(self, *, within: float = PATIENCE) -> bytes:
        """Let the bot give the file it offers next in the 1:1 chat, and wait for it."""
        teams = self.client.teams
        async with asyncio.timeout(within):
            while not (offers := self._offers()):
                await teams.change_after(teams.revision)
            self._answered.add(offers[0].id)
            before = len(self._given())
            await self.client.answer_consent(offers[0], accept=True)
            while len(given := self._given()) == before:
                await teams.change_after(teams.revision)
        return teams.given[given[-1]["content"]["uniqueId"]]

    async def declines_file(self) -> None:
        """Do not let the bot give the file it offers."""
        offer = self._offers()[0]
        self._answered.add(offer.id)
        await self.client.answer_consent(offer, accept=False)

    def _offers(self) -> list[Message]:
        messages = [one.message for one in self.client.messages("chat")]
        return [one for one in messages if one.offered and one.id not in self._answered]

    def _given(self) -> list[Mapping[str, Any]]:
        return [one.message.given for one in self.client.messages("chat") if one.message.given]

    async def clicks(self, title: str) -> str | None:
        """Press the button of that title: in the open dialog, else on the card just filled, else on the newest that has it.

        Gives the address of an OpenUrl button. Refused inputs leave their messages in `errors`, and nothing is sent.
        """
        await self.client.refresh()
        dialog = self.client.dialog
        if dialog is not None:
            surface = self._surface(dialog.card)
            button = surface.button(title)
            if button is None:
                raise CannotDo(f"no button « {title} » in the dialog « {dialog.title} »: {self._here()}")
            return await self._press_in_dialog(surface, button)
        for shown, surface in sorted(self._cards(), key=lambda card: card[1] is not self._filled):
            button = surface.button(title)
            if button is not None:
                return await self.press(shown.message, surface, button)
        raise CannotDo(f"{self.client.persona.name} sees no button « {title} »; {self._here()}")

    async def fills(self, values: Mapping[str, str | bool | Sequence[str]]) -> None:
        """Type, choose and tick by label, in the open dialog, else on the newest card that has those labels."""
        await self.client.refresh()
        self._filled = surface = self._surface_with(next(iter(values)))
        for label, value in values.items():
            surface.fill(label, value)

    async def searches(self, label: str, text: str) -> tuple[str, ...]:
        """Type in a typeahead and read the rows it offers, by their titles."""
        await self.client.refresh()
        surface = self._surface_with(label)
        field = surface.input(label)
        if field.dataset is None:
            raise CannotDo(f"« {label} » does not search")
        rows = await self.client.search(self._message_of(surface), field.dataset, text)
        surface.offer(field, rows)
        self._suggested[field.label] = rows
        return tuple(title for _, title in rows)

    async def picks(self, title: str) -> None:
        """Choose a row of the last `searches`, by its title or an unambiguous part of it."""
        for label, rows in self._suggested.items():
            found = [row for _, row in rows if plain(title) in plain(row)]
            if len(found) == 1:
                self._surface_with(label).fill(label, found[0])
                return
        raise CannotDo(f"no single row « {title} » among {self._suggested}")

    async def closes(self) -> None:
        """Close the dialog by its cross."""
        self.client.close_dialog()

    async def press(self, message: Message, surface: Surface, button: Button) -> str | None:
        """Press a button of a posted card."""
        data = surface.press(button)
        return None if data is None else await self.client.act(message, button.action, data)

    async def redeems(self, mail: SentMail | None = None) -> None:
        """Follow the redeem link of an invitation mail (the newest that has one)."""
        state = self.client.teams.cloud.state
        for one in [mail] if mail else reversed(self.mails):
            for invitation in state.invitations:
                if invitation.redeem_url in unescape(one.content):
                    state.redeem(invitation.redeem_url)
                    self.client.teams.changed()
                    return
        raise CannotDo(f"{self.client.persona.name} has no mail with an invitation link")

    # Seeing

    async def looks(self) -> None:
        """Open Teams: cards that refresh for this person do so now."""
        await self.client.refresh()

    async def sees(self, *texts: str, within: float = PATIENCE) -> None:
        """Wait until each text stands somewhere before this person's eyes (dialog, notice, channel, chat)."""
        for text in texts:
            try:
                async with asyncio.timeout(within):
                    await self._until_seen(text)
            except TimeoutError:
                here = self._here(with_texts=True)
                raise AssertionError(f"{self.client.persona.name} does not see « {text} »; {here}") from None

    async def sees_no(self, *texts: str) -> None:
        """None of these texts stands before this person's eyes now."""
        await self.client.refresh()
        for text in texts:
            assert not self._seen(text), f"{self.client.persona.name} sees « {text} »"

    async def receives(self, text: str, *, count: int = 1, within: float = PATIENCE) -> SentMail:
        """Wait for the `count`-th mail with `text` in its subject or body; gives it."""
        try:
            async with asyncio.timeout(within):
                while len(found := [mail for mail in self.mails if plain(text) in plain(mail_text(mail))]) < count:
                    await self._moment()
        except TimeoutError:
            subjects = [mail.subject for mail in self.mails]
            raise AssertionError(f"{self.client.persona.name} got {subjects}, not « {text} »") from None
        return found[count - 1]

    @property
    def dialog(self) -> OpenDialog | None:
        """The open dialog, None when there is none."""
        dialog = self.client.dialog
        return None if dialog is None else OpenDialog(dialog, self._surface(dialog.card))

    @property
    def notice(self) -> str:
        """The sentence the last dialog closed with, or the last Execute answered with."""
        return self.client.notice

    @property
    def errors(self) -> dict[str, str]:
        """What this client says beside inputs after refusing a press, by label."""
        surfaces = [self._surface(self.client.dialog.card)] if self.client.dialog else [s for _, s in self._cards()]
        return next((surface.errors for surface in surfaces if surface.errors), {})

    @property
    def channel(self) -> list[CardHandle]:
        """The cards of "Général", oldest first, as this person last saw them."""
        return self._handles("channel")

    @property
    def chat(self) -> list[CardHandle]:
        """The cards of the 1:1 chat, oldest first."""
        return self._handles("chat")

    @property
    def mails(self) -> list[SentMail]:
        return self.client.mails

    def card(self, text: str) -> CardHandle:
        """The newest card that says `text`, kept as it is now."""
        for shown, surface in self._cards():
            if any(plain(text) in plain(line) for line in surface.texts):
                return CardHandle(self.press, shown.message, surface.card)
        raise CannotDo(f"no card says « {text} »; {self._here(with_texts=True)}")

    # Below the titles

    @property
    def last_sent(self) -> Activity:
        """The last activity this person's client sent, to send again, changed or not."""
        return next(one for one in reversed(self.client.teams.sent) if one["from"]["id"] == self.client.mri)

    async def send(self, activity: Activity) -> Answer:
        """Deliver any activity, signed as Teams signs."""
        return await self.client.teams.deliver(activity)

    async def repeats(self, *, new_id: bool = False) -> Answer:
        """Teams delivers this person's last gesture once more."""
        return await self.client.teams.redeliver(self.last_sent, new_id=new_id)

    # Inside

    def _surface(self, card: Mapping[str, Any]) -> Surface:
        if id(card) not in self._surfaces:
            self._kept.append(card)
            self._surfaces[id(card)] = Surface(card)
        return self._surfaces[id(card)]

    def _all_shown(self) -> list[Shown]:
        """Everything in both places, newest first."""
        shown = self.client.messages("channel") + self.client.messages("chat")
        return sorted(shown, key=lambda one: int(one.message.id), reverse=True)

    def _cards(self) -> list[tuple[Shown, Surface]]:
        return [(shown, self._surface(shown.card)) for shown in self._all_shown() if shown.card]

    def _handles(self, place: Where) -> list[CardHandle]:
        return [
            CardHandle(self.press, shown.message, shown.card) for shown in self.client.messages(place) if shown.card
        ]

    def _surface_with(self, label: str) -> Surface:
        if self.client.dialog:
            return self._surface(self.client.dialog.card)
        for _, surface in self._cards():
            if any(plain(field.label) == plain(label) for field in surface.inputs):
                return surface
        raise CannotDo(f"no input « {label} »; {self._here()}")

    def _message_of(self, surface: Surface) -> Message:
        if self.client.dialog:
            return self.client.dialog.opened_on
        return next(shown.message for shown, one in self._cards() if one is surface)

    async def _press_in_dialog(self, surface: Surface, button: Button) -> str | None:
        data = surface.press(button)
        if data is None:
            return None
        if button.action["type"] == "Action.OpenUrl":
            return str(button.action["url"])
        await self.client.submit_dialog(data)
        return None

    def _lines(self) -> list[str]:
        dialog = self.client.dialog
        lines = [dialog.title, *self._surface(dialog.card).texts] if dialog else []
        lines.append(self.client.notice)
        for shown in self._all_shown():
            lines.append(shown.text)
            lines += self._surface(shown.card).texts if shown.card else ()
        return [line for line in lines if line]

    def _seen(self, text: str) -> bool:
        return any(plain(text) in plain(line) for line in self._lines())

    async def _until_seen(self, text: str) -> None:
        while True:
            revision = self.client.teams.revision
            await self.client.refresh()
            if self._seen(text):
                return
            await self.client.teams.change_after(revision)

    async def _moment(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAIL_POLL):
                await self.client.teams.change_after(self.client.teams.revision)

    def _here(self, *, with_texts: bool = False) -> str:
        dialog = self.client.dialog
        surfaces = [self._surface(dialog.card)] if dialog else [surface for _, surface in self._cards()[:3]]
        buttons = [button.title for surface in surfaces for button in surface.buttons]
        return f"buttons {buttons}" + (f"; texts {self._lines()[:40]}" if with_texts else "")


class Firm:
    """The practice firm running: its cloud, its Teams, its people. Give `teams.bot_url` before anybody does anything."""

    def __init__(self, cloud: Cloud, teams: Teams) -> None:
        self.cloud = cloud
        self.teams = teams
        self._people: dict[str, Person] = {}

    @classmethod
    async def start(cls, *, bot_url: str = "") -> Self:
        cloud = await Cloud.start()
        return cls(cloud, await Teams.start(cloud, bot_url=bot_url))

    async def stop(self) -> None:
        await self.teams.stop()
        await self.cloud.stop()

    def person(self, name: str) -> Person:
        """By first name, full name or e-mail; the same `Person` each time."""
        mri = self.teams.person(name).mri
        return self._people.setdefault(mri, Person(Client(self.teams, mri)))

    async def install(self, by: str = "Claire") -> None:
        """The administrator adds the bot to the firm's team."""
        await self.teams.install(self.teams.person(by))

    def environment(self) -> dict[str, str]:
        """The settings a bot needs to live in this firm (database and port excepted)."""
        return self.teams.environment()
