"""The echo agent of microsoft-agents-hosting-aiohttp as its samples write it: AgentApplication, middleware, CloudAdapter.

In its favour: the token for the connector is at hand, where MSAL would be asked in a thread at each turn. The signing keys
are the bench's, put where the SDK looks an issuer's address up.
"""

import os

from aiohttp import web
from microsoft_agents.hosting.aiohttp import CloudAdapter, jwt_authorization_middleware, start_agent_process
from microsoft_agents.hosting.core import (
    AgentApplication,
    AgentAuthConfiguration,
    MemoryStorage,
    TurnContext,
    TurnState,
)
from microsoft_agents.hosting.core.authorization._entra_issuers import BOTFRAMEWORK_JWKS_URIS

BOTFRAMEWORK_JWKS_URIS["https://api.botframework.com"] = os.environ["KEYS_URL"]
CONFIGURATION = AgentAuthConfiguration(
    client_id=os.environ["APP_ID"], tenant_id=os.environ["TENANT_ID"], client_secret="unused"
)


class Tokens:
    configuration = CONFIGURATION

    async def get_access_token(self, resource_url, scopes, force_refresh=False):
        return os.environ["CONNECTOR_TOKEN"]


class Connections:
    _tokens = Tokens()

    def get_connection(self, connection_name):
        return self._tokens

    def get_default_connection(self):
        return self._tokens

    def get_token_provider(self, claims_identity, service_url):
        return self._tokens

    def get_token_provider_from_activity(self, claims_identity, activity):
        return self._tokens

    def get_default_connection_configuration(self):
        return CONFIGURATION


CONNECTIONS = Connections()
ADAPTER = CloudAdapter(connection_manager=CONNECTIONS)
AGENT = AgentApplication[TurnState](storage=MemoryStorage(), adapter=ADAPTER, connection_manager=CONNECTIONS)


@AGENT.activity("message")
async def on_message(context: TurnContext, _state: TurnState):
    await context.send_activity(f"Echo: {context.activity.text}")


async def messages(request: web.Request) -> web.Response:
    return await start_agent_process(request, AGENT, ADAPTER)


app = web.Application(middlewares=[jwt_authorization_middleware])
app.router.add_post("/api/messages", messages)
app["agent_configuration"] = CONFIGURATION
app["agent_app"] = AGENT
app["adapter"] = ADAPTER
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
