"""Suivi: where each client stands and who holds the ball. Codes and states only: it may stand in « Général »."""

from cards import render
from dialogs.dialog import Ctx
from dialogs.saying import Posted
from dialogs.turn import Card
from services import tracking
from services.errors import Refused
from services.models import PropositionState

PAGE = 8


async def _draw(ctx: Ctx, subject: str) -> Card:
    if await ctx.services.roles.staff_member(ctx.who.aad_id) is None:
        raise Refused("not_staff")
    async with ctx.services.store.read() as session:
        paths = await tracking.paths(session)
    now = ctx.services.store.clock()
    pages = max(1, -(-len(paths) // PAGE))
    page = min(max(int(subject) if subject.isdecimal() else 1, 1), pages)
    rows = [
        {
            "code": path.code,
            "company": path.company,
            "offer": path.offer or "",
            "state": _shown(path.state),
            "ball": path.ball,
            "since_days": path.days(now),
            "late": path.late(now),
        }
        for path in paths[(page - 1) * PAGE : page * PAGE]
    ]
    counts = [{"state": _shown(state), "n": n} for state, n in tracking.counts(paths).items()]
    d = {"counts": counts, "rows": rows, "page": page, "pages": pages}
    return render.card("tracking/board", ctx.locale, {"d": d})


def _shown(state: str) -> str:
    """For who looks, a proposition waits for its approval from the moment it exists."""
    return PropositionState.AWAITING_APPROVAL if state == PropositionState.PROPOSED else state


POSTED = Posted("tracking", draw=_draw, commands=("suivi", "tracking"))
