"""The journal: a chain that shows where it was touched, grows by one line at a time, and reads in words."""

import argparse
import asyncio
import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from cards.words import words_of
from dialogs import journal_command
from services import dossiers, interlocuteurs, journal, offers, settings
from services.dossiers import DossierRecord
from services.journal import PURGED, Broken, Entry, Verdict
from services.models import (
    DELEGATION_MOVES,
    IMPORT_MOVES,
    INVITATION_MOVES,
    PROPOSITION_MOVES,
    TASK_MOVES,
    Collaborateur,
    Delegation,
    Dossier,
    Import,
    Interlocuteur,
    Invitation,
    JournalLine,
    LoopTask,
    Proposition,
    Row,
)
from services.store import Store
from tests.services.conftest import ADMIN, CONTACT, Hand
from tests.test_process import ROOT

LINES = 5


async def write(store: Store, count: int = LINES) -> None:
    for n in range(1, count + 1):
        async with store.work() as work:
            work.journal(ADMIN, "offer.activated", f"d{n}", after="start")


async def verdict(store: Store, anchor: tuple[int, str] | None = None) -> Verdict:
    async with store.read() as session:
        return await journal.verify(session, anchor)


async def kept(store: Store) -> list[JournalLine]:
    async with store.read() as session:
        return list((await session.scalars(select(JournalLine).order_by(JournalLine.id))).all())


async def read(store: Store, **which: object) -> list[Entry]:
    async with store.read() as session:
        return [entry async for entry in journal.entries(session, **which)]  # type: ignore[arg-type]


async def tamper(store: Store, *statements: str) -> None:
    async with store.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


# --- a chain


async def test_an_empty_journal_holds(store: Store) -> None:
    assert await verdict(store) == Verdict(0, 0, journal.GENESIS)


async def test_lines_are_numbered_and_chained_in_the_order_they_were_written(store: Store) -> None:
    async with store.work() as work:
        for n in range(3):
            work.journal(ADMIN, "offer.activated", f"d{n}")
    await write(store, 2)
    assert [line.id for line in await kept(store)] == [1, 2, 3, 4, 5]
    found = await verdict(store)
    assert (found.count, found.number, found.broken) == (5, 5, None)
    assert found.hash == (await kept(store))[-1].hash


async def test_what_is_rolled_back_leaves_no_line_and_no_gap(store: Store) -> None:
    async def fail() -> None:
        async with store.work() as work:
            work.journal(ADMIN, "offer.activated", "never")
            raise ZeroDivisionError

    await write(store, 1)
    with pytest.raises(ZeroDivisionError):
        await fail()
    await write(store, 1)
    assert [line.id for line in await kept(store)] == [1, 2]
    assert (await verdict(store)).broken is None


async def test_many_at_once_never_follow_the_same_line(store: Store) -> None:
    async def one(n: int) -> None:
        async with store.work() as work:
            work.journal(ADMIN, "offer.activated", f"a{n}")
            await asyncio.sleep(0)
            work.journal(ADMIN, "offer.activated", f"b{n}")

    await asyncio.gather(*(one(n) for n in range(40)))
    found = await verdict(store)
    assert (found.count, found.broken) == (80, None)


async def test_it_can_be_verified_while_others_write(store: Store) -> None:
    writing = asyncio.create_task(write(store, 30))
    while not writing.done():
        assert (await verdict(store)).broken is None
        await asyncio.sleep(0)
    assert (await verdict(store)).count == 30


async def test_a_forged_subject_or_a_long_word_breaks_nothing_and_says_nothing(store: Store) -> None:
    async with store.work() as work:
        for subject in ("Paul Martin, 06 12 34 56 78", "paul@boulangerie.example", "x" * 65, ""):
            work.journal("a b@c\u0000", "refused.dossier", subject, after="x" * 500)
    assert {(line.actor, line.subject, len(line.after or "")) for line in await kept(store)} == {("?", "?", 200)}
    assert (await verdict(store)).broken is None


# --- touched


