"""Cards are drawn by the event loop's thread while another one still compiles templates."""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cards import render
from cards.words import ROOM

THREADS = 4


class Litter:
    """Garbage at each collection, whose end lets other threads run, as that of a connection or of a temporary file does."""

    falls = True

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        if Litter.falls:
            Litter()
            time.sleep(0)


@pytest.fixture
def litter() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(20, 1, 1)
    Litter()
    yield
    Litter.falls = False
    gc.set_threshold(*before)


@pytest.mark.usefixtures("litter")
def test_templates_are_compiled_in_several_threads() -> None:
    """CPython 3.11 counts how deep it is in a syntax tree, for all threads together (python/cpython#106905)."""
    names = [render._name(file.relative_to(ROOM).as_posix()) for file in ROOM.rglob("*.json.j2")]
    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(render._template.__wrapped__, names * THREADS))
