"""The one HTTP client of Microsoft Graph, for services/graph.py alone.

msgraph, azure and httpx take some 300 ms to import, so they are imported in a thread, at the first use. Requests are built with
msgraph's builders and models; answers are read as bytes and decoded as JSON, since its typed answers cost several hundred
times more. What goes wrong is translated here once; no error of ours carries a token, a secret or an address.
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NamedTuple, ParamSpec
from urllib.parse import urlsplit

from services._graph_tokens import Tokens
from services.errors import Refused, Unavailable

if TYPE_CHECKING:
    import httpx
    from kiota_abstractions.api_error import APIError
    from kiota_abstractions.request_information import RequestInformation
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient

P = ParamSpec("P")
Service = Literal["directory", "mailbox"]

PUBLIC_GRAPH = "https://graph.microsoft.com"

_CONNECTIONS = 20
_ATTEMPTS = 3  # of a read
_PAUSE = 0.5  # seconds between two of them, where Graph names none
_LATER = (408, 412)  # client errors by their number, which only say that it was not done

log = logging.getLogger(__name__)


class Refusal(Exception):
    """Graph understood and said no (4xx): for services/graph.py to translate."""

    def __init__(self, status: int, code: str, message: str, request_id: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.request_id = status, code, message, request_id

    def as_refused(self, key: str) -> Refused:
        """Our refusal; `code` and `request_id` are what Microsoft's support asks for."""
        return Refused(key, code=self.code, request_id=self.request_id)


class _Sdk(NamedTuple):
    builders: "GraphServiceClient"
    adapter: "GraphRequestAdapter"
    transport: "httpx.AsyncHTTPTransport"


