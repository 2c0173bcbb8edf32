"""Imports the program once, then forks a bot for each environment it reads: a real process, ready in a blink.

One line of JSON in (the whole environment), one line out (the child's process id). Run as a script, by tests.chaos.process.
"""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import kiota_http.observability_options  # noqa: F401 - what services.graph imports at its first use
import msgraph.graph_request_adapter
import msgraph.graph_service_client  # noqa: F401

import app


def main() -> None:
    """Fork until the input ends."""
    app.load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the children are nobody's to wait for
    _say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _live(json.loads(line))
        _say(child)


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _live(environment: dict[str, str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os._exit(app.main([]))


if __name__ == "__main__":
    main()
