"""The part of OData that Graph's directory understands here: $filter, $select, $top and opaque page tokens."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w/]*)|([(),:]))")
_MAX_CLAUSES = 15


class Malformed(ValueError):
    """Graph refuses the query. `code` is the error code it answers with status 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def compile_filter(text: str, properties: Sequence[str], *, clauses: int = _MAX_CLAUSES) -> Test:
    """The predicate a $filter means: `eq`, `in`, `any(x:x eq …)`, `startswith`, `and`, `or`, parentheses.

    More than `clauses` comparisons, an unknown property or broken syntax: Malformed. Strings compare without case.
    """
    return _Filter(text, properties, clauses).whole()


class _Filter:
    def __init__(self, text: str, properties: Sequence[str], clauses: int) -> None:
        self._tokens = self._split(text)
        self._properties = properties
        self._left = clauses

    @staticmethod
    def _split(text: str) -> list[str]:
        tokens, position = [], 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise Malformed("BadRequest", f"Invalid filter clause: Syntax error at position {position}.")
            tokens.append(match.group().strip())
            position = match.end()
        return tokens

    def _take(self, expected: str = "") -> str:
        token = self._tokens.pop(0) if self._tokens else ""
        if not token or (expected and token != expected):
            raise Malformed("BadRequest", "Invalid filter clause: Syntax error.")
        return token

    def _next(self, *wanted: str) -> bool:
        return bool(self._tokens) and self._tokens[0] in wanted

    def whole(self) -> Test:
        test = self._either()
        if self._tokens:
            raise Malformed("BadRequest", "Invalid filter clause: Syntax error.")
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._next("or"):
            self._take()
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._next("and"):
            self._take()
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._next("("):
            self._take()
            test = self._either()
            self._take(")")
            return test
        name = self._take()
        if name == "startswith":
            self._take("(")
            prop = self._property(self._take())
            self._take(",")
            start = self._value()
            self._take(")")
            return lambda row: _folded(row[prop]).startswith(start)
        if name.endswith("/any"):
            return self._any(self._property(name.removesuffix("/any")))
        prop = self._property(name)
        values = self._values()
        return lambda row: _folded(row[prop]) in values

    def _any(self, prop: str) -> Test:
        self._take("(")
        variable = self._take()
        self._take(":")
        self._take(variable)
        values = self._values()
        self._take(")")
        return lambda row: any(_folded(item) in values for item in row[prop])

    def _values(self) -> set[str]:
        if self._next("eq"):
            self._take()
            return {self._value()}
        self._take("in")
        self._take("(")
        values = {self._value()}
        while self._next(","):
            self._take()
            values.add(self._value())
        self._take(")")
        return values

    def _value(self) -> str:
        token = self._take()
        self._left -= 1
        if self._left < 0:
            raise Malformed(
                "Request_UnsupportedQuery",
                f"Too many child clauses specified in search filter expression. Max allowed: {_MAX_CLAUSES}.",
            )
        if token.startswith("'"):
            return token[1:-1].replace("''", "'").casefold()
        if token in ("null", "true", "false"):
            return token
        raise Malformed("BadRequest", "Invalid filter clause: A literal was expected.")

    def _property(self, name: str) -> str:
        if name not in self._properties:
            raise Malformed(
                "BadRequest",
                f"Invalid filter clause: Could not find a property named '{name}' on type 'microsoft.graph.user'.",
            )
        return name


def _folded(value: object) -> str:
    return "null" if value is None else str(value).casefold()


def selected(query: Mapping[str, str], properties: Sequence[str], default: Sequence[str]) -> list[str]:
    """The properties $select asks for; Malformed for one the type has not."""
    if "$select" not in query:
        return list(default)
    names = [name.strip() for name in query["$select"].split(",")]
    for name in names:
        if name not in properties:
            raise Malformed(
                "BadRequest",
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type"
                " 'microsoft.graph.user'.",
            )
    return names


def top(query: Mapping[str, str], default: int) -> int:
    """$top, from 1 to 999; Malformed outside."""
    text = query.get("$top", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= 999:
        raise Malformed("BadRequest", "Invalid page size specified. Must be between 1 and 999 inclusive.")
    return int(text)


def pack(value: Mapping[str, Any]) -> str:
    """An opaque token a client gives back unread."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unpack(token: str) -> dict[str, Any]:
    """What `pack` was given; Malformed for anything else."""
    try:
        value = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Malformed("BadRequest", "Invalid token.")
    return value
