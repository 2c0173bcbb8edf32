"""The revision the database has and should have, asked without SQLAlchemy, whose import is a third of a start.

Only of a SQLite file: a server is asked once the rest is loaded.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

SCRIPTS = Path(__file__).parent / "migrations"
_FILE = "sqlite+aiosqlite:///"


def newest() -> str:
    """The last revision: migrations are one line, and each file's name begins with the number of its revision."""
    return max(file.name.partition("_")[0] for file in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


def is_newest(url: str) -> bool:
    """Whether every migration has been applied to the SQLite file of this database URL; False where that cannot be said."""
    file = url.removeprefix(_FILE)
    if file == url or "?" in file or not Path(file).is_file():
        return False
    try:
        with closing(sqlite3.connect(file, timeout=1)) as connection:
            applied = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error:
        return False
    return applied == [(newest(),)]
