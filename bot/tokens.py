"""Who is calling: the Bot Connector's bearer token.

The rules are those of "Authenticate requests from the Bot Connector service to your bot" (learn.microsoft.com), with
`exp`, `nbf` and the service URL claim made mandatory.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot.keys import Keys

ISSUER = "https://api.botframework.com"
LEEWAY = 300.0
REMEMBERED = 1000

# The times are checked here against the injected clock, not by PyJWT against the machine's.
_OPTIONS: Any = {
    "require": ["exp", "nbf", "iss", "aud"],
    "strict_aud": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class Untrusted(Exception):
    """The token does not prove that the Bot Connector is calling this bot. `reason` is `token` or `expired`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proof:
    """What a good token says: the service URL it speaks for, and when (Unix seconds), under which key."""

    service_url: str
    not_before: float
    expires: float
    kid: str
    key: RSAPublicKey


class Tokens:
    """Verifies bearer tokens and remembers the good ones: the connector uses each for about an hour."""

    def __init__(self, keys: Keys, app_id: str, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._app_id = app_id
        self._clock = clock
        self._proofs: OrderedDict[bytes, Proof] = OrderedDict()

    async def verify(self, token: str) -> Proof:
        """The proof in a token of the Bot Connector for this bot, valid now. Raises Untrusted."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        proof = self._proofs.get(digest)
        if proof is None or self._keys.current(proof.kid) is not proof.key:
            proof = await self._decode(token)
        now = self._clock()
        if not proof.not_before - LEEWAY <= now < proof.expires + LEEWAY:
            self._proofs.pop(digest, None)
            raise Untrusted("expired")
        self._remember(digest, proof)
        return proof

    async def _decode(self, token: str) -> Proof:
        try:
            kid = jwt.get_unverified_header(token)["kid"]
            key = await self._keys.find(kid)
            if key is None:
                raise Untrusted("token")
            claims = jwt.decode(
                token, key, algorithms=["RS256"], audience=self._app_id, issuer=ISSUER, options=_OPTIONS
            )
            return Proof(_service_url(claims), _seconds(claims["nbf"]), _seconds(claims["exp"]), kid, key)
        except Exception:
            # Whatever hostile bytes make the parser raise, the answer is the same: this is not a token.
            raise Untrusted("token") from None

    def _remember(self, digest: bytes, proof: Proof) -> None:
        self._proofs[digest] = proof
        if len(self._proofs) > REMEMBERED:
            self._proofs.popitem(last=False)


def _service_url(claims: dict[str, Any]) -> str:
    """The connector has written this claim both `serviceurl` and `serviceUrl`; two at once would be a trick."""
    (value,) = (value for name, value in claims.items() if name.lower() == "serviceurl")
    if not isinstance(value, str):
        raise ValueError("serviceurl")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("time")
    return float(value)
