"""What waits for somebody: approvals they may give, and what an administrator has to mend; nothing else, the longest first."""

from services import invitations, loop_tasks, my_clients, propositions
from services.loop_tasks import Actor
from services.models import Dossier, Interlocuteur, InvitationState
from services.moves import move_invitation
from services.my_clients import Reader, ToDo
from services.store import Store
from tests.services.conftest import ADMIN, PAUL, Hand


async def to_do(store: Store, reader: Reader, page: int = 1) -> ToDo:
    async with store.read() as session:
        return await my_clients.to_do(session, reader, page=page, page_size=2)


def reader(who: str, owner: str | None = None, *, admin: bool = False, own: bool = False) -> Reader:
    return Reader(who, (owner,) if owner else (), admin, own)


async def awaiting(store: Store, dossier: Dossier, person: Interlocuteur, offer: str) -> None:
    async with store.work() as work:
        made, _ = await propositions.propose_offer(work, dossier, offer, person, ADMIN, "Claire")
    await propositions.awaits_approval(store, made.id, ADMIN)


async def test_approvals_of_ones_own_dossiers_but_not_of_ones_own_requests(
    store: Store, clock: Hand, dossier: Dossier, linked: Interlocuteur
) -> None:
    for offer in ("start", "consultation", "co_production"):
        await awaiting(store, dossier, linked, offer)
        clock.forward(minutes=1)
    owner = dossier.collaborateur_id
    first, second = await to_do(store, reader("malo", owner)), await to_do(store, reader("malo", owner), page=9)
    assert [one.offer for one in first.rows] == ["Start", "Consultation"]
    assert (first.total, first.pages, second.page) == (3, 2, 2)
    assert [one.offer for one in second.rows] == ["Co-Production"]
    assert await to_do(store, reader(ADMIN, owner)) == ToDo([], 0, 1, 1)
    assert (await to_do(store, reader(ADMIN, owner, own=True))).total == 3
    assert await to_do(store, reader("ines")) == ToDo((), 0, 1, 1)
    assert (await to_do(store, reader("ines", "somebody else"))).total == 0
    assert (await to_do(store, reader(ADMIN, admin=True))).total == 0


async def test_an_administrator_has_what_can_be_mended(store: Store, clock: Hand, dossier: Dossier) -> None:
    async with store.work() as work:
        task = await loop_tasks.ask(work, "activate_offer", dossier, Actor(ADMIN, "Claire"), done=False, offer="start")
    clock.forward(minutes=1)
    async with store.work() as work:
        invitation = await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    assert [one.subject for one in (await to_do(store, reader(ADMIN, admin=True))).rows] == [task.id]
    async with store.work() as work:
        await move_invitation(work, invitation.id, InvitationState.FAILED, "passerelle", reason="domain_blocked")
    rows = (await to_do(store, reader(ADMIN, admin=True))).rows
    assert [(one.subject, one.state) for one in rows] == [(task.id, "todo"), (invitation.id, "failed")]
    assert (await to_do(store, reader("malo", dossier.collaborateur_id))).total == 0
    assert {row.state for row in rows} <= set(map(str, my_clients.FOR_ADMINISTRATORS))
