"""The zip that Teams takes: the manifest and its words filled from the settings, and the icons.

The same settings give the same bytes. Values go into parsed strings, so a firm's name can neither break nor extend the
manifest.
"""

import io
import json
import logging
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from services import settings
from services.settings import Settings, WrongSettings

ROOM = Path(__file__).parent
WORDS = ("manifest.json", "en.json")
ICONS = ("color.png", "outline.png")
DEFAULT = Path("var/passerelle-teams.zip")

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FIRM_LENGTH = 80  # Teams cuts name.full at 100, and « Passerelle — » stands before the firm
_DEVELOPER_LENGTH = 32
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can say

log = logging.getLogger(__name__)


def build(config: Settings) -> bytes:
    """The package's bytes. WrongSettings where the settings cannot make a manifest Teams would take."""
    if not _GUID.fullmatch(config.app_id):
        raise WrongSettings(["MICROSOFT_APP_ID: must be a GUID to build the Teams package"])
    facts = _facts(config)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        for name in WORDS:
            filled = _fill(json.loads((ROOM / name).read_text(encoding="utf-8")), facts)
            _add(package, name, (json.dumps(filled, ensure_ascii=False, indent=2) + "\n").encode())
        for name in ICONS:
            _add(package, name, (ROOM / name).read_bytes())
    return packed.getvalue()


def write(config: Settings, out: Path) -> None:
    """Build the package into a file, making its folder where there is none."""
    package = build(config)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(package)


def packaged_id(file: Path) -> str | None:
    """The app id in a package built earlier; None where there is no package, or none that can be read."""
    try:
        with zipfile.ZipFile(file) as package:
            return str(json.loads(package.read("manifest.json"))["id"])
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        return None


def _facts(config: Settings) -> Mapping[str, str]:
    return {
        "app_id": config.app_id,
        "firm": _shorten(config.firm_name, _FIRM_LENGTH),
        "developer": _shorten(config.firm_name, _DEVELOPER_LENGTH),
        "site": _site(config),
    }


def _site(config: Settings) -> str:
    """The firm's public site, where French law wants its legal and privacy notices."""
    if not config.firm_domains:
        log.warning("FIRM_DOMAINS is not set: the package's website, privacy and terms links lead to %s", settings.LOOP)
        return settings.LOOP
    domain = min(config.firm_domains, key=lambda one: (one.endswith(".onmicrosoft.com"), one))
    return f"https://{domain}"


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _fill(value: Any, facts: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _fill(item, facts) for key, item in value.items()}
        case list():
            return [_fill(item, facts) for item in value]
        case str():
            return Template(value).substitute(facts)
        case _:
            return value


def _add(package: zipfile.ZipFile, name: str, content: bytes) -> None:
    """One entry without date, owner or compression: zlib's bytes differ from one version to another."""
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    package.writestr(entry, content)
