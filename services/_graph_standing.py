"""How the program stands with Graph and Entra: what it was granted, what time it is there; for services/graph.py alone."""

import base64
import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from services._graph_client import Client, Refusal
from services.errors import Refused, Unavailable

if TYPE_CHECKING:
    from kiota_abstractions.request_information import RequestInformation
    from msgraph.graph_service_client import GraphServiceClient

_NOT_FOUND, _NO_RECIPIENT = 404, 400


class GraphStanding:
    """ports.Standing over Graph."""

    def __init__(self, client: Client, mail_from: str | None) -> None:
        self._client = client
        self._mail_from = mail_from

    async def permissions(self) -> frozenset[str] | None:
        """The `roles` claim of our token. Not verified: it is not ours to verify, and nothing is decided by it."""
        try:
            return frozenset(_claims(await self._client.token()).get("roles", []))
        except (ValueError, TypeError):
            return None

    async def time(self) -> datetime:
        """The Date of an answer, whichever it is: Graph says it even to a stranger."""
        import httpx

        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5.0) as http:
                answer = await http.get(self._client.base_url)
            return parsedate_to_datetime(answer.headers["Date"])
        except (httpx.HTTPError, KeyError, ValueError):
            raise Unavailable("directory_down") from None

    async def mailbox(self) -> None:
        """Asks to send a mail to nobody: Exchange refuses it, for that reason or because it is not ours to send.

        That it looks at the right before the recipients is to be confirmed in a tenant; no mail can leave either way.
        """
        if self._mail_from is None:
            raise Refused("mailbox_unset")
        try:
            await self._client.call(await self._client.make(_mail_to_nobody, self._mail_from), "mailbox")
        except Refusal as refusal:
            if refusal.status == _NOT_FOUND:
                raise refusal.as_refused("mailbox_unknown") from None
            if refusal.status != _NO_RECIPIENT:
                raise refusal.as_refused("mailbox_refused") from None


def _claims(token: str) -> dict[str, Any]:
    _, part, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(claims, dict):
        raise ValueError("claims")
    return claims


def _mail_to_nobody(client: "GraphServiceClient", mail_from: str) -> "RequestInformation":
    from msgraph.generated.models.message import Message
    from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

    body = SendMailPostRequestBody(message=Message(subject="", to_recipients=[]), save_to_sent_items=False)
    return client.users.by_user_id(mail_from).send_mail.to_post_request_information(body)
