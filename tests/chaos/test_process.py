"""A killed bot is dead when it holds nothing any more."""

import subprocess
import sys
from pathlib import Path

from tests.chaos.process import is_dead, state

LEADERLESS = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print("alive", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_is_dead_when_its_last_thread_is() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", LEADERLESS], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "alive\n"
        while state(Path(f"/proc/{process.pid}")) != "Z":
            pass
        assert not is_dead(process.pid)  # its other thread still holds its files and its sockets
        process.kill()
        while not is_dead(process.pid):
            pass
