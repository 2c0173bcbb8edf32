"""Taking in a file: a verdict a line, nothing before the Ok, no line twice wherever it is cut, the same file changes nothing."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import func, select

from practice import seed
from services import dossiers, imports
from services.dossiers import Change, DossierRecord
from services.errors import Refused
from services.imports import Summary, Verdict
from services.models import Collaborateur, Dossier, DossierWord, Import, ImportLine, ImportState
from services.store import Store, Work
from tests.services.conftest import ADMIN, Hand
from tests.services.test_portfolio import HEAD, ROW, WRONG, typed

NAMED = (*HEAD, "Nom du collaborateur")


def line(code: str, company: str = "Boulangerie Martin", **more: str) -> tuple[str, ...]:
    cells = dict(zip(("siren", "commune", "agency", "owner"), ROW[2:], strict=True)) | more
    return (code, company, *cells.values())


async def checked(store: Store, content: bytes, owner: str = ADMIN) -> str:
    async with store.work() as work:
        import_id = (await imports.receive(work, "portefeuille.csv", owner)).id
    await imports.check(store, import_id, content)
    return import_id


async def confirm(store: Store, import_id: str) -> bool:
    async with store.work() as work:
        return await imports.confirm(work, import_id, ADMIN)


async def take_in(store: Store, content: bytes) -> Summary:
    import_id = await checked(store, content)
    await confirm(store, import_id)
    while await imports.take(store, import_id):
        pass
    assert await state(store, import_id) == ImportState.DONE
    return await summary(store, import_id)


async def summary(store: Store, import_id: str) -> Summary:
    async with store.read() as session:
        return await imports.summary(session, import_id, 50)


async def state(store: Store, import_id: str) -> ImportState:
    async with store.read() as session:
        return (await imports.get(session, import_id)).state


async def codes(store: Store) -> list[str]:
    async with store.read() as session:
        return list(await session.scalars(select(Dossier.code).order_by(Dossier.code)))


def counts(of: Summary) -> tuple[int, ...]:
    return tuple(of.counts[verdict] for verdict in Verdict)


# --- the dry run


async def test_a_verdict_for_every_line_and_nothing_taken(store: Store) -> None:
    await take_in(store, typed(HEAD, line("SAME"), line("MOVES", commune="Brest")).encode())
    content = typed(
        HEAD, line("NEW"), line("SAME"), line("MOVES"), line("BAD", siren="1"), line("NEW", "Autre")
    ).encode()
    import_id = await checked(store, content)
    seen = await summary(store, import_id)
    assert counts(seen) == (1, 1, 1, 2)
    assert (seen.taken, seen.to_take, seen.to_write) == (0, 3, 2)
    assert [(one.number, one.facts) for one in seen.updated] == [(4, {"commune": ["Brest", "Évry"]})]
    assert [(one.number, one.reason, one.facts) for one in seen.refused] == [
        (5, "siren_length", {}),
        (6, "code_twice", {"line": 2}),
    ]
    assert await codes(store) == ["MOVES", "SAME"]


@pytest.mark.parametrize(("field", "value", "key", "facts"), WRONG)
async def test_a_refused_line_keeps_why_and_its_mended_file_is_taken_in(
    store: Store, field: str, value: str, key: str, facts: dict[str, object]
) -> None:
    cells = dict(zip(("code", "company", "siren", "commune", "agency", "collaborateur"), ROW, strict=True))
    wrong = cells | {field: value}
    refused = await take_in(store, typed(HEAD, tuple(wrong.values()), line("GOOD")).encode())
    assert [(one.reason, one.facts) for one in refused.refused] == [(key, facts)]
    assert await codes(store) == ["GOOD"]
    mended = await take_in(store, typed(HEAD, tuple(cells.values()), line("GOOD")).encode())
    assert counts(mended) == (1, 0, 1, 0)
    assert await codes(store) == ["BOUMAR", "GOOD"]


async def test_a_file_that_cannot_be_read_is_judged_once_mended(store: Store) -> None:
    with pytest.raises(Refused, match="portfolio_columns"):
        await checked(store, b"Code;Ville\r\nA;B\r\n")
    assert counts(await take_in(store, typed(HEAD, ROW).encode())) == (1, 0, 0, 0)


async def test_read_again_after_a_crash_each_line_is_there_once(store: Store) -> None:
    content = typed(HEAD, line("A"), line("B")).encode()
    import_id = await checked(store, content)
    await imports.check(store, import_id, content)
    assert counts(await summary(store, import_id)) == (2, 0, 0, 0)


# --- taking in


async def test_the_same_file_twice_changes_nothing(store: Store) -> None:
    content = seed.portfolio_csv(120).encode("cp1252")
    assert counts(await take_in(store, content)) == (120, 0, 0, 0)
    before = await everything(store)
    assert counts(await take_in(store, content)) == (0, 0, 120, 0)
    assert await everything(store) == before


async def everything(store: Store) -> list[object]:
    columns = (Dossier.id, Dossier.company, Dossier.siren, Dossier.commune, Dossier.agency, Dossier.collaborateur_id)
    async with store.read() as session:
        rows = [*await session.execute(select(*columns).order_by(Dossier.id))]
        words = [*await session.execute(select(DossierWord.word, DossierWord.dossier_id).order_by(DossierWord.word))]
        return [rows, sorted(map(tuple, words))]


async def test_names_of_people_are_kept_and_two_names_of_one_settle(store: Store) -> None:
    content = typed(NAMED, (*line("A"), "Malo Le Goff"), (*line("B"), "LE GOFF Malo"), (*line("C"), "")).encode()
    await take_in(store, content)
    assert counts(await take_in(store, content)) == (0, 0, 3, 0)
    async with store.read() as session:
        assert [*await session.scalars(select(Collaborateur.name))] == ["Malo Le Goff"]
    renamed = await take_in(store, typed(NAMED, (*line("A"), "Malo Legoff")).encode())
    assert [one.facts for one in renamed.updated] == [{"collaborateur_name": ["Malo Le Goff", "Malo Legoff"]}]


async def test_without_the_agency_column_agencies_stay(store: Store) -> None:
    await take_in(store, typed(HEAD, ROW).encode())
    without = [row[:4] + row[5:] for row in (HEAD, ROW, line("NEW"))]
    assert counts(await take_in(store, typed(*without).encode())) == (1, 0, 1, 0)
    async with store.read() as session:
        assert [*await session.scalars(select(Dossier.agency).order_by(Dossier.code))] == ["Rennes", ""]


async def test_what_changed_since_the_dry_run_is_judged_anew(store: Store) -> None:
    import_id = await checked(store, typed(HEAD, line("A"), line("B")).encode())
    async with store.work() as work:
        await dossiers.keep(work, [DossierRecord("A", "Autre", "552100554", "Évry", "Rennes", ROW[5])])
    await confirm(store, import_id)
    assert await imports.take(store, import_id) is False
    assert counts(await summary(store, import_id)) == (1, 1, 0, 0)


async def test_nothing_is_taken_in_before_the_ok_nor_after_giving_up(store: Store) -> None:
    import_id = await checked(store, typed(HEAD, ROW).encode())
    assert await imports.take(store, import_id) is False
    async with store.work() as work:
        assert await imports.drop(work, import_id, ADMIN)
    assert not await confirm(store, import_id)
    assert await imports.take(store, import_id) is False
    assert await codes(store) == []
    assert counts(await summary(store, import_id)) == (0, 0, 0, 0)  # the lines are forgotten
    await take_in(store, typed(HEAD, ROW).encode())
    assert await codes(store) == ["BOUMAR"]


async def test_one_ok_counts(store: Store) -> None:
    import_id = await checked(store, typed(HEAD, ROW).encode())
    assert [await confirm(store, import_id), await confirm(store, import_id)] == [True, False]
    async with store.work() as work:
        assert not await imports.drop(work, import_id, ADMIN)
    with pytest.raises(Refused, match="not_found"):
        await confirm(store, "nobody's")


# --- cut short


async def test_cut_anywhere_it_goes_on_and_takes_no_line_twice(
    store: Store, database_url: str, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 7)
    rows = [line(f"D{n:03}", f"Boulangerie {n}") for n in range(40)]
    import_id = await checked(store, typed(HEAD, *rows, line("BAD", siren="1")).encode())
    await confirm(store, import_id)
    keep, begun, kept = dossiers.keep, set[str](), list[str]()

    async def killed_once_a_chunk(work: Work, records: Sequence[DossierRecord]) -> Mapping[str, Change]:
        changes = await keep(work, records)
        if records[0].code not in begun:
            begun.add(records[0].code)
            raise Killed
        kept.extend(one.code for one in records)
        return changes

    monkeypatch.setattr(dossiers, "keep", killed_once_a_chunk)
    crashes, left = 0, True
    while left:
        restarted = Store(database_url, clock, {})
        try:
            left = await imports.take(restarted, import_id)
        except Killed:
            crashes += 1
        finally:
            await restarted.close()
    assert crashes == 6
    assert kept == await codes(store) == [row[0] for row in rows]
    seen = await summary(store, import_id)
    assert (counts(seen), seen.taken) == ((40, 0, 0, 1), 40)


class Killed(BaseException):
    """The process ends here: nothing catches it."""


async def test_two_at_once_take_every_line_once(store: Store, database_url: str, clock: Hand) -> None:
    replica = store if store.single_writer else Store(database_url, clock, {})
    content = typed(HEAD, *[line(f"D{n:04}") for n in range(1200)]).encode()
    ids = [await checked(store, content) for _ in range(2)]
    for one in ids:
        await confirm(store, one)
    await asyncio.gather(*(imports.take(at, one) for at in (store, replica) for one in ids))
    await replica.close()
    seen = [await summary(store, one) for one in ids]
    assert [one.taken for one in seen] == [1200, 1200]
    assert sum(one.counts[Verdict.CREATED] for one in seen) == len(await codes(store)) == 1200


async def test_five_thousand_lines_in_seconds(store: Store) -> None:
    rows = [line(f"D{n:04}", f"Boulangerie {n}", owner=f"p{n % 60}@cabinet.example") for n in range(5_000)]
    content = typed(HEAD, *rows).encode("cp1252")
    started = time.perf_counter()
    assert counts(await take_in(store, content)) == (5_000, 0, 0, 0)
    assert time.perf_counter() - started < 10
    async with store.read() as session:
        assert await session.scalar(select(func.count()).select_from(Dossier)) == 5_000
        assert [one.code for one in await dossiers.search(session, "boulangerie 4999")] == ["D4999"]
    assert counts(await take_in(store, content)) == (0, 0, 5_000, 0)


async def test_what_an_operator_left_unfinished_is_known(store: Store) -> None:
    first, second = [await checked(store, typed(HEAD, ROW).encode(), owner="operator") for _ in range(2)]
    await confirm(store, first)
    async with store.read() as session:
        assert [one.id for one in await imports.unfinished(session, "operator")] == [first]
        assert await imports.unfinished(session, ADMIN) == []
        assert await session.scalar(select(func.count()).select_from(Import)) == 2
        assert await session.scalar(select(func.count()).where(ImportLine.taken)) == 0
    assert second
