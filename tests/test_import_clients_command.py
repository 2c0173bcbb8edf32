"""`python app.py import` with a list of new clients: the bot that runs takes the lines, the verdicts are written to a file."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.clients import client, email, opened, saved
from tests.conftest import Bot
from tests.teams import Firm
from tests.test_process import run

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def commands(bot: Bot) -> dict[str, str]:
    """The environment of the commands, the bot's own."""
    return {**bot.firm.environment(), "DATABASE_URL": bot.config.database_url}


async def test_the_command_does_the_same(firm: Firm, commands: dict[str, str], tmp_path: Path) -> None:
    file, to = tmp_path / "clients.csv", tmp_path / "verdicts.csv"
    await asyncio.to_thread(file.write_bytes, saved(client(0), client(1), client(2, **{"Nom": ""})))
    status, said, err = await run(commands, "import", str(file), "--result", str(to))
    assert (status, err) == (1, "")
    assert "Ligne 4" in said
    assert "Rien n’est fait" in said
    verdicts = [line["Verdict"] for line in opened(await asyncio.to_thread(to.read_bytes))]
    assert verdicts == ["Sera invité", "Sera invité", "Refusée"]
    assert firm.cloud.state.invitations == []

    status, said, err = await run(commands, "import", str(file), "--yes")
    assert (status, err) == (0, "")
    assert "confiées à Passerelle" in said
    async with asyncio.timeout(30):
        while len(firm.cloud.state.mails) < 2:  # noqa: ASYNC110 - the practice cloud tells nobody
            await asyncio.sleep(0.05)
    assert Counter(one.email for one in firm.cloud.state.invitations) == {email(0): 1, email(1): 1}

    status, said, err = await run(commands, "import", str(file), "--yes", "--result", str(to))
    assert (status, err) == (1, "")
    assert "toutes les lignes sont déjà faites" in said
    lines = opened(await asyncio.to_thread(to.read_bytes))
    assert [line["Verdict"] for line in lines] == ["Déjà fait", "Déjà fait", "Refusée"]
    assert lines[0]["Invitation"] == "Invitation envoyée"
    assert lines[0]["Dans Loop"] == "À faire dans Loop"


async def test_without_entra_nothing_is_done(firm: Firm, commands: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    await asyncio.to_thread(file.write_bytes, saved(client(0)))
    firm.cloud.state.fail_next("GET", "/users*", 503, times=50)
    status, _, err = await run(commands, "import", str(file), "--yes")
    assert status == 1
    assert "Microsoft Entra ne répond pas" in err
