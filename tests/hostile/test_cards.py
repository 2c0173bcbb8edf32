"""What a card carries, forged: ids, steps, versions, buttons, keys, types. Each is answered, and changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.hostile.kit import Heard, Site
from tests.test_path import PAUL
from tests.test_refused import by

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG = "x" * 10_000
TEXTS = {
    "empty": "",
    "nobody's": "0" * 32,
    "long": LONG,
    "right to left": "\u202eabc",
    "emoji": "😀" * 40,
    "sql": "' OR 1=1; DROP TABLE propositions --",
    "like": "%_%",
    "path": "../../etc/passwd",
    "template": "{{ 7*7 }}${7*7}<%= 7*7 %>",
    "dunder": "__class__",
}
OTHERS: dict[str, Any] = {
    "null": None,
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "huge": 10**30,
    "true": True,
    "list": [],
    "object": {},
    "list of text": ["a"],
    "nested": {"a": {"b": [{"c": 1}]}},
}
ODD = {**TEXTS, **OTHERS}
BUT_TRUE = {name: value for name, value in ODD.items() if value is not True}
UNKNOWN_CARD, GONE, NO_FORM, STALE = (
    "Cette carte n’est plus à jour",
    "Cet élément n’existe plus",
    "Ce formulaire n’est plus valable",
    "Cette étape a déjà été validée",
)


def each(values: Mapping[str, Any]) -> pytest.MarkDecorator:
    """One case a value, named as it is called."""
    return pytest.mark.parametrize("odd", [pytest.param(value, id=name) for name, value in values.items()])


async def refuses(site: Site, gesture: Callable[[], Awaitable[Heard]], sentence: str) -> None:
    """Answered 200 with this sentence, and nothing else happened."""
    async with site.changes_nothing():
        heard = await gesture()
    assert heard.status == 200
    assert heard.says(sentence), heard.said[:500]


async def turns_away(site: Site, gesture: Callable[[], Awaitable[Heard]]) -> None:
    """Answered 400 at the door."""
    async with site.changes_nothing():
        heard = await gesture()
    assert (heard.status, heard.body) == (400, None)


# --- buttons of a posted card


@each(ODD)
async def test_the_id_of_a_posted_card(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    data = {"p": {"do": "approval", "id": odd, "v": 1}, "extension": "true"}
    await refuses(site, lambda: site.executes(malo, "approve_activation", data), GONE)


@pytest.mark.parametrize("what", ["invitation", "dossier"])
async def test_the_id_of_something_else(site: Site, what: str) -> None:
    malo = site.firm.person("Malo")
    data = {"p": {"do": "approval", "id": getattr(site, what), "v": 1}, "extension": "true"}
    await refuses(site, lambda: site.executes(malo, "approve_activation", data), GONE)


@each(TEXTS)
async def test_the_verb_of_a_posted_card(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    data = {"p": {"id": site.proposition, "v": 1}, "extension": "true"}
    await refuses(site, lambda: site.executes(malo, odd, data), UNKNOWN_CARD)


@each({name: value for name, value in OTHERS.items() if value is not None})
async def test_a_verb_that_is_no_text(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    await turns_away(site, lambda: site.executes(malo, odd, {"p": {"id": site.proposition}}))


@each(ODD)
async def test_our_part_of_the_data(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    await refuses(site, lambda: site.executes(malo, "approve_activation", {"p": odd, "extension": "true"}), GONE)


@each({name: value for name, value in ODD.items() if value is not None and not isinstance(value, dict)})
async def test_data_that_is_no_object(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    await turns_away(site, lambda: site.executes(malo, "approve_activation", odd))


@each({**BUT_TRUE, "a list of true": ["true"], "upper case": "TRUE", "yes": "yes", "one": 1})
async def test_a_tick_that_is_none(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    data = {"p": {"do": "approval", "id": site.proposition, "v": 1}, "extension": odd}
    await refuses(site, lambda: site.executes(malo, "approve_activation", data), "Cochez la case pour confirmer")


@pytest.mark.parametrize("who", ["Claire", "Yann", "Erwan", "Inès", "Emma"])
async def test_an_approval_by_who_may_not(site: Site, who: str) -> None:
    person = site.firm.person(who)
    data = {"p": {"do": "approval", "id": site.proposition, "v": 1}, "extension": "true"}
    sentence = "Only a collaborateur of this dossier" if who == "Emma" else "Seul un collaborateur de ce dossier"
    await refuses(site, lambda: site.executes(person, "approve_activation", data), sentence)


async def test_a_refresh_approves_nothing(site: Site) -> None:
    malo = site.firm.person("Malo")
    data = {"p": {"do": "approval", "id": site.proposition, "v": 1}, "extension": "true"}
    asked = lambda: site.executes(malo, "approve_activation", data, "automatic")  # noqa: E731
    await refuses(site, asked, "En attente d’approbation")


@each({"text": "p", "list": ["p"], "number": 1, "do": {"p": {"do": ["x"]}}, "our part": {"p": "x"}})
async def test_an_old_clients_button_of_an_odd_shape(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    await turns_away(site, lambda: site.submits_card(malo, odd))


async def test_an_old_clients_button_of_no_card(site: Site) -> None:
    malo = site.firm.person("Malo")
    async with site.changes_nothing():
        heard = await site.submits_card(malo, {"p": {"do": "approve_activation", "id": LONG}, "extension": "true"})
    assert heard.status == 200


# --- opening a form


@each(ODD)
async def test_a_form_of_another_name(site: Site, odd: Any) -> None:
    claire = site.firm.person("Claire")
    await refuses(site, lambda: site.opens(claire, {"p": {"do": odd, "id": None}}), UNKNOWN_CARD)


@each(ODD)
async def test_a_form_about_another_subject(site: Site, odd: Any) -> None:
    malo = site.firm.person("Malo")
    await refuses(site, lambda: site.opens(malo, {"p": {"do": "refuse_activation", "id": odd}}), GONE)


# --- submitting one


@each(ODD)
async def test_the_draft_of_a_form(site: Site, odd: Any) -> None:
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    await refuses(site, lambda: site.submits(claire, {"p": {**ours, "id": odd}}), NO_FORM)


@each({**ODD, "a later one": "recap", "the next one": "dossier"})
async def test_the_step_of_a_form(site: Site, odd: Any) -> None:
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    await refuses(site, lambda: site.submits(claire, {"p": {**ours, "step": odd}}), STALE)


@each({**BUT_TRUE, "as text": "1", "the next one": 2})
async def test_the_version_of_a_form(site: Site, odd: Any) -> None:
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    await refuses(site, lambda: site.submits(claire, {"p": {**ours, "v": odd}}), STALE)


@each({**ODD, "a fix": "fix:keep_typed", "a page": "page:9", "another's way": "later", "back": "back"})
async def test_the_button_of_a_form(site: Site, odd: Any) -> None:
    """An unknown one counts as « Continuer », which an empty form does not let through."""
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    sentence = "La personne qui recevra" if odd == "back" else "Ce champ est obligatoire"
    await refuses(site, lambda: site.submits(claire, {"p": {**ours, "go": odd}}), sentence)


@each({name: value for name, value in ODD.items() if isinstance(value, list | dict) or value is None})
async def test_an_answer_that_is_no_text(site: Site, odd: Any) -> None:
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    typed = {"family_name": "Martin", "given_name": "Paul", "email": odd, "mobile": "0612345678", "language": "fr"}
    await refuses(site, lambda: site.submits(claire, {"p": ours, **typed}), "Ce champ est obligatoire")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("email_kept", "paul@gmial.com"), ("way", "later"), ("known", "0" * 32), ("compared", "x")),
        *(("state", "active"), ("owner", "x"), ("__proto__", "x"), ("typed", "x"), ("dossier", "0" * 32)),
    ],
)
async def test_what_only_the_program_may_remember(site: Site, name: str, value: str) -> None:
    """The slip in the address is asked about all the same: nothing but a step's own fields is read."""
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    typed = {"family_name": "Martin", "given_name": "Paul", "email": "paul@gmial.com", "mobile": "0612345678"}
    await refuses(site, lambda: site.submits(claire, {"p": ours, **typed, "language": "fr", name: value}), "gmail.com")


