"""Settings from the environment: every fault found at once, each naming its variable; no default opens a door."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services import logs

APP_TYPES = ("SingleTenant", "UserAssignedMSI")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TEAMS_HOSTS = "smba.trafficmanager.net,smba.infra.gcc.teams.microsoft.com,smba.infra.gov.teams.microsoft.us"
OPENID = "https://login.botframework.com/v1/.well-known/openidconfiguration"
AUTHORITY = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
LOOP = "https://loop.cegid.com"
FIRM = "Cabinet comptable"
COLOR = "#5b5fc7"  # Teams’ own
LONGEST = 36500  # days; a century
DATABASE = "sqlite+aiosqlite:///var/passerelle.db"
RETENTION_DAYS: Mapping[str, int] = {
    "drafts": 7,  # forms left open, with what was typed in them
    "effects": 30,  # what the program did, once done
    "parked_effects": 180,  # what it gave up doing: somebody may still have to look
    "imports": 90,  # files of dossiers, line by line; files asked for and never taken
    "deliveries": 365,  # which mail left when
    "reminders": 365,  # reminders sent, pauses and delegations past
    "tasks": 365,  # steps in Loop, done or dropped
    "invitations": 365,  # failed, expired or revoked
    "interlocuteurs": 365,  # removed from the list
    "propositions": 1825,  # offers ended, refused or withdrawn, and activations ended: five years, the civil prescription
    "journal": 1825,
}
"""Days after the end of each; RETENTION_<NAME>_DAYS replaces one. The journal explains the others, and outlives them."""


class WrongSettings(Exception):
    """What is wrong, one line a fault; the program must not start."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """The contract with whoever deploys; see the README's table. Secrets stay out of repr."""

    host: str
    port: int
    database_url: str
    app_type: str
    app_id: str
    tenant_id: str
    app_password: str | None
    app_certificate: Path | None
    openid_url: str
    authority: str
    service_hosts: frozenset[str]
    graph_url: str
    notifications_url: str | None
    mail_from: str | None
    mail_reply_to: str | None
    loop_url: str
    admin_group_id: str | None
    invite_to_team: bool
    requester_may_approve: bool
    firm_name: str
    firm_locale: str
    firm_domains: frozenset[str]
    firm_color: str
    practice: bool
    log_level: str
    log_format: str
    otlp_endpoint: str | None
    retention: Mapping[str, int]

    def __repr__(self) -> str:
        return f"Settings(app_id={self.app_id!r}, practice={self.practice!r})"


