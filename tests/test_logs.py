"""Logs and metrics name nobody: the whole path, with everything going wrong on the way, and not one canary in what is written."""

import asyncio
import gc
import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import aiohttp
import pytest
from sqlalchemy import insert

from bot.handler import Handler
from practice import seed
from services import drafts, invitations, logs
from services.clock import system_clock
from services.errors import Refused, Unavailable
from services.graph import GraphMailbox
from services.models import Collaborateur
from services.pseudonyms import Pseudonyms, load
from services.store import Store, Work
from tests.conftest import Bot
from tests.teams import Firm, Person
from tests.test_clicks import invites_paul, new_client
from tests.test_path import PAUL, finds_dossier
from tests.test_process import run

# Who is there, as words of their own; how they are reached and what opens doors, wherever it stands (an @ is any address).
NAMES = ("paul", "martin", "claire", "duhamel", "malo", "goff", "legoff", "erwan", "tanguy", "boulangerie", "rennes")
PIECES = (
    *("@", "612345678", "06 12 34 56 78", "552 100 554"),
    *(seed.APP_SECRET, seed.CLAIRE.aad_id, seed.MALO.aad_id, seed.CLAIRE.mri, "bearer", "eyj", "rd=", "tempauth"),
)
CANARY = "Paul Martin paul.martin@boulangerie-martin.example 06 12 34 56 78"
TALKATIVE = ("aiohttp", "aiosqlite", "asyncio", "azure", "botbuilder", "httpcore", "httpx", "msal", "sqlalchemy.engine")


def told(written: str) -> list[str]:
    """The canaries found."""
    text = written.casefold()
    names = [one for one in NAMES if re.search(rf"(?<!\w){one}(?!\w)", text)]
    return names + [one for one in PIECES if one.casefold() in text]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the program writes at its most talkative, the libraries' most private loggers turned up too."""
    stream = io.StringIO()
    root, before = logging.getLogger(), logging.getLogger().level
    levels = {name: logging.getLogger(name).level for name in (*logs.OURS, *TALKATIVE)}
    handler = logs.configure("DEBUG", stream=stream)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


async def metrics(bot: Bot) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{bot.url}/metrics") as answer:
        return await answer.text()