async def test_somebody_elses_draft(site: Site) -> None:
    claire, yann = site.firm.person("Claire"), site.firm.person("Yann")
    ours = await site.form(claire)
    await refuses(site, lambda: site.submits(yann, {"p": ours, **PAUL}), NO_FORM)


async def test_a_form_of_one_flow_is_not_another_flows(site: Site) -> None:
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    await refuses(site, lambda: site.submits(claire, {"p": {**ours, "do": "end_mission"}}), "Ce champ est obligatoire")


@pytest.mark.parametrize("times", [2, 10])
async def test_a_gesture_replayed_under_new_ids(site: Site, times: int) -> None:
    """The refusal's form is opened and left: as often as one likes."""
    malo = site.firm.person("Malo")
    async with site.changes_nothing():
        await site.opens(malo, {"p": {"do": "refuse_activation", "id": site.proposition}})
        again = deepcopy(malo.last_sent)
        for number in range(times):
            heard = await site.send({**again, "id": f"f:{number}"})
            assert heard.says("Refuser l’activation")


async def test_a_gesture_of_somebody_the_tenant_does_not_know(site: Site) -> None:
    claire = site.firm.person("Claire")
    await site.form(claire)
    stranger = {"id": "29:x", "name": "X", "aadObjectId": "0dd0c0de-0000-4000-8000-000000000000"}
    again = by(claire, claire.last_sent) | {"from": stranger}
    await refuses(site, lambda: site.send(again), "réservée aux administrateurs")
