"""Conversations the bot was seen in, and the cards it posted there."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services._missing import insert_into
from services.clock import Clock
from services.models import PlaceRow, PostedCard
from services.ports import Place, PlaceKind
from services.store import Store

GENERAL = "general"
SEEN_FOR = timedelta(minutes=1)


def personal(aad_id: str) -> str:
    """The key of someone's 1:1 chat with the bot."""
    return f"user:{aad_id}"


async def remember(store: Store, key: str, place: Place) -> bool:
    """Keep the conversation reference of every arrival: the service URL of a region may change under us.

    Gives whether the place was new.
    """
    if await find(store, key) == place:
        return False
    held = {
        "kind": place.kind,
        "conversation_id": place.conversation_id,
        "service_url": place.service_url,
        "tenant_id": place.tenant_id,
        "bot_id": place.bot_id,
        "team_id": place.team_id,
        "group_id": place.group_id,
        "user_mri": place.user_mri,
    }
    async with store.work() as work:
        first = insert_into(work.session, PlaceRow).values(key=key, **held, seen_at=work.now)
        # Several may meet the same person at once: one finds the place new, the others find it there.
        new = (await work.session.scalars(first.on_conflict_do_nothing().returning(PlaceRow.key))).first() is not None
        if not new:
            await work.change(update(PlaceRow).where(PlaceRow.key == key).values(**held, seen_at=work.now))
    return new


async def forget(store: Store, key: str) -> None:
    """The bot was removed there: nothing can be posted any more."""
    async with store.work() as work:
        await work.session.execute(delete(PlaceRow).where(PlaceRow.key == key))
        await work.session.execute(delete(PostedCard).where(PostedCard.place_key == key))


async def find(store: Store, key: str) -> Place | None:
    """The conversation under this key, None when the bot never was there."""
    async with store.read() as session:
        row = await session.get(PlaceRow, key)
    if row is None:
        return None
    return Place(
        kind=PlaceKind(row.kind),
        conversation_id=row.conversation_id,
        service_url=row.service_url,
        tenant_id=row.tenant_id,
        bot_id=row.bot_id,
        team_id=row.team_id,
        group_id=row.group_id,
        user_mri=row.user_mri,
    )


class Seen:
    """Where turns came from in the last minute, in this process: a place is not read from the database at each click."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = clock()
        self._places: dict[str, Place] = {}

    def lately(self, key: str, place: Place) -> bool:
        """Whether this very place has been seen under this key; from now on it has."""
        now = self._clock()
        if now >= self._until:
            self._until = now + SEEN_FOR
            self._places.clear()
        before = self._places.get(key)
        self._places[key] = place
        return before == place

    def forget(self, key: str) -> None:
        """What happens there now is to be compared with the database."""
        self._places.pop(key, None)


async def posted(session: AsyncSession, about: str, place_key: str) -> str | None:
    """The activity id of the card about this subject in this place."""
    row = await session.get(PostedCard, (about, place_key))
    return row.activity_id if row else None


async def posted_in(session: AsyncSession, about: str) -> Sequence[str]:
    """The places where a card about this subject stands."""
    query = select(PostedCard.place_key).where(PostedCard.about == about).order_by(PostedCard.place_key)
    return (await session.scalars(query)).all()


async def posted_like(session: AsyncSession, start: str, place_key: str) -> Sequence[str]:
    """The subjects that begin so and have a card in this place, in their order."""
    about = PostedCard.about.startswith(start, autoescape=True)
    query = select(PostedCard.about).where(about, PostedCard.place_key == place_key).order_by(PostedCard.about)
    return (await session.scalars(query)).all()


async def record_posted(store: Store, about: str, place_key: str, activity_id: str) -> None:
    """Remember where the card stands; a later card about the same subject takes its place."""
    async with store.work() as work:
        await work.session.merge(PostedCard(about=about, place_key=place_key, activity_id=activity_id))


async def forget_posted(store: Store, about: str, place_key: str) -> None:
    """Someone deleted the message in Teams: the next word about the subject is a new message."""
    async with store.work() as work:
        row = await work.session.scalar(
            select(PostedCard).where(PostedCard.about == about, PostedCard.place_key == place_key)
        )
        if row is not None:
            await work.session.delete(row)
