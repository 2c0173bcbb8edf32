"""Logs that name nobody. Our own lines say only what we wrote them to say; of anybody else's, and of an error, the place.

A library's message may quote a URL, a row or a header, and an error's message whatever was typed: neither is ever written.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import TextIO

OURS = ("bot", "cards", "dialogs", "manifest", "passerelle", "services")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS = ("text", "json")

_FRAMES = 8  # the innermost of each error

log = logging.getLogger("passerelle")


def configure(level: str = "INFO", form: str = "text", stream: TextIO | None = None) -> logging.Handler:
    """Write to `stream` (standard error) our lines from `level` on, and warnings of the libraries; gives the handler."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    return handler


def no_tracebacks() -> None:
    """What Python itself would print of an error that nobody caught goes to the log instead, without its message."""

    def uncaught(_kind: object, fault: BaseException, _trace: TracebackType | None) -> None:
        log.critical("uncaught", exc_info=fault)

    def in_thread(args: threading.ExceptHookArgs) -> None:
        log.critical("uncaught in a thread", exc_info=args.exc_value)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        log.error("ignored", exc_info=args.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_thread, unraisable


def places(fault: BaseException) -> str:
    """Each error of the chain, the last one first: its type, and where it went through, innermost first."""
    return "; from ".join(f"{type(one).__name__} at {_frames(one)}" for one in _chain(fault))


def _chain(fault: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = fault
    while one is not None and id(one) not in seen:
        yield one
        seen.add(id(one))
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _frames(fault: BaseException) -> str:
    frames = traceback.extract_tb(fault.__traceback__)[: -_FRAMES - 1 : -1]
    return " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames) or "?"


def _said(record: logging.LogRecord) -> str:
    ours = record.name.partition(".")[0] in OURS
    return record.getMessage() if ours else f"at {record.module}:{record.lineno}"


def _fault(record: logging.LogRecord) -> str | None:
    fault = record.exc_info[1] if record.exc_info else None
    return places(fault) if fault else None


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _Text(logging.Formatter):
    """One line a record."""

    def format(self, record: logging.LogRecord) -> str:
        fault = _fault(record)
        line = f"{_at(record)} {record.levelname} {record.name} {_said(record)}" + (f" [{fault}]" if fault else "")
        return line.replace("\n", "\\n").replace("\r", "\\r")


class _Json(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"at": _at(record), "level": record.levelname, "logger": record.name, "message": _said(record)}
        fault = _fault(record)
        return json.dumps(said | ({"fault": fault} if fault else {}), ensure_ascii=False)
