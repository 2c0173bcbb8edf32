"""The fictional firm is believable, and always the same."""

import csv
import io
import re

from stdnum.fr import siren

from practice import seed


def test_the_portfolio() -> None:
    rows = seed.portfolio()
    assert rows == seed.portfolio()
    assert len(rows) >= 320
    staff = {person.email: person for person in seed.STAFF}
    for row in rows:
        assert re.fullmatch(r"[A-Z0-9]{4,8}", row["code"])
        assert siren.is_valid(row["siren"])
        assert re.fullmatch(r"(22|29|35|56)\d{3}", row["postcode"])
        assert staff[row["collaborateur"]].agency == row["agency"]
    assert len({row["code"] for row in rows}) == len({row["siren"] for row in rows}) == len(rows)
    assert {row["agency"] for row in rows} == set(seed.AGENCIES)
    assert (rows[0]["code"], rows[0]["name"], rows[0]["collaborateur"]) == (
        "BOUMAR",
        "Boulangerie Martin",
        seed.MALO.email,
    )
    assert {person.code for person in seed.ENTREPRENEURS} <= {row["code"] for row in rows}


def test_the_portfolio_as_french_excel_saves_it() -> None:
    text = seed.portfolio_csv()
    assert text.encode("cp1252")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert rows[0] == ["Code", "Raison sociale", "SIREN", "Commune", "Code postal", "Agence", "Collaborateur"]
    assert rows[1:] == [list(row.values()) for row in seed.portfolio()]


def test_the_staff() -> None:
    assert (
        len({person.aad_id for person in seed.STAFF}) == len({person.mri for person in seed.STAFF}) == len(seed.STAFF)
    )
    assert [person.name for person in seed.STAFF if person.owner] == ["Claire Duhamel", "Yann Guillou"]
    assert all(person.email.endswith(f"@{seed.DOMAIN}") for person in seed.STAFF)
