"""The thirteen fields: the form, then what changes, here and in Loop. Two people at once lose nothing of what they typed."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cards import render
from dialogs import identity, steps
from dialogs.dialog import Answers, Asks, Ctx, Fix, Outcome, Step, View
from dialogs.interlocuteurs.choice import MODIFY, chosen, doing, person_of
from services import interlocuteurs, invitations, loop, people
from services.errors import Refused
from services.interlocuteurs import Contact
from services.invitations import NewGuest
from services.models import Dossier, Interlocuteur
from services.offers import Qualite
from services.store import Work

# What the draft remembers: whose fields are in the form, and what they were when the person saw them.
OF, WAS = "of", "was"


def begin(person: Interlocuteur, answers: Answers) -> Mapping[str, str]:
    """The form, filled in with the person's fields; going back and forth on the same person keeps what was typed."""
    if answers.get(OF) == person.id:
        return {}
    return {OF: person.id, **_was(person), **steps.contact_facts(person)}


def begin_new(answers: Answers) -> Mapping[str, str]:
    """An empty form for somebody new, unless it is theirs already."""
    return {} if answers.get(OF) == steps.NEW else {OF: steps.NEW, **dict.fromkeys(interlocuteurs.FIELDS, "")}


def _was(person: Interlocuteur) -> dict[str, str]:
    return {WAS: json.dumps({"version": person.version, "fields": asdict(interlocuteurs.contact_of(person))})}


def _seen(answers: Answers) -> tuple[int, Contact]:
    was = json.loads(answers[WAS])
    return was["version"], Contact(**{**was["fields"], "qualite": Qualite(was["fields"]["qualite"])})


# --- somebody else changed the person meanwhile


def _ask_meanwhile(person: Interlocuteur, answers: Answers) -> None:
    """Asks what to keep of two changes made at once. Fields only one of them changed are kept in any case."""
    version, before = _seen(answers)
    if person.version == version:
        return
    now, mine = interlocuteurs.contact_of(person), steps.contact_of(answers)
    shown = steps.contact_facts(now)
    theirs = set(interlocuteurs.differences(before, now))
    alone = theirs - set(interlocuteurs.differences(before, mine))
    both = _was(person) | {name: shown[name] for name in alone}
    fixes: tuple[Fix, ...] = (Fix("keep_both", both),)
    if any(getattr(mine, name) != getattr(now, name) for name in theirs - alone):
        all_theirs = both | {name: shown[name] for name in theirs}
        fixes = (Fix("take_theirs", all_theirs), Fix("keep_mine", both))
    raise Asks("changed_meanwhile", None, fixes)


def _rows(ctx: Ctx, before: Contact, after: Contact) -> list[dict[str, str]]:
    """What changes, field by field, in the words of the form."""
    was, now = steps.contact_facts(before), steps.contact_facts(after)
    return [
        {"key": name, "before": _said(ctx, name, was[name]), "after": _said(ctx, name, now[name])}
        for name in interlocuteurs.differences(before, after)
    ]


def _said(ctx: Ctx, name: str, value: str) -> str:
    if not value:
        return render.text("interlocuteurs.changes.empty", ctx.locale)
    return render.text(f"qualite.{value}", ctx.locale) if name == "qualite" else value


# --- the form


async def _load_form(ctx: Ctx, answers: Answers) -> View:
    if doing(answers) != MODIFY:
        return View({"name": None, "theirs": []})
    person = await person_of(ctx, answers)
    rows = _rows(ctx, _seen(answers)[1], interlocuteurs.contact_of(person))
    return View({"name": interlocuteurs.full_name(person), "theirs": rows})


async def _check_form(ctx: Ctx, answers: Answers) -> None:
    contact = steps.contact_of(answers)
    if doing(answers) == MODIFY:
        await _check_changes(ctx, answers)
        return
    await steps.check_address(ctx, answers)
    await identity.ask_same_person(ctx, contact, answers)


async def _check_changes(ctx: Ctx, answers: Answers) -> None:
    person = await person_of(ctx, answers)
    _ask_meanwhile(person, answers)
    mine = steps.contact_of(answers)
    now = interlocuteurs.contact_of(person)
    changed = interlocuteurs.differences(now, mine)
    if not changed:
        raise Refused("nothing_changed")
    if people.email_key(mine.email) != person.email_key:
        await steps.check_address(ctx, answers)
        linked = await _linked(ctx, person)
        await identity.check_email(ctx, answers, mine.email, linked, lambda invited: {"email": invited}, known=False)
    if {"email", "mobile", "family_name", "given_name"} & set(changed):
        await identity.ask_same_person(ctx, mine, answers, itself=person.id)


async def _linked(ctx: Ctx, person: Interlocuteur) -> list[Dossier]:
    async with ctx.services.store.read() as session:
        return [dossier for _, dossier in await interlocuteurs.links_of(session, person.id)]


FORM = Step(
    "form",
    fields=steps.CONTACT_FIELDS,
    load=_load_form,
    check=_check_form,
    when=lambda answers: answers.get("interlocuteur") == steps.NEW or doing(answers) == MODIFY,
    sample=View(
        {"name": "Martin Paul", "theirs": [{"key": "mobile", "before": "06 12 34 56 78", "after": "06 98 76 54 32"}]}
    ),
)

# --- what changes


async def _load_changes(ctx: Ctx, answers: Answers) -> View:
    person = await person_of(ctx, answers)
    now, mine = interlocuteurs.contact_of(person), steps.contact_of(answers)
    rows = _rows(ctx, now, mine)
    invited = identity.to_invite(answers, mine.email, await _linked(ctx, person))
    guide = loop.modify_interlocuteur(
        person.family_name, person.given_name, tuple((row["key"], row["after"]) for row in rows)
    )
    return View(
        d={
            "name": interlocuteurs.full_name(person),
            "changes": rows,
            "theirs": _rows(ctx, _seen(answers)[1], now),
            "email": mine.email if people.email_key(mine.email) != person.email_key else None,
            "invited": [dossier.code for dossier in invited],
            "steps": steps.guide_rows(guide),
            "loop_url": ctx.services.firm.loop_url,
        }
    )


async def finish(ctx: Ctx, work: Work, answers: Answers) -> Outcome:
    """Modify; a change made since the form was shown is asked about, as in the form."""
    person = await interlocuteurs.get(work.session, chosen(answers) or "", lock=True)
    _ask_meanwhile(person, answers)
    mine = steps.contact_of(answers)
    guest = NewGuest(mine.family_name, mine.given_name, mine.email, mine.mobile, person.language)
    linked = [dossier for _, dossier in await interlocuteurs.links_of(work.session, person.id)]
    for dossier in identity.to_invite(answers, mine.email, linked):
        await invitations.invite_guest(work, guest, dossier, ctx.who.aad_id)
    await interlocuteurs.modify(work, person.id, mine, person.version, ctx.who.aad_id)
    return Outcome("interlocuteurs.modified")


SAMPLE_CHANGES: dict[str, Any] = {
    "name": "Martin Paul",
    "changes": [{"key": "mobile", "before": "06 12 34 56 78", "after": "06 98 76 54 32"}],
    "theirs": [],
    "email": None,
    "invited": [],
    "steps": steps.SAMPLE_GUIDE,
    "loop_url": "https://loop.example/",
}
CHANGES = Step(
    "changes",
    load=_load_changes,
    check=_check_changes,
    when=lambda answers: doing(answers) == MODIFY,
    sample=View(d=SAMPLE_CHANGES),
)
