"""The doctor: one line for each thing that must be right, what to do about each that is not, and nothing changed by looking."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

import app
from bot.keys import Keys
from bot.server import open_session
from dialogs import diagnostic
from manifest import build as manifest
from practice import seed
from services.clock import Clock, system_clock
from services.doctor import Doctor, Line
from services.graph import Graph
from services.models import Effect, EffectState
from services.settings import Settings
from services.store import Store
from tests.conftest import Bot, config_for
from tests.teams import Firm
from tests.test_process import run

CHECKS = (
    "settings",
    "keys",
    "permissions",
    "mailbox",
    "clock",
    "database",
    "manifest",
    "team",
    "notifications",
    "outbox",
)


class Practice:
    """A firm whose bot is installed, and the doctor who looks at it. `examine` takes what is to be otherwise."""

    def __init__(self, bot: Bot, http: aiohttp.ClientSession) -> None:
        self.bot = bot
        self.state = bot.firm.cloud.state
        self._http = http

    def config(self, **settings: str) -> Settings:
        return config_for(self.bot.firm, self.bot.config.database_url, self.bot.config.port, **settings)

    async def examine(self, clock: Clock = system_clock, patience: float = 20.0, **settings: str) -> dict[str, Line]:
        async with self.doctor(clock, **settings) as doctor:
            return {line.check: line for line in await doctor.examine(patience)}

    def doctor(self, clock: Clock = system_clock, **settings: str) -> "_Called":
        return _Called(self.config(**settings), self._http, clock)


class _Called:
    def __init__(self, config: Settings, http: aiohttp.ClientSession, clock: Clock) -> None:
        self.store: Store = app.open_store(config, clock)
        self.graph: Graph = app.open_graph(config)
        keys = Keys(http, config.openid_url, practice=config.practice)
        self.doctor = app.open_doctor(config, self.store, self.graph, keys)

    async def __aenter__(self) -> Doctor:
        return self.doctor

    async def __aexit__(self, *_: object) -> None:
        await self.graph.close()
        await self.store.close()


@pytest.fixture(autouse=True)
def no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever package was built in this checkout is not looked at."""
    monkeypatch.setattr(manifest, "DEFAULT", tmp_path / "teams.zip")


@pytest.fixture
async def practice(bot: Bot, firm: Firm) -> AsyncIterator[Practice]:
    async with open_session() as http:
        yield Practice(bot, http)


def wrong(lines: dict[str, Line]) -> dict[str, str]:
    return {name: line.key for name, line in lines.items() if not line.right}


async def test_where_all_is_right_every_line_says_so(practice: Practice) -> None:
    lines = await practice.examine()
    assert tuple(lines) == CHECKS
    assert wrong(lines) == {}
    assert lines["team"].facts == {"n": 2}


async def test_looking_changes_nothing(practice: Practice) -> None:
    before = len(practice.state.mails)
    await practice.examine()
    assert len(practice.state.mails) == before
    assert practice.state.count("POST", "/users/*/sendMail", 202) == 0
    store = app.open_store(practice.bot.config)
    async with store.read() as session:
        assert (await session.execute(text("SELECT count(*) FROM bookmarks WHERE name = 'doctor'"))).scalar_one() == 0
    await store.close()


# --- one thing wrong at a time

