"""Choosing somebody: the list, searched and paged (R29); then what is known of the person, and what to do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cards import render
from dialogs import fields, identity, steps
from dialogs.dialog import Answers, Choice, Ctx, Step, View
from services import interlocuteur_removal, interlocuteur_search, interlocuteurs, offers
from services.interlocuteur_removal import Loss
from services.models import Interlocuteur

PAGE = 8
CODES = 3
MODIFY, LINK, REMOVE = "modify", "link", "remove"

Begin = Callable[[Ctx, Answers], Awaitable[Mapping[str, str]]]


def chosen(answers: Answers) -> str | None:
    """The id of the person it is about: chosen in the list, or found to be the one in the form. None: somebody new."""
    picked: str | None = answers.get("interlocuteur")
    return identity.same_person(answers) if picked == steps.NEW else picked


def doing(answers: Answers) -> str | None:
    """What is under way: `new`, `modify`, `link`, `remove`; None until it is chosen."""
    if answers.get("interlocuteur") != steps.NEW:
        return answers.get("action")
    return LINK if chosen(answers) else steps.NEW


async def person_of(ctx: Ctx, answers: Answers) -> Interlocuteur:
    """The person it is about, as they stand now."""
    async with ctx.services.store.read() as session:
        return await interlocuteurs.get(session, chosen(answers) or "")


# --- the list


async def _load_list(ctx: Ctx, answers: Answers) -> View:
    asked = str(answers.get("page") or "1")
    number = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
    async with ctx.services.store.read() as session:
        page = await interlocuteur_search.page(session, answers.get("interlocuteur_text") or "", number, PAGE)
        codes = await interlocuteur_search.codes_of(session, page.people)
    rows = [Choice(one.id, interlocuteurs.full_name(one), _note(ctx, codes[one.id])) for one in page.people]
    d = {"total": page.total, "page": page.number, "pages": page.pages}
    return View(d, {"interlocuteur": tuple(rows)})


def _note(ctx: Ctx, codes: list[str]) -> str:
    if not codes:
        return render.text("interlocuteurs.list.no_dossier", ctx.locale)
    more = f" +{len(codes) - CODES}" if len(codes) > CODES else ""
    return ", ".join(codes[:CODES]) + more


def list_step(begin_new: Callable[[Answers], Mapping[str, str]]) -> Step:
    """Everybody, by Nom and Prénom; `begin_new` gives what the draft remembers when somebody new is to be added."""

    async def check(ctx: Ctx, answers: Answers) -> Mapping[str, str]:
        if answers["interlocuteur"] == steps.NEW:
            return begin_new(answers)
        await person_of(ctx, answers)
        return {}

    return Step(
        "list",
        fields=(fields.text("interlocuteur_text"), fields.choice("interlocuteur")),
        load=_load_list,
        check=check,
        when=steps.unknown,
        asks_again=frozenset({"page"}),
        sample=View(
            {"total": 12, "page": 1, "pages": 2},
            {
                "interlocuteur": (
                    Choice("1", "Martin Paul", "BOUMAR, GARMAR"),
                    Choice("2", "Nguyễn Thị", "Sans dossier"),
                )
            },
        ),
    )


# --- the person


def loss_facts(loss: Loss) -> dict[str, Any]:
    """The dossiers and the live offers of a person, as cards show them."""
    return {
        "dossiers": [
            {"code": dossier.code, "company": dossier.company, "limited_to": link.limited_to}
            for link, dossier in loss.links
        ],
        "offers": [
            {"name": f"{offers.offer(one.offer).name} · {dossier.code}", "state": one.state}
            for one, dossier in loss.propositions
        ],
    }


async def _load_person(ctx: Ctx, answers: Answers) -> View:
    person = await person_of(ctx, answers)
    async with ctx.services.store.read() as session:
        loss = await interlocuteur_removal.loss(session, person.id)
    return View({"name": interlocuteurs.full_name(person), "person": steps.contact_facts(person), **loss_facts(loss)})


SAMPLE_LOSS = {
    "dossiers": [{"code": "BOUMAR", "company": "Boulangerie Martin", "limited_to": "-"}],
    "offers": [{"name": "Consultation · BOUMAR", "state": "awaiting_approval"}],
}


def person_step(begin: Begin) -> Step:
    """One person's fields, dossiers and offers, and what to do; `begin` gives what the draft remembers then."""
    return Step(
        "person",
        fields=(fields.choice("action", MODIFY, LINK, REMOVE),),
        load=_load_person,
        check=begin,
        when=lambda answers: answers.get("interlocuteur") != steps.NEW,
        sample=View({"name": "Martin Paul", "person": steps.SAMPLE_CONTACT, **SAMPLE_LOSS}),
    )
