"""Who can be met in the practice Teams: the firm's staff and its guests, read from the tenant each time."""

from practice import seed
from practice.activities import Persona
from practice.state import State, User


def everybody(state: State) -> list[Persona]:
    """The staff, the practice entrepreneurs (before and after their invitation), then any other guest of the tenant."""
    known = [_staff(person) for person in seed.STAFF] + [_client(person, state) for person in seed.ENTREPRENEURS]
    ids = {person.aad_id for person in known}
    others = [user for user in state.users.values() if user.user_type == "Guest" and not user.deleted]
    return known + [_guest(user) for user in others if user.id not in ids]


def in_team(state: State, person: Persona) -> bool:
    """Whether `person` is a member of the firm's team, as owner, member or guest."""
    return person.aad_id in state.groups[seed.TEAM_GROUP_ID]


def signed_in(state: State, person: Persona) -> bool:
    """Whether `person` can open the firm's Teams: not deleted nor disabled and, for a guest, invitation accepted."""
    user = state.user(person.aad_id) if person.aad_id else None
    return user is not None and user.account_enabled and user.external_user_state != "PendingAcceptance"


def _staff(person: seed.StaffPerson) -> Persona:
    return Persona(person.mri, person.aad_id, person.name, person.email, person.locale, guest=False)


def _client(person: seed.Entrepreneur, state: State) -> Persona:
    user = state.by_email(person.email)
    return Persona(person.mri, user.id if user else "", person.name, person.email, person.locale, guest=True)


def _guest(user: User) -> Persona:
    mri = f"29:1guest{user.id.replace('-', '')}"
    return Persona(mri, user.id, user.display_name, user.mail or "", user.preferred_language or "fr-FR", guest=True)
