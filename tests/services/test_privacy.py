"""How long data is kept, what is held about one person, and that an erased one is nowhere any more."""

import argparse
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dialogs import privacy_command
from services import drafts, endings, erasure, invitations, journal, privacy, propositions, retention, settings
from services.erasure import Erasure
from services.errors import Refused
from services.events import EVENTS, Event, InvitationRequested
from services.interlocuteur_removal import loss, remove
from services.loop_tasks import Actor
from services.models import (
    Collaborateur,
    Delivery,
    DeliveryState,
    Dossier,
    Draft,
    Effect,
    EffectState,
    Export,
    Import,
    ImportLine,
    Interlocuteur,
    Invitation,
    InvitationState,
    JournalLine,
    PlaceRow,
    PostedCard,
    Proposition,
    Row,
)
from services.moves import move_invitation
from services.outbox import Reaction, owed
from services.settings import WrongSettings
from services.store import Store
from tests.services.conftest import ADMIN, PAUL, Hand
from tests.test_process import ROOT, run

CLAIRE = Actor(ADMIN, "Claire Duhamel")
CANARIES = ("paul@boulangerie", "Martin Paul", "Paul", "33612345678", "redeem-secret")

KEPT = {
    "collaborateurs": "while the portfolio names them; erased on request",
    "dossiers": "the firm's portfolio",
    "dossier_words": "with their dossiers",
    "firm_settings": "choices of the firm",
    "bookmarks": "no personal data",
    "journal_head": "no personal data",
    "paths": "no personal data; follows what it is made from",
    "pseudonym_keys": "no personal data",
    "reviews": "one row a dossier, written anew each year; names erased on request",
    "places": "while the bot is there; erased on request",
}
SWEPT = {
    *(
        "drafts",
        "effects",
        "paces",
        "imports",
        "import_lines",
        "exports",
        "deliveries",
        "reminders",
        "pauses",
        "delegations",
    ),
    *("loop_tasks", "invitations", "invitation_dossiers", "interlocuteurs", "interlocuteur_words", "rattachements"),
    *("propositions", "activations", "posted_cards", "journal"),
}


async def nothing(_event: Event, _services: object) -> None:
    """A reaction that does nothing."""


@pytest.fixture
async def store(database_url: str, clock: Hand) -> AsyncIterator[Store]:
    """A store that owes one effect to each event, so that payloads can be looked at."""
    reaction = Reaction("nothing", nothing, repeatable=True)
    made = Store(database_url, clock, owed(dict.fromkeys(EVENTS.values(), (reaction,))), agreed=clock)
    yield made
    await made.close()


@pytest.fixture
async def proposition(store: Store, dossier: Dossier, linked: Interlocuteur) -> str:
    """Paul's invitation accepted, Consultation proposed and active; a mail, a card and a form about him."""
    async with store.work() as work:
        invitation = (await work.session.scalars(select(Invitation))).one()
        await move_invitation(
            work,
            invitation.id,
            InvitationState.SENT,
            "passerelle",
            user_id="aad-paul",
            redeem_url="https://redeem-secret",
        )
        await move_invitation(work, invitation.id, InvitationState.ACCEPTED, "passerelle", accepted_at=work.now)
        made, _ = await propositions.propose_offer(work, dossier, "consultation", linked, ADMIN, CLAIRE.name)
        await propositions.approve_activation(work, made.id, "aad-malo", "Malo Le Goff", ticked=True)
        work.session.add_all(
            [
                Export(what="tracking", kind="csv", owner=ADMIN, created_at=work.now),
                Delivery(subject=made.id, leg="welcome_mail", state=DeliveryState.DELIVERED, at=work.now),
                PostedCard(about=f"proposition:{made.id}", place_key="general", activity_id="1"),
                PostedCard(about=f"welcome:{made.id}", place_key="user:aad-paul", activity_id="2"),
                PlaceRow(
                    key="user:aad-paul", kind="personal", conversation_id="a:1", service_url="https://x", tenant_id="t",
                    bot_id="b", seen_at=work.now,
                ),
            ]
        )  # fmt: skip
    typed = {"family_name": "Martin", "given_name": "Paul", "email": "Paul@Boulangerie.example"}
    await drafts.start(store, "invite_guest", ADMIN, None, "person", typed)
    return made.id


