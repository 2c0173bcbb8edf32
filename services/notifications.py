"""Graph's change notifications: they make the next look at the acceptances happen now. What changed, users/delta alone says.

Optional, and never relied upon: without them, or when Graph loses some, the next look at users/delta sees the same.
"""

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import Refused
from services.models import Bookmark
from services.ports import Subscription, Subscriptions
from services.store import Store

LASTS = timedelta(days=3)
"""Graph grants up to 41760 minutes for users; one that a crash forgot is over sooner."""
RENEWED_BEFORE = timedelta(days=2)
BUSY = timedelta(minutes=1)
"""For how long whoever calls Graph has it to themselves; and how soon it is tried again when Graph is away."""
REFUSED_FOR = timedelta(hours=1)
_NAME = "subscriptions/users"
_NEVER = datetime.min.replace(tzinfo=UTC).isoformat()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """What one notification says. `event` is `missed`, `subscriptionRemoved`, `reauthorizationRequired`, or None: a change."""

    subscription_id: str
    secret: str
    event: str | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the database knows of our subscription. Times in ISO 8601; `rest`: until then nobody calls Graph about it."""

    url: str
    secret: str
    id: str = ""
    until: str = _NEVER
    rest: str = _NEVER

    @classmethod
    def read(cls, row: Bookmark | None, url: str) -> Self:
        kept = cls(**json.loads(row.cursor)) if row else None
        return kept if kept is not None and kept.url == url else cls(url, secrets.token_urlsafe(32))


async def lasting(session: AsyncSession, url: str) -> datetime | None:
    """Until when Graph tells this address what changes; None where it does not, or not any more."""
    row = await session.get(Bookmark, _NAME)
    kept = _Kept.read(row, url)
    return datetime.fromisoformat(kept.until) if kept.id else None


class Notifications:
    """Keeps one subscription for all replicas, and tells whose notifications are Graph's.

    `changed` is set when users may have changed, `unwell` when the subscription wants to be looked after now.
    """

    def __init__(self, store: Store, subscriptions: Subscriptions, url: str) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._url = url
        self._secret = ""
        self._ill: dict[str, str] = {}  # subscription -> what Graph said of it
        self.changed, self.unwell = asyncio.Event(), asyncio.Event()

    def heed(self, notices: Iterable[Notice]) -> int:
        """Take what Graph says; gives how many notices were not ours, which are left alone."""
        strangers = 0
        for notice in notices:
            if not self._secret or not hmac.compare_digest(notice.secret.encode(), self._secret.encode()):
                strangers += 1
                continue
            self.changed.set()
            if notice.event in ("subscriptionRemoved", "reauthorizationRequired"):
                self._ill[notice.subscription_id] = notice.event
                self.unwell.set()
        return strangers

    async def keep(self) -> None:
        """Make the subscription, renew it in time, replace it once Graph removed it. Raises what Graph said."""
        claimed = await self._claim()
        if claimed is None:
            return
        try:
            made = await self._call(claimed)
        except Refused:
            await self._record(replace(claimed, rest=(self._store.clock() + REFUSED_FOR).isoformat()))
            raise
        self._ill.pop(claimed.id, None)
        await self._record(replace(claimed, id=made.id, until=made.until.isoformat(), rest=_NEVER))
        log.info("notifications of changed users until %s", made.until)
        self.changed.set()  # whatever happened while nobody told us

    async def _call(self, kept: _Kept) -> Subscription:
        now = self._store.clock()
        removed = self._ill.get(kept.id) == "subscriptionRemoved"
        if kept.id and not removed and datetime.fromisoformat(kept.until) > now:
            try:
                return await self._subscriptions.renew(kept.id, now + LASTS)
            except Refused as refusal:
                if refusal.key != "subscription_gone":
                    raise
        return await self._subscriptions.subscribe(kept.url, kept.secret, now + LASTS)

    async def _claim(self) -> _Kept | None:
        """What is to be made or renewed, for us alone for a minute; None when nothing is, or somebody else does it.

        The secret is recorded before Graph hears it: of a subscription that a crash forgot, the notices are ours too.
        """
        try:
            async with self._store.work() as work:
                row = await work.session.get(Bookmark, _NAME, with_for_update=True)
                kept = _Kept.read(row, self._url)
                self._secret = kept.secret
                self._ill = {one: said for one, said in self._ill.items() if one == kept.id}
                well = datetime.fromisoformat(kept.until) - work.now > RENEWED_BEFORE and kept.id not in self._ill
                if well or datetime.fromisoformat(kept.rest) > work.now:
                    return None
                claimed = replace(kept, rest=(work.now + BUSY).isoformat())
                if row is None:  # two replicas may both find none: the second to insert fails
                    row = Bookmark(name=_NAME)
                    work.session.add(row)
                row.cursor = json.dumps(asdict(claimed))
        except IntegrityError:
            return None  # another replica was first
        return claimed

    async def _record(self, kept: _Kept) -> None:
        async with self._store.work() as work:
            await work.session.merge(Bookmark(name=_NAME, cursor=json.dumps(asdict(kept))))