class _Reader:
    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.faults: list[str] = []

    def fault(self, name: str, what: str) -> None:
        self.faults.append(f"{name}: {what}")

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        value = self.env.get(name, "").strip() or default
        if required and not value:
            self.fault(name, "is required")
        return value

    def flag(self, name: str) -> bool:
        value = self.text(name, "false").lower()
        if value not in ("true", "false"):
            self.fault(name, "must be true or false")
        return value == "true"

    def one_of(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.fault(name, f"must be one of {', '.join(allowed)}")
        return value

    def port(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and 0 <= int(value) <= 65535:
            return int(value)
        self.fault(name, "must be a port number")
        return default

    def days(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and 1 <= int(value) <= LONGEST:
            return int(value)
        self.fault(name, f"must be a number of days, from 1 to {LONGEST}")
        return default

    def url(self, name: str, default: str, *, practice: bool) -> str:
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            host = parts.hostname
        except ValueError:
            parts, host = None, None
        if parts is None or not host or parts.username or parts.password:
            self.fault(name, "must be a URL")
        elif parts.scheme == "http" and host in LOOPBACK:
            if not practice:
                self.fault(name, "plain http is for PRACTICE=true only")
        elif parts.scheme != "https":
            self.fault(name, "must be https")
        return value


def load(env: Mapping[str, str] = os.environ) -> Settings:
    """The settings, or WrongSettings with every fault."""
    read = _Reader(env)
    practice = read.flag("PRACTICE")
    app_type = read.text("MICROSOFT_APP_TYPE", required=True)
    if app_type and app_type not in APP_TYPES:
        read.fault("MICROSOFT_APP_TYPE", f"must be {' or '.join(APP_TYPES)}")
    password, certificate = _credential(read, app_type)
    host = read.text("HOST", "127.0.0.1")
    if practice and host not in LOOPBACK:
        read.fault("HOST", "practice mode listens on loopback only")
    settings = Settings(
        host=host,
        port=read.port("PORT", 3978),
        database_url=_database(read),
        app_type=app_type,
        app_id=read.text("MICROSOFT_APP_ID", required=True),
        tenant_id=read.text("MICROSOFT_APP_TENANT_ID", required=True),
        app_password=password,
        app_certificate=certificate,
        openid_url=read.url("BOT_OPENID_METADATA_URL", OPENID, practice=practice),
        authority=read.url("AZURE_AUTHORITY_HOST", AUTHORITY, practice=practice),
        service_hosts=_hosts(read.text("SERVICE_URL_HOSTS", TEAMS_HOSTS)),
        graph_url=read.url("GRAPH_URL", GRAPH, practice=practice),
        notifications_url=_notifications(read),
        mail_from=_mailbox(read, "MAIL_FROM"),
        mail_reply_to=_mailbox(read, "MAIL_REPLY_TO"),
        loop_url=read.url("LOOP_URL", LOOP, practice=practice),
        admin_group_id=read.text("ADMIN_GROUP_ID") or None,
        invite_to_team=read.flag("INVITE_TO_TEAM"),
        requester_may_approve=read.flag("REQUESTER_MAY_APPROVE"),
        firm_name=read.text("FIRM_NAME", FIRM),
        firm_locale=read.one_of("FIRM_LOCALE", "fr", ("fr", "en")),
        firm_domains=_hosts(read.text("FIRM_DOMAINS")),
        firm_color=_color(read, "FIRM_COLOR", COLOR),
        practice=practice,
        log_level=read.one_of("LOG_LEVEL", "INFO", logs.LEVELS),
        log_format=read.one_of("LOG_FORMAT", "text", logs.FORMATS),
        otlp_endpoint=_collector(read, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        retention=_retention(read),
    )
    if read.faults:
        raise WrongSettings(read.faults)
    return settings


def _credential(read: _Reader, app_type: str) -> tuple[str | None, Path | None]:
    password = read.text("MICROSOFT_APP_PASSWORD") or None
    named = read.text("MICROSOFT_APP_CERTIFICATE")
    certificate = Path(named) if named else None
    if certificate is not None and not certificate.is_file():
        read.fault("MICROSOFT_APP_CERTIFICATE", "no such file")
    if app_type == "SingleTenant" and password is None and certificate is None:
        read.fault("MICROSOFT_APP_PASSWORD", "or MICROSOFT_APP_CERTIFICATE is required")
    return password, certificate


def _retention(read: _Reader) -> dict[str, int]:
    days = {name: read.days(f"RETENTION_{name.upper()}_DAYS", usual) for name, usual in RETENTION_DAYS.items()}
    if days["journal"] < max(days.values()):
        read.fault(
            "RETENTION_JOURNAL_DAYS", "the journal explains the other data: it must be kept as long as any of them"
        )
    return days


def _mailbox(read: _Reader, name: str) -> str | None:
    value = read.text(name)
    if value and "@" not in value:
        read.fault(name, "must be a mailbox address")
    return value or None


def _color(read: _Reader, name: str, default: str) -> str:
    """On it stands white text, which people must be able to read (WCAG 2.2, 1.4.3: a contrast of 4.5)."""
    value = read.text(name, default).lower()
    if not re.fullmatch("#[0-9a-f]{6}", value):
        read.fault(name, "must be a colour like #5b5fc7")
    elif _contrast_with_white(value) < 4.5:
        read.fault(name, "too light: white text on it cannot be read; choose a darker one")
    return value


def _contrast_with_white(color: str) -> float:
    """As WCAG 2.2 defines it, 1 to 21."""
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    luminance = sum(share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 1.05 / (luminance + 0.05)


def _collector(read: _Reader, name: str) -> str | None:
    """Plain http is usual for a collector beside the program; what it is sent names nobody."""
    value = read.text(name).rstrip("/")
    if value and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", value):
        read.fault(name, "must be an http or https URL")
    return value or None


def _notifications(read: _Reader) -> str | None:
    """Graph speaks to nobody without a certificate, in practice mode neither."""
    name = "GRAPH_NOTIFICATIONS_URL"
    value = read.text(name)
    if not value:
        return None
    if not value.startswith("https://"):
        read.fault(name, "must be https")
        return None
    return read.url(name, "", practice=False)


def _database(read: _Reader) -> str:
    value = read.text("DATABASE_URL", DATABASE)
    if not value.startswith(("sqlite+aiosqlite:", "postgresql+asyncpg:")):
        read.fault("DATABASE_URL", "must be sqlite+aiosqlite:… or postgresql+asyncpg:…")
    return value


def _hosts(value: str) -> frozenset[str]:
    return frozenset(one.strip().lower() for one in value.split(",") if one.strip())