async def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    """The whole database, as data."""
    async with store.read() as session:
        return {
            table.name: [dict(row) for row in (await session.execute(select(table))).mappings()]
            for table in Row.metadata.sorted_tables
        }


async def written(store: Store) -> str:
    return json.dumps(await everything(store), default=str, ensure_ascii=False)


async def count(store: Store, row: type[Row]) -> int:
    async with store.read() as session:
        return await session.scalar(select(func.count()).select_from(row)) or 0


# --- how long


def test_whoever_adds_a_table_says_how_long_it_is_kept() -> None:
    assert set(Row.metadata.tables) == SWEPT | set(KEPT)


async def test_nothing_live_or_young_is_purged(store: Store, proposition: str) -> None:
    before = await everything(store)
    assert set((await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)).values()) == {0}
    assert await everything(store) == before


async def test_a_dry_run_counts_and_changes_nothing(store: Store, proposition: str, clock: Hand) -> None:
    clock.forward(days=8)
    before = await everything(store)
    assert (await retention.purge(store, settings.RETENTION_DAYS, dry_run=True))["drafts"] == 1
    assert await everything(store) == before
    assert (await retention.purge(store, settings.RETENTION_DAYS, dry_run=False))["drafts"] == 1
    assert await count(store, Draft) == 0


async def test_what_is_live_stays_however_old(store: Store, proposition: str, clock: Hand) -> None:
    clock.forward(days=1000)
    await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)
    kept = await everything(store)
    assert [row["state"] for row in kept["propositions"]] == ["active"]
    assert [row["state"] for row in kept["invitations"]] == ["accepted"]
    assert len(kept["interlocuteurs"]) == len(kept["rattachements"]) == 1


async def test_in_the_end_nothing_says_who_it_was(
    store: Store, proposition: str, clock: Hand, linked: Interlocuteur
) -> None:
    clock.forward(days=400)  # the term runs from the end, not from the beginning
    async with store.work() as work:
        await remove(work, linked.id, (await loss(work.session, linked.id)).key, CLAIRE)
        invitation = (await work.session.scalars(select(Invitation))).one()
        await move_invitation(work, invitation.id, InvitationState.REVOKED, ADMIN)
    clock.forward(days=300)
    await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)
    assert (await count(store, Invitation), await count(store, Interlocuteur)) == (1, 1)
    clock.forward(days=66)
    swept = await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)
    assert (swept["invitations"], swept["interlocuteurs"], swept["propositions"]) == (1, 1, 0)
    assert [name for name in CANARIES if name in await written(store)] == []
    assert await count(store, Proposition) == 1  # that there was an offer is kept longer, of nobody
    clock.forward(days=1500)
    await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)
    kept = await everything(store)
    assert not kept["places"]
    # The offers are still on the dossier, and nobody ran what was owed.
    assert {name for name in SWEPT if kept[name]} == {"activations", "effects", "journal"}
    async with store.read() as session:
        assert (await journal.verify(session)).broken is None


async def test_effects_go_by_how_they_ended(store: Store, clock: Hand) -> None:
    async with store.work() as work:
        for _ in range(3):
            work.emit(InvitationRequested("i"))
        await work.write_owed()
        done, parked, _due = (await work.session.scalars(select(Effect))).all()
        done.state, done.finished_at = EffectState.DONE, work.now
        parked.state, parked.finished_at = EffectState.PARKED, work.now
    clock.forward(days=31)
    swept = await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)
    assert (swept["effects"], swept["parked_effects"]) == (1, 0)
    clock.forward(days=150)
    assert (await retention.purge(store, settings.RETENTION_DAYS, dry_run=False))["parked_effects"] == 1
    assert await count(store, Effect) == 1


