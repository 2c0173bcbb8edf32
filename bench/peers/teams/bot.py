"""The echo bot of microsoft-teams-apps as its samples write it: App, on_message, FastAPI and uvicorn beneath.

In its favour: the token for the connector is at hand, where MSAL would be asked. The signing keys are the bench's, by the
SDK's own cloud settings; it listens on loopback, as everything here.
"""

import asyncio
import os
from dataclasses import replace

import uvicorn
from microsoft_teams.api import MessageActivity
from microsoft_teams.api.auth.cloud_environment import PUBLIC
from microsoft_teams.apps import ActivityContext, App
from microsoft_teams.apps.http import FastAPIAdapter

PORT = int(os.environ["PORT"])


def server(app):
    return uvicorn.Server(uvicorn.Config(app=app, host="127.0.0.1", port=PORT, log_level="warning"))


app = App(
    client_id=os.environ["APP_ID"],
    tenant_id=os.environ["TENANT_ID"],
    token=lambda scope, tenant_id: os.environ["CONNECTOR_TOKEN"],
    cloud=replace(PUBLIC, openid_metadata_url=os.environ["OPENID_URL"]),
    http_server_adapter=FastAPIAdapter(server_factory=server),
)


@app.on_message
async def on_message(context: ActivityContext[MessageActivity]):
    await context.send(f"Echo: {context.activity.text}")


asyncio.run(app.start(PORT))
