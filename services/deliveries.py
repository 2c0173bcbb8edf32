"""What became of each leg (mail, Teams message) of what the firm owes a person."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.models import Delivery, DeliveryState
from services.store import Store

IDENTIFIER, WELCOME = "identifier_mail", "welcome_mail"
"""The legs that each proposition owes by mail."""


async def delivered(session: AsyncSession, subject: str, leg: str) -> bool:
    """Whether this leg went out already."""
    row = await session.get(Delivery, (subject, leg))
    return row is not None and row.state == DeliveryState.DELIVERED


async def record(store: Store, subject: str, leg: str, reason: str | None = None) -> None:
    """The leg went out, or did not for this reason."""
    state = DeliveryState.FAILED if reason else DeliveryState.DELIVERED
    async with store.work() as work:
        await work.session.merge(Delivery(subject=subject, leg=leg, state=state, reason=reason, at=work.now))


async def of(session: AsyncSession, subject: str) -> Sequence[Delivery]:
    """Every leg of a subject, by name."""
    return (await session.scalars(select(Delivery).where(Delivery.subject == subject).order_by(Delivery.leg))).all()
