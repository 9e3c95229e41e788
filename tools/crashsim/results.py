"""What a campaign found, as values that become JSON and the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

FORMAT = 1


@dataclass(slots=True)
class Failure:
    """One failing state, as an example of `count` alike (same kind, same faults) in its run."""

    state: int
    kind: str
    message: str
    faults: tuple[str, ...]
    fates: list[str]
    calls: list[str]
    files: list[str]
    acked: int
    issued: int
    replay: str
    count: int = 1


@dataclass(slots=True)
class Run:
    """One recording under one model. `depth` is 0 for a workload, 1 for a recovery, 2 for a recovery's."""

    subject: str
    workload: str
    model: str
    depth: int = 0
    mode: str = "workload"
    recordings: int = 1
    steps: int = 0
    combinations: int = 0
    distinct: int = 0
    checked: int = 0
    failed: int = 0
    elapsed_s: float = 0.0
    refused: str = ""
    expected: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    faults_failed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    observations: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def violation(self) -> bool:
        """Whether something failed that was not expected to."""
        return bool(self.failed or self.refused) and not self.expected


@dataclass(slots=True)
class Campaign:
    """All runs of one invocation."""

    command: str
    seed: int
    runs: list[Run] = field(default_factory=list)
    elapsed_s: float = 0.0
    finished: bool = True

    @property
    def violations(self) -> int:
        """States (and refusals) that failed where none was expected to."""
        return sum(run.failed + bool(run.refused) for run in self.runs if run.violation)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them back."""
        runs = []
        for run in self.runs:  # not asdict: it takes a Counter for a list of pairs
            values = {item.name: getattr(run, item.name) for item in fields(run)}
            runs.append({**values, "failures": [asdict(failure) for failure in run.failures]})
        return {
            "format": FORMAT,
            "command": self.command,
            "seed": self.seed,
            "runs": runs,
            "elapsed_s": self.elapsed_s,
            "finished": self.finished,
        }


def from_json(values: dict[str, Any]) -> Campaign:
    """A campaign from what `to_json` gave."""
    runs = []
    for item in values["runs"]:
        counters = {
            name: Counter(item[name]) for name in ("faults", "faults_failed", "kinds", "observations")
        }
        failures = [Failure(**{**one, "faults": tuple(one["faults"])}) for one in item["failures"]]
        runs.append(Run(**{**item, **counters, "failures": failures}))
    return Campaign(values["command"], values["seed"], runs, values["elapsed_s"], values["finished"])
