"""The Bot Framework's public signing keys: fetched, kept fresh, never lost because a refresh failed.

Source of the documents' shape: "Authenticate requests from the Bot Connector service to your bot",
learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWTError

from bot.addresses import plain_url

DAY = 24 * 3600.0
UNKNOWN_KEY_PAUSE = 60.0
LONGEST_RETRY = 60.0
SMALLEST_KEY = 2048

logger = logging.getLogger(__name__)


class Keys:
    """The keys now believed, by key id (`kid`).

    `keep` is the background task that fetches them at the start and each day; `find` also fetches when it meets a key
    id it does not know, at most once a minute. `clock` and `sleep` count seconds.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        metadata_url: str,
        *,
        practice: bool = False,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._metadata_url = metadata_url
        self._practice = practice
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._clock = clock
        self._sleep = sleep
        self._keys: dict[str, RSAPublicKey] = {}
        self._tried: float | None = None
        self._turnstile = asyncio.Lock()

    @property
    def held(self) -> bool:
        """Whether any key is held: without one, nobody can be let in."""
        return bool(self._keys)

    def current(self, kid: str) -> RSAPublicKey | None:
        """The key of this id among those held, without asking anyone."""
        return self._keys.get(kid)

    async def find(self, kid: str) -> RSAPublicKey | None:
        """The key of this id, fetched if need be and if the last fetch is a minute old; None when there is none."""
        if kid not in self._keys:
            async with self._turnstile:
                if kid not in self._keys and not self._just_tried():
                    await self._refresh()
        return self._keys.get(kid)

    async def keep(self) -> None:
        """Fetches now, again soon until keys are held, then daily. Runs until cancelled."""
        pause = 1.0
        while True:
            async with self._turnstile:
                fresh = await self._refresh()
            if fresh:
                await self._sleep(DAY)
                pause = 1.0
            else:
                await self._sleep(pause)
                pause = min(pause * 2, LONGEST_RETRY)

    def _just_tried(self) -> bool:
        return self._tried is not None and self._clock() - self._tried < UNKNOWN_KEY_PAUSE

    async def _refresh(self) -> bool:
        self._tried = self._clock()
        try:
            metadata = await self._document(self._metadata_url)
            keys = _usable(await self._document(str(metadata.get("jwks_uri"))))
        except Exception as error:
            # No answer of that server, however odd, may end the background task or lose the keys already held.
            logger.warning("signing keys not refreshed, %d kept: %s", len(self._keys), type(error).__name__)
            return False
        if not keys:
            logger.warning("signing keys not refreshed, %d kept: none is usable", len(self._keys))
            return False
        self._keys = keys
        logger.info("signing keys refreshed: %d", len(keys))
        return True

    async def _document(self, url: str) -> dict[str, Any]:
        if plain_url(url, practice=self._practice) is None:
            raise ValueError("not an https URL")
        # A redirect could lead from https to http, so none is followed.
        async with self._session.get(url, timeout=self._timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError("not found")
            document = json.loads(await response.read())
        if not isinstance(document, dict):
            raise ValueError("not an object")
        return document


def _usable(document: dict[str, Any]) -> dict[str, RSAPublicKey]:
    keys: dict[str, RSAPublicKey] = {}
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else []:
        key = _teams_key(entry) if isinstance(entry, dict) else None
        if key is not None:
            keys[str(entry["kid"])] = key
    return keys


def _teams_key(entry: dict[str, Any]) -> RSAPublicKey | None:
    """The RSA key of a JWK that names itself and is endorsed for Teams; None for any other entry."""
    endorsements = entry.get("endorsements")
    if not isinstance(endorsements, list) or "msteams" not in endorsements or not isinstance(entry.get("kid"), str):
        return None
    try:
        key = RSAAlgorithm.from_jwk(entry)
    except (PyJWTError, ValueError, TypeError, AttributeError, KeyError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_KEY else None
