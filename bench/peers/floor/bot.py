"""The floor: aiohttp, a token check with PyJWT, one parse of JSON, and the answer. Nothing a bot would be less."""

import json
import os
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
from aiohttp import web
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://api.botframework.com"
REDRAWN = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Bonjour."}


async def messages(request: web.Request) -> web.Response:
    state: dict[str, Any] = request.app["state"]
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        kid = jwt.get_unverified_header(token)["kid"]
        claims = jwt.decode(
            token, state["keys"][kid], algorithms=["RS256"], audience=os.environ["APP_ID"], issuer=ISSUER, leeway=300
        )
    except (jwt.PyJWTError, KeyError):
        return web.Response(status=401)
    activity = json.loads(await request.read())
    if claims["serviceurl"] != activity["serviceUrl"]:
        return web.Response(status=403)
    if activity["type"] == "invoke":
        return web.json_response(REDRAWN)
    url = f"{activity['serviceUrl']}v3/conversations/{activity['conversation']['id']}/activities"
    reply = {"type": "message", "text": activity.get("text", ""), "from": activity["recipient"]}
    async with state["session"].post(
        url, json=reply, headers={"Authorization": f"Bearer {os.environ['CONNECTOR_TOKEN']}"}
    ) as response:
        await response.read()
    return web.Response(status=200)


async def resources(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession() as session:
        async with session.get(os.environ["KEYS_URL"]) as response:
            published = (await response.json())["keys"]
        app["state"] |= {"session": session, "keys": {one["kid"]: RSAAlgorithm.from_jwk(one) for one in published}}
        yield


app = web.Application()
app["state"] = {}
app.cleanup_ctx.append(resources)
app.router.add_post("/api/messages", messages)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
