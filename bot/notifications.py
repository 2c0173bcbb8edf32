"""The door of /api/notifications: Microsoft Graph tells that users changed. Never an error of ours: Graph would repeat it."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from bot import bodies
from bot.pace import Pace
from services.notifications import Notice

MAX_BODY = 64 * 1024
MAX_TOKEN = 2048
MAX_NOTICES = 1000
PATIENCE = 2.0  # seconds: Graph finds an endpoint slow after three
_ALL = "graph"  # everyone shares one bucket: who sends is not known before the body is read


class Notified:
    """Echoes Graph's question whether the address is ours; passes on what it tells; turns the rest away.

    `heed` gives how many of the notices do not know our secret. `on_refusal` is told why something was turned away.
    """

    def __init__(
        self, heed: Callable[[Iterable[Notice]], int], on_refusal: Callable[[str], None], pace: Pace | None = None
    ) -> None:
        self._heed = heed
        self._on_refusal = on_refusal
        self._pace = pace or Pace(per_second=20, burst=200)

    async def take(self, request: web.Request) -> web.Response:
        """200 with the token, 202, 400, 413 or 429."""
        if not self._pace.allows(_ALL):
            return self._refused("notifications_pace", 429)
        token = request.query.get("validationToken")
        if token is not None:
            return _echo(token) if 0 < len(token) <= MAX_TOKEN else self._refused("notifications_token", 400)
        try:
            notices = _read(await bodies.read(request, MAX_BODY, PATIENCE))
        except bodies.TooLong:
            return self._refused("notifications_size", 413)
        except bodies.Cut:
            return self._refused("notifications_size", 400)
        if notices is None:
            return self._refused("notifications_shape", 400)
        if self._heed(notices):
            self._on_refusal("notifications_secret")
        return web.Response(status=202)  # to strangers too: they learn nothing, and Graph does not repeat

    def _refused(self, reason: str, status: int) -> web.Response:
        self._on_refusal(reason)
        return web.Response(status=status)


def _echo(token: str) -> web.Response:
    # Whoever asks chooses the words: they must not be taken for a page.
    return web.Response(text=token, content_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})


def _read(body: bytes) -> list[Notice] | None:
    """The notices of a changeNotificationCollection; None for anything else."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = said.get("value") if isinstance(said, dict) else None
    if not isinstance(found, list) or len(found) > MAX_NOTICES or not all(isinstance(one, dict) for one in found):
        return None
    return [_notice(one) for one in found]


def _notice(one: dict[str, Any]) -> Notice:
    event = one.get("lifecycleEvent")
    return Notice(
        str(one.get("subscriptionId")), _text(one.get("clientState")), event if isinstance(event, str) else None
    )


def _text(value: Any) -> str:
    """What a lone surrogate would break, it is not equal to anyway."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""
