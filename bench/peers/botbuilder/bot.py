"""botbuilder 4.17.1's echo bot as its samples write it: CloudAdapter, ActivityHandler, `adapter.process`.

Two things differ from a deployment, both in its favour: the signing keys are the bench's, by the SDK's own settings, and
the token for the connector is at hand, where MSAL would be asked at each turn.
"""

import os
import sys
import traceback

from aiohttp import web
from botbuilder.core import ActivityHandler, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botframework.connector.auth import MicrosoftAppCredentials, PasswordServiceClientCredentialFactory


class Config:
    APP_ID = os.environ["APP_ID"]
    APP_PASSWORD = "unused"
    APP_TYPE = "SingleTenant"
    APP_TENANTID = os.environ["TENANT_ID"]
    TO_CHANNEL_FROM_BOT_LOGIN_URL = "https://login.microsoftonline.com/botframework.com"
    TO_CHANNEL_FROM_BOT_OAUTH_SCOPE = "https://api.botframework.com"
    TO_BOT_FROM_CHANNEL_TOKEN_ISSUER = "https://api.botframework.com"
    OAUTH_URL = "https://api.botframework.com"
    TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL = os.environ["OPENID_URL"]
    TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL = os.environ["OPENID_URL"]


class Credentials(MicrosoftAppCredentials):
    def get_access_token(self, force_refresh: bool = False) -> str:
        return os.environ["CONNECTOR_TOKEN"]


class CredentialFactory(PasswordServiceClientCredentialFactory):
    async def create_credentials(self, app_id, oauth_scope, login_endpoint, validate_authority):
        return Credentials(app_id, self.password, self.tenant_id, oauth_scope)


class EchoBot(ActivityHandler):
    async def on_message_activity(self, turn_context: TurnContext):
        return await turn_context.send_activity(f"Echo: {turn_context.activity.text}")


async def on_error(context: TurnContext, error: Exception):
    print(f"\n [on_turn_error] unhandled error: {error}", file=sys.stderr)
    traceback.print_exc()
    raise error


ADAPTER = CloudAdapter(
    ConfigurationBotFrameworkAuthentication(
        Config, credentials_factory=CredentialFactory(Config.APP_ID, Config.APP_PASSWORD, Config.APP_TENANTID)
    )
)
ADAPTER.on_turn_error = on_error
BOT = EchoBot()


async def messages(request: web.Request) -> web.Response:
    return await ADAPTER.process(request, BOT)


app = web.Application()
app.router.add_post("/api/messages", messages)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
