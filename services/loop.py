"""The guided Loop adapter: who clicks what in Loop, with the values to copy. The person does it and confirms.

Cegid documents a public Loop API, but not its request bodies; until those are known there is nothing to call.
"""

from dataclasses import dataclass

from services.models import NO_LIMIT, Dossier
from services.offers import QUALITE_LABELS, Offer, Qualite


@dataclass(frozen=True, slots=True)
class GuidedStep:
    """One thing to do in Loop: `key` names its sentence, `values` are (label key, value to copy)."""

    key: str
    values: tuple[tuple[str, str], ...] = ()


def activate_offer(dossier: Dossier, offer: Offer) -> tuple[GuidedStep, ...]:
    """By the administrator, in the Portefeuille."""
    return (_open(dossier), GuidedStep("activate_offer", (("offer", offer.name),)), GuidedStep("ok"))


def link_interlocuteur(
    dossier: Dossier, family_name: str, given_name: str, email: str, qualite: Qualite, limited_to: str = NO_LIMIT
) -> tuple[GuidedStep, ...]:
    """By the administrator: create the interlocuteur, then the rattachement."""
    values = (("family_name", family_name), ("given_name", given_name), ("email", email))
    return (
        GuidedStep("new_interlocuteur", (*values, ("qualite", QUALITE_LABELS[qualite]))),
        GuidedStep("link_interlocuteur", (("dossier", dossier.code), ("limited_to", limited_to))),
        GuidedStep("ok"),
    )


def propose_offer(dossier: Dossier, offer: Offer, family_name: str, given_name: str) -> tuple[GuidedStep, ...]:
    """By the administrator, on the dossier."""
    return (
        _open(dossier),
        GuidedStep("propose_offer", (("offer", offer.name),)),
        GuidedStep("pick_interlocuteur", (("interlocuteur", f"{family_name} {given_name}".strip()),)),
        GuidedStep("ok"),
    )


def initialise(dossier: Dossier, offer: Offer) -> tuple[GuidedStep, ...]:
    """By a collaborateur of the dossier, in the Loop Hub (R22–R25)."""
    return (
        GuidedStep("open_hub", (("dossier", dossier.code), ("offer", offer.name))),
        GuidedStep("initialiser"),
        GuidedStep("tick_extension"),
        GuidedStep("ok"),
    )


def _open(dossier: Dossier) -> GuidedStep:
    return GuidedStep("open_dossier", (("dossier", dossier.code), ("company", dossier.company)))
