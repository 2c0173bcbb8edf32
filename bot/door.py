"""The door of /api/messages: what is checked before the SDK, which would let most of it through, sees anything."""

import logging
from collections.abc import Callable
from typing import Any

from aiohttp import hdrs, web

from bot import bodies
from bot.addresses import Addresses
from bot.envelope import Unreadable, read
from bot.pace import Pace
from bot.tokens import Proof, Tokens, Untrusted

MAX_BODY = 256 * 1024

STATUS = {
    "media": 415,
    "size": 413,
    "broken": 400,
    "json": 400,
    "depth": 400,
    "shape": 400,
    "bearer": 401,
    "token": 401,
    "expired": 401,
    "service_url": 403,
    "channel": 403,
    "tenant": 403,
    "pace": 429,
    "starting": 503,  # nobody is refused: what they ask for is not loaded yet (bot.behind)
}

logger = logging.getLogger(__name__)


class TurnedAway(Exception):
    """The request is refused. `reason` is a key of STATUS, `status` the only thing the caller is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = STATUS[reason]


class Door:
    """Lets in an activity of our tenant that the Bot Connector signed, and nothing else.

    `on_refusal` is told the reason (a key of STATUS) of each request turned away. `patience` is how long, in seconds,
    a body may take to arrive.
    """

    def __init__(
        self,
        tokens: Tokens,
        addresses: Addresses,
        tenant_id: str,
        *,
        pace: Pace,
        on_refusal: Callable[[str], None],
        patience: float = 5.0,
    ) -> None:
        self._tokens = tokens
        self._addresses = addresses
        self._tenant_id = tenant_id.lower()
        self._pace = pace
        self._on_refusal = on_refusal
        self._patience = patience

    async def admit(self, request: web.Request) -> dict[str, Any]:
        """The verified activity of a request, its fields of the types `bot.envelope` promises. Raises TurnedAway.

        The token is checked before the body is read, so that a stranger costs no parsing.
        """
        try:
            _check_head(request)
            proof = await self._tokens.verify(_bearer(request))
            activity = read(await self._body(request))
            self._check_claims(activity, proof)
            self._check_pace(activity)
        except (TurnedAway, Untrusted, Unreadable) as refusal:
            self._on_refusal(refusal.reason)
            logger.info("turned away: %s", refusal.reason)
            raise TurnedAway(refusal.reason) from None
        return activity

    async def _body(self, request: web.Request) -> bytes:
        try:
            return await bodies.read(request, MAX_BODY, self._patience)
        except bodies.TooLong:
            raise TurnedAway("size") from None
        except bodies.Cut:
            raise TurnedAway("broken") from None

    def _check_claims(self, activity: dict[str, Any], proof: Proof) -> None:
        service_url = activity["serviceUrl"]
        if service_url != proof.service_url or not self._addresses.admits(service_url):
            raise TurnedAway("service_url")
        if activity["channelId"] != "msteams":
            raise TurnedAway("channel")
        if not all(self._is_ours(tenant) for tenant in _tenants(activity)):
            raise TurnedAway("tenant")

    def _is_ours(self, tenant_id: str | None) -> bool:
        return tenant_id is not None and tenant_id.lower() == self._tenant_id

    def _check_pace(self, activity: dict[str, Any]) -> None:
        sender = activity["from"]
        if not self._pace.allows(sender.get("aadObjectId") or sender["id"]):
            raise TurnedAway("pace")


def _check_head(request: web.Request) -> None:
    encoded = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity"
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() != "utf-8" or encoded:
        raise TurnedAway("media")


def _bearer(request: web.Request) -> str:
    values = request.headers.getall(hdrs.AUTHORIZATION, [])
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise TurnedAway("bearer")
    return token.strip()


def _tenants(activity: dict[str, Any]) -> list[str | None]:
    """Every tenant the activity names: Teams writes the first two always, the sender's at times."""
    tenants = [(activity["channelData"].get("tenant") or {}).get("id"), activity["conversation"].get("tenantId")]
    sender = activity["from"].get("tenantId")
    return tenants if sender is None else [*tenants, sender]