Break = Callable[[Practice], None]
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@one_database
@pytest.mark.parametrize(
    ("settings", "check", "key"),
    [
        ({"FIRM_NAME": "", "FIRM_DOMAINS": ""}, "settings", "settings.unset"),
        ({"BOT_OPENID_METADATA_URL": "http://127.0.0.1:9/none"}, "keys", "keys.none"),
        ({"MICROSOFT_APP_PASSWORD": "wrong"}, "permissions", "errors.identity_refused"),
        ({"ADMIN_GROUP_ID": seed.ADMIN_GROUP_ID}, "permissions", "permissions.missing"),
        ({"INVITE_TO_TEAM": "true"}, "permissions", "permissions.missing"),
        ({"AZURE_AUTHORITY_HOST": "http://127.0.0.1:9"}, "permissions", "no_answer"),
        ({"GRAPH_URL": "http://127.0.0.1:9"}, "clock", "no_answer"),
        ({"MAIL_FROM": ""}, "mailbox", "errors.mailbox_unset"),
        ({"MAIL_FROM": "nobody@cabinet-duhamel.example"}, "mailbox", "errors.mailbox_unknown"),
        ({"MAIL_FROM": seed.CLAIRE.email}, "mailbox", "errors.mailbox_refused"),
        ({"DATABASE_URL": "sqlite+aiosqlite:////nowhere/at/all.db"}, "database", "database.absent"),
        ({"MICROSOFT_APP_ID": "passerelle"}, "manifest", "manifest.not_guid"),
        ({"MICROSOFT_APP_ID": seed.TENANT_ID}, "manifest", "manifest.other_bot"),
        ({"ADMIN_GROUP_ID": seed.TENANT_ID}, "team", "team.forbidden"),
    ],
    ids=lambda one: "+".join(one) if isinstance(one, dict) else str(one),
)
async def test_a_wrong_setting_is_found(practice: Practice, settings: dict[str, str], check: str, key: str) -> None:
    config = {**settings}
    url = config.pop("DATABASE_URL", practice.bot.config.database_url)
    made = config_for(practice.bot.firm, url, practice.bot.config.port, **config)
    async with open_session() as http, _Called(made, http, system_clock) as doctor:
        found = {line.check: line for line in await doctor.examine(20.0)}
    assert (found[check].key, found[check].right) == (key, False)


def _not_granted(practice: Practice) -> None:
    practice.state.permissions = {"User.Read.All"}


def _granted_too_much(practice: Practice) -> None:
    practice.state.permissions.add("Directory.ReadWrite.All")


def _mailbox_taken_away(practice: Practice) -> None:
    practice.state.sending_mailboxes.clear()


def _no_owner(practice: Practice) -> None:
    members = practice.state.groups[seed.TEAM_GROUP_ID]
    members.update(dict.fromkeys(members, ""))


def _team_not_readable(practice: Practice) -> None:
    practice.state.fail_next("GET", "/teams/*/members", 403, code="Forbidden", times=9)


def _graph_slow(practice: Practice) -> None:
    practice.state.delay_next("GET", "/teams/*/members", 5.0, times=9)


@one_database
@pytest.mark.parametrize(
    ("break_it", "check", "key", "facts"),
    [
        (_not_granted, "permissions", "permissions.missing", {"names": ["User.Invite.All"]}),
        (_granted_too_much, "permissions", "permissions.too_many", {"names": ["Directory.ReadWrite.All"]}),
        (_mailbox_taken_away, "mailbox", "errors.mailbox_refused", None),
        (_no_owner, "team", "team.nobody", {"n": 0}),
        (_team_not_readable, "team", "team.forbidden", None),
        (_graph_slow, "team", "no_answer", {}),
    ],
)
async def test_what_is_wrong_at_microsoft_is_found(
    practice: Practice, break_it: Break, check: str, key: str, facts: dict[str, object] | None
) -> None:
    break_it(practice)
    lines = await practice.examine(patience=1.5)
    assert wrong(lines) == {check: key}
    assert facts is None or lines[check].facts == facts


@one_database
@pytest.mark.parametrize(("off", "right"), [(60, True), (-60, True), (180, False), (-180, False)])
async def test_a_clock_that_is_off_is_found(practice: Practice, off: int, right: bool) -> None:
    line = (await practice.examine(clock=lambda: datetime.now(UTC) + timedelta(seconds=off)))["clock"]
    assert line.right is right
    assert abs(int(str(line.facts["seconds"])) - abs(off)) <= 3


async def test_a_database_that_is_behind_is_found(practice: Practice) -> None:
    async with practice.doctor() as doctor:
        store = app.open_store(practice.bot.config)
        async with store.engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        await store.close()
        found = {line.check: line.key for line in await doctor.examine(20.0)}
    assert found["database"] == "database.not_migrated"


