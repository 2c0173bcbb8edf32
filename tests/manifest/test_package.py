"""The Teams package: the same bytes each time, filled from the settings, and true to what the bot answers to."""

import io
import json
import logging
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dialogs import DIALOGS, POSTED
from manifest.build import ROOM, build
from services import settings
from services.people import words
from services.settings import WrongSettings
from tests.manifest.kit import APP_ID, ENVIRONMENT, config, opened, packed, pixels, size

ROOT = Path(__file__).parents[2]
LOCALES = ("fr", "en")
ANSWERING = {word: one.name for table in (DIALOGS, POSTED) for one in table for word in one.commands}


def commands(locale: str) -> list[tuple[str, str]]:
    """(scope, title) of each command of the lists, as Teams shows them in this language."""
    lists = packed("manifest.json")["bots"][0]["commandLists"]
    english = packed("en.json")
    return [
        (scope, command["title"] if locale == "fr" else english[f"bots[0].commandLists[{i}].commands[{j}].title"])
        for i, one in enumerate(lists)
        for scope in one["scopes"]
        for j, command in enumerate(one["commands"])
    ]


def called(title: str) -> str:
    """What the bot hears when this command is chosen: no flow is called by more than two words."""
    return " ".join(words(title)[:2])


# --- the zip


def test_the_same_settings_give_the_same_bytes() -> None:
    assert build(config()) == build(config())


