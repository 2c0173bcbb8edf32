"""The drill: yesterday's copy is put back. No guest is invited twice, no mail leaves twice, and what is unsure is told."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

import app
from dialogs import REACTIONS
from services import copies, journal
from services.clock import system_clock
from services.errors import Refused
from services.models import OPEN_EFFECTS, Effect, JournalLine
from services.outbox import repeatable
from services.store import Store
from tests.chaos.process import until
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_path import PAUL, finds_dossier
from tests.test_process import run

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SOPHIE = {
    "Nom": "Kervella",
    "Prénom": "Sophie",
    "E-mail": "sophie.kervella@fleurs-kervella.example",
    "Numéro de téléphone mobile": "06 98 76 54 32",
}
ALAN = SOPHIE | {"Nom": "Riou", "Prénom": "Alan", "E-mail": "alan.riou@garage-riou.example"}
NINA = SOPHIE | {"Nom": "Stephan", "Prénom": "Nina", "E-mail": "nina.stephan@garage-riou.example"}
GUESTS = (PAUL, SOPHIE, ALAN, NINA)


async def invites(claire: Person, guest: dict[str, str]) -> None:
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(guest)
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    assert claire.dialog is not None
    await claire.clicks(next(title for title in claire.dialog.buttons if title.startswith(("Envoyer", "Rattacher"))))
    await claire.sees("est enregistrée")


def mails(firm: Firm) -> dict[str, int]:
    return {guest["Prénom"]: len(firm.cloud.state.mailbox(guest["E-mail"])) for guest in GUESTS}


def guests(firm: Firm) -> list[str]:
    return sorted(user.mail or "" for user in firm.cloud.state.users.values() if user.user_type == "Guest")


async def until_mailed(firm: Firm, *people: dict[str, str]) -> None:
    async def mailed() -> bool:
        return all(firm.cloud.state.mailbox(one["E-mail"]) for one in people)

    await until(mailed)


async def until_refused(firm: Firm, path: str) -> None:
    async def refused() -> bool:
        return firm.cloud.state.count("POST", path, 503) > 0

    await until(refused)


async def until_all_is_done(bot: Bot) -> None:
    store = app.open_store(bot.config)

    async def done() -> bool:
        async with store.read() as session:
            return not (await session.scalars(select(Effect.id).where(Effect.state.in_(OPEN_EFFECTS)))).all()

    await until(done)
    await store.close()


@pytest.fixture
def commands(bot: Bot) -> dict[str, str]:
    """The environment of the commands, the bot's own."""
    return {**bot.firm.environment(), "DATABASE_URL": bot.config.database_url}


async def test_yesterdays_copy_doubles_no_invitation_and_no_mail(
    firm: Firm, bot: Bot, commands: dict[str, str], tmp_path: Path
) -> None:
    claire, cloud = firm.person("Claire"), firm.cloud.state
    copy = str(tmp_path / "copies" / "yesterday.db")

    await invites(claire, PAUL)
    await until_mailed(firm, PAUL)
    cloud.fail_next("POST", "/users/*/sendMail", 503, headers={"Retry-After": "600"})
    await invites(claire, SOPHIE)  # her mail is still to leave
    await until_refused(firm, "/users/*/sendMail")
    cloud.fail_next("POST", "/invitations", 503, headers={"Retry-After": "600"})
    await invites(claire, ALAN)  # he is still to be invited
    await until_refused(firm, "/invitations")
    status, said, err = await run(commands, "backup", copy)
    assert (status, err) == (0, "")
    assert copy in said

    bot.clock.forward(hours=1)  # and the day goes on
    await invites(claire, NINA)
    await until_mailed(firm, SOPHIE, ALAN, NINA)
    await firm.person("Paul").redeems()
    await claire.sees("Étape 3 sur 9")
    assert mails(firm) == {"Paul": 1, "Sophie": 1, "Alan": 1, "Nina": 1}
    granted = len(cloud.invitations)

    await bot.stop()
    status, said, err = await run(commands, "restore", copy)
    assert (status, err) == (0, "")
    assert "mail_invitation" in said
    assert "1 action en cours sera d’abord cherchée" in said
    await bot.start()

    await claire.sees("Étape 3 sur 9")  # Graph told once more that Paul had accepted
    await invites(claire, NINA)  # the copy does not know her
    await until_all_is_done(bot)
    assert guests(firm) == sorted(guest["E-mail"] for guest in GUESTS)
    assert len(cloud.invitations) == granted
    assert mails(firm) == {"Paul": 1, "Sophie": 1, "Alan": 1, "Nina": 1}


