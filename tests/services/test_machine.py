"""Anything, in any order, twice, late, by the wrong person, while time jumps: the services do what a far simpler model does.

`make fuzz` allows as many steps as PASSERELLE_FUZZ_STEPS says, on each database; a history often ends before it took
all of its own. So it prints how many gestures were compared, and fails below PASSERELLE_FUZZ_AT_LEAST.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.services import machine_laws
from tests.services.machine_firm import EMAILS, OWNERS, Practice
from tests.services.machine_model import OFFERS, QUALITES, Contact, Invited, Model, No, Proposed
from tests.services.machine_tenant import ADMINS

STEPS = int(os.environ.get("PASSERELLE_FUZZ_STEPS", "400"))
AT_LEAST = int(os.environ.get("PASSERELLE_FUZZ_AT_LEAST", "1"))
EACH = 50
ANY = st.integers(0, 1000)
DOSSIER = st.integers(0, 1)
OFFER = st.sampled_from(OFFERS)
EMAIL = st.sampled_from(EMAILS)
QUALITE = st.sampled_from(QUALITES)
ADMIN = st.sampled_from(ADMINS)
TAKEN: Counter[str] = Counter()


class Machine(RuleBasedStateMachine):
    """Every rule is one gesture of somebody: done by the services and by the model, which must agree."""

    kind: ClassVar[str]
    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.firm = Practice(self.url)

    @initialize()
    def opens(self) -> None:
        self.runner.run(self.firm.open())

    def teardown(self) -> None:
        self.runner.run(self.firm.close())
        self.runner.close()

    def both(self, services: Callable[[], Coroutine[Any, Any, Any]], model: Callable[[], object]) -> Any:
        """The services' gesture, which must end as the model's: done, or refused with the same key."""
        TAKEN[self.kind] += 1
        try:
            model()
            expected = None
        except No as no:
            expected = no.key
        key, result = self.runner.run(self.firm.attempt(services()))
        assert key == expected
        return result if key is None else None

    # --- the way onto the tenant

    @rule(email=EMAIL, dossier=DOSSIER, admin=ADMIN, loud=st.booleans())
    def invites(self, email: str, dossier: int, admin: str, loud: bool) -> None:
        known = self.model.live_invitation(email)
        typed = f" {email.upper()} ".strip() if loud else email
        made = self.both(lambda: self.firm.invite(typed, dossier, admin), lambda: None)
        if known is None:
            known = Invited(made, email, set(), self.firm.clock())
            self.model.invitations.append(known)
            self.model.owe("InvitationRequested", known.id)
        assert made == known.id
        known.on.add(dossier)

    @rule(which=ANY, mood=st.sampled_from(["well", "well", "well", "blocked", "down", "lost"]))
    @precondition(lambda self: self.model.invitations)
    def graph_is_asked(self, which: int, mood: str) -> None:
        """The reaction to InvitationRequested, as often as a restart repeats it, whatever the invitation has become."""
        one = pick(self.model.invitations, which)
        self.firm.tenant.mood = mood
        self.both(lambda: self.firm.send_invitation(one.id), lambda: self.firm.tenant.expect_sent(self.model, one))
        self.firm.tenant.mood = "well"
        one.user = self.runner.run(self.firm.user_of(one.id))

    @rule(which=ANY, mood=st.sampled_from(["well", "well", "blocked", "down"]))
    @precondition(lambda self: self.model.invitations)
    def link_is_renewed(self, which: int, mood: str) -> None:
        one = pick(self.model.invitations, which)
        self.firm.tenant.mood = mood
        self.both(lambda: self.firm.renew_invitation(one.id), lambda: self.firm.tenant.expect_renewed(self.model, one))
        self.firm.tenant.mood = "well"
        one.user = self.runner.run(self.firm.user_of(one.id))

    @rule(email=EMAIL)
    def guest_accepts(self, email: str) -> None:
        self.firm.tenant.accept(email)

    @rule(email=EMAIL, accepted=st.booleans())
    def guest_is_made_in_entra(self, email: str, accepted: bool) -> None:
        self.firm.tenant.make(email, "Accepted" if accepted else "PendingAcceptance")

    @rule()
    def acceptances_are_noticed(self) -> None:
        self.both(self.firm.notice, lambda: self.firm.tenant.expect_noticed(self.model))

    @rule(which=ANY, dismissed=st.booleans())
    @precondition(lambda self: any(one.state == "revoked" for one in self.model.invitations))
    def guest_is_removed(self, which: int, dismissed: bool) -> None:
        one = pick([one for one in self.model.invitations if one.state == "revoked"], which)
        again = self.model.live_invitation(one.email)
        before = set(self.firm.tenant.users)
        self.both(lambda: self.firm.remove_guest(one.id, dismissed=dismissed), lambda: None)
        assert again is None or set(self.firm.tenant.users) == before  # invited again: nobody takes them away

    @rule(which=ANY)
    @precondition(lambda self: self.model.invitations)
    def resends(self, which: int) -> None:
        one = pick(self.model.invitations, which)
        now = self.firm.clock()
        self.both(lambda: self.firm.resend(one.id), lambda: self.model.resend(one, now))

    @rule(which=ANY)
    @precondition(lambda self: self.model.invitations)
    def retries(self, which: int) -> None:
        one = pick(self.model.invitations, which)
        now = self.firm.clock()
        self.both(lambda: self.firm.retry(one.id), lambda: self.model.retry(one, now))

    @rule(which=ANY, done=st.booleans())
    @precondition(lambda self: self.model.invitations)
    def revokes(self, which: int, done: bool) -> None:
        one = pick(self.model.invitations, which)
        self.both(lambda: self.firm.revoke(one.id, done=done), lambda: self.model.revoke_person(one))

    # --- offers, people

    @rule(dossier=DOSSIER, offer=OFFER, confirmed=st.booleans())
    def activates(self, dossier: int, offer: str, confirmed: bool) -> None:
        def model() -> None:
            if (dossier, offer) not in self.model.active and offer != "start" and not confirmed:
                raise No("subscription_needed")
            self.model.active.add((dossier, offer))

        self.both(lambda: self.firm.activate(dossier, offer, confirmed=confirmed), model)

    @rule(email=EMAIL, qualite=QUALITE)
    def creates(self, email: str, qualite: str) -> None:
        made = self.both(lambda: self.firm.create(email, qualite), lambda: None)
        self.model.people.append(Contact(made, email, qualite))

    @rule(which=ANY, dossier=DOSSIER)
    @precondition(lambda self: self.model.people)
    def links(self, which: int, dossier: int) -> None:
        person = pick(self.model.people, which)
        self.both(lambda: self.firm.link(person.id, dossier), lambda: self.model.link(person, dossier))

    @rule(which=ANY, email=EMAIL, qualite=QUALITE, stale=st.booleans())
    @precondition(lambda self: self.model.people)
    def modifies(self, which: int, email: str, qualite: str, stale: bool) -> None:
        person = pick(self.model.people, which)
        seen = person.version - stale
        self.both(
            lambda: self.firm.modify(person.id, email, qualite, seen),
            lambda: self.model.modify(person, email, qualite, seen),
        )

    @rule(which=ANY, stale=st.booleans())
    @precondition(lambda self: self.model.people)
    def removes(self, which: int, stale: bool) -> None:
        person = pick(self.model.people, which)

        def model() -> None:
            if person.removed:
                raise No("interlocuteur_unknown")
            if stale:
                raise No("more_to_lose")
            self.model.remove(person)

        self.both(lambda: self.firm.remove(person.id, stale=stale), model)

    @rule(
        who=st.tuples(EMAIL, QUALITE),
        what=st.tuples(DOSSIER, OFFER),
        admin=ADMIN,
        then=st.sampled_from(["decided", "decided", "withdrawn", "mission ended", "waits"]),
        by=st.sampled_from(sorted(OWNERS)),
    )
    def whole_path(self, who: tuple[str, str], what: tuple[int, str], admin: str, then: str, by: str) -> None:
        """All of it for one person, as « Nouveau client » does, and an end: chance alone seldom comes as far."""
        (email, qualite), (dossier, offer) = who, what
        self.invites(email=email, dossier=dossier, admin=admin, loud=False)
        self.activates(dossier=dossier, offer=offer, confirmed=True)
        self.creates(email=email, qualite=qualite)
        newest = len(self.model.people) - 1
        self.links(which=newest, dossier=dossier)
        self.proposes(which=newest, dossier=dossier, offer=offer, admin=admin, done=True, times=1)
        newest = len(self.model.propositions) - 1
        if then == "decided":
            self.decides(which=newest, ticked=True, who=by, at_once=False)
        elif then == "withdrawn":
            self.withdraws(which=newest, done=True)
        elif then == "mission ended":
            self.ends_mission(dossier=dossier)

    # --- propositions

    @rule(which=ANY, dossier=DOSSIER, offer=OFFER, admin=ADMIN, done=st.booleans(), times=st.sampled_from([1, 1, 2, 3]))
    @precondition(lambda self: self.model.people)
    def proposes(self, which: int, dossier: int, offer: str, admin: str, done: bool, times: int) -> None:
        person = pick(self.model.people, which)
        known = self.model.live(dossier, offer, person)

        def model() -> None:
            if known is None:
                self.model.require_proposable(dossier, offer, person)

        made = self.both(
            lambda: self.firm.propose_at_once(dossier, offer, person.id, admin, done=done, times=times), model
        )
        if made is None:
            return
        if known is None:
            known = Proposed(made, dossier, offer, person, admin)
            self.model.propositions.append(known)
            if done:
                self.model.owe("OfferProposed", known.id)
        assert made == known.id

    @rule(which=ANY)
    @precondition(lambda self: self.model.propositions)
    def is_asked(self, which: int) -> None:
        held = pick(self.model.propositions, which)

        def model() -> None:
            if held.state == "proposed":
                held.state = "awaiting_approval"

        self.both(lambda: self.firm.awaits(held.id), model)

    @rule(which=ANY, ticked=st.booleans(), who=st.sampled_from(sorted(OWNERS)), at_once=st.booleans())
    @precondition(lambda self: self.model.propositions)
    def decides(self, which: int, ticked: bool, who: str, at_once: bool) -> None:
        """By anybody of the firm, as the card's click does; or everybody at once."""
        held = pick(self.model.propositions, which)

        def model() -> None:
            self.firm.expect_approver(who, held.dossier, held.by)
            if not ticked:
                raise No("tick_needed")
            self.model.decide(held, "active")

        times = 3 if at_once else 1
        self.both(lambda: self.firm.approve(held.id, who, ticked=ticked, times=times), model)

    @rule(which=ANY, reason=st.sampled_from(["", "x", "widget absent"]))
    @precondition(lambda self: self.model.propositions)
    def refuses(self, which: int, reason: str) -> None:
        held = pick(self.model.propositions, which)

        def model() -> None:
            if len(reason) < 3:
                raise No("reason_needed")
            self.model.decide(held, "refused")

        self.both(lambda: self.firm.refuse(held.id, reason), model)

    @rule(which=ANY, done=st.booleans())
    @precondition(lambda self: self.model.propositions)
    def withdraws(self, which: int, done: bool) -> None:
        held = pick(self.model.propositions, which)
        self.both(lambda: self.firm.withdraw(held.id, done=done), lambda: self.model.withdraw(held))

    @rule(which=ANY, offer=OFFER, confirmed=st.booleans(), done=st.booleans())
    @precondition(lambda self: self.model.propositions)
    def changes(self, which: int, offer: str, confirmed: bool, done: bool) -> None:
        held = pick(self.model.propositions, which)

        def model() -> None:
            self.model.require_changeable(held, offer, confirmed=confirmed)
            if held.dossier not in held.person.links:
                raise No("not_linked")
            self.model.close(held)
            self.model.active.add((held.dossier, offer))

        made = self.both(lambda: self.firm.change(held.id, offer, confirmed=confirmed, done=done), model)
        if made is not None:
            self.model.propositions.append(Proposed(made, held.dossier, offer, held.person, ADMINS[0]))
            if done:
                self.model.owe("OfferProposed", made)

    @rule(dossier=DOSSIER, offer=OFFER, done=st.booleans())
    def ends_offer(self, dossier: int, offer: str, done: bool) -> None:
        self.both(lambda: self.firm.end_offer(dossier, offer, done=done), lambda: self.model.end_offer(dossier, offer))

    @rule(dossier=DOSSIER)
    def ends_mission(self, dossier: int) -> None:
        self.both(lambda: self.firm.end_mission(dossier), lambda: self.model.end_mission(dossier))

    @rule(which=ANY)
    def does_in_loop(self, which: int) -> None:
        """« C’est fait », on any card of a thing to do in Loop, however old."""
        task = self.runner.run(self.firm.task(which))
        if task is None:
            return

        def model() -> None:
            if task.state != "todo":
                raise No({"done": "already_done", "dropped": "task_dropped"}[task.state])
            if task.what == "propose_offer":
                person = next(one for one in self.model.people if one.id == task.interlocuteur_id)
                held = self.model.live(self.firm.number_of(task.dossier_id), task.offer or "", person)
                if held is not None and held.state == "proposed":
                    self.model.owe("OfferProposed", held.id)

        self.both(lambda: self.firm.does(task.id), model)

    # --- who answers for a dossier, and time

    @rule(dossier=DOSSIER, who=st.sampled_from(sorted(OWNERS)))
    def reassigns(self, dossier: int, who: str) -> None:
        self.both(lambda: self.firm.reassign(dossier, who), lambda: None)

    @rule(who=st.sampled_from(sorted(OWNERS)), to=st.sampled_from(sorted(OWNERS)), first=st.integers(0, 3), days=ANY)
    def delegates(self, who: str, to: str, first: int, days: int) -> None:
        days %= 5
        self.both(
            lambda: self.firm.entrust(who, to, first, days), lambda: self.firm.expect_entrusted(who, to, first, days)
        )

    @rule(which=ANY)
    @precondition(lambda self: self.firm.delegations)
    def comes_back(self, which: int) -> None:
        self.both(lambda: self.firm.end_delegation(which), lambda: self.firm.expect_ended(which))

    @rule(hours=st.sampled_from([0, 1, 5, 23, 24, 72, 200, 800]))
    def time_passes(self, hours: int) -> None:
        self.firm.clock.forward(hours=hours)

    @rule(times=st.sampled_from([1, 2]))
    def clock_ticks(self, times: int) -> None:
        """Reminders leave and invitations expire; the model only learns which, and that they were waiting."""
        self.both(lambda: self.firm.tick(times), lambda: None)
        for one in self.model.invitations:
            if self.runner.run(self.firm.state_of(one.id)) == "expired" and one.state != "expired":
                self.model.move(one, "expired", "InvitationExpired")

    @rule(which=ANY, who=st.sampled_from(sorted(OWNERS)))
    @precondition(lambda self: self.model.propositions)
    def looks(self, which: int, who: str) -> None:
        """A client refreshes the card: it is drawn, and nothing is written."""
        held = pick(self.model.propositions, which)
        self.both(lambda: self.firm.draw(held.id, who), lambda: None)

    # --- after each of them

    @invariant()
    def agree(self) -> None:
        if self.firm.opened:
            numbers = {one.id: number for number, one in self.firm.dossiers.items()}
            self.runner.run(machine_laws.check(self.firm.store, self.model, numbers))
            self.firm.clock.now += timedelta(seconds=1)


def pick(among: list[Any], which: int) -> Any:
    return among[which % len(among)]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_history_of_the_firm(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class OnThis(Machine):
        pass

    OnThis.kind = kind
    if kind == "postgresql":
        OnThis.url = request.getfixturevalue("postgres").database()
    else:
        file = tmp_path / "machine.db"
        file.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        OnThis.url = f"sqlite+aiosqlite:///{file}"
    long = STEPS > 1000
    run_state_machine_as_test(
        OnThis,
        settings=settings(
            max_examples=max(STEPS // EACH, 1),
            stateful_step_count=EACH,
            deadline=None,
            derandomize=not long,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        ),
    )
    if long:
        with capsys.disabled():
            print(f"\n{kind}: {TAKEN[kind]} steps, each checked")  # noqa: T201
    assert TAKEN[kind] >= AT_LEAST
