"""The drill: yesterday's copy is put back. No guest is invited twice, no mail leaves twice, and what is unsure is told."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

import app
from services.models import OPEN_EFFECTS, Effect
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
    copy = str(tmp_path / "copy.db")
    firm.cloud.state.fail_next("POST", "/users/*/sendMail", 503, times=100)
    await invites(firm.person("Claire"), PAUL)
    await until_refused(firm, "/users/*/sendMail")
    await run(commands, "backup", copy)
    await bot.stop()
    firm.cloud.state.faults.clear()
    await run(commands, "restore", copy)
    _, said, _ = await run(commands, "parked")
    number = next(line.split()[0] for line in said.splitlines() if "mail_invitation" in line)
    status, _, err = await run(commands, "parked", "--again", number)
    assert (status, err) == (0, "")
    await bot.start()
    await firm.person("Paul").receives("vous invite")


async def test_the_replaced_database_is_kept(firm: Firm, bot: Bot, commands: dict[str, str], tmp_path: Path) -> None:
    copy = str(tmp_path / "copy.db")
    await run(commands, "backup", copy)
    await invites(firm.person("Claire"), PAUL)
    await bot.stop()
    _, said, _ = await run(commands, "restore", copy)
    aside = next(word.rstrip(".") for word in said.split() if "passerelle.db." in word)
    with closing(sqlite3.connect(aside)) as kept:
        assert kept.execute("SELECT count(*) FROM invitations").fetchone() == (1,)


async def test_a_running_bot_keeps_its_database(firm: Firm, bot: Bot, commands: dict[str, str], tmp_path: Path) -> None:
    copy = str(tmp_path / "copy.db")
    await run(commands, "backup", copy)
    status, _, err = await run(commands, "restore", copy)
    assert status == 1
    assert "arrêtez-le d’abord" in err
    await firm.person("Claire").writes("aide")
    await firm.person("Claire").sees("Nouveau client")


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"SQLite format 3\x00" + bytes(4096)])
async def test_something_else_is_not_put_back(
    bot: Bot, commands: dict[str, str], tmp_path: Path, content: bytes
) -> None:
    await bot.stop()
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(content)
    status, _, err = await run(commands, "restore", str(wrong))
    assert status == 1
    assert "n’est pas une copie saine" in err
    await bot.start()


async def test_a_damaged_database_is_replaced(firm: Firm, bot: Bot, commands: dict[str, str], tmp_path: Path) -> None:
    copy = str(tmp_path / "copy.db")
    await run(commands, "backup", copy)
    await bot.stop()
    Path(bot.config.database_url.partition("///")[2]).write_bytes(b"\xff" * 8192)  # noqa: ASYNC240
    status, _, err = await run(commands, "restore", copy)
    assert (status, err) == (0, "")
    await bot.start()
    await firm.person("Claire").writes("aide")
    await firm.person("Claire").sees("Nouveau client")


async def test_a_copy_never_overwrites(bot: Bot, commands: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    status, _, err = await run(commands, "backup", str(copy))
    assert status == 1
    assert "existe déjà" in err
    assert copy.read_text() == "precious"