COPY = "INSERT INTO journal SELECT {}, at, actor, what, subject, before, after, hash FROM journal WHERE id = {}"
OTHER = f"'{'f' * 64}'"
SWAP = [f"UPDATE journal SET id = {to} WHERE id = {of}" for of, to in ((2, 99), (3, 2), (99, 3))]


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        pytest.param(["UPDATE journal SET after = 'consultation' WHERE id = 3"], Broken(3, "altered"), id="edited"),
        pytest.param(["UPDATE journal SET actor = 'aad-malo' WHERE id = 1"], Broken(1, "altered"), id="first_edited"),
        pytest.param([f"UPDATE journal SET hash = {OTHER} WHERE id = 5"], Broken(5, "altered"), id="hash_edited"),
        pytest.param(["DELETE FROM journal WHERE id = 1"], Broken(1, "missing"), id="first_deleted"),
        pytest.param(["DELETE FROM journal WHERE id = 3"], Broken(3, "missing"), id="deleted"),
        pytest.param(["DELETE FROM journal WHERE id > 3"], Broken(4, "missing"), id="truncated"),
        pytest.param(["DELETE FROM journal"], Broken(1, "missing"), id="emptied"),
        pytest.param([COPY.format(6, 5)], Broken(6, "altered"), id="copied_to_the_end"),
        pytest.param([COPY.format(0, 1)], Broken(0, "inserted"), id="inserted_before"),
        pytest.param(SWAP, Broken(2, "altered"), id="reordered"),
        pytest.param(["DELETE FROM journal_head"], Broken(1, "inserted"), id="head_deleted"),
        pytest.param(["UPDATE journal_head SET number = 4"], Broken(5, "inserted"), id="head_moved_back"),
        pytest.param([f"UPDATE journal_head SET hash = {OTHER}"], Broken(5, "altered"), id="head_edited"),
    ],
)
async def test_the_first_line_touched_is_named(store: Store, statements: list[str], broken: Broken) -> None:
    await write(store)
    await tamper(store, *statements)
    assert (await verdict(store)).broken == broken


async def test_a_tail_cut_off_shows_even_once_others_have_written(store: Store) -> None:
    await write(store)
    await tamper(store, "DELETE FROM journal WHERE id > 3")
    await write(store, 2)
    assert (await verdict(store)).broken == Broken(4, "missing")


async def test_a_line_that_was_well_made_but_not_by_us_is_beyond_the_head(store: Store) -> None:
    await write(store)
    last = (await kept(store))[-1]
    forged = journal.line(last.at, ADMIN, "offer.ended", "d1")
    forged.id = last.id + 1
    await tamper(
        store,
        "INSERT INTO journal SELECT 6, at, actor, 'offer.ended', 'd1', NULL, NULL, "
        f"'{journal.digest(last.hash, forged)}' FROM journal WHERE id = 5",
    )
    assert (await verdict(store)).broken == Broken(6, "inserted")


async def test_only_a_hash_noted_elsewhere_tells_a_chain_written_anew(store: Store) -> None:
    await write(store)
    noted = (await verdict(store)).number, (await verdict(store)).hash
    await write(store, 1)
    assert (await verdict(store, noted)).broken is None
    await tamper(store, "DELETE FROM journal", "DELETE FROM journal_head")
    async with store.work() as work:
        for n in range(6):
            work.journal(ADMIN, "offer.ended", f"d{n}")
    assert (await verdict(store)).broken is None
    assert (await verdict(store, noted)).broken == Broken(5, "altered")


async def test_a_chain_written_anew_and_shorter_is_told_by_the_hash_noted(store: Store) -> None:
    await write(store)
    noted = (await verdict(store)).number, (await verdict(store)).hash
    await tamper(store, "DELETE FROM journal", "DELETE FROM journal_head")
    await write(store, 2)
    assert (await verdict(store, noted)).broken == Broken(3, "missing")


# --- purged


async def purge(store: Store, clock: Hand, days: int) -> int:
    before = clock() - timedelta(days=days)
    async with store.work() as work:
        count = await journal.purgeable(work.session, before)
        said = await journal.purge(work.session, before)
        if said:
            work.journal("operator", PURGED, "-", after=said)
    return count


async def test_the_oldest_lines_go_and_the_rest_still_holds(store: Store, clock: Hand) -> None:
    await write(store)
    clock.forward(days=10)
    await write(store)
    assert await purge(store, clock, 5) == LINES
    found = await verdict(store)
    assert (found.count, found.number, found.broken) == (LINES + 1, 2 * LINES + 1, None)
    assert (await kept(store))[0].id == LINES + 1
    assert await purge(store, clock, 5) == 0
    clock.forward(days=10)
    await purge(store, clock, 5)
    assert [(line.id, line.what) for line in await kept(store)] == [(2 * LINES + 2, PURGED)]
    assert (await verdict(store)).broken is None


