"""The local Microsoft every bot of a bench talks to: signing keys, the connector; Entra and Graph for ours, by `practice`."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field

from bench import wire
from practice import keys, seed
from practice.activities import Envelope, Persona
from practice.cloud import Cloud
from practice.state import User

PEOPLE, ADMINISTRATORS = 500, 300
"""More than the staff of the largest firm we serve: nobody goes faster than `bot.pace` lets them."""
TOKENS = 16
"""How many tokens sign the requests: the connector uses each for about an hour, so each is seen many times."""


def _person(number: int) -> Persona:
    return Persona(
        mri=f"29:1bench{number:04d}-Zk4xW9bQm7TfHs2vRj8",
        aad_id=f"b1b2c3d4-0000-4000-8000-{number:012d}",
        name=f"Personne {number}",
        email=f"personne.{number}@{seed.DOMAIN}",
        locale="fr-FR",
        guest=False,
    )


_STAFF = tuple(_person(number) for number in range(PEOPLE))
PERSONAS, COLLABORATEURS = _STAFF[:ADMINISTRATORS], _STAFF[ADMINISTRATORS:]


@dataclass
class Microsoft:
    """Running. `key_delay` makes the key endpoint late, in seconds; `counts` is by the last word of each path."""

    cloud: Cloud
    key: keys.SigningKey
    counts: Counter[str] = field(default_factory=Counter)
    key_delay: float = 0.0
    url: str = ""
    _server: asyncio.Server | None = None

    @classmethod
    async def start(cls) -> "Microsoft":
        cloud = await Cloud.start()
        for one in _STAFF:
            cloud.state.users[one.aad_id] = User(one.aad_id, one.name, one.email, one.email, "Member")
            cloud.state.groups[seed.TEAM_GROUP_ID][one.aad_id] = "owner" if one in PERSONAS else ""
        made = cls(cloud, keys.SigningKey.generate())
        loop = asyncio.get_running_loop()
        made._server = await loop.create_server(lambda: wire.Server(made._reply, made._delay), "127.0.0.1", 0)
        made.url = f"http://127.0.0.1:{made._server.sockets[0].getsockname()[1]}"
        return made

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.cloud.stop()

    @property
    def service_url(self) -> str:
        return f"{self.url}/emea/"

    @property
    def envelope(self) -> Envelope:
        """What the activities of the firm's installation have in common."""
        return Envelope(seed.APP_ID, seed.TENANT_ID, self.service_url, seed.TEAM_ID, seed.TEAM_GROUP_ID, seed.TEAM_NAME)

    def authorizations(self) -> list[bytes]:
        """Header lines to sign requests with, one token each."""
        made = [self.key.token(seed.APP_ID, self.service_url, jti=str(n)) for n in range(TOKENS)]
        return [f"Authorization: Bearer {token}\r\n".encode() for token in made]

    def our_environment(self) -> dict[str, str]:
        """The settings of Passerelle in this world; its database and port are the caller's."""
        return {
            "PRACTICE": "true",
            "MICROSOFT_APP_TYPE": "SingleTenant",
            "MICROSOFT_APP_ID": seed.APP_ID,
            "MICROSOFT_APP_PASSWORD": seed.APP_SECRET,
            "MICROSOFT_APP_TENANT_ID": seed.TENANT_ID,
            "BOT_OPENID_METADATA_URL": f"{self.url}/v1/.well-known/openidconfiguration",
            "AZURE_AUTHORITY_HOST": self.cloud.authority_url,
            "GRAPH_URL": self.cloud.graph_url,
            "SERVICE_URL_HOSTS": self.url.removeprefix("http://"),
            "MAIL_FROM": seed.MAIL_FROM,
            "FIRM_NAME": seed.FIRM_NAME,
            "FIRM_DOMAINS": seed.DOMAIN,
        }

    def peer_environment(self) -> dict[str, str]:
        """What the peers' bots read."""
        return {
            "APP_ID": seed.APP_ID,
            "TENANT_ID": seed.TENANT_ID,
            "OPENID_URL": f"{self.url}/v1/.well-known/openidconfiguration",
            "KEYS_URL": f"{self.url}/v1/.well-known/keys",
            "CONNECTOR_TOKEN": self.key.token(seed.APP_ID, self.service_url),
        }

    def _delay(self, path: bytes) -> float:
        return self.key_delay if path.startswith(b"/v1/") else 0.0

    def _reply(self, method: bytes, path: bytes, _body: bytes) -> bytes:
        last = path.rsplit(b"/", 1)[-1].decode()
        self.counts[last] += 1
        if path.startswith(b"/emea/v3/conversations/") and method in (b"POST", b"PUT"):
            return _SENT
        if last == "openidconfiguration":
            document = {
                "issuer": keys.ISSUER,
                "jwks_uri": f"{self.url}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
            return wire.answer(200, json.dumps(document).encode())
        if last == "keys":
            return wire.answer(200, json.dumps({"keys": [self.key.published()]}).encode())
        return wire.answer(404, b"{}")


_SENT = wire.answer(201, b'{"id":"1767225600000"}')
