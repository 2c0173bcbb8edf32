"""The catalogue of collaborative offers, as data, and the rights that follow from offer + qualité, computed here only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import Refused
from services.models import Activation, Dossier
from services.store import Work


class LoopAccess(StrEnum):
    """What the entrepreneur may do with the accounting dossier on Cegid Loop."""

    NONE = "none"
    READ_ONLY = "read_only"
    ALL_BUT_REVISION = "all_but_revision"


class Qualite(StrEnum):
    """Loop's « Qualité » of an interlocuteur; an empty choice is allowed."""

    DIRECTION_TPE = "direction_tpe"
    ADMINISTRATIF_TPE = "administratif_tpe"
    NONE = ""


QUALITE_LABELS: Mapping[Qualite, str] = {
    Qualite.DIRECTION_TPE: "Direction TPE",
    Qualite.ADMINISTRATIF_TPE: "Administratif TPE",
    Qualite.NONE: "-",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry of the catalogue. `name` is Loop's own label, the same in every language."""

    key: str
    name: str
    paid: bool
    loop: LoopAccess


CATALOGUE: Mapping[str, Offer] = {
    offer.key: offer
    for offer in (
        Offer("start", "Start", paid=False, loop=LoopAccess.NONE),
        Offer("consultation", "Consultation", paid=True, loop=LoopAccess.READ_ONLY),
        Offer("co_production", "Co-Production", paid=True, loop=LoopAccess.ALL_BUT_REVISION),
    )
}


@dataclass(frozen=True, slots=True)
class Rights:
    """What one person may do. Every offer opens the GED, the deposit of pièces and the mobile Dashboard."""

    ged: bool
    deposit: bool
    mobile_dashboard: bool
    loop: LoopAccess
    gs_ged: bool

    @property
    def may_launch(self) -> bool:
        """Whether « lancer l'application » may be shown: never to a Start-only person (R3)."""
        return self.loop is not LoopAccess.NONE

    def gives(self) -> tuple[str, ...]:
        """Keys of the rights granted, in the order people read them; their words are in cards/."""
        granted = (
            ("ged", self.ged),
            ("deposit", self.deposit),
            ("mobile_dashboard", self.mobile_dashboard),
            ("loop_read", self.loop is LoopAccess.READ_ONLY),
            ("loop_work", self.loop is LoopAccess.ALL_BUT_REVISION),
            ("gs_ged", self.gs_ged),
        )
        return tuple(key for key, yes in granted if yes)

    def lacks(self) -> tuple[str, ...]:
        """Keys of what the offer does not give; the qualité's own consequence is said beside the qualité."""
        missing = {
            LoopAccess.NONE: ("loop_read",),
            LoopAccess.READ_ONLY: ("loop_work",),
            LoopAccess.ALL_BUT_REVISION: ("revision",),
        }
        return missing[self.loop]


def offer(key: str) -> Offer:
    """The catalogue's entry; Refused("unknown_offer") for anything else."""
    try:
        return CATALOGUE[key]
    except KeyError:
        raise Refused("unknown_offer", "offer") from None


def rights(of: Offer, qualite: Qualite) -> Rights:
    """The rights that follow from an offer and a qualité (R2–R5, R13)."""
    return Rights(
        ged=True,
        deposit=True,
        mobile_dashboard=True,
        loop=of.loop,
        gs_ged=qualite is Qualite.DIRECTION_TPE,
    )


async def activation(session: AsyncSession, dossier_id: str, key: str, *, lock: bool = False) -> Activation | None:
    """The offer's activation on the dossier, if it is on; `lock` keeps it on until the commit."""
    query = select(Activation).where(
        Activation.dossier_id == dossier_id, Activation.offer == key, Activation.ended_at.is_(None)
    )
    found: Activation | None = await session.scalar(query.with_for_update(read=True) if lock else query)
    return found


async def active_on(session: AsyncSession, dossier_id: str) -> tuple[Offer, ...]:
    """The offers switched on for a dossier, in the catalogue's order."""
    keys = set(
        await session.scalars(
            select(Activation.offer).where(Activation.dossier_id == dossier_id, Activation.ended_at.is_(None))
        )
    )
    return tuple(entry for entry in CATALOGUE.values() if entry.key in keys)


async def activate_offer(
    work: Work, dossier: Dossier, key: str, actor: str, *, subscription_confirmed: bool
) -> Activation:
    """Switch an offer on for a dossier (R9). Already on: the existing activation, nothing new.

    A paid offer needs the administrator's confirmation of the subscription (R6): Refused("subscription_needed").
    """
    wanted = offer(key)
    if existing := await activation(work.session, dossier.id, key):
        return existing
    if wanted.paid and not subscription_confirmed:
        raise Refused("subscription_needed", "subscription", offer=wanted.name)
    made = Activation(
        dossier_id=dossier.id,
        offer=key,
        activated_by=actor,
        activated_at=work.now,
        subscription_confirmed_by=actor if wanted.paid else None,
        subscription_confirmed_at=work.now if wanted.paid else None,
    )
    work.session.add(made)
    try:
        await work.session.flush()
    except IntegrityError:
        raise Refused("activated_meanwhile", "offer", offer=wanted.name) from None
    work.journal(actor, "offer.activated", dossier.id, after=key)
    return made
