"""What must hold after every gesture of `test_machine`, whatever came before."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from services import journal, offers
from services.models import (
    Activation,
    Dossier,
    Effect,
    Interlocuteur,
    Invitation,
    InvitationDossier,
    JournalLine,
    Proposition,
    Rattachement,
)
from services.offers import Qualite
from services.store import Store
from tests.services.machine_model import INVITATIONS, LIVE, LIVE_INVITATION, PROPOSITIONS, Model, rights

COUNTED = {
    *("InvitationRequested", "GuestInvited", "GuestRecognised", "InvitationAccepted", "InvitationFailed"),
    *("InvitationResent", "InvitationRevoked", "InvitationExpired", "GuestDismissed"),
    *("OfferProposed", "OfferActivated", "OfferRefused", "OfferWithdrawn", "OfferEnded"),
}
"""Events whose every occurrence the model foretells; each owes one effect here."""


async def check(store: Store, model: Model, numbers: dict[str, int]) -> None:
    """`numbers` are the dossiers' by id."""
    async with store.read() as session:
        invited = (await session.scalars(select(Invitation))).all()
        on = (await session.execute(select(InvitationDossier.invitation_id, InvitationDossier.dossier_id))).all()
        people = {one.id: one for one in await session.scalars(select(Interlocuteur))}
        links = {(one.interlocuteur_id, one.dossier_id) for one in await session.scalars(select(Rattachement))}
        proposed = (await session.scalars(select(Proposition))).all()
        active = (await session.scalars(select(Activation).where(Activation.ended_at.is_(None)))).all()
        effects = (await session.scalars(select(Effect))).all()
        lines = (await session.scalars(select(JournalLine).order_by(JournalLine.id))).all()
        codes = {one.id for one in (await session.scalars(select(Dossier))).unique()}
    assert codes == numbers.keys()

    # each thing stands where the model has it
    assert {one.id: str(one.state) for one in invited} == {one.id: one.state for one in model.invitations}
    assert {one.id: str(one.state) for one in proposed} == {one.id: one.state for one in model.propositions}
    assert {(one, numbers[dossier]) for one, dossier in on} == {
        (one.id, dossier) for one in model.invitations for dossier in one.on
    }
    assert {(one, numbers[dossier]) for one, dossier in links} == {
        (one.id, dossier) for one in model.people for dossier in one.links
    }
    assert {(numbers[one.dossier_id], one.offer) for one in active} == model.active
    assert len(active) == len(model.active)

    # one live thing of a kind
    once(one.email_key for one in invited if one.state in LIVE_INVITATION)
    once((one.dossier_id, one.offer, one.interlocuteur_id) for one in proposed if one.state in LIVE)

    # nobody has, or is proposed, what their dossier does not have; rights follow from offer and qualité
    for one in proposed:
        if one.state in LIVE:
            person = people[one.interlocuteur_id]
            assert (person.id, one.dossier_id) in links
            assert person.removed_at is None
            assert (numbers[one.dossier_id], one.offer) in model.active
            given = offers.rights(offers.offer(one.offer), Qualite(person.qualite)).gives()
            assert set(given) == rights(one.offer, person.qualite)

    stands = {one.id: str(one.state) for one in invited} | {one.id: str(one.state) for one in proposed}
    assert transitions(lines) == stands  # no line is missing, the last one neither
    async with store.read() as session:
        assert (await journal.verify(session)).broken is None

    # as many effects as events, and as many events as the model foretold: none for what is closed, none twice
    owed = Counter((one.event, str(one.payload["subject"])) for one in effects if one.event in COUNTED)
    assert owed == model.owed


def transitions(lines: Sequence[JournalLine]) -> dict[str, str]:
    """Every change of state in the journal is one of the product's, and begins where the last one ended; where each ends."""
    stands: dict[str, str] = {}
    for one in lines:
        table = {"invitations": INVITATIONS, "propositions": PROPOSITIONS}.get(one.what.partition(".")[0])
        if table is None or one.after not in table or one.what.rpartition(".")[2] not in (one.after, "proposed"):
            continue
        before = stands.get(one.subject)
        assert one.before == before, one.what
        assert before is None or one.after in table[before], (before, one.after)
        stands[one.subject] = one.after
    return stands


def once(keys: object) -> None:
    """No key twice."""
    twice = [key for key, count in Counter(keys).items() if count > 1]  # type: ignore[call-overload]
    assert twice == []
