"""What can be exported, as the rows of a table in the words of a language, headings first: the board, the journal."""

from cards.words import text
from dialogs.journal_command import Shown
from services import exports, journal, pseudonyms, tracking
from services.exports import Cell
from services.store import Store
from services.tracking import Client

COLUMNS = ("dossier", "company", "offer", "state", "ball", "since", "days", "late", "collaborateur", "agency")


async def rows(store: Store, what: str, locale: str) -> list[list[Cell]]:
    """All of it, as it stands now; `what` is one of `services.exports.WHAT`."""
    return await (_board(store, locale) if what == exports.TRACKING else _journal(store, locale))


async def _board(store: Store, locale: str) -> list[list[Cell]]:
    heads: list[Cell] = [text(f"export.columns.{name}", locale) for name in COLUMNS]
    async with store.read() as session:
        return [heads, *[_client(one, store, locale) async for one in tracking.every(session)]]


def _client(one: Client, store: Store, locale: str) -> list[Cell]:
    now = store.clock()
    return [
        one.code,
        one.company,
        one.offer or "",
        text(f"states.{one.state}", locale),
        text(f"roles.{one.ball}", locale) if one.ball else "",
        one.since,
        one.days(now),
        text("export.late", locale) if one.late(now) else "",
        one.owner or "",
        one.agency,
    ]


async def _journal(store: Store, locale: str) -> list[list[Cell]]:
    shown = Shown(locale, await pseudonyms.load(store))
    async with store.read() as session:
        return [shown.heads(), *[shown.row(one) async for one in journal.entries(session)]]
