"""Suivi: where each client stands and who holds the ball. Codes and states only: it may stand in « Général »."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from hashlib import blake2s
from typing import Self

from cards import render
from dialogs.clients import row
from dialogs.dialog import Ctx
from dialogs.saying import Posted
from dialogs.turn import Card, Redraw, Reply
from services import my_clients, offers, parked, tracking
from services.calendar import day_of
from services.errors import Refused
from services.ports import StaffMember
from services.tracking import Board, Choices, Wanted

PAGE = 8
ALL, MINE = "all", "mine"
NAMES = 40
"""Of more collaborateurs than that, the card lists none: they are searched by name."""


@dataclass(frozen=True, slots=True)
class Look:
    """What someone looks at: a page, and what stands in each filter. Agencies by a key: cards carry no text of ours."""

    page: int = 1
    show: str = ALL
    owner: str = ALL
    agency: str = ALL
    offer: str = ALL

    @property
    def key(self) -> str:
        """The whole of it as an id, to come back to."""
        return ".".join(map(str, astuple(self)))

    @classmethod
    def read(cls, subject: str, inputs: Mapping[str, str]) -> Self:
        """From a button's id, a `key` or a page, and what was chosen beside it."""
        page, *rest = subject.split(".")
        show, owner, agency, offer = rest if len(rest) == 4 else [inputs.get(name) or ALL for name in FILTERS]
        return cls(int(page) if page.isdecimal() and len(page) < 9 else 1, show, owner, agency, offer)


FILTERS = ("show", "owner", "agency", "offer")


def agency_key(name: str) -> str:
    """A short id of an agency's name."""
    return blake2s(name.encode(), digest_size=6).hexdigest()


async def _board(ctx: Ctx, look: Look) -> Card:
    member = await _member(ctx)
    now = ctx.services.store.clock()
    admin = await ctx.services.roles.is_administrator(ctx.who.aad_id)
    async with ctx.services.store.read() as session:
        choices = await tracking.choices(session)
        mine = await my_clients.answers_for(session, member.email, day_of(now)) if look.owner == MINE else ()
        wanted = _wanted(look, choices, [one.id for one in mine])
        board = await tracking.board(session, now, wanted, page=look.page, page_size=PAGE)
        to_retry = await parked.count(session) if admin else 0
    return drawn(ctx.locale, board, choices, look, now, admin=admin, to_retry=to_retry)


async def _member(ctx: Ctx) -> StaffMember:
    member = await ctx.services.roles.staff_member(ctx.who.aad_id)
    if member is None:
        raise Refused("not_staff")
    return member


NOBODY = ("",)


def _wanted(look: Look, choices: Choices, mine: Sequence[str]) -> Wanted:
    owners = {ALL: (), MINE: tuple(mine) or NOBODY}.get(look.owner, (look.owner,))
    agency = next((one for one in choices.agencies if agency_key(one) == look.agency), "")
    state = look.show if look.show in (*tracking.SHOWN, tracking.LATE) else ""
    return Wanted(state, owners, agency, look.offer if look.offer in offers.CATALOGUE else "")


def drawn(
    locale: str, board: Board, choices: Choices, look: Look, now: datetime, *, admin: bool = False, to_retry: int = 0
) -> dict[str, object]:
    """The board's card; for an administrator, with how much is `to_retry`."""
    listed = choices.owners if len(choices.owners) <= NAMES else [one for one in choices.owners if one[0] == look.owner]
    d = {
        "look": {name: getattr(look, name) for name in FILTERS},
        "key": Look(board.page, look.show, look.owner, look.agency, look.offer).key,
        "states": [ALL, tracking.LATE, *tracking.SHOWN],
        "owners": [{"value": one, "title": name} for one, name in listed],
        "search": len(choices.owners) > NAMES,
        "agencies": [{"value": agency_key(name), "title": name} for name in choices.agencies],
        "offers": [{"value": one.key, "title": one.name} for one in offers.CATALOGUE.values()],
        "counts": [{"state": state, "n": n} for state, n in board.counts],
        "late": board.late,
        "rows": [row(client, now) for client in board.rows],
        "page": board.page,
        "pages": board.pages,
        "admin": admin,
        "parked": to_retry,
    }
    return render.card("tracking/board", locale, {"d": d})


async def _draw(ctx: Ctx, _subject: str) -> Card:
    return await _board(ctx, Look())


async def _turn(ctx: Ctx, subject: str, inputs: Mapping[str, str]) -> Reply:
    return Redraw(await _board(ctx, Look.read(subject, inputs)))


async def _owners(ctx: Ctx, text: str, top: int) -> Sequence[tuple[str, str]]:
    await _member(ctx)
    async with ctx.services.store.read() as session:
        choices = await tracking.choices(session)
    return [one for one in choices.owners if text.casefold() in one[1].casefold()][:top]


POSTED = Posted(
    "tracking",
    draw=_draw,
    acts={"tracking_page": _turn},
    commands=("suivi", "tracking"),
    searches={"collaborateurs": _owners},
)