async def test_a_purge_is_in_the_journal(store: Store, proposition: str, clock: Hand) -> None:
    clock.forward(days=8)
    await retention.purge(store, settings.RETENTION_DAYS, dry_run=False)
    async with store.read() as session:
        lines = await session.scalars(select(JournalLine).where(JournalLine.what == "privacy.purged"))
        assert [(line.actor, line.after) for line in lines] == [("operator", "drafts 1")]


def environment(**more: str) -> dict[str, str]:
    required = {"MICROSOFT_APP_TYPE": "UserAssignedMSI", "MICROSOFT_APP_ID": "a", "MICROSOFT_APP_TENANT_ID": "t"}
    return required | more


def test_each_term_can_be_set() -> None:
    assert settings.load(environment()).retention == settings.RETENTION_DAYS
    assert settings.load(environment(RETENTION_DRAFTS_DAYS="3")).retention == {**settings.RETENTION_DAYS, "drafts": 3}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETENTION_DRAFTS_DAYS", "0"),
        ("RETENTION_DRAFTS_DAYS", "-1"),
        ("RETENTION_DRAFTS_DAYS", "a week"),
        ("RETENTION_IMPORTS_DAYS", "40000"),
        ("RETENTION_JOURNAL_DAYS", "1824"),
    ],
)
def test_a_senseless_term_is_one_fault(name: str, value: str) -> None:
    with pytest.raises(WrongSettings) as wrong:
        settings.load(environment(**{name: value}))
    assert [fault.partition(":")[0] for fault in wrong.value.faults] == [name]


def test_the_readme_names_every_term() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, days in settings.RETENTION_DAYS.items():
        assert f"| `RETENTION_{name.upper()}_DAYS` | `{days}` |" in readme


def test_the_register_tells_every_term() -> None:
    register = (ROOT / "docs" / "rgpd.md").read_text()
    for name, days in settings.RETENTION_DAYS.items():
        assert f"`RETENTION_{name.upper()}_DAYS`" in register
        assert f"| {days} jours" in register.replace("\u00a0", " ")


def test_what_is_owed_to_an_event_carries_an_id_and_nothing_else() -> None:
    assert {tuple(kind.__dataclass_fields__) for kind in EVENTS.values()} == {("subject",)}


# --- what is held


async def test_an_export_has_all_of_it_and_no_secret(store: Store, proposition: str, linked: Interlocuteur) -> None:
    exported = await privacy.export(store, " PAUL@boulangerie.example ")
    told = exported["held"]
    assert {name: len(rows) for name, rows in told.items() if name not in ("journal", "effects")} == {
        **dict.fromkeys(("invitations", "interlocuteurs", "invitation_dossiers", "rattachements", "propositions"), 1),
        **dict.fromkeys(("drafts", "places", "deliveries"), 1),
        "posted_cards": 2,
    }
    assert told["propositions"][0]["dossier_code"] == "BOUMAR"
    assert told["interlocuteurs"][0]["email"] == PAUL.email
    assert told["invitations"][0]["redeem_url"] is True
    assert {row["what"].partition(".")[0] for row in told["journal"]} == {
        "invitations",
        "interlocuteurs",
        "propositions",
    }
    text = json.dumps(exported)
    assert "redeem-secret" not in text
    assert linked.id in text


async def test_an_export_is_in_the_journal(store: Store, linked: Interlocuteur) -> None:
    await privacy.export(store, PAUL.email)
    async with store.read() as session:
        line = (await session.scalars(select(JournalLine).where(JournalLine.what == "privacy.exported"))).one()
    assert (line.actor, line.subject) == ("operator", linked.id)


async def test_an_export_tells_nothing_of_others(store: Store, proposition: str) -> None:
    async with store.work() as work:
        work.session.add(
            Interlocuteur(
                family_name="Kervella", given_name="Sophie", mobile="", email="sophie@fleurs.example",
                email_key="sophie@fleurs.example", name_key="", language="fr", created_by=ADMIN, created_at=work.now,
            )
        )  # fmt: skip
    await drafts.start(store, "invite_guest", ADMIN, None, "person", {"email": "sophie@fleurs.example"})
    assert "sophie" not in json.dumps(await privacy.export(store, PAUL.email)).lower()