async def test_a_person_may_send_what_is_parked(firm: Firm, bot: Bot, commands: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    firm.cloud.state.fail_next("POST", "/users/*/sendMail", 503, times=100)
    await invites(firm.person("Claire"), PAUL)
    await until_refused(firm, "/users/*/sendMail")
    await bot.stop()
    firm.cloud.state.faults.clear()
    store = app.open_store(bot.config)
    await copies.backup(store, copy)
    await copies.restore(store, copy, repeatable(REACTIONS))
    await store.close()
    _, said, _ = await run(commands, "parked")
    number = next(line.split()[0] for line in said.splitlines() if "mail_invitation" in line)
    status, _, err = await run(commands, "parked", "--again", number)
    assert (status, err) == (0, "")
    await bot.start()
    await firm.person("Paul").receives("vous invite")


# --- the copy itself


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    made = Store(database_url, system_clock, {})
    async with made.work() as work:
        work.journal("operator", "imports.done", "1")
    yield made
    await made.close()


@pytest.fixture
def database(store: Store) -> Path:
    return Path(store.engine.url.database or "")


async def lines(store: Store) -> list[str]:
    async with store.read() as session:
        return list(await session.scalars(select(JournalLine.what).order_by(JournalLine.id)))


async def test_what_was_there_since_is_gone_and_the_replaced_database_is_kept(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "folder" / "copy.db"
    await copies.backup(store, copy)
    async with store.work() as work:
        work.journal("operator", "imports.done", "2")
    restored = await copies.restore(store, copy, ())
    assert await lines(store) == ["imports.done", "copies.restored"]
    assert restored.aside is not None
    kept = Store(f"sqlite+aiosqlite:///{restored.aside}", system_clock, {})
    assert await lines(kept) == ["imports.done", "imports.done"]
    await kept.close()
    async with store.read() as session:
        assert (await journal.verify(session)).broken is None  # the chain goes on from where the copy stopped


async def test_a_copy_is_readable_by_its_owner_only_and_never_overwrites(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await copies.backup(store, copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(Refused, match="backup_exists"):
        await copies.backup(store, copy)


async def test_a_database_in_use_is_not_replaced(store: Store, database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await copies.backup(store, copy)
    other = Store(store.engine.url.render_as_string(), system_clock, {})
    await lines(other)
    with pytest.raises(Refused, match="database_in_use"):
        await copies.restore(store, copy, ())
    await other.close()
    assert await lines(store) == ["imports.done"]


async def test_a_damaged_database_is_replaced(store: Store, database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await copies.backup(store, copy)
    await store.close()
    database.write_bytes(b"\xff" * 8192)  # noqa: ASYNC240
    await copies.restore(store, copy, ())
    assert await lines(store) == ["imports.done", "copies.restored"]


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"SQLite format 3\x00" + bytes(4096)])
async def test_something_else_is_not_put_back(store: Store, tmp_path: Path, content: bytes) -> None:
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(content)
    with pytest.raises(Refused, match="not_a_copy"):
        await copies.restore(store, wrong, ())
    with pytest.raises(Refused, match="not_a_copy"):
        await copies.restore(store, tmp_path / "nowhere.db", ())
    assert await lines(store) == ["imports.done"]
