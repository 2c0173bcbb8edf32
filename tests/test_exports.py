"""Exporter: an administrator's button on the board, the file in their 1:1 chat; and the command."""

import asyncio
import csv
import io
import stat
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select

import app
from practice import seed
from services.models import Export
from tests.conftest import Bot
from tests.teams import Firm
from tests.test_clicks import journal
from tests.test_process import run
from tests.test_refused import refusals
from tests.test_tracking import invites

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def exports_left(bot: Bot) -> int:
    store = app.open_store(bot.config)
    async with store.read() as session:
        found = await session.scalar(select(func.count()).select_from(Export))
    await store.close()
    return found or 0


async def test_an_administrator_gets_the_board_in_their_chat(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await invites(claire)
    await firm.person("Paul").receives("vous invite")
    await claire.writes("suivi")
    await claire.sees("BOUMAR")
    await malo.clicks("Exporter")  # the card in « Général » shows the administrator's button to everyone
    await malo.sees("réservée aux administrateurs")
    assert (seed.MALO.aad_id, "refused.export", "not_administrator") in await refusals(bot)

    await claire.clicks("Exporter")
    await claire.fills({"Que voulez-vous exporter ?": "Le suivi des clients", "Format du fichier": "Excel (XLSX)"})
    await claire.clicks("Préparer le fichier")
    await claire.sees("C’est noté")
    await bot.restart()
    sheet = openpyxl.load_workbook(io.BytesIO(await claire.accepts_file())).worksheets[0]
    heads, row = sheet.iter_rows(values_only=True)
    assert heads[:4] == ("Dossier", "Entreprise", "Offre", "État")
    assert row[:4] == ("BOUMAR", "Boulangerie Martin", None, "Invitation envoyée")

    await claire.clicks("Exporter")
    await claire.fills({"Que voulez-vous exporter ?": "Le journal", "Format du fichier": "Texte (CSV)"})
    await claire.clicks("Préparer le fichier")
    content = (await claire.accepts_file()).decode("utf-8-sig")
    said = list(csv.reader(io.StringIO(content, newline=""), delimiter=";"))
    assert said[0][:3] == ["Ligne", "Date (Paris)", "Qui"]
    assert "export demandé" in {line[4] for line in said}
    await bot.lets_pass(seconds=0)
    assert [what for what, _ in await journal(bot) if what.startswith("exports.")] == [
        "exports.asked", "exports.given", "exports.asked", "exports.given",
    ]  # fmt: skip
    assert await exports_left(bot) == 0


@SQLITE
async def test_a_file_declined_is_forgotten(firm: Firm, bot: Bot) -> None:
    claire = firm.person("Claire")
    await claire.writes("suivi", in_chat=True)
    await claire.clicks("Exporter")
    await claire.fills({"Que voulez-vous exporter ?": "Le journal", "Format du fichier": "Excel (XLSX)"})
    await claire.clicks("Préparer le fichier")
    await bot.lets_pass(seconds=0)
    assert await exports_left(bot) == 1
    await claire.declines_file()
    await bot.lets_pass(seconds=0)
    assert await exports_left(bot) == 0
    assert firm.teams.given == {}


@SQLITE
async def test_the_command_writes_a_new_file_for_its_owner_only(firm: Firm, bot: Bot, tmp_path: Path) -> None:
    await invites(firm.person("Claire"))
    await firm.person("Paul").receives("vous invite")
    environment = {**bot.firm.environment(), "DATABASE_URL": bot.config.database_url}
    board, lines = tmp_path / "suivi.XLSX", tmp_path / "journal.csv"
    status, said, err = await run(environment, "export", "tracking", str(board))
    assert (status, err) == (0, "")
    assert "1 ligne écrite" in said
    assert stat.S_IMODE(board.stat().st_mode) == 0o600
    sheet = await asyncio.to_thread(lambda: openpyxl.load_workbook(board).worksheets[0])
    assert [cell.value for cell in sheet["A"]] == ["Dossier", "BOUMAR"]
    assert sheet["F2"].is_date

    assert (await run(environment, "export", "journal", str(lines)))[0] == 0
    before = lines.read_bytes()
    assert "export écrit dans un fichier" in before.decode("utf-8-sig")
    status, said, err = await run(environment, "export", "tracking", str(lines))
    assert (status, said) == (1, "")
    assert "existe déjà" in err
    assert lines.read_bytes() == before
    assert (await run(environment, "export", "journal", str(tmp_path / "journal.txt")))[0] == 2
    status, _, err = await run(environment, "export", "journal", str(tmp_path / "nowhere" / "journal.csv"))
    assert (status, "n’a pas pu être écrit" in err) == (1, True)
