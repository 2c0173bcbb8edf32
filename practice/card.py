"""A card as one client draws it: what is read on it, what can be typed and pressed, what its client refuses to send.

Follows Microsoft's renderer (npm `adaptivecards` 3): which inputs an action gathers, how they are validated before
anything leaves, and that an empty input is absent from the data.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from practice.protocol import children, elements, own_actions

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"</?at>|\*\*|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|\\(?=[*_\[\]()#\-.!`~|>])")
_SPACES = re.compile(r"[ \u00a0\u202f\u2009]+")


def plain(text: str) -> str:
    """`text` as eyes compare it: no markdown marks nor `<at>`, one kind of space and of apostrophe."""
    return _SPACES.sub(" ", _MARKS.sub("", _LINK.sub(r"\1", text))).replace("’", "'").strip()


class CannotDo(AssertionError):
    """The person cannot do that: no such button, no such input, or the client refuses; the message says what is there."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input as drawn. `choices` maps a choice's title to its value; `dataset` is that of a Data.Query typeahead."""

    id: str
    kind: str
    label: str
    required: bool
    error_message: str
    choices: Mapping[str, str]
    dataset: str | None
    json: Mapping[str, Any]

    @property
    def multiple(self) -> bool:
        return bool(self.json.get("isMultiSelect"))


@dataclass(frozen=True, slots=True)
class Button:
    """One thing to press, and the ids of the inputs that go with it."""

    title: str
    action: Mapping[str, Any]
    inputs: tuple[str, ...]

    @property
    def enabled(self) -> bool:
        return bool(self.action.get("isEnabled", True))


