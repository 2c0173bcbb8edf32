"""Mes dossiers, and À faire: where one's own clients stand, and what waits for oneself.

Both may be asked for in « Général », so their cards carry codes, companies and states only. Turning a page shows whoever
clicks their own.
"""

from cards import render
from dialogs import colleagues
from dialogs.clients import row
from dialogs.dialog import Ctx
from dialogs.saying import Posted
from dialogs.turn import Card
from services import my_clients, parked, tracking
from services.calendar import day_of
from services.errors import Refused
from services.my_clients import Reader
from services.ports import StaffMember
from services.tracking import Wanted

PAGE = 8
BACK, BACK_TO_DO = "mine", "todo"
"""Before a page: what a path that was opened there leads back to."""


async def _member(ctx: Ctx) -> StaffMember:
    member = await ctx.services.roles.staff_member(ctx.who.aad_id)
    if member is None:
        raise Refused("not_staff")
    return member


def _page(subject: str) -> int:
    return int(subject) if subject.isdecimal() and len(subject) < 9 else 1


# --- mes dossiers


async def _mine(ctx: Ctx, subject: str) -> Card:
    member, now = await _member(ctx), ctx.services.store.clock()
    async with ctx.services.store.read() as session:
        owners = await my_clients.answers_for(session, member.email, day_of(now))
        ids = tuple(one.id for one in owners)
        dossiers = await my_clients.dossiers_of(session, ids)
        wanted = Wanted(owners=ids or ("",))  # nobody's, not everybody's
        board = await tracking.board(session, now, wanted, page=_page(subject), page_size=PAGE)
    absent = {one.name: await colleagues.called(ctx.services, one) for one in owners[1:]}
    d = {
        "name": member.name,
        "dossiers": dossiers,
        "stands_in_for": list(absent.values()),
        "counts": [{"state": state, "n": n} for state, n in board.counts],
        "late": board.late,
        "rows": [{**row(one, now), "instead_of": absent.get(one.owner or "")} for one in board.rows],
        "page": board.page,
        "pages": board.pages,
        "back": f"{BACK}.{board.page}",
    }
    return render.card("my_clients/mine", ctx.locale, {"d": d})


POSTED = Posted("my_clients", draw=_mine, commands=("mes dossiers", "my clients"))


# --- à faire


async def _to_do(ctx: Ctx, subject: str) -> Card:
    member, roles, now = await _member(ctx), ctx.services.roles, ctx.services.store.clock()
    admin = await roles.is_administrator(ctx.who.aad_id)
    async with ctx.services.store.read() as session:
        owners = await my_clients.answers_for(session, member.email, day_of(now))
        reader = Reader(ctx.who.aad_id, tuple(one.id for one in owners), admin, roles.requester_may_approve)
        waiting = await my_clients.to_do(session, reader, page=_page(subject), page_size=PAGE)
        to_retry = await parked.count(session) if admin else 0
    d = {
        "name": member.name,
        "total": waiting.total,
        "rows": [row(one, now) for one in waiting.rows],
        "parked": to_retry,
        "page": waiting.page,
        "pages": waiting.pages,
        "back": f"{BACK_TO_DO}.{waiting.page}",
    }
    return render.card("my_clients/to_do", ctx.locale, {"d": d})


TO_DO = Posted("to_do", draw=_to_do, commands=("a faire", "to do"))
