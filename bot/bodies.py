"""A request's body, read with a limit and some patience."""

import asyncio

from aiohttp import http_exceptions, web


class TooLong(Exception):
    """There is more of it than is read."""


class Cut(Exception):
    """It did not arrive, or not whole."""


async def read(request: web.Request, most: int, patience: float) -> bytes:
    """The whole body, however it is framed. Raises TooLong once it is longer than `most`, Cut after `patience` seconds."""
    body = bytearray()
    try:
        if request.content.is_eof() and request.content.total_bytes <= most:
            return request.content.read_nowait()  # it came with its head, as most do
        # Without a limit a body with broken chunks would be waited for until the connection closes: aiohttp's
        # parser notices, but does not tell the reader.
        async with asyncio.timeout(patience):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    raise TooLong
    except (TimeoutError, web.RequestPayloadError, http_exceptions.HttpProcessingError, OSError):
        raise Cut from None
    return bytes(body)
