"""`python app.py import FILE`, as an operator types it: what is said, what is changed, the exit status, kill -9."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

import app
from practice import seed
from services import imports
from services.clock import system_clock
from services.models import Dossier, Import, ImportLine, ImportState
from services.store import Store
from tests.services.test_portfolio import HEAD, ROW, typed

ROOT = Path(__file__).parent.parent
WRONG = ("CIDRE", "Cidrerie", "552100555", "Redon", "Rennes", "")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {
        "MICROSOFT_APP_TYPE": "SingleTenant",
        "MICROSOFT_APP_ID": seed.APP_ID,
        "MICROSOFT_APP_TENANT_ID": seed.TENANT_ID,
        "MICROSOFT_APP_PASSWORD": "hush-hush",
        "DATABASE_URL": database_url,
    }


@pytest.fixture
def run(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command on a file with this content (None: no such file); gives status, output and errors."""

    def run(folder: Path, content: bytes | None, *options: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        file = folder / "portefeuille.csv"
        if content is not None:
            file.write_bytes(content)
        status = app.main(["import", str(file), *options])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def dossiers_in(database_url: str) -> int:
    async def count() -> int:
        store = Store(database_url, system_clock, {})
        async with store.read() as session:
            found = await session.scalar(select(func.count()).select_from(Dossier))
        await store.close()
        return found or 0

    return asyncio.run(count())


def test_a_dry_run_changes_nothing_and_yes_takes_it_in(run: Run, tmp_path: Path, database_url: str) -> None:
    content = seed.portfolio_csv(30).encode("cp1252")
    status, out, err = run(tmp_path, content)
    assert (status, err) == (0, "")
    assert out.splitlines()[0].split() == ["Dossiers", "à", "créer", "30"]
    assert "--yes" in out
    assert dossiers_in(database_url) == 0

    status, out, err = run(tmp_path, content, "--yes")
    assert (status, err) == (0, "")
    assert out.splitlines()[0].split() == ["Dossiers", "créés", "30"]
    assert "--yes" not in out
    assert dossiers_in(database_url) == 30

    status, out, err = run(tmp_path, content, "--yes")
    assert (status, err) == (0, "")
    assert out.splitlines()[2].split() == ["Dossiers", "inchangés", "30"]


def test_refused_lines_are_said_and_are_a_failure_only_when_nothing_is_taken_in(
    run: Run, tmp_path: Path, database_url: str
) -> None:
    status, out, err = run(tmp_path, typed(HEAD, ROW, WRONG, ("",) * 5 + ("x",)).encode())
    assert (status, err) == (1, "")
    assert "Ligne 3 (CIDRE)\u00a0: Ce SIREN est faux" in out
    assert "Ligne 4 (-)\u00a0: La colonne «\u00a0Code\u00a0» est vide." in out
    assert dossiers_in(database_url) == 0
    status, _, _ = run(tmp_path, typed(HEAD, WRONG).encode(), "--yes")
    assert status == 1
    status, out, _ = run(tmp_path, typed(HEAD, ROW, WRONG).encode(), "--yes")
    assert status == 0
    assert "Lignes refusées" in out
    assert dossiers_in(database_url) == 1


def test_many_refused_lines_are_counted_not_all_listed(run: Run, tmp_path: Path) -> None:
    _, out, _ = run(tmp_path, typed(HEAD, *[(f"{n}", *WRONG[1:]) for n in range(250)]).encode())
    assert out.count("Ce SIREN est faux") == 200
    assert "… et 50 autres lignes" in out


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (None, 2, "portefeuille.csv: No such file or directory"),
        (b"", 1, "Il manque des colonnes dans ce fichier"),
        (b"\xd0\xcf\x11\xe0", 1, "ancien format (.xls)"),
        (b"PK\x03\x04 nothing", 1, "Ce fichier est illisible"),
        (b"x" * 20_000_001, 1, "Ce fichier est trop gros"),
    ],
    ids=["missing", "empty", "xls", "broken", "big"],
)
def test_a_file_that_cannot_be_read_is_said_in_a_sentence(
    run: Run, tmp_path: Path, content: bytes | None, status: int, sentence: str
) -> None:
    assert run(tmp_path, content, "--yes")[0] == status
    _, out, err = run(tmp_path, content)
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err
    assert run(tmp_path, typed(HEAD, ROW).encode(), "--yes")[0] == 0


