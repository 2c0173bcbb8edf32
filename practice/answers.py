"""How Graph answers: JSON with its own content type, errors in its own shape."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false"
_UNREADABLE = (
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON."
)


class GraphError(Exception):
    """A refusal: HTTP status, Graph's code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Graph's error answer: `{"error": {code, message, innerError}}`."""
    request_id = str(uuid4())
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request_id,
    }
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return answer(body, status, {"request-id": request_id, **(headers or {})})


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        status=status,
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": f"{_JSON};charset=utf-8", **(headers or {})},
    )


async def payload(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; GraphError 400 for anything else."""
    try:
        body = json.loads(await request.read()) if request.content_type == "application/json" else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise GraphError(400, "BadRequest", _UNREADABLE)
    return body