async def test_what_was_given_up_or_waits_for_long_is_found(practice: Practice) -> None:
    await practice.bot.stop()

    async def with_effect(state: EffectState, reason: str | None) -> Line:
        store = app.open_store(practice.bot.config)
        async with store.work() as work:
            work.session.add(
                Effect(
                    event="OfferProposed", payload={"subject": "x"}, reaction="mail", lane="mail:x", state=state,
                    reason=reason, due_at=work.now - timedelta(minutes=11), finished_at=None,
                )
            )  # fmt: skip
        await store.close()
        return (await practice.examine())["outbox"]

    late = await with_effect(EffectState.DUE, None)
    assert (late.right, late.key, late.facts) == (False, "outbox.late", {"n": 1})
    parked = await with_effect(EffectState.PARKED, "mailbox_refused")
    assert (parked.right, parked.key) == (False, "outbox.parked")
    assert parked.facts == {"n": 1, "reasons": ["mailbox_refused (1)"]}


@one_database
async def test_a_package_of_another_app_is_found(practice: Practice, tmp_path: Path) -> None:
    assert (await practice.examine())["manifest"].key == "manifest.not_here"
    manifest.write(practice.config(), tmp_path / "teams.zip")
    assert (await practice.examine())["manifest"].key == "manifest.same"
    manifest.write(practice.config(MICROSOFT_APP_ID=seed.TENANT_ID), tmp_path / "teams.zip")
    assert (await practice.examine())["manifest"].key == "manifest.other_id"
    (tmp_path / "teams.zip").write_bytes(b"no zip")
    assert (await practice.examine())["manifest"].key == "manifest.not_here"


# --- said


@one_database
async def test_a_bot_not_installed_is_found(bot: Bot) -> None:
    async with open_session() as http, _Called(bot.config, http, system_clock) as doctor:
        lines = {line.check: line for line in await doctor.examine(20.0)}
    assert wrong(lines) == {"team": "errors.bot_not_installed"}


@one_database
async def test_every_finding_has_a_remedy_in_both_languages(practice: Practice) -> None:
    _not_granted(practice)
    _no_owner(practice)
    for locale in ("fr", "en"):
        said: list[str] = []
        async with practice.doctor(FIRM_DOMAINS="", MAIL_FROM="") as doctor:
            assert await diagnostic.run(doctor, locale, said.append) == 1
        assert len(said) == len(CHECKS)
        marks = [line.startswith("À CORRIGER" if locale == "fr" else "TO MEND") for line in said]
        assert [name for name, mark in zip(CHECKS, marks, strict=True) if mark] == [
            "settings", "permissions", "mailbox", "team",
        ]  # fmt: skip


async def test_the_command_says_it_and_its_exit_status_too(empty_firm: Firm, tmp_path: Path) -> None:
    environment = {**empty_firm.environment(), "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'none.db'}"}
    status, out, _ = await run(environment, "doctor")
    assert status == 1
    assert len(out.splitlines()) == len(CHECKS)
    assert out.count("OK") == 5
    assert "python app.py" in out
    assert not (tmp_path / "none.db").exists()


# --- in Teams


@one_database
async def test_an_administrator_reads_it_in_private(practice: Practice, firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("diagnostic")
    await claire.clicks("Ouvrir le formulaire")
    await claire.sees("Tout est en ordre", "✓ OK — Autorisations Graph", "2 administrateurs")
    _mailbox_taken_away(practice)
    await claire.clicks("Relancer le diagnostic")
    await claire.sees("1 point est à corriger", "✕ À CORRIGER — Boîte d’envoi")
    await claire.clicks("Fermer")
    assert claire.dialog is None
    assert not any("Autorisations Graph" in line for card in claire.channel for line in card.texts)


@one_database
async def test_nobody_else_does(firm: Firm) -> None:
    malo = firm.person("Malo")
    await malo.writes("diagnostic")
    await malo.clicks("Ouvrir le formulaire")
    await malo.sees("réservée aux administrateurs")


@one_database
async def test_a_slow_microsoft_does_not_keep_the_dialog_waiting(practice: Practice, firm: Firm) -> None:
    claire = firm.person("Claire")
    await claire.writes("diagnostic")  # her role is read by now
    practice.state.delay_next("POST", "/users/*/sendMail", 5.0, times=9)
    await claire.clicks("Ouvrir le formulaire")
    await claire.sees("1 point est à corriger", "pas de réponse à temps")
