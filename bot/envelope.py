"""From the bytes of a request to an activity whose every field that is read later has the type it is read as."""

import json
import math
import re
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

MAX_DEPTH = 32

Check = Callable[[Any], bool]


class Unreadable(Exception):
    """The body is not an activity. `reason` is `json`, `depth` or `shape`; it never quotes what was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(body: bytes) -> dict[str, Any]:
    """The activity in a request's body.

    Unknown fields are kept, whatever they hold: nothing later reads them. Raises Unreadable.
    """
    if _depth(body) > MAX_DEPTH:
        raise Unreadable("depth")
    try:
        text = body.decode()
        activity = _JSON.decode(text)
        if r"\u" in text:
            _check_escapes(text, activity)
    except ValueError:
        raise Unreadable("json") from None
    if not _well_formed(activity):
        raise Unreadable("shape")
    return dict(activity)


_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def _check_escapes(text: str, activity: Any) -> None:
    """ValueError for what is legal JSON, and what we could not keep."""
    if r"\ud" in text.lower():
        # Half a surrogate pair: no database, log or URL can hold it.
        json.dumps(activity, ensure_ascii=False).encode()
    if _NUL.search(text):
        raise ValueError("nul")  # nor can PostgreSQL hold this one, and no keyboard types it


_NUL = re.compile(r"(?<!\\)(?:\\\\)*+\\u0000")


def _depth(body: bytes) -> int:
    """How deep arrays and objects nest, counted without parsing: the parser itself would recurse."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    return max(accumulate(_STEP.get(token, 0) for token in _STRING_OR_BRACKET.findall(body)), default=0)


def _finite(number: str) -> float:
    """Python would read NaN, Infinity and 1e999, which no other JSON reader takes back."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("number")
    return value


_JSON = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _filled(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(check(row) for row in value)


def _object(fields: Mapping[str, Check]) -> Check:
    return lambda value: isinstance(value, dict) and all(check(value.get(name)) for name, check in fields.items())


_ANY_OBJECT = _object({})

_MENTION = _object({"text": _optional(_text), "mentioned": _object({"id": _text})})


def _entity(value: Any) -> bool:
    return _object({"type": _text})(value) and (value["type"] != "mention" or _MENTION(value))


FILE = "application/vnd.microsoft.teams.file.download.info"
_SENT_FILE = _object({"name": _optional(_text), "content": _object({"downloadUrl": _filled})})


def _attachment(value: Any) -> bool:
    """Teams attaches much that nobody reads, such as the text once more as HTML: only files are checked."""
    return _object({"contentType": _optional(_text)})(value) and (value.get("contentType") != FILE or _SENT_FILE(value))


_ACCOUNTS = _optional(_list_of(_object({"id": _filled})))

_ACTIVITY = _object(
    {
        "type": _filled,
        "id": _optional(_text),
        "name": _optional(_text),
        "action": _optional(_text),
        "text": _optional(_text),
        "locale": _optional(_text),
        "replyToId": _optional(_text),
        "serviceUrl": _filled,
        "channelId": _filled,
        "from": _object(
            {"id": _filled, "name": _optional(_text), "aadObjectId": _optional(_text), "tenantId": _optional(_text)}
        ),
        "recipient": _object({"id": _filled, "name": _optional(_text)}),
        "conversation": _object({"id": _filled, "conversationType": _optional(_text), "tenantId": _optional(_text)}),
        "channelData": _object(
            {
                "tenant": _optional(_object({"id": _optional(_text)})),
                "team": _optional(_object({"id": _optional(_text), "aadGroupId": _optional(_text)})),
            }
        ),
        "entities": _optional(_list_of(_entity)),
        "attachments": _optional(_list_of(_attachment)),
        "membersAdded": _ACCOUNTS,
        "membersRemoved": _ACCOUNTS,
    }
)

_TASK = _object({"data": _optional(_ANY_OBJECT)})

# Bodies of the invokes Teams sends: "Universal Actions for Adaptive Cards", "Use dialogs with bots", "Send and receive
# files through the bot" and "Dynamic typeahead search", learn.microsoft.com.
_INVOKE_VALUES: Mapping[str, Check] = {
    "task/fetch": _TASK,
    "task/submit": _TASK,
    "adaptiveCard/action": _object(
        {"action": _object({"verb": _optional(_text), "data": _optional(_ANY_OBJECT)}), "trigger": _optional(_text)}
    ),
    "fileConsent/invoke": _object(
        {
            "action": _text,
            "context": _optional(_object({"p": _optional(_object({"do": _optional(_text)}))})),
            "uploadInfo": _optional(
                _object(
                    {
                        "uploadUrl": _filled,
                        "name": _filled,
                        "contentUrl": _filled,
                        "uniqueId": _filled,
                        "fileType": _optional(_text),
                    }
                )
            ),
        }
    ),
    "application/search": _object(
        {
            "dataset": _optional(_text),
            "queryText": _optional(_text),
            "queryOptions": _optional(_object({"top": _optional(_number)})),
        }
    ),
}

_SUBMITTED_CARD = _optional(_object({"p": _optional(_object({"do": _optional(_text)}))}))


def _well_formed(activity: Any) -> bool:
    if not _ACTIVITY(activity):
        return False
    if activity["type"] == "message":
        return _SUBMITTED_CARD(activity.get("value"))
    if activity["type"] == "invoke":
        check = _INVOKE_VALUES.get(activity.get("name") or "")
        return check is None or check(activity.get("value"))
    return True
