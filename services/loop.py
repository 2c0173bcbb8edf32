"""The guided Loop adapter: who clicks what in Loop, with the values to copy. The person does it and confirms.

Cegid documents a public Loop API, but not its request bodies; until those are known there is nothing to call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.models import NO_LIMIT, Dossier
from services.offers import QUALITE_LABELS, Offer, Qualite

Values = tuple[tuple[str, str], ...]
"""What to copy into Loop: (label key, value)."""


@dataclass(frozen=True, slots=True)
class GuidedStep:
    """One thing to do in Loop: `key` names its sentence, `values` are what to copy."""

    key: str
    values: Values = ()


def activate_offer(dossier: Dossier, offer: Offer) -> tuple[GuidedStep, ...]:
    """By the administrator, in the Portefeuille."""
    return (_open(dossier), GuidedStep("activate_offer", (("offer", offer.name),)), GuidedStep("ok"))


def link_interlocuteur(
    dossier: Dossier,
    family_name: str,
    given_name: str,
    email: str,
    qualite: Qualite,
    limited_to: str = NO_LIMIT,
    more: Sequence[Dossier] = (),
) -> tuple[GuidedStep, ...]:
    """By the administrator: create the interlocuteur, then the rattachement, and those to more dossiers."""
    values = (("family_name", family_name), ("given_name", given_name), ("email", email))
    return (
        GuidedStep("new_interlocuteur", (*values, ("qualite", QUALITE_LABELS[qualite]))),
        *_links([dossier, *more], limited_to),
        GuidedStep("ok"),
    )


def link_known(
    dossiers: Sequence[Dossier], family_name: str, given_name: str, limited_to: str = NO_LIMIT
) -> tuple[GuidedStep, ...]:
    """By the administrator: the rattachements of a person Loop has already."""
    return (_pick(family_name, given_name), *_links(dossiers, limited_to), GuidedStep("ok"))


def modify_interlocuteur(family_name: str, given_name: str, values: Values) -> tuple[GuidedStep, ...]:
    """By the administrator: the person as Loop lists them now, and what is to be there instead."""
    return (_pick(family_name, given_name), GuidedStep("modify_interlocuteur", values), GuidedStep("ok"))


def remove_interlocuteur(family_name: str, given_name: str) -> tuple[GuidedStep, ...]:
    """By the administrator, in the list of interlocuteurs."""
    return (_pick(family_name, given_name), GuidedStep("remove_interlocuteur"), GuidedStep("ok"))


def propose_offer(dossier: Dossier, offer: Offer, family_name: str, given_name: str) -> tuple[GuidedStep, ...]:
    """By the administrator, on the dossier."""
    return (
        _open(dossier),
        GuidedStep("propose_offer", (("offer", offer.name),)),
        GuidedStep("pick_interlocuteur", (("interlocuteur", f"{family_name} {given_name}".strip()),)),
        GuidedStep("ok"),
    )


def new_client(
    dossier: Dossier, offer: Offer, family_name: str, given_name: str, email: str, qualite: Qualite
) -> tuple[GuidedStep, ...]:
    """The whole of the administrator's part, for one new client."""
    return (
        *activate_offer(dossier, offer),
        *link_interlocuteur(dossier, family_name, given_name, email, qualite),
        *propose_offer(dossier, offer, family_name, given_name)[1:],
    )


def withdraw_offer(dossier: Dossier, offer: Offer, family_name: str, given_name: str) -> tuple[GuidedStep, ...]:
    """By the administrator, on the dossier: one person's offer, the others' untouched."""
    values = (("interlocuteur", f"{family_name} {given_name}".strip()), ("offer", offer.name))
    return (_open(dossier), GuidedStep("withdraw_offer", values), GuidedStep("ok"))


def end_offer(dossier: Dossier, offer: Offer) -> tuple[GuidedStep, ...]:
    """By the administrator, on the dossier: the offer, for everyone."""
    return (_open(dossier), GuidedStep("end_offer", (("offer", offer.name),)), GuidedStep("ok"))


def end_mission(dossier: Dossier) -> tuple[GuidedStep, ...]:
    """By the administrator, on the dossier: every offer, then every rattachement."""
    return (_open(dossier), GuidedStep("end_every_offer"), GuidedStep("unlink_everyone"), GuidedStep("ok"))


def initialise(dossier: Dossier, offer: Offer) -> tuple[GuidedStep, ...]:
    """By a collaborateur of the dossier, in the Loop Hub (R22–R25)."""
    return (
        GuidedStep("open_hub", (("dossier", dossier.code), ("offer", offer.name))),
        GuidedStep("initialiser"),
        GuidedStep("tick_extension"),
        GuidedStep("ok"),
    )


def _pick(family_name: str, given_name: str) -> GuidedStep:
    return GuidedStep("open_interlocuteur", (("interlocuteur", f"{family_name} {given_name}".strip()),))


def _links(dossiers: Sequence[Dossier], limited_to: str) -> tuple[GuidedStep, ...]:
    return tuple(
        GuidedStep("link_interlocuteur", (("dossier", one.code), ("limited_to", limited_to))) for one in dossiers
    )


def _open(dossier: Dossier) -> GuidedStep:
    return GuidedStep("open_dossier", (("dossier", dossier.code), ("company", dossier.company)))
