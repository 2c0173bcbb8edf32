"""Who may do what. Read from Entra, not from Teams' buttons: administrators own the team (or belong to a group)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services import delegations, places
from services.calendar import day_of
from services.delegations import Approvers
from services.errors import Refused
from services.models import Collaborateur, Dossier
from services.ports import Directory, StaffMember
from services.propositions import Proposed
from services.store import Store

FRESH_FOR = timedelta(minutes=5)


class Roles:
    """The firm's staff as Entra knows it, kept for at most five minutes; a write asks for a fresh reading.

    `requester_may_approve`: the firm lets whoever proposed an offer approve it too, where the dossier is theirs.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        admin_group_id: str | None,
        *,
        requester_may_approve: bool = False,
    ) -> None:
        self._store = store
        self._directory = directory
        self._admin_group_id = admin_group_id
        self.requester_may_approve = requester_may_approve
        self._read_at: datetime | None = None
        self._staff: Mapping[str, StaffMember] = {}
        self._administrators: frozenset[str] = frozenset()
        self._lock = asyncio.Lock()

    async def is_administrator(self, aad_id: str, *, fresh: bool = False) -> bool:
        """Owner of the team, or member of the configured group; never a guest. Unavailable when Entra cannot say."""
        await self._read(fresh)
        return aad_id in self._administrators

    async def staff_member(self, aad_id: str, *, fresh: bool = False) -> StaffMember | None:
        """A member (not a guest) of the firm's team; None for anyone else."""
        await self._read(fresh)
        return self._staff.get(aad_id)

    def was_staff(self, aad_id: str) -> bool:
        """Whether the last reading had them in the team, however long ago: enough to answer them, never to let them act."""
        return aad_id in self._staff

    async def staff(self) -> Sequence[StaffMember]:
        """Every member of the firm's team, no guest, by name."""
        await self._read(fresh=False)
        return sorted(self._staff.values(), key=lambda one: one.name.casefold())

    async def staff_by_email(self, email: str) -> StaffMember | None:
        """The staff member with this address, whatever its case."""
        await self._read(fresh=False)
        return next((one for one in self._staff.values() if one.email.casefold() == email.casefold()), None)

    async def is_collaborateur_of(self, aad_id: str, dossier_id: str, *, fresh: bool = False) -> bool:
        """Whether this person is responsible for the dossier, or stands in today for who is.

        The portfolio names them by e-mail, Entra says who that is.
        """
        member = await self.staff_member(aad_id, fresh=fresh)
        if member is None:
            return False
        async with self._store.read() as session:
            dossier = await session.get(Dossier, dossier_id)
            if dossier is None:
                return False
            may = await delegations.approvers(session, dossier, day_of(self._store.clock()))
        return member.email.lower() in {one.email.lower() for one in may.all}

    async def approvers(self, proposed: Proposed) -> Approvers:
        """Whom to ask about this proposition today, and who of them is barred as its requester."""
        async with self._store.read() as session:
            may = await delegations.approvers(session, proposed.dossier, day_of(self._store.clock()))
        return self.barring(may, proposed.proposition.proposed_by)

    def barring(self, may: Approvers, by: str) -> Approvers:
        """The same people, without who proposed it (an Entra id), unless the firm lets them approve it too."""
        if self.requester_may_approve:
            return may
        return replace(may, requester=next((one for one in may.all if one.aad_id == by), None))

    async def require_approver(self, aad_id: str, proposed: Proposed, *, fresh: bool = False) -> None:
        """Two pairs of eyes: a collaborateur of the dossier (R7), but not who proposed the offer, unless the firm says so.

        Refused: `not_collaborateur`; `own_request`, which names who may decide; `own_request_alone` where nobody may.
        """
        if not await self.is_collaborateur_of(aad_id, proposed.dossier.id, fresh=fresh):
            raise Refused("not_collaborateur", None, code=proposed.dossier.code)
        if self.requester_may_approve or aad_id != proposed.proposition.proposed_by:
            return
        found = [await self.staff_by_email(one.email) for one in (await self.approvers(proposed)).all]
        others = [one for one in found if one is not None and one.user_id != aad_id]
        if not others:
            raise Refused("own_request_alone")
        raise Refused("own_request", None, name=others[-1].name)

    async def recognise(self, collaborateur_id: str, aad_id: str, mri: str, name: str) -> None:
        """Remember how Teams knows a collaborateur of the portfolio; a name the portfolio did not give is Teams'."""
        async with self._store.work() as work:
            row = await work.session.get(Collaborateur, collaborateur_id)
            if row is not None:
                row.aad_id, row.mri = aad_id, mri
                if row.name == row.email:
                    row.name = name

    async def _read(self, fresh: bool) -> None:
        asked_at = self._store.clock()
        async with self._lock:
            if self._read_at and (self._read_at >= asked_at or (not fresh and asked_at - self._read_at < FRESH_FOR)):
                return
            general = await places.find(self._store, places.GENERAL)
            if general is None or general.group_id is None:
                raise Refused("bot_not_installed")
            team = await self._directory.team_members(general.group_id)
            group = await self._directory.group_members(self._admin_group_id) if self._admin_group_id else None
            self._staff = {one.user_id: one for one in team if not one.guest}
            self._administrators = frozenset(
                one.user_id for one in (team if group is None else group) if not one.guest and (group or one.owner)
            )
            self._read_at = self._store.clock()