async def test_lines_that_go_without_being_purged_are_missed(store: Store, clock: Hand) -> None:
    await write(store)
    clock.forward(days=10)
    await write(store)
    await purge(store, clock, 5)
    sixth = (await kept(store))[0]
    await tamper(
        store,
        "DELETE FROM journal WHERE id = 6",
        f"UPDATE journal_head SET base_number = 6, base_hash = '{sixth.hash}'",
    )
    assert (await verdict(store)).broken == Broken(1, "missing")


async def test_a_purge_leaves_what_is_older_behind_something_younger(store: Store, clock: Hand) -> None:
    clock.forward(days=10)
    await write(store, 1)
    clock.forward(days=-10)
    await write(store, 1)  # began before, committed after
    clock.forward(days=10)
    assert await purge(store, clock, 5) == 0
    assert len(await kept(store)) == 2


# --- read


async def test_names_and_dossiers_are_found_from_ids(store: Store, linked: Interlocuteur, dossier: Dossier) -> None:
    async with store.work() as work:
        work.session.add(Collaborateur(email="claire@cabinet.example", name="Claire Duhamel", aad_id=ADMIN))
        work.journal("stranger", "refused.dossier", "-")
    found = await read(store)
    assert {entry.who for entry in found if entry.line.actor == ADMIN} == {"Claire Duhamel"}
    assert {entry.who for entry in found if entry.line.actor == "stranger"} == {None}
    assert {entry.codes for entry in found if entry.line.what.startswith(("invitations", "interlocuteurs"))} == {
        ("BOUMAR",)
    }
    assert linked.family_name not in str([(one.line.before, one.line.after, one.line.subject) for one in found])


async def test_a_dossiers_code_stands_for_all_that_concerns_it(store: Store, linked: Interlocuteur) -> None:
    record = DossierRecord("FLEKER", "Fleurs Kervella", "552 100 554", "Vannes", "Vannes", "")
    async with store.work() as work:
        await dossiers.keep(work, [record])
        other = await work.session.scalar(select(Dossier).where(Dossier.code == "FLEKER"))
        assert other is not None
        await offers.activate_offer(work, other, "start", ADMIN, subscription_confirmed=False)
    assert {entry.line.what for entry in await read(store, subject="FLEKER")} == {"offer.activated"}
    of_boumar = {entry.line.what for entry in await read(store, subject="BOUMAR")}
    assert {"invitations.requested", "offer.activated", "interlocuteurs.linked"} <= of_boumar
    assert {entry.line.subject for entry in await read(store, subject=linked.id)} == {linked.id}
    assert await read(store, subject="nothing") == []


async def test_a_date_leaves_out_what_came_before(store: Store, clock: Hand) -> None:
    await write(store)
    clock.forward(days=1)
    await write(store, 2)
    assert [entry.line.id for entry in await read(store, since=clock())] == [LINES + 1, LINES + 2]


# --- the command


async def command(store: Store, *arguments: str) -> tuple[int, list[str]]:
    """Its exit status, and what it printed."""
    made: dict[str, object] = {}
    parser = argparse.ArgumentParser()
    journal_command.add_to(parser.add_subparsers(), lambda act: made.setdefault("act", act))
    said: list[str] = []
    config = settings.load(
        {"MICROSOFT_APP_TYPE": "UserAssignedMSI", "MICROSOFT_APP_ID": "a", "MICROSOFT_APP_TENANT_ID": "t"}
    )
    args = parser.parse_args(["journal", *arguments])
    return await journal_command.run(store, config, args, said.append), [plain(line) for line in said]


def plain(said: str) -> str:
    return said.replace("\u00a0", " ").replace("\u202f", " ")


