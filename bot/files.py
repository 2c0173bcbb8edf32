"""Files sent and given in a 1:1 chat: `services.ports.Files` over the process's own HTTP session, without any token.

Teams gives the bot an address of the sender's OneDrive that needs no token, for some minutes. Source: "Send and receive
files through the bot", learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4.
"""

import re
from collections.abc import Iterable

import aiohttp
from yarl import URL

from services.errors import Refused, Unavailable

# The sender's SharePoint is one label beneath sharepoint.com. Which one is the firm's cannot be known without a Graph
# permission; no token goes there, so a stranger's could only give a file that the administrator might as well have sent.
_SHAREPOINT = re.compile(r"https://[a-z0-9-]{1,63}\.sharepoint\.com/[!-~]*", re.ASCII | re.IGNORECASE)
_PRACTICE = re.compile(r"http://(?P<host>[a-z0-9.]+:[0-9]{1,5})/[!-~]*", re.ASCII | re.IGNORECASE)
_LATER = frozenset({429, 500, 502, 503, 504})


class Downloads:
    """One attempt a call. `practice_hosts`: each an exact `host:port` of this machine where a practice Teams lives.

    `timeout` is in seconds, for a whole file.
    """

    def __init__(
        self, session: aiohttp.ClientSession, practice_hosts: Iterable[str] = (), *, timeout: float = 30.0
    ) -> None:
        self._session = session
        self._practice_hosts = frozenset(practice_hosts)
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=timeout / 6)

    async def fetch(self, url: str, most: int) -> bytes:
        """See `services.ports.Files`. Redirects are not followed: the address given is the one that was checked."""
        if not self._admits(url):
            raise Refused("file_refused")
        try:
            async with self._session.get(
                URL(url, encoded=True),
                headers={"Accept-Encoding": "identity"},  # what is counted is what is kept
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                if response.status in _LATER:
                    raise Unavailable("files_down")
                if response.status != 200:
                    raise Refused("file_gone")
                return await _read(response, most)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise Unavailable("files_down") from None

    async def put(self, url: str, content: bytes) -> None:
        """See `services.ports.Files`: one PUT of the whole to an upload session, which the address itself permits."""
        if not self._admits(url):
            raise Refused("file_refused")
        headers = {
            "Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}",
            "Content-Type": "application/octet-stream",
        }
        try:
            async with self._session.put(
                URL(url, encoded=True), data=content, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                if response.status in _LATER:
                    raise Unavailable("files_down")
                if response.status not in (200, 201):
                    raise Refused("file_gone")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise Unavailable("files_down") from None

    def _admits(self, url: str) -> bool:
        practice = _PRACTICE.fullmatch(url)
        return bool(_SHAREPOINT.fullmatch(url)) or bool(practice and practice["host"].lower() in self._practice_hosts)


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, given up where it grows too long, whatever its length was said to be."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise Refused("file_too_big", max=most // 1_000_000)
    return bytes(body)
