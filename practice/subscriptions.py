"""The practice Graph's change notifications about users: subscribing, renewing, telling. Refuses what Graph refuses.

Whether an address is ours is asked over HTTP, as Graph does. Graph speaks https only: what stands before the bot with a
certificate is `State.published`, https origin -> the origin on loopback it passes on to.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import httpx
from aiohttp import web

from practice import seed
from practice.answers import GraphError, answer, payload
from practice.state import State

LONGEST, SHORTEST = timedelta(minutes=41760), timedelta(minutes=45)
_VALIDATED_WITHIN = 10.0
_HEARD_WITHIN = 3.0
_REQUIRED = ("changeType", "notificationUrl", "resource", "expirationDateTime")


@dataclass(frozen=True, slots=True)
class _Subscription:
    id: str
    change_type: str
    resource: str
    url: str
    lifecycle_url: str | None
    secret: str | None
    until: datetime


class Subscriptions:
    """The handlers of /subscriptions over one State, and what is sent to those who subscribed.

    `sent` counts what each notification was answered; `lose_next` notifications get lost on their way.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._kept: dict[str, _Subscription] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent: list[int] = []
        self.lose_next = 0
        state.watchers.append(self._changed)

    async def close(self) -> None:
        """Nothing more is told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what the application asks

    async def create(self, request: web.Request) -> web.Response:
        body = await payload(request)
        for name in _REQUIRED:
            if not isinstance(body.get(name), str):
                raise GraphError(400, "InvalidRequest", f"{name} is a required property for subscription creation")
        if body["resource"].strip("/") != "users":
            raise GraphError(400, "ExtensionError", f"Unsupported resource {body['resource']} here.")
        if not set(body["changeType"].split(",")) <= {"updated", "deleted"}:
            raise GraphError(400, "InvalidRequest", "Users support the changeType updated and deleted.")
        if len(body.get("clientState") or "") > 128:
            raise GraphError(400, "InvalidRequest", "clientState is longer than 128 characters.")
        until = _until(body["expirationDateTime"])
        addresses = [url for url in (body["notificationUrl"], body.get("lifecycleNotificationUrl")) if url]
        for url in addresses:
            await self._validate(url)
        made = _Subscription(
            str(uuid4()),
            body["changeType"],
            body["resource"],
            body["notificationUrl"],
            body.get("lifecycleNotificationUrl"),
            body.get("clientState"),
            until,
        )
        self._kept[made.id] = made
        return answer(self._shown(made, "$entity"), 201)

    async def list_all(self, _request: web.Request) -> web.Response:
        return answer({"value": [self._shown(one) for one in self._kept.values()]})

    async def get(self, request: web.Request) -> web.Response:
        return answer(self._shown(self._one(request), "$entity"))

    async def renew(self, request: web.Request) -> web.Response:
        one, body = self._one(request), await payload(request)
        if not isinstance(body.get("expirationDateTime"), str):
            raise GraphError(400, "InvalidRequest", "expirationDateTime is a required property for subscription update")
        self._kept[one.id] = replace(one, until=_until(body["expirationDateTime"]))
        return answer(self._shown(self._kept[one.id], "$entity"))

    async def delete(self, request: web.Request) -> web.Response:
        del self._kept[self._one(request).id]
        return web.Response(status=204)

    def _one(self, request: web.Request) -> _Subscription:
        one = self._kept.get(request.match_info["id"])
        if one is None or one.until < datetime.now(UTC):
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return one

    def _shown(self, one: _Subscription, entity: str = "") -> dict[str, Any]:
        shown = {
            "id": one.id,
            "resource": one.resource,
            "applicationId": seed.APP_ID,
            "changeType": one.change_type,
            "clientState": None,  # Graph gives it back to nobody
            "notificationUrl": one.url,
            "notificationQueryOptions": None,
            "lifecycleNotificationUrl": one.lifecycle_url,
            "expirationDateTime": _written(one.until),
            "creatorId": seed.APP_ID,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationUrlAppId": None,
        }
        context = f"{self._state.base_url}/v1.0/$metadata#subscriptions/{entity}"
        return {"@odata.context": context, **shown} if entity else shown

    async def _validate(self, url: str) -> None:
        token = f"Validation: Testing client application reachability for subscription Request-Id: {uuid4()}"
        query = urlencode({"validationToken": token})
        try:
            async with httpx.AsyncClient(timeout=_VALIDATED_WITHIN, trust_env=False) as http:
                heard = await http.post(
                    f"{self._reached(url)}{'&' if '?' in url else '?'}{query}", headers={"Content-Type": "text/plain"}
                )
        except httpx.TimeoutException:
            raise GraphError(400, "InvalidRequest", "Subscription validation request timed out.") from None
        except httpx.HTTPError:
            raise GraphError(400, "InvalidRequest", "Subscription validation request failed.") from None
        plain = heard.headers.get("Content-Type", "").startswith("text/plain")
        if heard.status_code != 200:
            words = "Notification endpoint must respond with 200 OK to validation request."
            raise GraphError(400, "ValidationError", f"Subscription validation request failed. {words}")
        if heard.text != token or not plain:
            words = "Response must exactly match validationToken query parameter."
            raise GraphError(400, "InvalidRequest", f"Subscription validation request failed. {words}")

    def _reached(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https":
            raise GraphError(400, "InvalidRequest", f"Notification URL {url} must use the HTTPS protocol.")
        origin = f"https://{parts.netloc}"
        if origin not in self._state.published:
            raise GraphError(400, "InvalidRequest", "Subscription validation request failed.")
        return url.replace(origin, self._state.published[origin], 1)

    # -- what Graph tells

    def _changed(self, user_id: str) -> None:
        for one in self._kept.values():
            said = {"changeType": "updated", "resource": f"Users/{user_id}"}
            data = {"@odata.type": "#Microsoft.Graph.User", "@odata.id": f"Users/{user_id}", "id": user_id}
            self.tell(one.id, {**said, "resourceData": {**data, "organizationId": seed.TENANT_ID}})

    def lifecycle(self, event: str) -> None:
        """Graph tells everyone something about their subscription; `subscriptionRemoved` is true."""
        for one in list(self._kept.values()):
            self.tell(one.id, {"lifecycleEvent": event})
            if event == "subscriptionRemoved":
                del self._kept[one.id]

    def tell(self, subscription_id: str, said: Mapping[str, Any]) -> None:
        """One notification leaves by itself."""
        one = self._kept[subscription_id]
        if one.until < datetime.now(UTC):
            return
        if self.lose_next:
            self.lose_next -= 1
            return
        notice = {
            "subscriptionId": one.id,
            "subscriptionExpirationDateTime": _written(one.until),
            "tenantId": seed.TENANT_ID,
            "clientState": one.secret,
            **said,
        }
        url = one.lifecycle_url if "lifecycleEvent" in said else one.url
        if url is not None:
            task = asyncio.create_task(self._send(url, {"value": [notice]}))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, url: str, body: Mapping[str, Any]) -> None:
        try:
            async with httpx.AsyncClient(timeout=_HEARD_WITHIN, trust_env=False) as http:
                heard = await http.post(self._reached(url), json=body)
        except (httpx.HTTPError, GraphError):
            return  # Graph would try for four hours; the bot must not need it
        self.sent.append(heard.status_code)


def _until(text: str) -> datetime:
    now = datetime.now(UTC)
    try:
        until = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphError(
            400, "BadRequest", "Cannot convert the literal to the expected type 'Edm.DateTimeOffset'."
        ) from None
    if until <= now:
        raise GraphError(400, "InvalidRequest", "Subscription expiration must be a moment to come.")
    if until > now + LONGEST:
        words = f"Subscription expiration can only be {LONGEST // timedelta(minutes=1)} minutes in the future."
        raise GraphError(400, "InvalidRequest", words)
    return max(until, now + SHORTEST)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"  # Graph writes seven decimals