def test_a_folder_is_no_file_and_no_database_is_no_traceback(
    run: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "portefeuille.csv").mkdir()
    status, _, err = run(tmp_path, None)
    assert (status, err.splitlines()[-1].partition(": ")[2]) == (2, "Is a directory")
    (tmp_path / "portefeuille.csv").rmdir()
    environment["DATABASE_URL"] = "postgresql+asyncpg://127.0.0.1:9/none"
    status, _, err = run(tmp_path, typed(HEAD, ROW).encode())
    assert status == 2
    assert err.startswith("import: ")
    assert "Traceback" not in err


# --- kill -9

LINES = 1_200
# The database is made to dawdle at one line, so that the kill falls in the middle of a chunk.
DAWDLE = {
    "sqlite": [
        "CREATE TRIGGER dawdle BEFORE UPDATE ON import_lines WHEN NEW.number = 700 BEGIN SELECT (WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000000) SELECT count(*) FROM n); END"
    ],
    "postgresql": [
        "CREATE FUNCTION dawdle() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(600); RETURN NEW; END' LANGUAGE plpgsql",
        "CREATE TRIGGER dawdle BEFORE UPDATE ON import_lines FOR EACH ROW WHEN (NEW.number = 700) "
        "EXECUTE FUNCTION dawdle()",
    ],
}
HASTEN = {
    "sqlite": ["DROP TRIGGER dawdle"],
    "postgresql": [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "DROP TRIGGER dawdle ON import_lines",
    ],
}


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    made = Store(database_url, system_clock, {})
    yield made
    await made.close()


async def test_killed_in_the_middle_the_next_run_goes_on(
    environment: dict[str, str], store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "portefeuille.csv"
    file.write_bytes(typed(HEAD, *[(f"D{n:04}", *ROW[1:]) for n in range(LINES)]).encode())
    await tell(store, DAWDLE)
    process = await start(environment, file)
    await half_taken(store, process)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    await tell(store, HASTEN)
    assert await count(store, Dossier) == imports.CHUNK  # the chunk under way left nothing

    process = await start(environment, file)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err) == (0, b"")
    said = out.decode().splitlines()
    assert "repris et terminé" in said[0]
    assert said[3].split() == ["Dossiers", "inchangés", str(LINES)]
    assert await count(store, Dossier) == LINES
    async with store.read() as session:
        assert [*await session.scalars(select(Import.state))] == [ImportState.DONE] * 2
        assert await session.scalar(select(func.count()).where(~ImportLine.taken)) == 0


async def start(environment: dict[str, str], file: Path) -> Process:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    arguments = (sys.executable, "app.py", "import", "--yes", str(file))
    return await asyncio.create_subprocess_exec(
        *arguments, cwd=ROOT, env=inherited | environment, stdout=PIPE, stderr=PIPE
    )


async def tell(store: Store, statements: Mapping[str, list[str]]) -> None:
    for statement in statements[store.engine.dialect.name]:
        async with store.work() as work:
            await work.session.execute(text(statement))


async def half_taken(store: Store, process: Process) -> None:
    async with asyncio.timeout(60):
        while await taken(store) < imports.CHUNK:
            assert process.returncode is None
            await asyncio.sleep(0.02)


async def taken(store: Store) -> int:
    async with store.read() as session:
        return await session.scalar(select(func.count()).where(ImportLine.taken)) or 0


async def count(store: Store, row: type[Dossier]) -> int:
    async with store.read() as session:
        return await session.scalar(select(func.count()).select_from(row)) or 0
