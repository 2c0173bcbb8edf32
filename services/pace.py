"""No faster than the outside allows, whatever the number of replicas: what must wait its turn is one row a key."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select, update

from services._missing import insert_into
from services.errors import Unavailable
from services.models import Pace
from services.ports import Chat, FileOffer, Message, Place, RosterMember, Upload
from services.store import Store, Work

# Teams takes 7 messages a second in a conversation, but 60 in 30 seconds and 1800 an hour ("Optimize your bot with rate
# limiting in Teams"): at one a second people can still read, and no limit is near.
THREAD_PAUSE = timedelta(seconds=1.05)
CHAT_PAUSE = timedelta(seconds=0.1)
LONGEST_WAIT = timedelta(seconds=15)

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# In one order for everybody: whoever waits for a row holds none that another needs first.
_HELD = (
    select(Pace.key, Pace.free_at)
    .where(Pace.key.in_(bindparam("keys", expanding=True)))
    .order_by(Pace.key)
    .with_for_update()
)
_FREE = update(Pace).where(Pace.key == bindparam("of")).values(free_at=bindparam("at"))


async def held(work: Work, keys: Iterable[str]) -> dict[str, datetime]:
    """When each key is next free; until the commit nobody else reads or changes them."""
    wanted = sorted(keys)
    rows = (await work.session.execute(_HELD, {"keys": wanted})).all()
    if len(rows) < len(wanted):
        new = [{"key": key, "free_at": _LONG_AGO} for key in wanted]
        await work.session.execute(insert_into(work.session, Pace).values(new).on_conflict_do_nothing())
        rows = (await work.session.execute(_HELD, {"keys": wanted})).all()
    return {key: free_at for key, free_at in rows}  # noqa: C416 - rows, to mypy, are no pairs


async def rest(work: Work, pauses: Mapping[str, timedelta]) -> None:
    """None of these keys is free before its pause has gone by."""
    now = await work.instant()
    for key, free_at in (await held(work, pauses)).items():
        await _free(work, key, max(free_at, now + pauses[key]))


async def _free(work: Work, key: str, at: datetime) -> None:
    await work.change(_FREE, of=key, at=at)


class PacedChat:
    """services.ports.Chat at Teams' pace: one message a second in a conversation, ten calls a second in all.

    A call waits for its turn, at most `LONGEST_WAIT`; then it is Unavailable("chat_throttled"), and nothing was sent.
    """

    def __init__(self, chat: Chat, store: Store, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._chat = chat
        self._store = store
        self._sleep = sleep

    async def post(self, place: Place, message: Message | FileOffer | Upload) -> str:
        """Post a new message; gives its activity id."""
        await self._turn({f"thread:{place.conversation_id}": THREAD_PAUSE})
        return await self._chat.post(place, message)

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        """Replace a message."""
        await self._turn({f"thread:{place.conversation_id}": THREAD_PAUSE})
        await self._chat.update(place, activity_id, message)

    async def members(self, place: Place) -> tuple[RosterMember, ...]:
        """Everyone in the conversation."""
        await self._turn({})
        return await self._chat.members(place)

    async def open_personal(self, place: Place, mri: str) -> Place:
        """The 1:1 conversation with a member of `place`."""
        await self._turn({})
        return await self._chat.open_personal(place, mri)

    async def _turn(self, paces: dict[str, timedelta]) -> None:
        waited = timedelta()
        while wait := await self._take(paces | {"chat": CHAT_PAUSE}):
            waited += wait
            if waited > LONGEST_WAIT:
                raise Unavailable("chat_throttled", retry_after=wait.total_seconds())
            await self._sleep(wait.total_seconds())

    async def _take(self, paces: dict[str, timedelta]) -> timedelta:
        """Take a turn if every key is free now, and give zero; otherwise take nothing, and give how long to wait."""
        async with self._store.work(brief=True) as work:
            now = await work.instant()
            # Turns are taken, not booked: a booked one would hold up other conversations until it comes.
            wait = max((await held(work, paces)).values()) - now
            if wait > timedelta():
                return wait
            for key, pause in paces.items():
                await _free(work, key, now + pause)
        return timedelta()
