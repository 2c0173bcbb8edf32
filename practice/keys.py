"""The key with which the practice Bot Framework signs what it sends to the bot, and how it is published."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://api.botframework.com"
"""`iss` of every token Bot Framework sends (Microsoft Learn, « Authenticate requests from the Connector »)."""

_LIFETIME = timedelta(hours=1)
_SKEW = timedelta(minutes=5)


def _number(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One RSA key pair: `kid` names it in the token header and in the published set."""

    private: rsa.RSAPrivateKey = field(repr=False)
    kid: str

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048), secrets.token_urlsafe(20))

    def published(self) -> dict[str, Any]:
        """The public half as a JSON Web Key (RFC 7517), endorsed for the channel `msteams` as Bot Framework's is."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
            "endorsements": ["msteams"],
        }

    def token(self, app_id: str, service_url: str, **claims: Any) -> str:
        """A token as Bot Framework makes it for one activity, valid one hour and tolerating five minutes of clock skew.

        `claims` replaces claims by name, and removes those given as None: for showing what the bot must refuse.
        """
        now = datetime.now(UTC)
        payload: dict[str, Any] = {
            "serviceurl": service_url,
            "nbf": now - _SKEW,
            "exp": now + _LIFETIME,
            "iss": ISSUER,
            "aud": app_id,
        } | claims
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self.private, "RS256", {"kid": self.kid, "x5t": self.kid})


@cache
def first_key() -> SigningKey:
    """The key a practice Teams starts with: made once per process, since a key costs a tenth of a second."""
    return SigningKey.generate()
