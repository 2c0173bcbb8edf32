"""The practice firm's Microsoft cloud: Entra (tokens) and Graph on loopback, over one stateful tenant."""

import asyncio
from pathlib import Path
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from practice import entra, graph, seed
from practice.answers import error
from practice.state import Call, State
from practice.subscriptions import Subscriptions


class Cloud:
    """A running tenant. Start one per test (milliseconds) or one per `make run`; stop it when done.

    `graph_url` and `authority_url` are what GRAPH_URL and AZURE_AUTHORITY_HOST are set to; `state` is the tenant itself,
    with what people do (redeem, create a guest by hand…) and the faults to script.
    """

    def __init__(self, state: State) -> None:
        self.tenant_id = seed.TENANT_ID
        self.app_id = seed.APP_ID
        self.app_secret = seed.APP_SECRET
        self.graph_url = ""
        self.authority_url = ""
        self.state = state
        self.subscriptions = Subscriptions(state)
        self._issuer = entra.Issuer(self.tenant_id, self.app_id, self.app_secret, state)
        # Like Microsoft's, this cloud carries on with a request whose client has gone; stopping does not wait for it.
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)

    @classmethod
    async def start(cls, *, port: int = 0, path: Path | None = None) -> Self:
        """Listen on 127.0.0.1:`port` (0: any free one). With `path`, the tenant's state is kept in that JSON file."""
        cloud = cls(State.load(path))
        await cloud._runner.setup()
        await web.TCPSite(cloud._runner, "127.0.0.1", port).start()
        host, bound = cloud._runner.addresses[0][:2]
        cloud.graph_url = cloud.authority_url = cloud.state.base_url = f"http://{host}:{bound}"
        return cloud

    async def stop(self) -> None:
        """Close the listener and every connection; what was persisted stays."""
        await self._runner.cleanup()

    def valid_connector_token(self, token: str) -> bool:
        """Whether `token` (without « Bearer ») is one this tenant issued for the Bot connector and still good."""
        return self._issuer.refusal(token, entra.CONNECTOR_SCOPE) is None

    async def _silence(self, _: web.Application) -> None:
        await self.subscriptions.close()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._witnessed, self._play], client_max_size=4 * 2**20)
        application.add_routes(entra.routes(self._issuer, self.state))
        application.add_routes(graph.routes(self._issuer, self.state, self.subscriptions))
        application.on_cleanup.append(self._silence)
        return application

    @web.middleware
    async def _witnessed(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Tell the state's witness what comes in and what has been done, and cut the connection where it says so."""
        call = f"{request.method} {request.path.removeprefix('/v1.0')}"
        answer: web.StreamResponse = web.Response()
        cut = await self.state.witness(call, None)
        if not cut:
            answer = await handler(request)
            cut = await self.state.witness(call, answer.status)
        if cut and request.transport is not None:
            request.transport.abort()
        return answer

    @web.middleware
    async def _play(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note the call, and let it meet the fault scripted for it."""
        path = request.path.removeprefix("/v1.0")
        fault = self.state.next_fault(request.method, path)
        if fault is None:
            return self._noted(request, path, await handler(request))
        answer = await handler(request) if fault.done else None
        await asyncio.sleep(fault.seconds)
        if fault.drop:
            self.state.calls.append(Call(request.method, path, dict(request.query), None))
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if fault.status is None:
            return self._noted(request, path, answer or await handler(request))
        if fault.page is not None:
            page = web.Response(status=fault.status, text=fault.page, content_type="text/html", headers=fault.headers)
            return self._noted(request, path, page)
        refusal = error(fault.status, fault.code or "UnknownError", fault.message, fault.headers)
        return self._noted(request, path, refusal)

    def _noted(self, request: web.Request, path: str, answer: web.StreamResponse) -> web.StreamResponse:
        self.state.calls.append(Call(request.method, path, dict(request.query), answer.status))
        return answer