async def test_a_collaborateur_is_a_person_too(store: Store, proposition: str) -> None:
    async with store.work() as work:
        malo = (await work.session.scalars(select(Collaborateur))).one()
        malo.name, malo.aad_id, malo.mri = "Malo Le Goff", "aad-malo", "29:malo"
    told = (await privacy.export(store, "Malo@cabinet.example"))["held"]
    assert set(told) == {"collaborateurs", "dossiers", "propositions", "journal"}


async def test_an_administrator_is_found_by_the_id_of_their_account(store: Store, proposition: str) -> None:
    with pytest.raises(Refused, match="person_unknown"):
        await privacy.export(store, "claire@cabinet.example")
    told = (await privacy.export(store, "claire@cabinet.example", ADMIN))["held"]
    assert {"journal", "propositions", "drafts"} <= set(told)


async def test_somebody_unknown_is_refused(store: Store, proposition: str) -> None:
    for act in (privacy.export, erasure.erase):
        with pytest.raises(Refused, match="person_unknown"):
            await act(store, "nobody@nowhere.example")


# --- made nobody's


async def ended(store: Store, proposition: str) -> None:
    async with store.work() as work:
        await endings.withdraw_offer(work, proposition, CLAIRE, done=True)


async def test_while_an_offer_is_live_it_is_refused(store: Store, proposition: str) -> None:
    before = await everything(store)
    with pytest.raises(Refused) as refusal:
        await erasure.erase(store, PAUL.email)
    assert (refusal.value.key, refusal.value.facts) == ("person_has_offers", {"codes": ["BOUMAR"]})
    assert await everything(store) == before


async def test_an_erased_person_is_nowhere_any_more(store: Store, proposition: str, linked: Interlocuteur) -> None:
    await ended(store, proposition)
    ids = [line["id"] for line in (await everything(store))["propositions"]]
    done = await erasure.erase(store, "PAUL@boulangerie.example")
    assert done.emptied == {
        "typed": 1, "interlocuteurs": 1, "invitations": 1, "collaborateurs": 0, "names": 0, "places": 1,
    }  # fmt: skip
    assert done.guests == ["aad-paul"]
    assert done.lines > 0
    assert [name for name in CANARIES if name in await written(store)] == []
    kept = await everything(store)
    assert [line["id"] for line in kept["propositions"]] == ids
    assert [line["id"] for line in kept["interlocuteurs"]] == [linked.id]
    assert [line["state"] for line in kept["invitations"]] == ["revoked"]
    assert not kept["interlocuteur_words"]
    assert not kept["rattachements"]
    async with store.read() as session:
        assert (await journal.verify(session)).broken is None
    with pytest.raises(Refused, match="person_unknown"):
        await erasure.erase(store, PAUL.email)


async def test_the_same_person_may_come_back(store: Store, proposition: str, dossier: Dossier) -> None:
    await ended(store, proposition)
    await erasure.erase(store, PAUL.email)
    async with store.work() as work:
        again = await invitations.invite_guest(work, PAUL, dossier, ADMIN)
    assert again.state == InvitationState.REQUESTED


async def test_with_force_the_offers_end_first(store: Store, proposition: str) -> None:
    done = await erasure.erase(store, PAUL.email, force=True)
    assert done.ended == [("consultation", "BOUMAR")]
    kept = await everything(store)
    assert [line["state"] for line in kept["propositions"]] == ["ended"]
    assert [name for name in CANARIES if name in await written(store)] == []


async def test_looking_first_changes_nothing(store: Store, proposition: str) -> None:
    await ended(store, proposition)
    before = await everything(store)
    looked = await erasure.erase(store, PAUL.email, dry_run=True)
    assert await everything(store) == before
    assert await erasure.erase(store, PAUL.email) == looked


