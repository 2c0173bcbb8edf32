"""Ports for bots that are killed and started again."""

from contextlib import closing
from pathlib import Path
from socket import socket

import pytest

from practice.ports import free_port

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_each_is_another_and_can_be_listened_on() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    for port in ports[:3]:
        with closing(socket()) as one:
            one.bind(("127.0.0.1", port))


def test_one_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket()) as taken:
        taken.bind(("127.0.0.1", free_port()))
        monkeypatch.setattr("practice.ports._PORTS", iter((taken.getsockname()[1], free_port())))
        assert free_port() != taken.getsockname()[1]


@pytest.mark.skipif(not RANGE.exists(), reason="only Linux tells its range")
def test_none_is_one_that_an_outgoing_connection_may_get() -> None:
    first, last = map(int, RANGE.read_text().split())
    assert not any(first <= free_port() <= last for _ in range(50))