def bug_once(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
    """The next call breaks, with a message that tells everything."""
    real = getattr(place, name)

    async def broken(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(place, name, real)
        raise ValueError(f"{CANARY} {args} {kwargs}")

    monkeypatch.setattr(place, name, broken)


# --- what goes wrong on the way


async def hostile(firm: Firm, claire: Person, malo: Person) -> None:
    """Cards forged, tokens of nobody, bodies that are none; and names where no name belongs."""
    await claire.writes(f"inviter {CANARY}")
    await malo.writes(CANARY)
    forged = deepcopy(malo.last_sent)
    forged |= {"text": None, "value": {"p": {"do": CANARY, "id": CANARY, "step": CANARY, "v": CANARY}, "email": CANARY}}
    await malo.send(forged)
    foreign = deepcopy(malo.last_sent)
    foreign["conversation"]["tenantId"] = CANARY
    await firm.teams.redeliver(foreign)
    async with aiohttp.ClientSession() as http:
        for headers, body in (
            ({"Authorization": f"Bearer {CANARY}"}, CANARY),
            (
                {"Authorization": f"Bearer {firm.teams.key.token(seed.APP_ID, firm.teams.service_url)}"},
                f'{{"{CANARY}":',
            ),
        ):
            kind = {"Content-Type": "application/json"}
            async with http.post(firm.teams.bot_url, data=body.encode(), headers={**headers, **kind}) as answer:
                assert answer.status in (400, 401)


async def broken_turns(monkeypatch: pytest.MonkeyPatch, claire: Person) -> None:
    """Bugs behind the last click of a form, and a row the database refuses, parameters and all."""

    async def refused_by_the_database(work: Work, *_: Any) -> None:
        rows = [{"id": str(n), "email": CANARY, "name": CANARY} for n in range(2)]
        await work.session.execute(insert(Collaborateur), rows)

    await invites_paul(claire)
    bug_once(monkeypatch, invitations, "invite_guest")
    await claire.clicks("Envoyer l’invitation")
    await claire.sees("Quelque chose n’a pas marché de notre côté")
    await invites_paul(claire)
    with monkeypatch.context() as patched:
        patched.setattr(drafts, "tell", refused_by_the_database)
        await claire.clicks("Envoyer l’invitation")
    await claire.sees("Quelque chose n’a pas marché de notre côté")


async def broken_server(monkeypatch: pytest.MonkeyPatch, claire: Person) -> None:
    """What nobody catches but aiohttp; and a task nobody waits for."""
    await claire.writes("aide")
    bug_once(monkeypatch, Handler, "take")
    answer = await claire.client.teams.redeliver(claire.last_sent)
    assert answer.status == 500

    async def forgotten() -> None:
        raise ValueError(CANARY)

    task = asyncio.create_task(forgotten())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_the_whole_path_with_everything_going_wrong(
    firm: Firm, bot: Bot, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    state = firm.cloud.state
    await hostile(firm, claire, malo)
    await broken_turns(monkeypatch, claire)
    await broken_server(monkeypatch, claire)

    state.fail_next("POST", "/invitations", 503, code="ServiceUnavailable", message=CANARY)
    state.fail_next("GET", "/users/delta*", 400, code="BadRequest", message=f"Invalid filter: mail eq {CANARY}")
    state.drop_next("POST", "/users/*/sendMail")
    bug_once(monkeypatch, GraphMailbox, "send")
    await new_client(claire)
    await paul.receives("vous invite", within=30)
    await paul.redeems()
    await claire.sees("Invitation acceptée", within=30)
    await malo.sees("En attente d’approbation", within=30)
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    await malo.sees("Offre active", within=30)

    said = written.getvalue()
    assert re.search(r"reaction \w+ failed: ValueError at", said)
    assert "IntegrityError at" in said
    assert "aiohttp.server" in said
    assert "asyncio" in said
    assert "sqlalchemy.engine" in said
    assert "turn failed: incident=" in said
    assert told(said) == []
    assert told(await metrics(bot)) == []


async def test_a_search_that_finds_and_a_form_left_say_nothing(firm: Firm, bot: Bot, written: io.StringIO) -> None:
    claire = firm.person("Claire")
    await claire.writes("inviter")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(PAUL | {"E-mail": "paul@gmial.com"})
    await claire.clicks("Continuer")
    await claire.clicks("Utiliser l’adresse corrigée")
    await finds_dossier(claire)
    await claire.closes()
    assert told(written.getvalue()) == []
    assert told(await metrics(bot)) == []


def test_the_canaries_would_be_found() -> None:
    for one in (*NAMES, *PIECES):
        assert one in told(f"before [{one.upper()}] after"), one


# --- a line


def formatted(
    form: str, *, name: str = "services.x", fault: BaseException | None = None, said: str = "sent to %s"
) -> str:
    stream = io.StringIO()
    handler = logs.configure("DEBUG", form, stream)
    logging.getLogger().removeHandler(handler)
    record = logging.LogRecord(name, logging.WARNING, "/lib/graph.py", 12, said, ("x",), None)
    record.exc_info = (type(fault), fault, None) if fault else None
    handler.emit(record)
    return stream.getvalue()


def failed() -> BaseException:
    """An error with a cause, each with something to tell."""
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as cause:
            raise ValueError(CANARY) from cause
    except ValueError as fault:
        return fault


@pytest.mark.parametrize("form", logs.FORMATS)
def test_our_line_is_written_and_an_error_only_placed(form: str) -> None:
    line = formatted(form, fault=failed())
    assert "sent to x" in line
    assert re.search(r"ValueError at test_logs\.py:\d+; from KeyError at test_logs\.py:\d+", line)
    assert told(line) == []
    assert line.count("\n") == 1


@pytest.mark.parametrize("form", logs.FORMATS)
def test_of_anybody_elses_only_the_place_is_written(form: str) -> None:
    line = formatted(form, name="httpx", said=f"{CANARY} %s")
    assert "graph:12" in line
    assert told(line) == []


def test_json_is_one_object_a_line() -> None:
    said = json.loads(formatted("json"))
    assert said.keys() == {"at", "level", "logger", "message"}
    assert (said["level"], said["logger"], said["message"]) == ("WARNING", "services.x", "sent to x")


def test_a_line_cannot_be_broken_in_two() -> None:
    assert formatted("text", said="one\r\n2026-01-01 INFO forged %s").count("\n") == 1


def test_python_prints_no_error_by_itself(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for place, hook in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(place, hook, getattr(place, hook))
    stream = io.StringIO()
    handler = logs.configure("INFO", stream=stream)
    try:
        logs.no_tracebacks()
        fault = failed()
        sys.excepthook(type(fault), fault, None)
        threading.excepthook(threading.ExceptHookArgs((type(fault), fault, None, None)))
        sys.unraisablehook(type("Args", (), {"exc_value": fault})())
    finally:
        logging.getLogger().removeHandler(handler)
    assert stream.getvalue().count("ValueError at") == 3
    assert told(stream.getvalue() + "".join(capsys.readouterr())) == []


# --- pseudonyms


def test_a_pseudonym_is_the_same_for_the_same_person_and_key_only() -> None:
    names = Pseudonyms(b"key")
    assert names.of(seed.CLAIRE.aad_id) == names.of(f" {seed.CLAIRE.aad_id.upper()} ")
    assert names.of(seed.CLAIRE.aad_id) != names.of(seed.MALO.aad_id)
    assert names.of(seed.CLAIRE.aad_id) != Pseudonyms(b"other").of(seed.CLAIRE.aad_id)
    assert re.fullmatch(r"p-[0-9a-f]{12}", names.of(""))


async def test_the_key_is_the_databases(database_url: str) -> None:
    store = Store(database_url, system_clock, {})
    first, *others = await asyncio.gather(*(load(store) for _ in range(5)))
    await store.close()
    assert {one.of("x") for one in others} == {first.of("x")}


# --- the program as it is started


async def test_a_database_that_cannot_be_reached_is_said_without_its_password() -> None:
    environment = {
        "MICROSOFT_APP_TYPE": "SingleTenant", "MICROSOFT_APP_ID": "a", "MICROSOFT_APP_TENANT_ID": "t",
        "MICROSOFT_APP_PASSWORD": "hush-hush", "DATABASE_URL": "postgresql+asyncpg://paul:hush-hush@127.0.0.1:9/x",
        "LOG_FORMAT": "json",
    }  # fmt: skip
    status, out, err = await run(environment)
    assert (status, out) == (1, "")
    assert "hush" not in err
    assert "Traceback" not in err
    assert json.loads(err.splitlines()[-1])["message"] == "serve failed"


@pytest.mark.parametrize(
    "command", ["journal", "purge", "export-person", "erase-person", "doctor", "import", "package"]
)
async def test_no_help_shows_a_setting(command: str) -> None:
    secrets = {"MICROSOFT_APP_PASSWORD": "hush-hush", "DATABASE_URL": "postgresql+asyncpg://paul:hush-hush@127.0.0.1/x"}
    status, out, err = await run(secrets, command, "--help")
    assert status == 0
    assert "hush" not in out + err


@pytest.mark.parametrize(("name", "value"), [("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml")])
async def test_a_senseless_setting_is_one_line(name: str, value: str) -> None:
    status, _, err = await run({name: value})
    assert status == 2
    assert sum(line.startswith(f"{name}:") for line in err.splitlines()) == 1


def test_what_is_raised_says_its_key_only() -> None:
    for fault in (Refused("email_differs", "email", email=CANARY), Unavailable("mailbox_down")):
        assert told(f"{fault} {fault!r}") == []
