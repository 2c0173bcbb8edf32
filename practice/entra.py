"""The practice Entra: it issues application tokens (OAuth 2.0 client credentials) and lets a guest redeem an invitation."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

from practice.state import State

GRAPH_SCOPE = "https://graph.microsoft.com/.default"
CONNECTOR_SCOPE = "https://api.botframework.com/.default"


class Issuer:
    """Issues and verifies access tokens. They look like Entra's JWTs, and outlive a restart of the tenant.

    Whoever holds one may read its `roles`, the permissions granted; only this tenant can tell whether it is genuine.
    """

    def __init__(self, tenant_id: str, app_id: str, app_secret: str, state: State) -> None:
        self.tenant_id = tenant_id
        self.app_id = app_id
        self.app_secret = app_secret
        self._state = state
        self._key = hashlib.sha256(f"{tenant_id}:{app_secret}".encode()).digest()

    def issue(self, scope: str) -> str:
        """A token for `scope`, good for the tenant's `token_seconds`."""
        expires = time.time() + self._state.token_seconds
        claims = {"scope": scope, "exp": expires, "epoch": self._state.token_epoch, "jti": str(uuid4())}
        if scope == GRAPH_SCOPE:
            claims["roles"] = sorted(self._state.permissions)
        signed = f"{_packed({'typ': 'JWT', 'alg': 'HS256'})}.{_packed(claims)}"
        return f"{signed}.{self._signature(signed.encode())}"

    def refusal(self, token: str, scope: str) -> str | None:
        """Why `token` does not open `scope`, in Graph's words; None when it does."""
        signed, _, signature = token.rpartition(".")
        if not token:
            return "Access token is empty."
        if not hmac.compare_digest(signature.encode(), self._signature(signed.encode()).encode()):
            return "CompactToken parsing failed with error code: 80049217"
        claims = _unpacked(signed.partition(".")[2])
        if claims["scope"] != scope:
            return "Access token validation failure. Invalid audience."
        if claims["exp"] <= time.time() or claims["epoch"] != self._state.token_epoch:
            return "Lifetime validation failed, the token is expired."
        return None

    def _signature(self, signed: bytes) -> str:
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()


def _packed(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _unpacked(part: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def routes(issuer: Issuer, state: State) -> list[web.RouteDef]:
    """The token endpoint and the page a redeem link opens."""

    async def token(request: web.Request) -> web.Response:
        form = await request.post()
        if request.match_info["tenant"] != issuer.tenant_id:
            return _refuse(400, "invalid_request", 90002, "Tenant not found.")
        if form.get("grant_type") != "client_credentials":
            return _refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("client_id") != issuer.app_id:
            return _refuse(400, "unauthorized_client", 700016, "Application was not found in the directory.")
        secret = form.get("client_secret")
        if not isinstance(secret, str) or not hmac.compare_digest(secret.encode(), issuer.app_secret.encode()):
            return _refuse(401, "invalid_client", 7000215, "Invalid client secret provided.")
        scope = form.get("scope")
        if scope not in (GRAPH_SCOPE, CONNECTOR_SCOPE):
            return _refuse(400, "invalid_scope", 1002012, "The provided value for scope is not valid.")
        lifetime = state.token_seconds
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": lifetime,
                "ext_expires_in": lifetime,
                "access_token": issuer.issue(str(scope)),
            }
        )

    async def redeem(request: web.Request) -> web.Response:
        try:
            invitation = state.redeem(str(request.url))
        except KeyError:
            return web.Response(status=404, text="Cette invitation n’existe pas ou plus.")
        return web.Response(status=302, headers={"Location": invitation.redirect_url})

    return [web.post("/{tenant}/oauth2/v2.0/token", token), web.get("/redeem", redeem)]


def _refuse(status: int, error: str, code: int, words: str) -> web.Response:
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return web.json_response(
        {
            "error": error,
            "error_description": f"AADSTS{code}: {words}",
            "error_codes": [code],
            "timestamp": at,
            "trace_id": str(uuid4()),
            "correlation_id": str(uuid4()),
        },
        status=status,
    )
