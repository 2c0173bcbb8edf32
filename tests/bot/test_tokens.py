"""A good token is verified once, as long as its key is held; how many are remembered has a bound."""

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot import tokens
from bot.keys import Keys
from bot.server import open_session
from bot.tokens import Tokens
from tests.bot.kit import APP_ID, Clock, KeyServer, claims, signed

URL = "https://smba.trafficmanager.net/emea/"


class CountingKeys(Keys):
    """Notes each time a token is verified in full."""

    found = 0

    async def find(self, kid: str) -> RSAPublicKey | None:
        self.found += 1
        return await super().find(kid)


async def test_a_good_token_is_verified_once(keyserver: KeyServer) -> None:
    async with open_session() as session:
        keys = CountingKeys(session, f"{keyserver.url}/openid", practice=True, clock=Clock())
        verifier = Tokens(keys, APP_ID, clock=Clock())
        token = signed(claims(URL))
        for _ in range(3):
            assert (await verifier.verify(token)).service_url == URL
    assert keys.found == 1


async def test_only_so_many_tokens_are_remembered(keyserver: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", 2)
    async with open_session() as session:
        keys = CountingKeys(session, f"{keyserver.url}/openid", practice=True, clock=Clock())
        verifier = Tokens(keys, APP_ID, clock=Clock())
        for jti in ("a", "b", "c", "c", "b", "a"):
            await verifier.verify(signed(claims(URL, jti=jti)))
    assert keys.found == 4
