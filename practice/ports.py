"""Ports for programs that are started, killed and started again on this machine."""

import random
from contextlib import closing
from itertools import chain, cycle, islice
from socket import socket

_FIRST, _END = 20_000, 32_768  # Linux gives outgoing connections those from 32768 on (ip_local_port_range)
_START = random.randrange(_FIRST, _END)
_PORTS = cycle(chain(range(_START, _END), range(_FIRST, _START)))


def free_port() -> int:
    """A port nobody listens on, and which this process has not been given for long.

    None of those that outgoing connections get: one of these may take it between a kill and the next start. Even a connection
    to it may: as long as nobody listens, the system may give a caller the very port that is called, who then calls themself.
    """
    for port in islice(_PORTS, _END - _FIRST):
        with closing(socket()) as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port")
