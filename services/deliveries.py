"""What became of each leg (mail, Teams message) of what the firm owes a person. The legs of one subject are independent."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.models import Delivery, DeliveryState
from services.store import Store

INVITATION = "invitation_mail"
IDENTIFIER, WELCOME = "identifier_mail", "welcome_mail"
"""The legs that each proposition owes by mail."""
WELCOME_TEAMS = "welcome_teams"
MAIL_IN_DOUBT, MESSAGE_IN_DOUBT = "mail_in_doubt", "message_in_doubt"
IN_DOUBT = frozenset({MAIL_IN_DOUBT, MESSAGE_IN_DOUBT})
"""Reasons of a leg that nobody knows to have gone out or not; with any other it did not."""


_DELIVERED = select(Delivery.state).where(
    Delivery.subject == bindparam("subject"),
    Delivery.leg == bindparam("leg"),
    Delivery.state == DeliveryState.DELIVERED,
)


async def delivered(store: Store, subject: str, leg: str) -> bool:
    """Whether this leg went out already."""
    return bool(await store.ask(_DELIVERED, subject=subject, leg=leg))


async def record(store: Store, subject: str, leg: str, reason: str | None = None) -> bool:
    """The leg went out, or did not for this reason. Gives whether it went out after a failure already told."""
    state = DeliveryState.FAILED if reason else DeliveryState.DELIVERED
    async with store.work(brief=True) as work:
        before = await work.session.get(Delivery, (subject, leg))
        mended = before is not None and before.state == DeliveryState.FAILED and reason is None
        if before is None:
            work.session.add(Delivery(subject=subject, leg=leg, state=state, reason=reason, at=work.now))
        else:
            before.state, before.reason, before.at = state, reason, work.now
    return mended


async def of(session: AsyncSession, subject: str) -> Sequence[Delivery]:
    """Every leg of a subject, by name."""
    return (await of_each(session, [subject])).get(subject, ())


async def of_each(session: AsyncSession, subjects: Collection[str]) -> Mapping[str, Sequence[Delivery]]:
    """Every leg of each of these subjects, by name."""
    found: defaultdict[str, list[Delivery]] = defaultdict(list)
    query = select(Delivery).where(Delivery.subject.in_(subjects)).order_by(Delivery.leg)
    for row in await session.scalars(query):
        found[row.subject].append(row)
    return found
