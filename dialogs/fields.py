"""What was typed -> an answer, or the key of what is wrong. A field knows its name, how to read it, whether it must be there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services import people
from services.errors import Refused

MAX_LENGTH = 200
MAX_NOTE = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One input of a step. `read` gets the typed text (never empty) and gives the answer; `default` is an empty one's.

    The same text gives the same answer, whenever it is read.
    """

    name: str
    read: Callable[[str], Any]
    required: bool = False
    default: Any = ""
    max_length: int = MAX_LENGTH

    def answer(self, typed: str) -> Any:
        """The answer, or Refused with a key, beside this field."""
        if len(typed) > self.max_length:
            raise Refused("too_long", self.name, max=self.max_length)
        if not typed.strip():
            if self.required:
                raise Refused("required", self.name)
            return self.default
        try:
            answer = self.read(typed)
        except Refused as refusal:
            raise Refused(refusal.key, self.name, **refusal.facts) from None
        if answer in ("", ()) and self.required:
            raise Refused("required", self.name)  # what was typed cannot be seen
        return answer


def text(name: str, *, required: bool = False, max_length: int = MAX_LENGTH) -> Field:
    """One line of text."""
    return Field(name, people.one_line, required, max_length=max_length)


def note(name: str, *, required: bool = False) -> Field:
    """Several lines of text."""
    return Field(name, people.several_lines, required, max_length=MAX_NOTE)


def email(name: str, *, required: bool = True) -> Field:
    """An e-mail address."""
    return Field(name, people.email_address, required, max_length=320)


def phone(name: str, *, mobile: bool, required: bool) -> Field:
    """A phone number, French unless written internationally."""
    return Field(name, lambda typed: people.phone_number(typed, name, mobile=mobile), required, max_length=40)


def choice(name: str, *values: str, required: bool = True) -> Field:
    """One of these values; none given: any opaque value, checked where it is looked up."""

    def read(typed: str) -> str:
        if values and typed not in values:
            raise Refused("choice_unknown", name)
        return typed

    return Field(name, read, required)


def choices(name: str) -> Field:
    """Several opaque values, at least one, as a tuple; each is checked where it is looked up."""
    return Field(
        name, lambda typed: tuple(filter(None, typed.split(","))), required=True, default=(), max_length=MAX_NOTE
    )


def day(name: str) -> Field:
    """A day, as a date input sends it: 2026-08-03."""

    def read(typed: str) -> date:
        try:
            return date.fromisoformat(typed.strip())
        except ValueError:
            raise Refused("date_invalid", name) from None

    return Field(name, read, required=True, default=None)


def tick(name: str, *, must: str | None = None) -> Field:
    """A tick box, true or false. `must` is the key of the refusal when it stays empty."""

    def read(typed: str) -> bool:
        if must and typed != "true":
            raise Refused(must, name)
        return typed == "true"

    return Field(name, read, required=must is not None, default=False)


def typed_text(value: object) -> str:
    """What Teams sent for an input, as text: anything but text, a number or a tick counts as nothing typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


class Reader:
    """Reads what was typed: each text once, however often a turn asks for its answer."""

    def __init__(self) -> None:
        self._known: dict[tuple[Field, str], Any] = {}

    def read(self, one: Field, text: str) -> Any:
        """The answer, or what is wrong as Refused (given, not raised)."""
        if (one, text) not in self._known:
            try:
                self._known[one, text] = one.answer(text)
            except Refused as refusal:
                self._known[one, text] = refusal
        return self._known[one, text]

    def all(self, fields: tuple[Field, ...], typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Refused]]:
        """Every field's answer, and every field's refusal."""
        answers: dict[str, Any] = {}
        wrong: dict[str, Refused] = {}
        for one in fields:
            said = self.read(one, typed.get(one.name, ""))
            if isinstance(said, Refused):
                wrong[one.name] = said
            else:
                answers[one.name] = said
        return answers, wrong


class Said(Mapping[str, Any]):
    """The answers of these fields, None for a wrong one, each read when it is asked for; what else is in the draft, as it is."""

    def __init__(self, reader: Reader, fields: Mapping[str, Field], typed: Mapping[str, str]) -> None:
        self._reader = reader
        self._fields = fields
        self._typed = typed

    def __getitem__(self, name: str) -> Any:
        if (one := self._fields.get(name)) is None:
            return self._typed[name]
        said = self._reader.read(one, self._typed.get(name, ""))
        return None if isinstance(said, Refused) else said

    def __iter__(self) -> Iterator[str]:
        return iter({**self._typed, **self._fields})

    def __len__(self) -> int:
        return len(self._typed.keys() | self._fields.keys())
