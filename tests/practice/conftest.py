"""The practice cloud, and the real adapter connected to it over HTTP."""

from collections.abc import AsyncIterator

import pytest

from practice import seed
from practice.cloud import Cloud
from services.graph import Graph
from services.ports import Mail

MAIL = Mail(to=seed.PAUL.email, subject="Votre invitation", html="<p>Bonjour</p>", text="Bonjour")


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    cloud = await Cloud.start()
    yield cloud
    await cloud.stop()


def connect(
    cloud: Cloud, *, secret: str = seed.APP_SECRET, read_timeout: float = 10, write_timeout: float = 20
) -> Graph:
    """The adapter, set as app.py sets it in practice mode."""
    return Graph(
        tenant_id=cloud.tenant_id,
        client_id=cloud.app_id,
        secret=secret,
        authority_host=cloud.authority_url,
        graph_url=cloud.graph_url,
        mail_from=seed.MAIL_FROM,
        reply_to="accueil@cabinet-duhamel.example",
        read_timeout=read_timeout,
        write_timeout=write_timeout,
    )


@pytest.fixture
async def graph(cloud: Cloud) -> AsyncIterator[Graph]:
    graph = connect(cloud)
    yield graph
    await graph.close()
