"""How the services say no: with a key and facts, never with a sentence (sentences live in cards/)."""

from collections.abc import Mapping


class Refused(Exception):  # noqa: N818 - named for what happened, as every event here is
    """The request cannot be done, and asking again unchanged will not help.

    `key` names the sentence (`email_differs`), `field` the input it stands beside (None: above the form), `facts`
    fills the sentence's placeholders.
    """

    def __init__(self, key: str, field: str | None = None, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.field = field
        self.facts: Mapping[str, object] = facts


class Unavailable(Exception):  # noqa: N818
    """An outside service did not do it now; later may be different.

    `retry_after` is in seconds, when the service said so. `ambiguous` is true when the effect may nevertheless have
    happened (timeout, connection cut after sending): whoever repeats must look first.
    """

    def __init__(self, key: str, *, retry_after: float | None = None, ambiguous: bool = False) -> None:
        super().__init__(key)
        self.key = key
        self.retry_after = retry_after
        self.ambiguous = ambiguous