async def test_a_line_says_who_did_what_and_when_in_french(
    store: Store, linked: Interlocuteur, clock: Hand, dossier: Dossier
) -> None:
    async with store.work() as work:
        work.session.add(Collaborateur(email="claire@cabinet.example", name="Claire Duhamel", aad_id=ADMIN))
        await interlocuteurs.modify(work, linked.id, replace(CONTACT, landline="+33297000000"), 1, ADMIN)
        work.journal("passerelle", "invitations.sent", linked.id, "requested", "sent")
        work.journal("aad-malo", "refused.invite_guest", "-", after="not_administrator")
        work.journal("aad-malo", "nobody.knows", "-", after="x")
    status, said = await command(store)
    assert status == 0
    assert said[0] == (
        "1. 2 mars 2026 à 10 h 00, Claire Duhamel : invitation demandée (Invitation demandée) (dossiers BOUMAR)"
    )
    assert said[-4].endswith("interlocuteur modifié (Numéro de téléphone fixe) (dossiers BOUMAR)")
    assert said[-3].endswith("invitation envoyée (Invitation demandée → Invitation envoyée) (dossiers BOUMAR)")
    who = said[-2].partition(", ")[2].partition(" :")[0]
    assert re.fullmatch(r"p-[0-9a-f]{12}", who)
    assert said[-2].endswith(f"{who} : tentative refusée, Inviter un entrepreneur (n’est pas administrateur)")
    assert said[-1].endswith(f"{who} : nobody.knows (x)")


async def test_it_is_asked_about_a_dossier_and_a_date(store: Store, linked: Interlocuteur, clock: Hand) -> None:
    whole = (await command(store))[1]
    clock.forward(days=1)
    await write(store, 1)
    assert (await command(store, "--subject", "BOUMAR"))[1] == whole
    assert len((await command(store, "--since", "2026-03-03"))[1]) == 1
    assert (await command(store, "--since", "2026-03-03T10:01"))[1] == ["Aucune ligne."]
    assert (await command(store, "--since", "2026-03-03T10:00"))[1] != ["Aucune ligne."]


async def test_a_file_for_a_spreadsheet_has_no_formula(store: Store, tmp_path: Path) -> None:
    async with store.work() as work:
        work.session.add(Collaborateur(email="c@c.example", name='=HYPERLINK("http://evil.example")', aad_id=ADMIN))
        work.journal(ADMIN, "offer.activated", "d1", after="=1+1")
        work.journal(ADMIN, "offer.activated", "@d2", before="-2", after="+3")
    file = tmp_path / "journal.csv"
    assert await command(store, "--export", str(file)) == (0, [f"2 lignes écrites dans {file}."])
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    heads, *rows = csv.reader(file.read_text("utf-8-sig").splitlines(), delimiter=";")
    assert heads[:3] == ["Ligne", "Date (Paris)", "Qui"]
    assert [row[0:2] for row in rows] == [["1", "2026-03-02 10:00:00"], ["2", "2026-03-02 10:00:00"]]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


async def test_it_says_whether_the_journal_holds(store: Store) -> None:
    await write(store)
    status, said = await command(store, "--verify")
    assert (status, said[0]) == (0, "Journal intact : 5 lignes.")
    noted = said[1].rpartition(" ")[2]
    await write(store, 1)
    assert (await command(store, "--verify", "--anchor", noted))[0] == 0
    assert (await command(store, "--verify", "--anchor", f"5:{'0' * 64}"))[0] == 1
    await tamper(store, "DELETE FROM journal WHERE id = 2")
    assert await command(store, "--verify") == (1, ["Journal altéré : la ligne 2 manque."])


@pytest.mark.parametrize("wrong", [["--since", "hier"], ["--anchor", "5"], ["--anchor", "x:y"]])
def test_what_cannot_be_read_is_said(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    journal_command.add_to(parser.add_subparsers(), lambda act: act)
    with pytest.raises(SystemExit):
        parser.parse_args(["journal", *wrong])
    assert wrong[0] in capsys.readouterr().err


def test_every_line_has_its_words() -> None:
    """Whoever writes a new kind of line says what it is called."""
    words = words_of("journal", "fr")
    written = {
        found
        for path in (*ROOT.glob("services/*.py"), *ROOT.glob("dialogs/**/*.py"))
        for found in re.findall(r'\.journal\(\s*[\w.]+,\s*"([\w.]+)"', path.read_text())
    }
    tables: dict[type[Row], Mapping[Any, frozenset[Any]]] = {
        Invitation: INVITATION_MOVES, Proposition: PROPOSITION_MOVES, LoopTask: TASK_MOVES,
        Delegation: DELEGATION_MOVES, Import: IMPORT_MOVES,
    }  # fmt: skip
    moved = {f"{row.__tablename__}.{to}" for row, moves in tables.items() for after in moves.values() for to in after}
    assert len(written) > 10
    assert {
        what for what in written | moved if f"what.{what}" not in words and not what.startswith("refused.")
    } == set()
