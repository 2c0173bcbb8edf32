"""Everything a person may see, piece by piece: each dialog's steps, each posted card, each mail; with any kind of data."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from cards.render import RenderedMail, card, mail, text
from dialogs import DIALOGS
from dialogs.dialog import Choice, Dialog, Step
from dialogs.stepper import draw
from tests.cards.firm import FIRM, Sample
from tests.cards.samples import CARDS, MAILS
from tests.cards.walk import told

Data = Literal["plain", "short", "long", "hostile", "missing"]
STEP = "step"
"""The sample that is the step's own; the same card's other states are in CARDS."""

Tell = Callable[[str, str], str]

HOSTILE = (
    '"}],"x":[{{ 7*7 }}{% raw %} [clic](https://evil.example) <at>Chef</at> <script>alert(1)</script> **a** \\ \u202e'
)
LONG = "Établissements Anticonstitutionnellement-Vandenbroucke, Kérautret & Le Quellec-Trégastel (SARL)"
ALWAYS = frozenset(
    {
        "code",
        "codes",
        "company",
        "family_name",
        "email",
        "mobile",
        "name",
        "offer",
        "offer_name",
        "before",
        "after",
        "title",
    }
    | {
        "value",
        "go",
        "collaborateur",
        "url",
        "space_url",
        "ged_url",
        "launch_url",
        "redeem_url",
        "loop_url",
        "entra_url",
    }
)
"""What the database or the catalogue always has; anything else may be blank."""


def _told(how: Callable[[str], str]) -> Tell:
    return lambda _name, typed: typed if typed.startswith("https:") else how(typed)


TELL: Mapping[Data, Tell] = {
    "plain": _told(lambda typed: typed),
    "short": _told(lambda typed: typed[:1]),
    "long": _told(lambda typed: f"{typed} {LONG}"),
    "hostile": _told(lambda typed: typed + HOSTILE),
    "missing": lambda name, typed: typed if name in ALWAYS else "",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to look at. `flow` and `name` say where it is from, `sample` what state it shows."""

    flow: str
    name: str
    sample: str
    draw: Callable[[str, Data], dict[str, Any]]

    @property
    def caption(self) -> str:
        """What stands above it in the gallery."""
        return f"{self.name} · {self.sample}"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to look at."""

    name: str
    sample: str
    write: Callable[[str, Data], RenderedMail]

    @property
    def caption(self) -> str:
        """What stands above it in the gallery."""
        return f"{self.name} · {self.sample}"


def pieces() -> Iterator[Piece]:
    """Every flow step by step, each step's other states after it; then the cards that stand in a conversation."""
    shown: set[str] = set()
    for dialog in DIALOGS:
        for step in dialog.steps:
            name = step.template or f"{dialog.name}/{step.name}"
            yield Piece(dialog.name, f"{dialog.name}.{step.name}", STEP, partial(_step, dialog, step))
            if name not in shown:
                yield from _states(dialog.name, name)
            shown.add(name)
    for name in CARDS:
        if name not in shown:
            yield from _states("posted cards", name)


def letters() -> Iterator[Letter]:
    """Every mail."""
    for name, samples in MAILS.items():
        for sample in samples:
            yield Letter(name, sample, partial(_letter, name, sample))


def title_of(flow: str) -> str:
    """What people call the flow, where it has a title."""
    try:
        return text(f"{flow}.title", "fr")
    except KeyError:
        return flow.capitalize()


def _states(flow: str, name: str) -> Iterator[Piece]:
    for sample in CARDS.get(name, {}):
        yield Piece(flow, name, sample, partial(_card, name, sample))


def _card(name: str, sample: str, locale: str, data: Data) -> dict[str, Any]:
    return card(name, locale, _with(CARDS[name][sample], data))


def _letter(name: str, sample: str, locale: str, data: Data) -> RenderedMail:
    return mail(name, locale, _with(MAILS[name][sample], data))


def _with(sample: Sample, data: Data) -> Sample:
    retold: Sample = told(sample, TELL[data])
    return retold


def _step(dialog: Dialog, step: Step, locale: str, data: Data) -> dict[str, Any]:
    tell = TELL[data]
    typed = {} if data in ("plain", "missing") else {field.name: tell(field.name, "Martin") for field in step.fields}
    form = {
        "do": dialog.name,
        "id": "0" * 32,
        "step": step.name,
        "v": 1,
        "values": {**step.sample.defaults, **typed},
        "errors": typed if data in ("long", "hostile") else {},
        "notice": tell("notice", "Martin") if data in ("long", "hostile") else None,
        "fixes": [],
        "first": step is dialog.steps[0],
        "last": step is dialog.steps[-1],
    }
    choices = {
        name: tuple(_choice(choice, tell) for choice in offered) for name, offered in step.sample.choices.items()
    }
    view = replace(step.sample, d=told(dict(step.sample.d), tell), choices=choices)
    return draw(dialog, step, locale, FIRM["name"], form, view)


def _choice(choice: Choice, tell: Tell) -> Choice:
    return Choice(choice.value, tell("title", choice.title), tell("note", choice.note))
