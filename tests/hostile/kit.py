"""The whole program over real HTTP, for whoever means it harm: what is sent, what is answered, what changed."""

import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, literal, select, union_all

from practice.card import plain
from practice.client import Shown
from services.models import (
    Activation,
    Delegation,
    Dossier,
    DossierWord,
    Import,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    LoopTask,
    Proposition,
    Rattachement,
    Row,
)
from services.store import Store
from tests.conftest import Bot
from tests.teams import Firm, Person

BUSINESS = (
    *(Activation, Delegation, Dossier, DossierWord, Import, Interlocuteur, Invitation, InvitationDossier, LoopTask),
    *(Proposition, Rattachement),
)


def _rows(table: type[Row]) -> Select[tuple[str, str]]:
    """Every row of a table, each as one text."""
    cells = [func.coalesce(cast(column, Text), "\x1e") + "\x1f" for column in table.__table__.columns]
    row: ColumnElement[str] = reduce(add, cells)
    return select(literal(table.__tablename__), row)


ROWS = union_all(*map(_rows, BUSINESS))
"""One question for all of it: it is asked after each case."""
CANARY = "zzcanary7391"
"""Stands in everything hostile that is typed: no log may ever hold it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the bot answered."""

    status: int
    body: Any

    @property
    def said(self) -> str:
        """All of it as people read it: one kind of space and apostrophe."""
        return plain(json.dumps(self.body, ensure_ascii=False))

    def says(self, text: str) -> bool:
        return plain(text) in self.said

    @property
    def card(self) -> Mapping[str, Any]:
        """The card of a dialog that goes on."""
        found: Mapping[str, Any] = self.body["task"]["value"]["card"]["content"]
        return found

    @property
    def ours(self) -> dict[str, Any]:
        """What the form's main button carries: its draft, step and version."""
        return next(
            dict(one["data"]["p"])
            for one in elements(self.card)
            if one.get("type") == "Action.Submit" and one.get("data", {}).get("p", {}).get("go", "next") == "next"
        )


class Site:
    """The practice firm under attack, and its bot. `proposition` awaits Malo's approval; `invitation` is Paul's."""

    def __init__(self, firm: Firm, bot: Bot, store: Store, log: io.StringIO | None = None) -> None:
        self.firm = firm
        self.bot = bot
        self.store = store
        self.log = log or io.StringIO()
        self.proposition = ""
        self.invitation = ""
        self.dossier = ""
        self._known: Counter[tuple[str, str]] = Counter()

    async def learn(self) -> None:
        """The ids a hostile person may have seen in a card."""
        async with self.store.read() as session:
            self.proposition = await session.scalar(select(Proposition.id)) or ""
            self.invitation = await session.scalar(select(Invitation.id)) or ""
            self.dossier = await session.scalar(select(Dossier.id).where(Dossier.code == "BOUMAR")) or ""
        assert self.proposition
        assert self.invitation

    async def _business(self) -> Counter[tuple[str, str]]:
        """Every row that matters to the firm, with its table's name."""
        async with self.store.read() as session:
            found: Sequence[Any] = (await session.execute(ROWS)).all()
        return Counter((table, row) for table, row in found)

    @asynccontextmanager
    async def changes_nothing(self, but: type[Row] | None = None) -> AsyncIterator[None]:
        """Whatever is done inside: no row of the firm's business changes (`but` those of one table), no turn breaks."""
        read = self.log.tell()
        if not self._known:
            self._known = await self._business()
        yield
        before, self._known = self._known, await self._business()
        changed = (before - self._known) + (self._known - before)
        assert [row for row in changed if but is None or row[0] != but.__tablename__] == []
        self.broke_nothing(read)

    def broke_nothing(self, since: int) -> None:
        """No turn and no reaction ended in a bug since that place of the log."""
        self.log.seek(since)
        said = self.log.read()
        assert not [
            line for line in said.splitlines() if "turn failed" in line or ("reaction" in line and "failed" in line)
        ]

    async def settles(self) -> None:
        """Until everything under way is done."""
        await self.bot.lets_pass()

    # --- gestures; no client checks them first

    async def send(self, activity: Mapping[str, Any]) -> Heard:
        answer = await self.firm.teams.redeliver(dict(activity))
        return Heard(answer.status, answer.body)

    async def executes(self, who: Person, verb: Any, data: Any, trigger: str = "manual", **more: Any) -> Heard:
        """Action.Execute on the newest card of « Général »."""
        shown = self._newest()
        made = self._envelope(who).execute(who.client.persona, shown.where, shown.message, {}, {}, "manual")
        made["value"] = {"action": {"type": "Action.Execute", "verb": verb, "data": data}, "trigger": trigger}
        return await self.send(made | more)

    async def submits_card(self, who: Person, value: Any) -> Heard:
        """Action.Submit on a posted card: an old client's way."""
        shown = self._newest()
        made = self._envelope(who).submit(who.client.persona, shown.where, shown.message, {})
        return await self.send(made | {"value": value})

    async def opens(self, who: Person, data: Any) -> Heard:
        """task/fetch."""
        shown = self._newest()
        made = self._envelope(who).fetch(who.client.persona, shown.where, shown.message, {})
        made["value"]["data"] = data
        return await self.send(made)

    async def submits(self, who: Person, data: Any) -> Heard:
        """task/submit."""
        shown = self._newest()
        made = self._envelope(who).submit_dialog(who.client.persona, shown.where, shown.message, {})
        made["value"]["data"] = data
        return await self.send(made)

    async def searches(self, who: Person, text: Any, dataset: Any = "dossiers", **options: Any) -> Heard:
        """application/search."""
        shown = self._newest()
        made = self._envelope(who).search(who.client.persona, shown.where, shown.message, "dossiers", "")
        made["value"] |= {"queryText": text, "dataset": dataset, "queryOptions": {"skip": 0, "top": 15, **options}}
        return await self.send(made)

    async def form(self, who: Person, dialog: str = "invite_guest", subject: str | None = None) -> dict[str, Any]:
        """A form just opened: what its main button carries."""
        return (await self.opens(who, {"p": {"do": dialog, "id": subject}})).ours

    def _newest(self) -> Shown:
        """The newest card of « Général », which whoever forges may never have seen."""
        return self.firm.person("Claire").client.messages("channel")[-1]

    def _envelope(self, who: Person) -> Any:
        return who.client.teams.envelope


def elements(value: Any) -> list[dict[str, Any]]:
    """Every object in a card."""
    if isinstance(value, dict):
        return [value] + [one for item in value.values() for one in elements(item)]
    if isinstance(value, list):
        return [one for item in value for one in elements(item)]
    return []
