"""What people do outside Teams while one practises: accept an invitation, block a domain, lose Graph for half a minute."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from practice import people, seed
from practice.activities import Persona
from practice.bot import Bot
from practice.card import CannotDo
from practice.connector import Fault as ConnectorFault
from practice.state import Fault as CloudFault
from practice.teams import Teams

OUTAGE = 30.0
"""Seconds an outage started from the panel lasts."""
_ENDLESS = 10**9


class Backstage:
    """The panel's deeds over the running firm."""

    def __init__(self, teams: Teams, bot: Bot | None) -> None:
        self._teams = teams
        self._state = teams.cloud.state
        self._bot = bot
        self._outages: dict[str, tuple[asyncio.TimerHandle, CloudFault | ConnectorFault]] = {}

    def stop(self) -> None:
        for name in list(self._outages):
            self._end(name)

    def state(self) -> dict[str, Any]:
        """What the panel shows; `seconds` are those left of an outage."""
        now = asyncio.get_running_loop().time()
        return {
            "bot": {"status": self._bot.status, "log": list(self._bot.log)} if self._bot else None,
            "pending": [
                {"email": one.email, "url": one.redeem_url}
                for one in {one.user_id: one for one in self._state.invitations}.values()
                if (user := self._state.user(one.user_id)) and user.external_user_state == "PendingAcceptance"
            ],
            "domains": [
                {"domain": domain, "blocked": domain in self._state.blocked_domains}
                for domain in sorted({one.email.partition("@")[2] for one in seed.ENTREPRENEURS} | {"gmail.com"})
            ],
            "invitationsAllowed": self._state.invitations_allowed,
            "chats": [
                {"mri": one.mri, "name": one.name, "blocked": one.mri in self._teams.blocked_by}
                for one in self._teams.everybody()
                if one.guest and people.signed_in(self._state, one)
            ],
            "outages": {name: round(handle.when() - now) for name, (handle, _) in self._outages.items()},
            "counts": {
                "delivered": self._teams.counts["delivered"],
                "posts": self._teams.counts["post"],
                "updates": self._teams.counts["update"],
                "refusals": len(self._teams.refusals),
                "mails": len(self._state.mails),
                "invitations": len(self._state.invitations),
            },
            "refusals": self._teams.refusals[-5:],
        }

    async def do(self, deed: str, told: Mapping[str, Any]) -> dict[str, str]:
        """Do one deed of the panel; gives what to say of it."""
        match deed:
            case "accept":
                invitation = self._state.redeem(told["url"])
                return {"notice": f"{invitation.email} a accepté l’invitation."}
            case "domain":
                change = self._state.blocked_domains.add if told["on"] else self._state.blocked_domains.discard
                change(told["domain"])
            case "invitations":
                self._state.invitations_allowed = bool(told["on"])
            case "chat":
                block = self._teams.blocked_by.add if told["on"] else self._teams.blocked_by.discard
                block(told["mri"])
            case "graph" | "connector":
                self._begin(deed)
            case "restart":
                if self._bot is None:
                    raise CannotDo("Le bot n’est pas lancé par cette page.")
                await self._bot.restart()
            case _:
                raise CannotDo(f"unknown deed {deed}")
        return {}

    def follow(self, persona: Persona, url: str) -> dict[str, str]:
        """Somebody clicks a link in a mail or on a card: an invitation is accepted, anything else only named or opened."""
        if urlsplit(url).netloc == urlsplit(self._teams.cloud.graph_url).netloc and urlsplit(url).path == "/redeem":
            invitation = self._state.redeem(url)
            return {
                "notice": f"Invitation acceptée : {invitation.email} est désormais invité·e de {seed.FIRM_NAME}.",
                "goes": invitation.redirect_url,
            }
        if urlsplit(url).netloc == "teams.microsoft.com":
            return {"place": "chat", "notice": f"Ce lien ouvre Teams chez {persona.name}."}
        return {"open": url} if urlsplit(url).hostname == "127.0.0.1" else {"notice": f"Ce lien mène à {url}"}

    def _begin(self, name: str) -> None:
        self._end(name)
        fault: CloudFault | ConnectorFault
        if name == "graph":
            fault = CloudFault(
                "*", "*", _ENDLESS, False, status=503, code="ServiceUnavailable", headers={"Retry-After": "5"}
            )
            self._state.faults.append(fault)
        else:
            fault = self._teams.fail_next(None, 503, times=_ENDLESS)
        handle = asyncio.get_running_loop().call_later(OUTAGE, self._end, name)
        self._outages[name] = (handle, fault)

    def _end(self, name: str) -> None:
        if name in self._outages:
            handle, fault = self._outages.pop(name)
            handle.cancel()
            if isinstance(fault, CloudFault):
                self._state.faults = [one for one in self._state.faults if one is not fault]
            else:
                self._teams.forget_fault(fault)
            self._teams.changed()
