"""What Teams accepts from a bot, checked strictly: a practice that accepts what the platform refuses teaches errors.

Sources: Microsoft Learn « Universal Actions for Adaptive Cards », « Use dialogs with bots », « Typeahead search in
Adaptive Cards », « Format your bot messages », « Charts in Adaptive Cards »; the Adaptive Cards 1.5 schema.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
FILE_TYPE = "application/vnd.microsoft.teams.file.download.info"
CONSENT_TYPE = "application/vnd.microsoft.teams.card.file.consent"
FILE_INFO_TYPE = "application/vnd.microsoft.teams.card.file.info"
MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
ERROR_TYPE = "application/vnd.microsoft.error"
SEARCH_TYPE = "application/vnd.microsoft.search.searchResponse"

MAX_BYTES = 100 * 1024
"""Largest activity, counted as UTF-16."""
MAX_REFRESH_USERS = 60
MAX_ACTIONS = 6
MAX_ROWS = 15

_ELEMENTS = {
    "TextBlock", "RichTextBlock", "Image", "ImageSet", "Media", "Container", "ColumnSet", "Column", "FactSet", "Table",
    "TableRow", "TableCell", "ActionSet", "Input.Text", "Input.Number", "Input.Date", "Input.Time", "Input.Toggle",
    "Input.ChoiceSet", "Chart.Donut",
}  # fmt: skip
_ACTIONS = {"Action.OpenUrl", "Action.Submit", "Action.ShowCard", "Action.ToggleVisibility", "Action.Execute"}
_NESTED = ("body", "items", "columns", "rows", "cells", "images")
_SIZES = {"small", "medium", "large"}


class ProtocolError(AssertionError):
    """The bot answered or sent something Teams does not accept; the message says what and where."""


def need(condition: object, reason: str) -> None:
    """Raise `ProtocolError(reason)` unless `condition` holds."""
    if not condition:
        raise ProtocolError(reason)


def utf16_size(value: object) -> int:
    """Bytes of `value` as JSON in UTF-16: how Teams counts a message."""
    return 2 * len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def children(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The elements directly inside a card, container, column set or table (whose `columns` only give widths)."""
    for name in _NESTED:
        if not (name == "columns" and node.get("type") == "Table"):
            yield from node.get(name) or ()