def test_nothing_in_the_zip_depends_on_the_day_or_the_machine() -> None:
    with zipfile.ZipFile(io.BytesIO(build(config()))) as package:
        entries = package.infolist()
    assert [entry.filename for entry in entries] == ["manifest.json", "en.json", "color.png", "outline.png"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {(entry.create_system, entry.external_attr >> 16) for entry in entries} == {(3, 0o644)}


def test_every_file_the_manifest_names_is_there_and_no_other() -> None:
    manifest = packed("manifest.json")
    languages = [one["file"] for one in manifest["localizationInfo"]["additionalLanguages"]]
    assert {"manifest.json", *languages, *manifest["icons"].values()} == set(opened(build(config())))


# --- the settings


def test_ids_are_filled() -> None:
    manifest = packed("manifest.json")
    assert {manifest["id"], manifest["bots"][0]["botId"], manifest["webApplicationInfo"]["id"]} == {APP_ID}


def test_the_firm_is_named_in_both_languages() -> None:
    firm = ENVIRONMENT["FIRM_NAME"]
    manifest, english = packed("manifest.json"), packed("en.json")
    assert manifest["developer"]["name"] == firm
    for said in (manifest["name"]["full"], manifest["description"]["full"]):
        assert firm in said
    for key in ("name.full", "description.full"):
        assert firm in english[key]


@pytest.mark.parametrize("name", ["manifest.json", "en.json"])
@pytest.mark.parametrize("firm", ["Cabinet", '"}, ${site} $app_id {{x}} \\ é\n', "Expertise " * 30])
def test_no_placeholder_is_left_and_no_name_breaks_it(name: str, firm: str) -> None:
    left = [text for text in _strings(packed(name, FIRM_NAME=firm)) if "$" in text.replace(firm.strip(), "")]
    assert left == []


@pytest.mark.parametrize(("firm", "developer"), [("A" * 32, "A" * 32), ("A" * 33, "A" * 31 + "…")])
def test_a_long_name_is_cut_to_what_teams_takes(firm: str, developer: str) -> None:
    manifest = packed("manifest.json", FIRM_NAME=firm)
    assert manifest["developer"]["name"] == developer
    assert firm in manifest["name"]["full"]


@pytest.mark.parametrize(
    ("domains", "site"),
    [
        ("cabinet-duhamel.example", "https://cabinet-duhamel.example"),
        ("b.example, a.example", "https://a.example"),
        ("a.onmicrosoft.com, b.example", "https://b.example"),
    ],
)
def test_links_lead_to_the_firms_site(domains: str, site: str) -> None:
    developer = packed("manifest.json", FIRM_DOMAINS=domains)["developer"]
    assert {developer["websiteUrl"], developer["privacyUrl"], developer["termsOfUseUrl"]} == {site}


def test_without_a_domain_links_lead_somewhere_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        developer = packed("manifest.json", FIRM_DOMAINS="")["developer"]
    assert developer["privacyUrl"] == settings.LOOP
    assert "FIRM_DOMAINS" in caplog.text


def test_an_app_id_that_teams_would_refuse_is_said() -> None:
    with pytest.raises(WrongSettings, match="MICROSOFT_APP_ID"):
        build(config(MICROSOFT_APP_ID="passerelle"))


# --- what the bot asks of Teams


def test_it_may_read_the_members_of_the_team_and_nothing_else() -> None:
    asked = packed("manifest.json")["authorization"]["permissions"]
    assert asked == {"resourceSpecific": [{"name": "TeamMember.Read.Group", "type": "Application"}]}


def test_it_shows_no_page_of_the_web() -> None:
    manifest = packed("manifest.json")
    assert manifest["validDomains"] == []
    assert not {"staticTabs", "configurableTabs", "composeExtensions"} & set(manifest)


def test_it_lives_in_a_team_and_takes_files_in_a_chat() -> None:
    bot = packed("manifest.json")["bots"][0]
    assert bot["scopes"] == ["team", "personal"]
    assert bot["supportsFiles"] is True


# --- words


@pytest.mark.parametrize("locale", LOCALES)
def test_every_command_is_a_word_the_bot_answers_to(locale: str) -> None:
    assert [title for _, title in commands(locale) if called(title) not in ANSWERING] == []


def test_a_command_and_its_translation_call_the_same_flow() -> None:
    french, english = ([(scope, ANSWERING[called(title)]) for scope, title in commands(locale)] for locale in LOCALES)
    assert french == english


def test_every_flow_called_by_a_word_is_offered_once_in_the_team_or_in_the_chat_it_needs() -> None:
    offered = [ANSWERING[called(title)] for scope, title in commands("fr") if scope == "team"]
    in_chat = {ANSWERING[called(title)] for scope, title in commands("fr") if scope == "personal"}
    assert len(offered) == len(set(offered))
    assert set(offered) | in_chat == set(ANSWERING.values())
    # Teams sends files in a 1:1 chat only; one’s own work is asked for there; what is to be tried again has its own card in
    # the team, a hand-over its button in the menu, and the team’s list is full.
    chat_only = {"approve_many", "hand_over", "import_portfolio", "my_clients", "parked", "to_do"}
    assert set(ANSWERING.values()) - set(offered) == chat_only


def test_lists_are_as_short_as_teams_wants_them() -> None:
    lists = packed("manifest.json")["bots"][0]["commandLists"]
    assert len(lists) <= 3
    assert max(len(one["commands"]) for one in lists) <= 12
    scopes = [scope for one in lists for scope in one["scopes"]]
    assert sorted(scopes) == ["personal", "team"]


def test_english_translates_every_word_of_the_manifest() -> None:
    english = packed("en.json")
    del english["$schema"]
    manifest = packed("manifest.json")
    said = {"name": manifest["name"], "description": manifest["description"], "bots": manifest["bots"]}
    words = {path for path in _paths(said) if path.rpartition(".")[2] in ("short", "full", "title", "description")}
    assert set(english) == words


def test_both_languages_are_of_the_manifests_version() -> None:
    version = packed("manifest.json")["manifestVersion"]
    for name in ("manifest.json", "en.json"):
        assert f"/teams/v{version}/" in packed(name)["$schema"]


def test_french_has_its_spaces_and_apostrophes() -> None:
    wrong = re.compile(r"'|[^\s\u00a0\u202f][:;?!»](?!//)|«[^\u00a0]| [:;?!»]")
    manifest = packed("manifest.json")
    for said in _strings([manifest["name"], manifest["description"], manifest["bots"][0]["commandLists"]]):
        assert wrong.search(said) is None, said


# --- icons


@pytest.mark.parametrize(("name", "wanted"), [("color", (192, 192)), ("outline", (32, 32))])
def test_icons_have_the_size_teams_wants(name: str, wanted: tuple[int, int]) -> None:
    icon = opened(build(config()))[f"{name}.png"]
    assert size(icon) == wanted
    assert (ROOM / f"{name}.svg").is_file()


def test_the_outline_is_white_on_nothing() -> None:
    drawn = pixels((ROOM / "outline.png").read_bytes())
    assert {pixel[:3] for pixel in drawn if pixel[3]} == {(255, 255, 255)}
    assert drawn[0][3] == 0
    assert {0, 255} <= {pixel[3] for pixel in drawn}


def test_the_colour_fills_its_square_and_keeps_to_the_middle() -> None:
    drawn = pixels((ROOM / "color.png").read_bytes())
    white = [(at % 192, at // 192) for at, pixel in enumerate(drawn) if pixel[:3] == (255, 255, 255)]
    for along in zip(*white, strict=True):
        assert (min(along), max(along)) >= (36, 36)
        assert max(along) < 156
    assert all(len(pixel) == 3 or pixel[3] == 255 for pixel in drawn)


# --- the command


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **ENVIRONMENT, **variables}
    command = [sys.executable, str(ROOT / "app.py"), "package", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_writes_the_package_and_says_where(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "var/passerelle-teams.zip"
    assert (tmp_path / "var" / "passerelle-teams.zip").read_bytes() == build(config())


def test_the_command_writes_where_it_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, "--out", "here/teams.zip").returncode == 0
    assert (tmp_path / "here" / "teams.zip").read_bytes() == build(config())


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [((), {"MICROSOFT_APP_ID": "passerelle"}, "MICROSOFT_APP_ID"), (("--out", "."), {}, "'.'")],
    ids=["setting", "file"],
)
def test_what_is_wrong_is_a_line_and_status_2(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], named: str
) -> None:
    done = run(tmp_path, *arguments, **variables)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def _strings(value: Any) -> list[str]:
    return [text for text in json.loads(json.dumps(list(_paths(value).values()))) if isinstance(text, str)]


def _paths(value: Any, at: str = "") -> dict[str, Any]:
    """Every leaf by its path, as localisation files write it: `bots[0].commandLists[1].commands[0].title`."""
    match value:
        case dict():
            return {
                path: leaf
                for key, item in value.items()
                for path, leaf in _paths(item, f"{at}.{key}".lstrip(".")).items()
            }
        case list():
            return {path: leaf for i, item in enumerate(value) for path, leaf in _paths(item, f"{at}[{i}]").items()}
        case _:
            return {at: value}
