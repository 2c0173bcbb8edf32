"""What an operator watches: every number is there, and what the dashboard and the alerts ask for exists."""

import asyncio
import json
import re
from datetime import datetime, timedelta

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.door import STATUS
from services import backlog
from services.backlog import Backlog
from services.clock import system_clock
from services.models import Effect, EffectState
from services.store import Store
from tests.conftest import Bot
from tests.deploy.process import ROOT
from tests.teams import Firm
from tests.test_clicks import invites_paul
from tests.test_logs import metrics

OPERATIONS = ROOT / "docs" / "operations"
RULES = [rule for group in yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((OPERATIONS / "grafana.json").read_text())
ASKED = [rule["expr"] for rule in RULES] + [one["expr"] for panel in DASHBOARD["panels"] for one in panel["targets"]]
PROMETHEUS_OWN = {"up"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def values(bot: Bot) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(await metrics(bot))
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def until(bot: Bot, *key: str, value: float) -> None:
    async with asyncio.timeout(10):
        while (await values(bot)).get(key) != value:  # noqa: ASYNC110 - only /metrics tells
            await asyncio.sleep(0.05)


@sqlite
async def test_every_number_asked_for_is_there(firm: Firm, bot: Bot) -> None:
    await firm.person("Claire").writes("aide")
    families = list(text_string_to_metric_families(await metrics(bot)))
    there = {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}
    for expression in ASKED:
        bare = re.sub(r'"[^"]*"|\[\w+\]|by \([^)]*\)', "", expression)
        named = set(re.findall(r"\b(up|passerelle_\w+)\b", bare))
        assert named, expression
        assert named <= there | PROMETHEUS_OWN, expression


@sqlite
async def test_values_the_alerts_look_for_are_values_there_are(firm: Firm, bot: Bot) -> None:
    await until(bot, "passerelle_outbox_effects", "parked", value=0)
    busy = {f"{service}_{how}" for service in ("directory", "mailbox") for how in ("down", "throttled")}
    known = {*STATUS, *busy, "failed", "passerelle", *(key[1] for key in await values(bot) if len(key) > 1)}
    looked_for = {one for said in re.findall(r'=~?"([^"]*)"', " ".join(ASKED)) for one in said.split("|")}
    assert looked_for <= known


def test_each_alert_has_its_paragraph() -> None:
    headings = re.findall(r"^## (\w+)$", (OPERATIONS / "runbook.md").read_text(), re.MULTILINE)
    assert headings == [rule["alert"] for rule in RULES]


@sqlite
async def test_what_is_owed_and_waited_for_is_counted(firm: Firm, bot: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.fail_next("POST", "/invitations", 429, code="TooManyRequests", headers={"Retry-After": "1"})
    await invites_paul(claire)
    await claire.clicks("Envoyer l’invitation")
    await paul.receives("vous invite", within=20)
    await until(bot, "passerelle_pending", "acceptances", value=1)
    counted = await values(bot)
    assert counted["passerelle_graph_busy_total", "directory_throttled"] == 1
    assert counted["passerelle_turns_total", "submitted", "answered"] >= 1
    assert counted["passerelle_pending", "approvals"] == 0
    await paul.redeems()
    await until(bot, "passerelle_pending", "acceptances", value=0)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_the_database_is_counted(database_url: str) -> None:
    store = Store(database_url, system_clock, {})
    assert await backlog.count(store) == Backlog(
        {"due": 0, "running": 0, "parked": 0}, 0.0, {"acceptances": 0, "approvals": 0}
    )
    now = system_clock()
    await _owe(store, EffectState.PARKED, now - timedelta(days=1))
    await _owe(store, EffectState.DUE, now + timedelta(minutes=10))  # tried again later: not late
    assert (await backlog.count(store)).late == 0
    await _owe(store, EffectState.RUNNING, now - timedelta(minutes=5))  # its lease has ended
    await _owe(store, EffectState.DUE, now - timedelta(minutes=20))
    counted = await backlog.count(store)
    await store.close()
    assert counted.effects == {"due": 2, "running": 1, "parked": 1}
    assert 1200 <= counted.late < 1260


async def _owe(store: Store, state: EffectState, due_at: datetime) -> None:
    async with store.work() as work:
        work.session.add(
            Effect(event="E", payload={"subject": "s"}, reaction="r", lane="l", state=state, due_at=due_at)
        )
