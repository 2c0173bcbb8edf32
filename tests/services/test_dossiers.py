"""The Portefeuille: found however it is typed, in a sensible order, and kept in step with Loop's export."""

import random

import pytest
from sqlalchemy import func, select

from services import dossier_search, dossiers
from services.dossiers import DossierRecord
from services.errors import Refused
from services.models import Collaborateur, Dossier, DossierWord
from services.people import words
from services.store import Store

MALO = "malo@cabinet.example"


def record(code: str, company: str, siren: str = "552100554", commune: str = "Vannes", **more: str) -> DossierRecord:
    return DossierRecord(code, company, siren, commune, more.get("agency", "Vannes"), more.get("owner", MALO))


async def keep(store: Store, *records: DossierRecord) -> None:
    async with store.work() as work:
        await dossiers.keep(work, records)


async def found(store: Store, typed: str, limit: int = 8) -> list[str]:
    async with store.read() as session:
        return [one.code for one in await dossiers.search(session, typed, limit)]


PORTFOLIO = (
    record("EPI", "Épicerie de l’Île", "732829320", "Île-aux-Moines"),
    record("AB-12", "Œnologie & Cie", "404833048", "Saint-Malo"),
    record("GARA", "Garage du 8 Mai 1945", commune="Rennes"),
    record("8", "Zinguerie Le Gall", "356000000", "Pluméliau-Bieuzy"),
    record("NGU", "Nguyễn Thị Đỗ", "542065479", "Évry"),
    record("PCT", "100 % Bio_Loc'h", "775670417", "Brest"),
)

TYPED = [
    ("epicerie", ["EPI"]),
    ("ÉPICERIE", ["EPI"]),
    ("l'ile", ["EPI"]),
    ("moines epi", ["EPI"]),  # words in any order, in company or commune
    ("ILE-AUX", ["EPI"]),
    ("oeno", ["AB-12"]),
    ("œnologie", ["AB-12"]),
    ("saint malo", ["AB-12"]),
    ("st-malo", []),
    ("malo-saint", ["AB-12"]),
    ("ab-12", ["AB-12"]),
    ("ab12", ["AB-12"]),
    ("AB 12", ["AB-12"]),
    ("12 ab", ["AB-12"]),
    ("nguyen do", ["NGU"]),
    ("evry", ["NGU"]),
    ("552 100 554", ["GARA"]),
    ("552\u00a0100\u202f554", ["GARA"]),
    ("552100554", ["GARA"]),
    ("rennes 552 100 554", ["GARA"]),  # among words too
    ("Garage du 8 Mai 1945 · GARA · 552\u202f100\u202f554 · Rennes", ["GARA"]),  # as it is shown
    ("rennes 552 100 555", []),
    ("552.100", ["GARA"]),
    ("552 100 554 00013", ["GARA"]),  # a SIRET
    ("552100554 rennes", ["GARA"]),
    ("552100554 brest", []),
    ("8 mai", ["GARA"]),
    ("1945 8", ["GARA"]),
    ("1945 7", []),
    ("rage", []),  # no word begins so
    ("loc h", ["PCT"]),
    ("100 %", ["PCT"]),
    ("bio_loc", ["PCT"]),
    ("b_o", []),
    ("%", []),
    ("_", []),
    ("' OR 1=1 --", []),
    ("\\", []),
    ("\u0000", []),
    ("\ud800", []),
    ("zzz", []),
    ("e" * 5000, []),
    ("e " * 5000, ["EPI", "NGU"]),
]


@pytest.mark.parametrize(("typed", "codes"), TYPED)
async def test_found_as_typed(store: Store, typed: str, codes: list[str]) -> None:
    await keep(store, *PORTFOLIO)
    assert sorted(await found(store, typed)) == sorted(codes)


async def test_nothing_typed_shows_the_first_of_the_portfolio(store: Store) -> None:
    assert await found(store, "") == []
    await keep(store, *PORTFOLIO)
    assert await found(store, "") == ["PCT", "EPI", "GARA", "NGU", "AB-12", "8"]  # by company, accents aside
    assert await found(store, "  ", limit=2) == ["PCT", "EPI"]


async def test_what_was_typed_whole_comes_first_then_what_begins_so_then_by_company(store: Store) -> None:
    await keep(
        store,
        record("MAR", "Zinc"),
        record("A1", "Boulangerie Martin"),
        record("A2", "Martin Zinc"),
        record("A3", "Martin"),
        record("A4", "Alpes Martin"),
    )
    assert await found(store, "mar") == ["MAR", "A3", "A2", "A4", "A1"]
    assert await found(store, "martin") == ["A3", "A2", "A4", "A1"]
    assert await found(store, "zinc martin") == ["A2"]


async def test_what_begins_with_all_that_was_typed_comes_before_what_begins_with_a_word_of_it(store: Store) -> None:
    await keep(
        store,
        record("A1", "SARL Atelier Zinc"),
        record("A2", "SARL Zinc"),
        record("A3", "Zinc SARL"),
        record("A4", "SARL Bois", commune="Zinc"),
    )
    assert await found(store, "sarl z") == ["A2", "A1", "A4", "A3"]
    assert await found(store, "zinc sarl") == ["A3", "A1", "A4", "A2"]


async def test_every_dossier_of_one_siren(store: Store) -> None:
    await keep(store, record("B2", "Beta"), record("A1", "Alpha"), record("C3", "Gamma", "732829320"))
    assert await found(store, "552 100 554") == ["A1", "B2"]