class Surface:
    """One card drawn once: keeps what is typed, toggled and opened on it until another card replaces it."""

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.card = card
        self.errors: dict[str, str] = {}
        """The messages standing beside inputs after a refused press, by label."""
        self._typed: dict[str, str] = {}
        self._rows: dict[str, dict[str, str]] = {}
        self._shown: dict[str, bool] = {}
        self._opened: list[Mapping[str, Any]] = []
        for field in self._every_input():
            default = field.json.get("valueOff", "false") if field.kind == "Input.Toggle" else ""
            self._typed[field.id] = str(field.json.get("value", default))

    # What is seen

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything readable, in drawing order: texts, facts, labels, typed values, titles of buttons, errors."""
        found: list[str] = []
        for node in self._visible(self.card):
            found += self._texts_of(node)
        found += [button.title for button in self.buttons]
        found += self.errors.values()
        return tuple(text for text in found if text)

    @property
    def buttons(self) -> tuple[Button, ...]:
        """Everything that can be pressed, in drawing order."""
        return tuple(self._buttons(self.card, ()))

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The visible inputs, in drawing order."""
        return tuple(_input(node) for node in self._visible(self.card) if str(node.get("type")).startswith("Input."))

    @property
    def values(self) -> dict[str, str]:
        """What stands in each visible input, by label; choices by their values."""
        return {field.label: self._typed[field.id] for field in self.inputs}

    def input(self, label: str) -> Input:
        """The visible input with that label (a toggle: its title; without either: its placeholder)."""
        found = [field for field in self.inputs if plain(field.label) == plain(label)]
        if len(found) != 1:
            raise CannotDo(f"{len(found)} inputs named « {label} »; here: {[field.label for field in self.inputs]}")
        return found[0]

    def button(self, title: str) -> Button | None:
        """The button with that title, None when there is none; two of the same name are refused."""
        found = [button for button in self.buttons if plain(button.title) == plain(title)]
        if len(found) > 1 and len({json.dumps(button.action, sort_keys=True) for button in found}) > 1:
            raise CannotDo(f"{len(found)} different buttons named « {title} » on the same card")
        return found[0] if found else None

    # What is done

    def fill(self, label: str, value: str | bool | Sequence[str]) -> None:
        """Type in a text input, choose by title (a list of titles where several may be), tick or untick a toggle.

        A choice's title may be given without what follows its « — ».
        """
        field = self.input(label)
        self._typed[field.id] = self._value(field, value)
        self.errors.pop(field.label, None)

    def offer(self, field: Input, rows: Sequence[tuple[str, str]]) -> None:
        """Rows of a typeahead, (value, title), arrived for `field`: they can now be chosen by title."""
        self._rows[field.id] = {title: value for value, title in rows}

    def press(self, button: Button) -> dict[str, Any] | None:
        """The data `button` sends, or None when the client keeps it: reasons then stand in `errors`."""
        if not button.enabled:
            raise CannotDo(f"« {button.title} » is greyed out")
        kind = button.action["type"]
        if kind == "Action.ToggleVisibility":
            self._toggle(button.action)
            return None
        if kind == "Action.ShowCard":
            card = button.action["card"]
            closed = [one for one in self._opened if one is not card]
            self._opened = closed if len(closed) < len(self._opened) else [*closed, card]
            return None
        fields = [field for field in self._every_input() if field.id in button.inputs]
        self.errors = {field.label: field.error_message for field in fields if not self._valid(field)}
        if self.errors:
            return None
        data: dict[str, Any] = json.loads(json.dumps(button.action.get("data") or {}))
        return data | {field.id: self._typed[field.id] for field in fields if self._typed[field.id]}

    # How it is drawn

    def _is_visible(self, node: Mapping[str, Any]) -> bool:
        return self._shown.get(str(node.get("id")), node.get("isVisible", True) is not False)

    def _visible(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for child in children(node):
            if self._is_visible(child):
                yield child
                yield from self._visible(child)
        for action in node.get("actions") or ():
            if any(action.get("card") is card for card in self._opened):
                yield from self._visible(action["card"])

    def _buttons(self, card: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Button]:
        ids = above + tuple(str(node["id"]) for node in elements(card) if str(node.get("type")).startswith("Input."))
        for node in (*self._drawn(card), card):
            for action in own_actions(node):
                gathered = () if action.get("associatedInputs") == "none" else ids
                yield Button(str(action.get("title") or action.get("tooltip") or ""), action, gathered)
                if any(action.get("card") is opened for opened in self._opened):
                    yield from self._buttons(action["card"], ids)

    def _drawn(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for child in children(node):
            if self._is_visible(child):
                yield child
                yield from self._drawn(child)

    def _texts_of(self, node: Mapping[str, Any]) -> list[str]:
        match node.get("type"):
            case "TextBlock":
                return [str(node.get("text", ""))]
            case "RichTextBlock":
                runs = node.get("inlines") or ()
                return ["".join(run if isinstance(run, str) else str(run.get("text", "")) for run in runs)]
            case "FactSet":
                return [text for fact in node.get("facts") or () for text in (str(fact["title"]), str(fact["value"]))]
            case "Image":
                return [str(node.get("altText", ""))]
            case str(kind) if kind.startswith("Input."):
                field = _input(node)
                titles = list(field.choices) if node.get("style") == "expanded" or field.multiple else []
                typed = self._typed[field.id]
                chosen = {value: title for title, value in field.choices.items()}.get(typed, typed)
                return [field.label, *titles, chosen if kind != "Input.Toggle" else ""]
        return []

    def _toggle(self, action: Mapping[str, Any]) -> None:
        nodes = {str(node["id"]): node for node in elements(self.card) if "id" in node}
        for target in action.get("targetElements") or ():
            name = target if isinstance(target, str) else str(target["elementId"])
            if name not in nodes:
                raise CannotDo(f"« {action.get('title')} » toggles {name!r}, which is not on the card")
            wanted = None if isinstance(target, str) else target.get("isVisible")
            self._shown[name] = not self._is_visible(nodes[name]) if wanted is None else bool(wanted)

    # What may be typed

    def _every_input(self) -> list[Input]:
        return [_input(node) for node in _deep(self.card) if str(node.get("type")).startswith("Input.")]

    def _value(self, field: Input, value: str | bool | Sequence[str]) -> str:
        if field.kind == "Input.Toggle":
            on, off = field.json.get("valueOn", "true"), field.json.get("valueOff", "false")
            return str(on if value is True else off)
        if field.kind == "Input.ChoiceSet" and value != "":
            titles = [value] if isinstance(value, str) else list(value if isinstance(value, Sequence) else [])
            return ",".join(self._choice(field, title) for title in titles)
        if not isinstance(value, str):
            raise CannotDo(f"« {field.label} » is typed, not ticked")
        limit = field.json.get("maxLength")
        if limit and len(value) > limit:
            raise CannotDo(f"« {field.label} » takes {limit} characters, not {len(value)}")
        return value

    def _choice(self, field: Input, title: str) -> str:
        offered = {**field.choices, **self._rows.get(field.id, {})}
        wanted = plain(title)
        exact = [value for shown, value in offered.items() if plain(shown) == wanted]
        begun = [value for shown, value in offered.items() if plain(shown).startswith(f"{wanted} — ")]
        if found := exact or begun:
            return found[0]
        if field.json.get("style") == "filtered" or field.dataset:
            return title  # a text box with suggestions: anything can be typed, and is refused at the press
        raise CannotDo(f"« {field.label} » does not offer « {title} »; it offers {list(offered)}")

    def _valid(self, field: Input) -> bool:
        value = self._typed[field.id]
        if field.kind == "Input.Toggle":
            return not field.required or value == str(field.json.get("valueOn", "true"))
        if not value:
            return not field.required
        match field.kind:
            case "Input.Text":
                pattern = field.json.get("regex")
                return not pattern or re.search(pattern, value) is not None
            case "Input.Number":
                low, high = field.json.get("min"), field.json.get("max")
                number = float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else None
                return number is not None and (low is None or number >= low) and (high is None or number <= high)
            case "Input.Date" | "Input.Time":
                return str(field.json.get("min", value)) <= value <= str(field.json.get("max", value))
        known = {*field.choices.values(), *self._rows.get(field.id, {}).values()}
        return set(value.split(",") if field.multiple else [value]) <= known or value == field.json.get("value")


def _deep(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every element, those of ShowCards included."""
    for node in (card, *elements(card)):
        yield node
        for action in own_actions(node):
            if action.get("type") == "Action.ShowCard":
                yield from _deep(action["card"])


def _input(node: Mapping[str, Any]) -> Input:
    query = node.get("choices.data") or {}
    return Input(
        id=str(node["id"]),
        kind=str(node["type"]),
        label=str(node.get("label") or node.get("title") or node.get("placeholder") or node["id"]),
        required=bool(node.get("isRequired")),
        error_message=str(node.get("errorMessage", "")),
        choices={str(choice["title"]): str(choice["value"]) for choice in node.get("choices") or ()},
        dataset=query.get("dataset"),
        json=node,
    )
