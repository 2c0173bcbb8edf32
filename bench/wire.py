"""The least HTTP/1.1 there is: whatever the two ends of a bench cost is taken from the bot between them."""

import asyncio
from collections.abc import Callable

END = b"\r\n\r\n"
REASONS = {200: b"OK", 201: b"Created", 404: b"Not Found"}


class BadAnswer(Exception):
    """An answer this client does not read: chunked, or cut."""


def request(path: str, body: bytes, headers: bytes) -> bytes:
    """A POST of JSON on a connection that stays open. `headers` are whole lines, each with its line end."""
    return (
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"
        % (path.encode(), headers, len(body), body)
    )


def get(path: str) -> bytes:
    """A GET on a connection that stays open."""
    return b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode()


def answer(status: int, body: bytes) -> bytes:
    """An answer of JSON."""
    return b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        REASONS[status],
        len(body),
        body,
    )


def _length(head: bytes) -> int:
    low = head.lower()
    at = low.find(b"\r\ncontent-length:")
    if at < 0:
        if b"\r\ntransfer-encoding:" in low:
            raise BadAnswer("chunked")
        return 0
    end = low.find(b"\r\n", at + 2)
    return int(low[at + 17 : end if end >= 0 else None])


class _Messages(asyncio.Protocol):
    """Cuts what arrives into heads and bodies."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(END)) >= 0:
            stop = end + 4 + _length(self._held[:end])
            if len(self._held) < stop:
                return
            head, body, self._held = self._held[:end], self._held[end + 4 : stop], self._held[stop:]
            self.arrived(head, body)

    def arrived(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


class Server(_Messages):
    """Answers each request with what `reply` makes of its method, path and body, after `delay()` seconds."""

    def __init__(self, reply: Callable[[bytes, bytes, bytes], bytes], delay: Callable[[bytes], float]) -> None:
        super().__init__()
        self._reply = reply
        self._delay = delay

    def arrived(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        wait = self._delay(path)
        made = self._reply(method, path, body)
        if wait:
            asyncio.get_running_loop().call_later(wait, self.transport.write, made)
        else:
            self.transport.write(made)


class Client(_Messages):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def open(cls, port: int) -> "Client":
        """Connect to this machine's `port`. Raises OSError."""
        _, client = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return client

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; gives the status and the body of its answer. Raises ConnectionError, BadAnswer."""
        if self.transport.is_closing():
            raise ConnectionResetError
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting

    def close(self) -> None:
        self.transport.close()

    def arrived(self, head: bytes, body: bytes) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((int(head[9:12]), body))

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except BadAnswer as fault:
            self._fail(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError())

    def _fail(self, fault: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(fault)
