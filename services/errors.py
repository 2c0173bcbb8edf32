"""How the services say no: with a key and facts, never with a sentence (sentences live in cards/)."""

import traceback
from collections.abc import Mapping
from pathlib import PurePath


class Refused(Exception):
    """The request cannot be done, and asking again unchanged will not help.

    `key` names the sentence (`email_differs`), `field` the input it stands beside (None: above the form), `facts`
    fills the sentence's placeholders.
    """

    def __init__(self, key: str, field: str | None = None, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.field = field
        self.facts: Mapping[str, object] = facts


class Unavailable(Exception):
    """An outside service did not do it now; later may be different.

    `retry_after` is in seconds, when the service said so. `ambiguous` is true when the effect may nevertheless have
    happened (timeout, connection cut after sending): whoever repeats must look first.
    """

    def __init__(self, key: str, *, retry_after: float | None = None, ambiguous: bool = False) -> None:
        super().__init__(key)
        self.key = key
        self.retry_after = retry_after
        self.ambiguous = ambiguous


def trace(fault: BaseException) -> str:
    """Type and place of an error, for a log: its message may quote what a person typed."""
    frame = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__} at {PurePath(frame.filename).name}:{frame.lineno}"
