"""Which columns say who somebody is, and what stands in them once that person is forgotten. Ids stay: they say nothing."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from services.models import ERASED, Collaborateur, Interlocuteur, Invitation, Row

ERASED_DOMAIN = "@erased.invalid"
"""No mail can leave for it (RFC 2606), and with the row's id before it, no two are the same."""


def _nobody(row_id: InstrumentedAttribute[str]) -> ColumnElement[str]:
    return row_id.concat(ERASED_DOMAIN)


BLANK: Mapping[type[Row], Mapping[str, Any]] = {
    Interlocuteur: {
        **dict.fromkeys(("given_name", "mobile", "landline", "name_key", "address_1", "address_2", "address_3"), ""),
        **dict.fromkeys(("commune", "postcode", "country", "notes"), ""),
        "family_name": ERASED,
        "email": _nobody(Interlocuteur.id),
        "email_key": _nobody(Interlocuteur.id),
    },
    Invitation: {
        **dict.fromkeys(("given_name", "mobile"), ""),
        "family_name": ERASED,
        "email": _nobody(Invitation.id),
        "email_key": _nobody(Invitation.id),
        "redeem_url": None,
    },
    Collaborateur: {
        "name": ERASED,
        "email": _nobody(Collaborateur.id),
        "aad_id": None,
        "mri": None,
    },
}