@pytest.mark.parametrize(("rare", "walk"), [(2_000, 10_000), (0, 10_000), (3, 5), (0, 1), (2, 2), (0, 20)])
async def test_however_it_looks_it_finds_the_same_in_the_same_order(
    store: Store, monkeypatch: pytest.MonkeyPatch, rare: int, walk: int
) -> None:
    for name, rows in {"RARE": rare, "WALK": walk, "COUNTED": rare + 2, "SAMPLE": walk}.items():
        monkeypatch.setattr(dossier_search, name, rows)
    chance = random.Random(7)
    forms, names, communes = ("SARL", "SAS", "SA", ""), ("Martin", "Mar", "Le Gall", "Gallo"), ("Rennes", "Retiers")
    portfolio = [
        record(f"{n:03}", f"{chance.choice(forms)} {chance.choice(names)}", commune=chance.choice(communes))
        for n in range(60)
    ]
    await keep(store, *portfolio)
    async with store.read() as session:
        for _ in range(60):
            typed = " ".join(chance.sample(["s", "sa", "sarl", "mar", "gal", "le", "r", "ret", "0", "01", "x"], 2))
            fits = sorted((one for one in portfolio if matches(one, typed)), key=lambda one: place(one, typed))
            codes = [one.code for one in await dossiers.search(session, typed, limit=8)]
            assert codes == [one.code for one in fits[:8]], typed


def matches(one: DossierRecord, typed: str) -> bool:
    has = words(f"{one.company} {one.code} {one.siren} {one.commune}")
    return all(any(word.startswith(wanted) for word in has) for wanted in words(typed))


def place(one: DossierRecord, typed: str) -> tuple[int, str]:
    told = [word for word in words(typed) if not any(o != word and o.startswith(word) for o in words(typed))]
    line = dossier_search.line_of(one.company, one.code, one.siren, one.commune)
    begins = (f" {' '.join(words(typed))}", *(f" {word}" for word in told))
    return (0 if line.startswith(begins[0]) else 1 if line.startswith(begins) else 2), line


# --- in step


async def test_kept_anew_it_is_found_by_its_new_words_only(store: Store) -> None:
    await keep(
        store, record("GARA", "Garage du Port", commune="Rennes"), record("AUT", "Autre", owner="ines@c.example")
    )
    async with store.work() as work:
        changes = await dossiers.keep(
            work, [record("GARA", "Garage de la Gare", commune="Rennes", owner="ines@c.example")]
        )
    assert changes == {
        "GARA": {"company": ("Garage du Port", "Garage de la Gare"), "collaborateur": (MALO, "ines@c.example")}
    }
    assert await found(store, "port") == []
    assert await found(store, "gare rennes") == ["GARA"]
    async with store.read() as session:
        (dossier,) = await dossiers.search(session, "gara")
        rows = await session.scalar(select(func.count()).where(DossierWord.dossier_id == dossier.id))
    assert dossier.collaborateur is not None
    assert dossier.collaborateur.email == "ines@c.example"
    assert rows == 1 + len({"garage", "de", "la", "gare", "gara", "552100554", "rennes"})


async def test_what_a_record_leaves_unsaid_stays(store: Store) -> None:
    await keep(store, DossierRecord("G", "Garage", "552100554", "Rennes", "Rennes", MALO, "Malo Le Goff"))
    silent = DossierRecord("G", "Garage", "552 100 554", "Rennes", None, MALO.upper())
    async with store.work() as work:
        assert await dossiers.keep(work, [silent]) == {"G": {}}
    async with store.read() as session:
        (dossier,) = (await session.scalars(select(Dossier))).unique()
        (person,) = await session.scalars(select(Collaborateur))
    assert (dossier.agency, person.name) == ("Rennes", "Malo Le Goff")


async def test_without_a_collaborateur_nobody_has_it_any_more(store: Store) -> None:
    await keep(store, record("G", "Garage"))
    await keep(store, record("G", "Garage", owner=""))
    async with store.read() as session:
        (dossier,) = (await session.scalars(select(Dossier))).unique()
    assert dossier.collaborateur is None


async def test_a_wrong_siren_keeps_nothing_of_the_lot_until_mended(store: Store) -> None:
    with pytest.raises(Refused, match="siren_key"):
        await keep(store, record("A", "Alpha"), record("B", "Beta", "552100555"))
    assert await found(store, "") == []
    await keep(store, record("A", "Alpha"), record("B", "Beta", "552100554"))
    assert await found(store, "") == ["A", "B"]


@pytest.mark.parametrize(
    ("typed", "key"), [("", "siren_length"), ("55210055", "siren_length"), ("abcdefghi", "siren_length"),
                       ("٥٥٢١٠٠٥٥٤", "siren_length"), ("123456789", "siren_key")],
)  # fmt: skip
def test_a_siren_says_which_rule_failed(typed: str, key: str) -> None:
    with pytest.raises(Refused) as refused:
        dossiers.checked_siren(typed)
    assert refused.value.key == key
    assert dossiers.checked_siren("552 100 554") == "552100554"


@pytest.mark.parametrize("company", ["é" * 200, "ﷺ" * 200, "字" * 200, "𠮷" * 200, "a b " * 50])
async def test_the_longest_names_fit_the_index(store: Store, company: str) -> None:
    await keep(store, record("CODE", company, commune="ﷺ" * 120))
    assert await found(store, company[:1]) == ["CODE"]
    assert await found(store, "CODE") == ["CODE"]