def elements(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every element under `node`, in drawing order, those of ShowCards excepted."""
    for child in children(node):
        yield child
        yield from elements(child)


def own_actions(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The actions an element carries itself: its `actions`, its `selectAction`, an input's `inlineAction`."""
    yield from node.get("actions") or ()
    for name in ("selectAction", "inlineAction"):
        if node.get(name):
            yield node[name]
    for run in node.get("inlines") or ():
        if isinstance(run, Mapping) and run.get("selectAction"):
            yield run["selectAction"]


def check_card(card: object, *, in_dialog: bool = False) -> None:
    """Raise unless `card` is an Adaptive Card Teams draws; in a dialog, Action.Execute and refresh have no effect."""
    need(isinstance(card, Mapping), f"the card is not an object: {card!r:.80}")
    assert isinstance(card, Mapping)
    need(card.get("type") == "AdaptiveCard", f"the card's type is {card.get('type')!r}")
    version = card.get("version")
    major, _, minor = version.partition(".") if isinstance(version, str) else ("", "", "")
    need(major.isdecimal() and minor.isdecimal(), f"the card's version is {version!r}")
    need((1, 0) <= (int(major), int(minor)) <= (1, 5), f"Teams draws cards up to 1.5, this one says {version}")
    need(utf16_size(card) <= MAX_BYTES, f"the card weighs {utf16_size(card)} bytes as UTF-16")
    _check_refresh(card, in_dialog)
    _check_body(card, in_dialog, set())


def _check_refresh(card: Mapping[str, Any], in_dialog: bool) -> None:
    refresh = card.get("refresh")
    if refresh is None:
        return
    need(not in_dialog, "refresh has no effect in a dialog")
    need(isinstance(refresh, Mapping), "refresh is not an object")
    action = refresh.get("action")
    need(isinstance(action, Mapping) and action.get("type") == "Action.Execute", "refresh.action is no Action.Execute")
    users = refresh.get("userIds", [])
    need(isinstance(users, list) and len(users) <= MAX_REFRESH_USERS, f"refresh.userIds holds over {MAX_REFRESH_USERS}")
    need(all(isinstance(user, str) and user.startswith("29:") for user in users), "refresh.userIds wants MRIs (29:…)")


def _check_body(card: Mapping[str, Any], in_dialog: bool, ids: set[str]) -> None:
    for element in (card, *elements(card)):
        kind = element.get("type")
        need(isinstance(kind, str), f"an element has no type: {element!r:.80}")
        if kind != "AdaptiveCard":
            need(kind in _ELEMENTS, f"Teams does not draw {kind}")
        if str(kind).startswith("Input."):
            _check_input(element, ids)
        if kind == "Chart.Donut":
            _check_donut(element)
        if kind in ("AdaptiveCard", "ActionSet"):
            need(len(element.get("actions") or ()) <= MAX_ACTIONS, f"over {MAX_ACTIONS} actions: Teams hides the rest")
        for action in own_actions(element):
            _check_action(action, in_dialog, ids)


def _check_donut(element: Mapping[str, Any]) -> None:
    need(element.get("data"), "a chart has no data")
    for point in element["data"]:
        need(isinstance(point.get("value"), int | float) and point.get("legend"), f"a chart's point is {point!r}")
    need("fallback" in element, "a chart has no fallback: elsewhere than in Teams the whole card would be refused")


def _check_input(element: Mapping[str, Any], ids: set[str]) -> None:
    name = element.get("id")
    need(isinstance(name, str) and name, f"an {element['type']} has no id")
    need(name not in ids, f"two inputs have the id {name!r}")
    ids.add(str(name))
    if element.get("isRequired"):
        need(element.get("errorMessage"), f"{name} is required without errorMessage: the refusal would be mute")
    if "value" in element and element["type"] != "Input.Number":
        need(isinstance(element["value"], str), f"{name}'s value is not a string: {element['value']!r}")
    for choice in element.get("choices") or ():
        need(
            isinstance(choice, Mapping)
            and all(isinstance(choice.get(k), str) and choice[k] for k in ("title", "value")),
            f"{name} has a choice without title or value: {choice!r}",
        )
    query = element.get("choices.data")
    if query is not None:
        need(query.get("type") == "Data.Query" and query.get("dataset"), f"{name}: choices.data is no Data.Query")


def _check_action(action: Mapping[str, Any], in_dialog: bool, ids: set[str]) -> None:
    kind, title = action.get("type"), action.get("title")
    need(kind in _ACTIONS, f"Teams does not know {kind}")
    if kind in ("Action.Submit", "Action.Execute"):
        need(isinstance(action.get("data", {}), Mapping), f"« {title} »: data is not an object, inputs would be lost")
    if kind == "Action.Execute":
        need(not in_dialog, f"« {title} »: Action.Execute does nothing in a dialog")
        need(isinstance(action.get("verb", ""), str), f"« {title} »: verb is not a string")
    if kind == "Action.OpenUrl":
        need(
            str(action.get("url", "")).split(":")[0] in ("https", "http", "mailto"),
            f"« {title} »: {action.get('url')!r}",
        )
    if kind == "Action.ShowCard":
        _check_body({"type": "AdaptiveCard", **(action.get("card") or {})}, in_dialog, ids)
    fallback = action.get("fallback")
    if isinstance(fallback, Mapping):
        _check_action(fallback, in_dialog, ids)


def check_attachment(attachment: object, *, in_dialog: bool = False) -> Mapping[str, Any]:
    """The Adaptive Card inside a Bot Framework attachment; raises when it is anything else."""
    need(isinstance(attachment, Mapping), "an attachment is not an object")
    assert isinstance(attachment, Mapping)
    need(
        attachment.get("contentType") == CARD_TYPE, f"an attachment's contentType is {attachment.get('contentType')!r}"
    )
    check_card(attachment.get("content"), in_dialog=in_dialog)
    content: Mapping[str, Any] = attachment["content"]
    return content


def check_file_card(attachment: Mapping[str, Any]) -> None:
    """A file's card: whether one may be given, or the one that was (« Send and receive files through the bot »)."""
    name, content = attachment.get("name"), attachment.get("content")
    need(isinstance(name, str) and name, "a file's card has no name")
    need(isinstance(content, Mapping), "a file's card has no content")
    assert isinstance(content, Mapping)
    if attachment["contentType"] == CONSENT_TYPE:
        size = content.get("sizeInBytes")
        need(isinstance(size, int) and size > 0, f"sizeInBytes is {size!r}")
        need(isinstance(content.get("description", ""), str), "the description is not a string")
        for answer in ("acceptContext", "declineContext"):
            need(isinstance(content.get(answer, {}), Mapping), f"{answer} is not an object")
        return
    need(isinstance(attachment.get("contentUrl"), str), "the file's card has no contentUrl")
    need(content.get("uniqueId") and "fileType" in content, "the file's card wants uniqueId and fileType")


def check_task_answer(body: object, *, fetch: bool) -> Mapping[str, Any] | str | None:
    """A task module's answer: what the dialog shows next, the sentence it closes with, or None when it just closes.

    Only a submit may be answered without a body.
    """
    if body is None:
        need(not fetch, "task/fetch was answered without a body: Teams shows « Something went wrong »")
        return None
    need(
        isinstance(body, Mapping) and isinstance(body.get("task"), Mapping), f"no « task » in the answer: {body!r:.200}"
    )
    assert isinstance(body, Mapping)
    task = body["task"]
    value = task.get("value")
    if task.get("type") == "message":
        need(isinstance(value, str) and value, "task message: value is not a sentence")
        return str(value)
    need(task.get("type") == "continue", f"task.type is {task.get('type')!r}")
    need(isinstance(value, Mapping), "task continue: value is not an object")
    unknown = set(value) - {"title", "height", "width", "card"}
    need(not unknown, f"task continue: {sorted(unknown)} is no card dialog's")
    need(isinstance(value.get("title"), str) and value["title"], "the dialog has no title")
    for side in ("height", "width"):
        size = value.get(side)
        need(size is None or size in _SIZES or (isinstance(size, int) and size > 0), f"the dialog's {side} is {size!r}")
    check_attachment(value.get("card"), in_dialog=True)
    shown: Mapping[str, Any] = value
    return shown


def check_action_answer(body: object) -> tuple[int, Mapping[str, Any] | str]:
    """adaptiveCard/action's answer: (200, card), (200, message) or (4xx/5xx, error message)."""
    need(isinstance(body, Mapping), f"adaptiveCard/action was answered with {body!r:.80}")
    assert isinstance(body, Mapping)
    need(
        set(body) == {"statusCode", "type", "value"},
        f"adaptiveCard/action wants statusCode, type, value: {sorted(body)}",
    )
    status, kind, value = body["statusCode"], body["type"], body["value"]
    need(isinstance(status, int), f"statusCode is {status!r}")
    if kind == CARD_TYPE:
        need(status == 200, f"a card with statusCode {status}")
        check_card(value)
        return status, dict(value)
    if kind == MESSAGE_TYPE:
        need(status == 200 and isinstance(value, str), f"a message with statusCode {status} and value {value!r:.80}")
        return status, str(value)
    need(kind == ERROR_TYPE, f"adaptiveCard/action: type {kind!r}")
    need(400 <= status < 600, f"an error with statusCode {status}")
    need(isinstance(value, Mapping) and {"code", "message"} <= set(value), "an error wants code and message")
    return status, str(value["message"])


def check_search_answer(body: object) -> tuple[tuple[str, str], ...]:
    """application/search's answer as (value, title) rows; Teams draws the first fifteen."""
    need(isinstance(body, Mapping), f"application/search was answered with {body!r:.80}")
    assert isinstance(body, Mapping)
    need(body.get("statusCode", 200) == 200, f"application/search: statusCode {body.get('statusCode')}")
    need(body.get("type") == SEARCH_TYPE, f"application/search: type {body.get('type')!r}")
    value = body.get("value")
    need(isinstance(value, Mapping) and isinstance(value.get("results"), list), "application/search: no value.results")
    results: list[Any] = body["value"]["results"]
    need(len(results) <= MAX_ROWS, f"application/search: {len(results)} rows, Teams draws {MAX_ROWS}")
    for row in results:
        need(
            isinstance(row, Mapping) and all(isinstance(row.get(k), str) and row[k] for k in ("title", "value")),
            f"application/search: a row wants title and value: {row!r:.80}",
        )
    return tuple((row["value"], row["title"]) for row in results)


def check_activity(activity: object) -> None:
    """Raise unless `activity` is a message (or typing notice) the connector takes, cards and mentions included."""
    need(isinstance(activity, Mapping), "the activity is not an object")
    assert isinstance(activity, Mapping)
    kind = activity.get("type")
    need(kind in ("message", "typing"), f"a bot does not send activities of type {kind!r}")
    if kind == "typing":
        return
    text, attachments = activity.get("text") or "", activity.get("attachments") or []
    need(text or attachments, "a message has neither text nor attachment")
    for attachment in attachments:
        if isinstance(attachment, Mapping) and attachment.get("contentType") in (CONSENT_TYPE, FILE_INFO_TYPE):
            check_file_card(attachment)
        else:
            check_attachment(attachment)
    for entity in activity.get("entities") or ():
        if entity.get("type") == "mention":
            span = entity.get("text") or ""
            need(span.startswith("<at>") and span in text, f"the mention {span!r} is not in the message's text")
            need((entity.get("mentioned") or {}).get("id"), f"the mention {span!r} names nobody")