class Client:
    """msgraph's adapter, one a process. `read_timeout` and `write_timeout` are in seconds and bound a whole call.

    `on_busy` is told the key of each Unavailable, those of reads that are then sent again included.
    """

    def __init__(
        self,
        tokens: Tokens,
        graph_url: str,
        *,
        read_timeout: float,
        write_timeout: float,
        on_busy: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.base_url = f"{graph_url.rstrip('/')}/v1.0"  # with a trailing slash the builders give `//invitations`
        # A practice Graph on loopback stands for the public one: same token audience, same references to users.
        self.resource = graph_url.rstrip("/") if graph_url.startswith("https://") else PUBLIC_GRAPH
        self._scope = f"{self.resource}/.default"
        self._tokens = tokens
        self._read_timeout, self._write_timeout = read_timeout, write_timeout
        self._on_busy = on_busy
        self._opening = asyncio.Lock()
        self._sdk: _Sdk | None = None
        self._made: set[Callable[..., Any]] = set()

    async def load(self) -> None:
        """Import msgraph."""
        await self._open()

    async def warm(self) -> None:
        """Hold a token, so that the first user does not wait. Raises what `Tokens.token` raises."""
        await self._tokens.token(self._scope)

    async def token(self) -> str:
        """The access token requests are sent with. Raises what `Tokens.token` raises."""
        return await self._tokens.token(self._scope)

    async def close(self) -> None:
        """Close every connection, the credential's too."""
        if self._sdk is not None:
            await self._sdk.transport.aclose()  # msgraph's own transport does not pass aclose() on
        await self._tokens.close()

    async def make(
        self,
        build: "Callable[Concatenate[GraphServiceClient, P], RequestInformation]",
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> "RequestInformation":
        """The request `build` makes with msgraph's builders: the first time in a thread, for the modules it imports."""
        sdk = await self._open()
        if build in self._made:
            return build(sdk.builders, *args, **kwargs)
        request = await asyncio.to_thread(build, sdk.builders, *args, **kwargs)
        self._made.add(build)
        return request

    async def call(self, request: "RequestInformation", service: Service = "directory") -> dict[str, Any]:
        """Send a request and give its JSON ({} where there is none). Raises Refusal or Unavailable.

        A read is sent again, up to three times, while Graph is busy and time remains; a write never is.
        """
        method = str(request.http_method.value if request.http_method else "GET")
        try:
            await self._tokens.token(self._scope)
        except (Refused, Unavailable) as error:
            log.error("no token for Graph: %s", getattr(error, "facts", error.key))
            raise self._busy(f"{service}_down") from None
        try:
            async with asyncio.timeout(self._read_timeout if method == "GET" else self._write_timeout) as limit:
                return await self._persist(request, method, service, limit.when() or 0.0)
        except TimeoutError:
            raise self._busy(f"{service}_down", ambiguous=method == "POST") from None

    async def _persist(
        self, request: "RequestInformation", method: str, service: Service, end: float
    ) -> dict[str, Any]:
        attempts = _ATTEMPTS if method == "GET" else 1
        while True:
            attempts -= 1
            try:
                return await self._send(request, method, service)
            except Unavailable as busy:
                pause = _PAUSE if busy.retry_after is None else busy.retry_after
                if not attempts or asyncio.get_running_loop().time() + pause >= end:
                    raise
            await asyncio.sleep(pause)

    async def _send(self, request: "RequestInformation", method: str, service: Service) -> dict[str, Any]:
        import httpx
        from kiota_abstractions.api_error import APIError
        from msgraph.generated.models.o_data_errors.o_data_error import ODataError

        sdk = await self._open()
        request.headers.remove("Authorization")  # of an attempt before: the token may have changed
        try:
            body: bytes | None = await sdk.adapter.send_primitive_async(request, "bytes", {"XXX": ODataError})
            answer = json.loads(body) if body else {}
            if not isinstance(answer, dict):
                raise ValueError("not a JSON object")
            return answer
        except APIError as error:
            raise await self._translate(error, request, method, service) from None
        except (Refused, Unavailable, httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise self._busy(f"{service}_down") from None  # no token, or no connection: nothing was sent
        except (httpx.HTTPError, ValueError):
            raise self._busy(f"{service}_down", ambiguous=method == "POST") from None

    async def _translate(
        self, error: "APIError", request: "RequestInformation", method: str, service: Service
    ) -> Refusal | Unavailable:
        status = error.response_status_code or 0
        headers: Mapping[str, str] = error.response_headers or {}
        told = getattr(error, "error", None)  # an APIError that is no ODataError has none: a proxy's page, for one
        code = (told and told.code) or ""
        request_id = headers.get("request-id", "")
        # The template of the URL, never the URL: addresses stand in filters and paths.
        log.warning("Graph: %s %s to %s %s (request-id %s)", status, code, method, request.url_template, request_id)
        if status == 401:
            await self._tokens.forget(self._scope)
            return self._busy(f"{service}_down", retry_after=0.0)
        if status == 429:
            return self._busy(f"{service}_throttled", retry_after=_seconds(headers.get("retry-after")))
        if 400 <= status < 500 and status not in _LATER:
            return Refusal(status, code, (told and told.message) or "", request_id)
        # 503 says « not done »; behind any other a gateway may have lost the answer of something done.
        lost = method == "POST" and status not in (*_LATER, 503)
        return self._busy(f"{service}_down", retry_after=_seconds(headers.get("retry-after")), ambiguous=lost)

    def _busy(self, key: str, *, retry_after: float | None = None, ambiguous: bool = False) -> Unavailable:
        self._on_busy(key)
        return Unavailable(key, retry_after=retry_after, ambiguous=ambiguous)

    async def _open(self) -> _Sdk:
        async with self._opening:
            if self._sdk is None:
                self._sdk = await asyncio.to_thread(self._build)
            return self._sdk

    def _build(self) -> _Sdk:
        import httpx
        from kiota_http.middleware import ParametersNameDecodingHandler
        from kiota_http.observability_options import ObservabilityOptions
        from msgraph.generated.models.o_data_errors.o_data_error import ODataError  # noqa: F401 - for _send, on the loop
        from msgraph.graph_request_adapter import GraphRequestAdapter
        from msgraph.graph_service_client import GraphServiceClient
        from msgraph_core import GraphClientFactory
        from msgraph_core.authentication import AzureIdentityAuthenticationProvider

        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        transport = httpx.AsyncHTTPTransport(limits=limits)
        http = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(None, connect=5.0))
        # Not msgraph's default pipeline: its retries obey any Retry-After and repeat a POST, and its URL handler writes
        # whole URLs, the e-mails of a $filter included, into telemetry spans.
        GraphClientFactory.create_with_custom_middleware([ParametersNameDecodingHandler()], client=http)
        host = urlsplit(self.base_url).hostname or ""
        provider = AzureIdentityAuthenticationProvider(self._tokens, scopes=[self._scope], allowed_hosts=[host])
        adapter = GraphRequestAdapter(provider, http)
        adapter.base_url = self.base_url
        adapter.observability_options = ObservabilityOptions(include_euii_attributes=False)
        return _Sdk(GraphServiceClient(request_adapter=adapter), adapter, transport)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds: a number (Graph's may have decimals) or a date; None where it is absent or senseless."""
    if retry_after is None:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", retry_after):
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
