"""Keyed pseudonyms: in logs the same person is the same word, which is nobody's without the key.

The key is in the database, not derived from the app's secret: that one is renewed, and a managed identity has none. Deleting
its row makes every pseudonym written so far nobody's for good.
"""

import hmac
import secrets

from sqlalchemy.exc import IntegrityError

from services.models import PseudonymKey
from services.store import Store

_NAME = "logs"


class Pseudonyms:
    """The pseudonyms under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, person: str) -> str:
        """The pseudonym of an id (an Entra object id, an e-mail), whatever its case: `p-` and twelve hexadecimal digits."""
        return f"p-{hmac.digest(self._key, person.strip().casefold().encode(), 'sha256').hex()[:12]}"


async def load(store: Store) -> Pseudonyms:
    """Under the key in the database, made if there is none yet."""
    try:
        async with store.work() as work:
            held = await work.session.get(PseudonymKey, _NAME)
            if held is None:
                held = PseudonymKey(name=_NAME, key=secrets.token_hex(32))
                work.session.add(held)
    except IntegrityError:  # another replica has just made it
        async with store.read() as session:
            held = await session.get_one(PseudonymKey, _NAME)
    return Pseudonyms(bytes.fromhex(held.key))
