"""What became of each leg of what a person is owed (invitation, identifier, welcome), for an administrator's eyes."""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogs import reasons
from services import deliveries, team
from services.matrix import Cell, Line, Matrix
from services.models import Delivery, DeliveryState, InvitationState, PropositionState

Recorded = Mapping[str, Sequence[Delivery]]


def subjects(found: Matrix) -> list[str]:
    """The ids of all that legs are recorded of on this dossier."""
    invitations = [line.invitation.id for line in found.lines if line.invitation]
    return [*invitations, *(cell.proposition.id for _, cell in found.live if cell.proposition)]


def of_invitation(line: Line, recorded: Recorded, locale: str) -> list[dict[str, Any]]:
    """The latest invitation mail (one a time it is sent), and the adding to the team where the firm chose it."""
    if line.invitation is None:
        return []
    known = recorded.get(line.invitation.id, ())
    mails = [one for one in known if one.leg.startswith(deliveries.INVITATION)]
    latest = max(mails, key=lambda one: one.at, default=None)
    ours = line.invitation.state == InvitationState.SENT and not line.invitation.made_in_entra
    rows = [_leg(deliveries.INVITATION, latest, locale)] if latest or ours else []
    return rows + [_leg(one.leg, one, locale) for one in known if one.leg == team.LEG]


def of_offer(cell: Cell, recorded: Recorded, locale: str) -> list[dict[str, Any]]:
    """The identifier mail; once the offer is active, both legs of the welcome. Nothing for an offer that is over."""
    if not cell.live or cell.proposition is None:
        return []
    active = cell.state == PropositionState.ACTIVE
    due = (deliveries.IDENTIFIER, *((deliveries.WELCOME, deliveries.WELCOME_TEAMS) if active else ()))
    known = {one.leg: one for one in recorded.get(cell.proposition.id, ())}
    return [_leg(name, known.get(name), locale) for name in due]


def _leg(name: str, known: Delivery | None, locale: str) -> dict[str, Any]:
    """`state` is a key of `delivery` in dossier's words; `reason` a sentence where it is impossible."""
    row = {"key": name, "state": "waiting", "at": None, "reason": None}
    if known is None:
        return row
    if known.state == DeliveryState.DELIVERED:
        return row | {"state": "handed_over" if name.endswith("_mail") else "delivered", "at": known.at}
    if known.reason in deliveries.IN_DOUBT:
        return row | {"state": "doubt", "at": known.at}
    return row | {"state": "impossible", "at": known.at, "reason": reasons.sentence(known.reason or "", locale)}
