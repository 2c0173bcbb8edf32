"""Graph's change notifications about users, for services/graph.py alone."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from services._graph_client import Client, Refusal
from services.errors import Unavailable
from services.ports import Subscription

if TYPE_CHECKING:
    from kiota_abstractions.request_information import RequestInformation
    from msgraph.graph_service_client import GraphServiceClient

_GONE = 404


class GraphSubscriptions:
    """ports.Subscriptions over Graph."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def subscribe(self, url: str, secret: str, until: datetime) -> Subscription:
        """POST /subscriptions; the same address takes the notices about the subscription itself."""
        try:
            return _made(await self._client.call(await self._client.make(_subscription, url, secret, until)))
        except Refusal as refusal:
            raise refusal.as_refused("notifications_refused") from None

    async def renew(self, subscription_id: str, until: datetime) -> Subscription:
        """PATCH /subscriptions/{id}, which also answers `reauthorizationRequired`."""
        try:
            return _made(await self._client.call(await self._client.make(_renewal, subscription_id, until)))
        except Refusal as refusal:
            gone = refusal.status == _GONE
            raise refusal.as_refused("subscription_gone" if gone else "notifications_refused") from None


def _made(answer: dict[str, Any]) -> Subscription:
    try:
        return Subscription(answer["id"], datetime.fromisoformat(answer["expirationDateTime"]))
    except (KeyError, TypeError, ValueError):
        raise Unavailable("directory_down", ambiguous=True) from None


def _subscription(client: "GraphServiceClient", url: str, secret: str, until: datetime) -> "RequestInformation":
    from msgraph.generated.models.subscription import Subscription as Body

    body = Body(
        change_type="updated",  # of users it means made, changed or soft-deleted
        notification_url=url,
        lifecycle_notification_url=url,
        resource="users",
        expiration_date_time=until,
        client_state=secret,
    )
    request: RequestInformation = client.subscriptions.to_post_request_information(body)
    return request


def _renewal(client: "GraphServiceClient", subscription_id: str, until: datetime) -> "RequestInformation":
    from msgraph.generated.models.subscription import Subscription as Body

    one = client.subscriptions.by_subscription_id(subscription_id)
    request: RequestInformation = one.to_patch_request_information(Body(expiration_date_time=until))
    return request
