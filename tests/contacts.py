"""What the transcripts about interlocuteurs share: a firm that has some on its list, and the gestures to get to one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

import app
from services import interlocuteurs, invitations, offers
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.models import Dossier, Interlocuteur, Invitation, Rattachement
from services.offers import Qualite
from tests.conftest import Bot
from tests.teams import Person
from tests.test_path import PAUL, finds_dossier

ADMIN = "aad-seeded"
MAIL = PAUL["E-mail"]
OTHER = "paul@martin-freres.example"
CONTACT = Contact("Martin", "Paul", "+33612345678", "+33299000000", MAIL, Qualite.DIRECTION_TPE, *[""] * 7)


async def keeps(
    bot: Bot, contact: Contact = CONTACT, codes: Sequence[str] = ("BOUMAR",), invited: Sequence[str] = ()
) -> None:
    """The firm has this person on its list, linked to these dossiers; for each, their e-mail is invited, and these too."""
    store = app.open_store(bot.config)
    async with store.work() as work:
        person = await interlocuteurs.create(work, contact, "fr", ADMIN)
        for code in codes:
            dossier = (await work.session.scalars(select(Dossier).where(Dossier.code == code))).unique().one()
            for email in (contact.email, *invited):
                guest = NewGuest(contact.family_name, contact.given_name, email, contact.mobile, "fr")
                await invitations.invite_guest(work, guest, dossier, ADMIN)
            await interlocuteurs.link(work, person, dossier, ADMIN)
    await store.close()


async def invites(bot: Bot, email: str, code: str) -> None:
    store = app.open_store(bot.config)
    async with store.work() as work:
        dossier = (await work.session.scalars(select(Dossier).where(Dossier.code == code))).unique().one()
        guest = NewGuest("Martin", "Paul", email, CONTACT.mobile, "fr")
        await invitations.invite_guest(work, guest, dossier, ADMIN)
    await store.close()


async def activates(bot: Bot, code: str, *keys: str) -> None:
    store = app.open_store(bot.config)
    async with store.work() as work:
        dossier = (await work.session.scalars(select(Dossier).where(Dossier.code == code))).unique().one()
        for key in keys:
            await offers.activate_offer(work, dossier, key, ADMIN, subscription_confirmed=True)
    await store.close()


async def changes(bot: Bot, **fields: Any) -> None:
    """Somebody else modifies the one person on the list."""
    store = app.open_store(bot.config)
    async with store.work() as work:
        person = (await work.session.scalars(select(Interlocuteur))).one()
        contact = replace(interlocuteurs.contact_of(person), **fields)
        await interlocuteurs.modify(work, person.id, contact, person.version, ADMIN)
    await store.close()


async def on_the_list(bot: Bot) -> list[Interlocuteur]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        query = select(Interlocuteur).where(Interlocuteur.removed_at.is_(None)).order_by(Interlocuteur.name_key)
        rows = list(await session.scalars(query))
    await store.close()
    return rows


async def links(bot: Bot) -> set[tuple[str, str]]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        query = (
            select(Interlocuteur.family_name, Dossier.code)
            .join(Rattachement, Rattachement.interlocuteur_id == Interlocuteur.id)
            .join(Dossier, Dossier.id == Rattachement.dossier_id)
        )
        rows = {(name, code) for name, code in (await session.execute(query)).all()}
    await store.close()
    return rows


async def invited(bot: Bot) -> set[str]:
    store = app.open_store(bot.config)
    async with store.read() as session:
        rows = set(await session.scalars(select(Invitation.email)))
    await store.close()
    return rows


async def opens(claire: Person) -> None:
    await claire.writes("interlocuteurs")
    await claire.clicks("Ouvrir le formulaire")


async def chooses(claire: Person, name: str, action: str) -> None:
    """From the list to the page of that action."""
    await opens(claire)
    await claire.fills({people_label(claire): name})
    await claire.clicks("Continuer")
    await claire.fills({"Que voulez-vous faire ?": action})
    await claire.clicks("Continuer")


def people_label(claire: Person) -> str:
    """The label of the list, which counts who is on it."""
    assert claire.dialog is not None
    return next(field.label for field in claire.dialog.inputs if field.id == "interlocuteur")


def values(claire: Person) -> dict[str, str]:
    assert claire.dialog is not None
    return claire.dialog.values


async def ticks(claire: Person, *searched: str) -> None:
    """Search and tick a dossier, then the next one: what is ticked stays ticked."""
    ticked: list[str] = []
    for text in searched:
        await claire.fills({"Rechercher un dossier": text})
        await claire.clicks("Rechercher")
        assert claire.dialog is not None
        boxes = next(field for field in claire.dialog.inputs if field.multiple)
        ticked.append(next(title for title in boxes.choices if text.upper() in title))
        await claire.fills({boxes.label: ticked})


async def adds(claire: Person, **typed: str) -> None:
    await opens(claire)
    await claire.fills({people_label(claire): "Ajouter un interlocuteur"})
    await claire.clicks("Continuer")
    await claire.fills({**PAUL, **typed})
    await claire.clicks("Continuer")


async def proposes(claire: Person, offer: str, name: str = "Martin Paul") -> None:
    await begins_to_propose(claire, offer, name)
    await claire.clicks("C’est fait, proposer")
    await claire.sees("proposée")


async def begins_to_propose(claire: Person, offer: str, name: str = "Martin Paul") -> None:
    await claire.writes("proposer")
    await claire.clicks("Ouvrir le formulaire")
    await finds_dossier(claire)
    await claire.fills({"Offre": offer, "Interlocuteur": name})
    await claire.clicks("Continuer")
