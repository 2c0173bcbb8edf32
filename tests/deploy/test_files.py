"""What docs/deploy says, against what the program does: permissions, settings, probes, units, links."""

import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from services.doctor import FOR_GROUP, FOR_TEAM, NEEDED, WELCOME
from services.settings import Settings
from tests.deploy.process import ROOT
from tests.manifest.kit import config

DEPLOY = ROOT / "docs" / "deploy"
BICEP = (DEPLOY / "main.bicep").read_text()

AZ = """#!/bin/sh
# Azure's command line, as far as the script asks: a role's id is its name with `id-` before it.
case "$*" in
  *"--method post"*) echo "$*" >> "$CALLS" ;;
  *"--method get"*) echo "id-User.Read.All" ;;
  *"appRoles"*) echo "id-$(echo "$*" | sed "s/.*value=='\\([A-Za-z.]*\\)'.*/\\1/")" ;;
  *) echo graph ;;
esac
"""


def granted(folder: Path, **environment: str) -> set[str]:
    """What the script gives an identity that holds User.Read.All."""
    az, calls = folder / "az", folder / "calls"
    az.write_text(AZ)
    az.chmod(0o755)
    calls.write_text("")
    path = {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), "PRINCIPAL_ID": "p"}
    subprocess.run([DEPLOY / "grant-graph.sh"], env=path | environment, check=True, capture_output=True)
    return set(re.findall(r'"appRoleId": "id-([A-Za-z.]+)"', calls.read_text()))


@pytest.mark.parametrize(("group", "team"), [*product(("", "8e2f3c64"), ("false", "true"))])
def test_the_identity_is_granted_what_the_doctor_needs_and_no_more(tmp_path: Path, group: str, team: str) -> None:
    needed = NEEDED | ({FOR_GROUP} if group else set()) | ({FOR_TEAM} if team == "true" else set())
    asked = {"ADMIN_GROUP_ID": group, "INVITE_TO_TEAM": team}
    assert granted(tmp_path, **asked) == needed - {"User.Read.All"}
    more = {"REMOVE_GUESTS": "true", "MAIL_ANY_MAILBOX": "true"}
    assert granted(tmp_path, **asked, **more) == (needed | WELCOME) - {"User.Read.All"}


def test_azure_is_told_settings_the_program_reads() -> None:
    told = set(re.findall(r"\{ name: '([A-Z_]+)', (?:value|secretRef)", BICEP))
    assert {"DATABASE_URL", "MICROSOFT_APP_ID", "MAIL_FROM", "FIRM_NAME"} < told
    source = (ROOT / "services" / "settings.py").read_text()
    assert [name for name in told if f'"{name}"' not in source] == []
    url = re.search(r"'(postgresql\+asyncpg://.*)'", BICEP)
    assert url is not None
    assert isinstance(config(DATABASE_URL=url[1]), Settings)


def test_azure_probes_addresses_there_are() -> None:
    probed = set(re.findall(r"path: '(/[a-z]+)'", BICEP))
    assert probed == {"/healthz", "/readyz"}
    served = (ROOT / "bot" / "server.py").read_text()
    assert all(f'add_get("{path}"' in served for path in probed)
    assert "/api/messages'" in BICEP
    assert {"3978"} == set(re.findall(r"(?:targetPort|port): (\d+)", BICEP))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    units = [*DEPLOY.glob("passerelle*.service"), *DEPLOY.glob("passerelle*.timer")]
    assert len(units) == 3
    for unit in units:
        here = unit.read_text().replace("/opt/passerelle/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(here)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / unit.name for unit in units)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert [line for line in checked.stderr.splitlines() if "passerelle" in line] == []


def test_commands_the_units_and_azure_run_exist() -> None:
    units = "".join(file.read_text() for file in DEPLOY.glob("*.service"))
    commands = {*re.findall(r"app\.py ([a-z]+)", units), *re.findall(r"args: \['([a-z]+)'\]", BICEP)}
    assert commands == {"backup", "purge"}
    for command in commands:
        done = subprocess.run([sys.executable, "app.py", command, "--help"], cwd=ROOT, check=False, capture_output=True)
        assert done.returncode == 0


@pytest.mark.parametrize("page", ["docs/deploy/README.md", "docs/operations/runbook.md", "docs/copies.md", "README.md"])
def test_links_lead_somewhere(page: str) -> None:
    file = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text())
    assert [link for link in links if not (file.parent / link).exists()] == []
