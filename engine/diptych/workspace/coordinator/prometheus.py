"""The counts as Prometheus metrics. Needs the `metrics` extra: `pip install 'diptych[metrics]'`.

    REGISTRY.register(CoordinatorCollector(coordinator))

The counts are read when they are scraped, so they cost nothing between two scrapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from diptych.errors import CallerError

from .coordinator import Coordinator
from .metrics import Snapshot
from .states import REASON_NAMES, Degraded, Stage

if TYPE_CHECKING:
    from prometheus_client import Metric

_Samples = Mapping[tuple[str, ...], float]
_Family = tuple[str, str, tuple[str, ...], _Samples]
"""Name without its prefix, what it counts, names of labels, and a value for each tuple of labels."""


class CoordinatorCollector:
    """A custom collector over one coordinator. Raises CallerError where prometheus-client is missing."""

    def __init__(self, coordinator: Coordinator, *, prefix: str = "diptych_coordinator") -> None:
        try:
            from prometheus_client import core
        except ImportError as error:
            raise CallerError(
                "Prometheus metrics need the package prometheus-client.",
                advice="Install it with: pip install 'diptych[metrics]'.",
            ) from error
        self._core = core
        self._coordinator = coordinator
        self._prefix = prefix

    def collect(self) -> Iterator[Metric]:
        """Every metric, as of now."""
        snapshot = self._coordinator.metrics()
        for name, what, labels, samples in _gauges(snapshot):
            gauge = self._core.GaugeMetricFamily(f"{self._prefix}_{name}", what, labels=labels)
            for values, value in samples.items():
                gauge.add_metric(values, value)
            yield gauge
        for name, what, labels, samples in _counters(snapshot):
            counter = self._core.CounterMetricFamily(f"{self._prefix}_{name}", what, labels=labels)
            for values, value in samples.items():
                counter.add_metric(values, value)
            yield counter


def _gauges(snapshot: Snapshot) -> Iterable[_Family]:
    stage = snapshot.state.stage
    reason = snapshot.state.reason.name if isinstance(snapshot.state, Degraded) else ""
    return (
        ("stage", "1 for the stage the index is in.", ("stage",), {(s,): float(s is stage) for s in Stage}),
        ("reason", "1 for why degraded.", ("reason",), {(n,): float(n == reason) for n in REASON_NAMES}),
        ("files", "Files in the store.", (), {(): snapshot.files}),
        ("symbols", "Symbols in the store.", (), {(): snapshot.symbols}),
        ("pending_parses", "Changed files that wait to be parsed.", (), {(): snapshot.pending}),
    )


def _counters(snapshot: Snapshot) -> Iterable[_Family]:
    exits = snapshot.early_exits.items()
    seconds: _Samples = {(stage,): value for stage, value in snapshot.seconds_in.items()}
    transitions: _Samples = {(a, b): count for (a, b), count in snapshot.transitions.items()}
    triggers: _Samples = {(trigger,): count for trigger, count in snapshot.triggers.items()}
    exit_counts: _Samples = {(reason,): early.count for reason, early in exits}
    exit_seconds: _Samples = {(reason,): early.elapsed_ms_total / 1000 for reason, early in exits}
    return (
        ("stage_seconds", "Time spent in each stage.", ("stage",), seconds),
        ("transitions", "Moves between stages.", ("source", "target"), transitions),
        ("events", "Events accepted.", ("trigger",), triggers),
        ("refused_transitions", "Events that the table refused.", (), {(): snapshot.refused}),
        ("early_exits", "Pieces of work ended early.", ("reason",), exit_counts),
        ("early_exit_seconds", "Time spent in work ended early.", ("reason",), exit_seconds),
        ("changes_noticed", "Changes of files noticed.", (), {(): snapshot.changes_noticed}),
        ("parses_completed", "Pending parses completed.", (), {(): snapshot.parses_completed}),
        ("files_indexed", "Files indexed by builds.", (), {(): snapshot.files_indexed}),
    )
