"""What /metrics shows (Prometheus). Labels are keys from the code: nobody's name, address or id."""

import time
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from services.backlog import Backlog


class Metrics:
    """The program's numbers, in a registry of its own.

    What is counted in the database (`stands`) is the same in every replica: look at the greatest, not at the sum.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        turns = Counter("passerelle_turns", "Turns handled", ["kind", "outcome"], registry=registry)
        seconds = Histogram(
            "passerelle_turn_seconds", "From a turn let in to its answer, in seconds", ["kind"], registry=registry
        )
        self._turns, self._seconds = cache(turns.labels), cache(seconds.labels)  # each turn would look them up
        self._refusals = Counter("passerelle_refusals", "Requests turned away", ["reason"], registry=registry)
        self._busy = Counter(
            "passerelle_graph_busy", "Calls Graph did not do: throttled, down, no token", ["reason"], registry=registry
        )
        self._effects = Gauge(
            "passerelle_outbox_effects",
            "Effects owed (due, running) or given up (parked)",
            ["state"],
            registry=registry,
        )
        self._late = Gauge(
            "passerelle_outbox_late_seconds",
            "For how long the effect that waits longest could have run",
            registry=registry,
        )
        self._pending = Gauge(
            "passerelle_pending", "What is waited for: acceptances of guests, approvals", ["what"], registry=registry
        )
        self._counted = Gauge(
            "passerelle_counted_timestamp_seconds", "When the database was last counted", registry=registry
        )

    def turned(self, kind: str, seconds: float, answered: bool) -> None:
        """One turn done (`bot.handler.Handler`'s on_turn)."""
        self._turns(kind, "answered" if answered else "failed").inc()
        self._seconds(kind).observe(seconds)

    def refused(self, reason: str) -> None:
        """One request turned away (`bot.door.Door`'s on_refusal)."""
        self._refusals.labels(reason).inc()

    def busy(self, reason: str) -> None:
        """One call Graph did not do (`services.graph.Graph`'s on_busy)."""
        self._busy.labels(reason).inc()

    def stands(self, backlog: "Backlog") -> None:
        """What the database counts now."""
        for state, count in backlog.effects.items():
            self._effects.labels(state).set(count)
        self._late.set(backlog.late)
        for what, count in backlog.pending.items():
            self._pending.labels(what).set(count)
        self._counted.set(time.time())
