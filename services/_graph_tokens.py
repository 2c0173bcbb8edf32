"""The tokens of Microsoft Entra, for services/graph.py alone (which hands `Tokens` on, for the Bot connector)."""

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from services.errors import Refused, Unavailable

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

PUBLIC_AUTHORITY = "https://login.microsoftonline.com"

_EARLY, _LATE = 300.0, 30.0  # a token is renewed from 5 minutes before its end, and not used in its last 30 seconds


class Tokens:
    """One application credential for Graph and for the Bot connector; an azure AsyncTokenCredential itself.

    Give a `secret`, the path of a PEM `certificate` with its key, or `managed_identity`. An `authority_host` in plain http
    is for the practice cloud on loopback (the caller has checked): azure refuses it, so a plain OAuth request replaces it.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        client_id: str,
        secret: str | None = None,
        certificate: str | None = None,
        managed_identity: bool = False,
        authority_host: str = PUBLIC_AUTHORITY,
        timeout: float = 10.0,
    ) -> None:
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._secret = secret
        self._certificate = certificate
        self._managed_identity = managed_identity
        self._authority_host = authority_host.rstrip("/")
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._held: dict[str, AccessToken] = {}
        self._credential: AsyncTokenCredential | None = None

    async def token(self, scope: str) -> str:
        """An access token for `scope` (`https://graph.microsoft.com/.default`), good for at least 30 seconds.

        Raises Refused("identity_refused", code=…) when Entra does not accept our credential (`code` is AADSTS…), and
        Unavailable("identity_down") when it cannot be reached.
        """
        return (await self.get_token(scope)).token

    async def get_token(self, *scopes: str, **_: object) -> "AccessToken":
        """What azure's protocol asks of a credential: `token` with its end, in seconds since 1970."""
        scope = scopes[0]
        held = self._held.get(scope)
        left = _left(held)
        if held and (left > _EARLY or (left > _LATE and self._lock.locked())):
            return held
        async with self._lock:
            held = self._held.get(scope)
            left = _left(held)
            if held and left > _EARLY:
                return held
            try:
                self._held[scope] = await self._fetch(scope)
            except (Refused, Unavailable):
                if held and left > _LATE:
                    return held
                raise
            return self._held[scope]

    async def forget(self, scope: str) -> None:
        """A service refused our token for `scope`: do not use it again, nor the credential's own copy of it."""
        async with self._lock:
            if self._held.pop(scope, None):
                await self.close()

    async def close(self) -> None:
        """Close the credential's connections; a later use opens them again."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()

    async def _fetch(self, scope: str) -> "AccessToken":
        if self._credential is None:
            try:
                self._credential = await asyncio.to_thread(self._open)
            except (ValueError, OSError):  # azure's words for a certificate file it cannot use
                raise Refused("identity_refused", code="certificate") from None
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        try:
            async with asyncio.timeout(self._timeout):
                return await self._credential.get_token(scope)
        except ClientAuthenticationError as error:
            code = re.search(r"AADSTS\d+", str(error))
            if code is None or (error.status_code or 400) >= 500:
                raise Unavailable("identity_down") from None
            raise Refused("identity_refused", code=code[0]) from None
        except (AzureError, TimeoutError):
            raise Unavailable("identity_down") from None

    def _open(self) -> "AsyncTokenCredential":
        from azure.identity.aio import CertificateCredential, ClientSecretCredential, ManagedIdentityCredential

        host, tenant, client = self._authority_host, self._tenant_id, self._client_id
        if self._managed_identity:
            return ManagedIdentityCredential(client_id=client)
        if self._certificate:
            return CertificateCredential(tenant, client, self._certificate, authority=host)
        if host.startswith("http://"):
            return _PracticeCredential(f"{host}/{tenant}/oauth2/v2.0/token", client, self._secret or "")
        return ClientSecretCredential(tenant, client, self._secret or "", authority=host)


def _left(token: "AccessToken | None") -> float:
    return 0.0 if token is None else token.expires_on - time.time()


class _PracticeCredential:
    """OAuth 2.0 client credentials (RFC 6749, 4.4) against an authority on loopback."""

    def __init__(self, url: str, client_id: str, secret: str) -> None:
        import httpx

        self._url = url
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._http = httpx.AsyncClient(trust_env=False)

    async def get_token(self, *scopes: str, **_: Any) -> "AccessToken":
        import httpx
        from azure.core.credentials import AccessToken
        from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

        try:
            answer = await self._http.post(self._url, data={**self._form, "scope": " ".join(scopes)})
            body = answer.json()
        except (httpx.HTTPError, ValueError):
            raise ServiceRequestError("no answer from the authority") from None
        if answer.is_error:
            refusal = ClientAuthenticationError(str(body.get("error_description")))
            refusal.status_code = answer.status_code
            raise refusal
        return AccessToken(body["access_token"], int(time.time()) + int(body["expires_in"]))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> "_PracticeCredential":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
