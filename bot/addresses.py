"""Which URLs the bot may talk to: a closed list of exact hosts, because each call carries the firm's token."""

import re
from collections.abc import Iterable

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

# Stricter than any URL parser: with no userinfo, query, fragment, backslash or odd character left in, no two parsers
# can disagree about which host is meant.
_PLAIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?P<port>:[0-9]{1,5})?(?:/[a-z0-9._~%/-]*)?",
    re.ASCII | re.IGNORECASE,
)


def plain_url(url: str, *, practice: bool) -> str | None:
    """The `host` or `host:port` (lower case) of an https URL; None when the URL is not acceptable at all.

    `practice` also accepts http, on this machine's loopback only.
    """
    match = _PLAIN.fullmatch(url)
    if match is None:
        return None
    host = match["host"].lower()
    if match["scheme"].lower() != "https" and not (practice and host in LOOPBACK):
        return None
    return host + (match["port"] or "")


class Addresses:
    """The connector hosts a service URL may name (SERVICE_URL_HOSTS), each an exact `host` or `host:port`."""

    def __init__(self, hosts: Iterable[str], *, practice: bool = False) -> None:
        self._hosts = frozenset(host.strip().lower() for host in hosts)
        self._practice = practice

    def admits(self, service_url: str) -> bool:
        """Whether the bot may send its token to this URL."""
        return plain_url(service_url, practice=self._practice) in self._hosts
