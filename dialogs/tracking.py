"""Suivi: where each client stands and who holds the ball. Codes and states only: it may stand in « Général »."""

from collections.abc import Mapping

from cards import render
from dialogs.dialog import Ctx
from dialogs.saying import Posted
from dialogs.turn import Card, Redraw, Reply
from services import tracking
from services.errors import Refused

PAGE = 8
ALL = "all"


async def _board(ctx: Ctx, page: str, show: str) -> Card:
    member = await ctx.services.roles.staff_member(ctx.who.aad_id)
    if member is None:
        raise Refused("not_staff")
    now = ctx.services.store.clock()
    async with ctx.services.store.read() as session:
        board = await tracking.board(
            session,
            now,
            show=show,
            aad_email=member.email,
            page=int(page) if page.isdecimal() else 1,
            page_size=PAGE,
        )
    d = {
        "show": show,
        "filters": [ALL, tracking.MINE, tracking.LATE, *(state for state, _ in board.counts)],
        "counts": [{"state": state, "n": n} for state, n in board.counts],
        "rows": [
            {
                "code": path.code,
                "company": path.company,
                "offer": path.offer or "",
                "state": path.state,
                "ball": path.ball,
                "since_days": path.days(now),
                "late": path.late(now),
            }
            for path in board.rows
        ],
        "page": board.page,
        "pages": board.pages,
    }
    return render.card("tracking/board", ctx.locale, {"d": d})


async def _draw(ctx: Ctx, subject: str) -> Card:
    return await _board(ctx, subject, ALL)


async def _turn(ctx: Ctx, subject: str, inputs: Mapping[str, str]) -> Reply:
    return Redraw(await _board(ctx, subject, inputs.get("show") or ALL))


POSTED = Posted("tracking", draw=_draw, acts={"tracking_page": _turn}, commands=("suivi", "tracking"))