async def test_a_collaborateur_is_erased_once_no_dossier_names_them(store: Store, proposition: str) -> None:
    async with store.work() as work:
        malo = (await work.session.scalars(select(Collaborateur))).one()
        malo.name, malo.aad_id = "Malo Le Goff", "aad-malo"
        work.session.add(Import(id="i", file_name="p.csv", owner=ADMIN, created_at=work.now))
        line = {"code": "BOUMAR", "collaborateur": "malo@cabinet.example", "collaborateur_name": "Malo Le Goff"}
        work.session.add(
            ImportLine(import_id="i", number=2, said=line, verdict="updated", facts={"x": ["a", "Malo Le Goff"]})
        )
    with pytest.raises(Refused) as refusal:
        await erasure.erase(store, "malo@cabinet.example")
    assert (refusal.value.key, refusal.value.facts) == ("person_has_dossiers", {"n": 1})
    done: Erasure = await erasure.erase(store, "malo@cabinet.example", force=True)
    assert (done.emptied["collaborateurs"], done.emptied["names"], done.emptied["typed"]) == (1, 1, 1)
    assert "malo" not in (await written(store)).lower().replace("aad-malo", "")
    kept = await everything(store)
    assert kept["import_lines"][0]["said"]["code"] == "BOUMAR"
    assert kept["dossiers"][0]["collaborateur_id"] is None


# --- the commands


async def command(store: Store, *arguments: str) -> tuple[int, list[str]]:
    """Its exit status, and what it printed."""
    parser = argparse.ArgumentParser()
    privacy_command.add_to(parser.add_subparsers(), lambda act: act)
    args = parser.parse_args(arguments)
    said: list[str] = []
    status: int = await args.run(store, settings.load(environment()), args, said.append)
    return status, [line.replace("\u00a0", " ").replace("\u202f", " ") for line in said]


async def test_a_purge_says_what_went(store: Store, proposition: str, clock: Hand) -> None:
    clock.forward(days=8)
    status, said = await command(store, "purge", "--dry-run")
    assert (status, said[0]) == (0, "Données arrivées à leur terme, rien n’est supprimé (--dry-run) :")
    assert said[1] == "  formulaires laissés ouverts (gardés 7 jours) : 1"
    assert len(said) == 1 + len(settings.RETENTION_DAYS)
    assert (await command(store, "purge"))[1][1:] == said[1:]
    assert (await command(store, "purge"))[1][1] == "  formulaires laissés ouverts (gardés 7 jours) : 0"


async def test_an_export_is_json(store: Store, proposition: str) -> None:
    status, said = await command(store, "export-person", PAUL.email)
    assert status == 0
    assert json.loads("\n".join(said))["held"]["invitations"][0]["email"] == PAUL.email


async def test_an_erasure_says_what_it_would_do_then_does_it_and_what_remains(store: Store, proposition: str) -> None:
    with pytest.raises(Refused, match="person_has_offers"):
        await command(store, "erase-person", PAUL.email)
    status, said = await command(store, "erase-person", PAUL.email, "--force")
    assert (status, said[0], said[-1]) == (
        1, "Ce qui sera effacé :", "Rien n’est effacé. Pour effacer, relancez la commande avec --yes.",
    )  # fmt: skip
    assert "  Offre terminée : Consultation, dossier BOUMAR" in said
    assert PAUL.email in await written(store)
    status, done = await command(store, "erase-person", PAUL.email, "--force", "--yes")
    assert (status, done[0]) == (0, "Effacé, l’identifiant seul restant :")
    assert done[1:] == said[1:-1]
    remains = "\n".join(done)
    for place in ("Le journal", "Cegid Loop", "Microsoft Entra", "Les sauvegardes", "e-mails envoyés"):
        assert place in remains


async def test_at_the_prompt_a_refusal_is_a_sentence(tmp_path: Path) -> None:
    database = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"}
    status, out, err = await run(environment(**database), "erase-person", "nobody@nowhere.example", "--yes")
    assert (status, out) == (1, "")
    assert "ne sait rien de cette personne" in err
    assert "Traceback" not in err
