"""What every service function, dialog and reaction may need, in one record made by app.py."""

from dataclasses import dataclass

from services.doctor import Doctor
from services.ports import Chat, Directory, Files, Mailbox
from services.roles import Roles
from services.store import Store


@dataclass(frozen=True, slots=True)
class Firm:
    """The accounting firm, from the settings. `domains` are its own mail domains, lower case; `color` (#rrggbb) its mails’."""

    name: str
    locale: str
    domains: frozenset[str]
    loop_url: str
    tenant_id: str
    invite_to_team: bool = False
    color: str = "#5b5fc7"


@dataclass(frozen=True, slots=True)
class Services:
    """The store, the outside, and who may do what; and the doctor, where there is one."""

    firm: Firm
    store: Store
    directory: Directory
    mailbox: Mailbox
    chat: Chat
    roles: Roles
    files: Files
    doctor: Doctor | None = None
