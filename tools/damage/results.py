"""Results of a campaign as JSON and as a table; shared by the campaigns."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_DETAILS_MOST = 50


class Tally:
    """Counts by kind and outcome, and the first violations in full."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.violations: list[dict[str, Any]] = []
        self.violation_count = 0

    def add(self, kind: str, outcome: str) -> None:
        """Count one."""
        self.counts.setdefault(kind, Counter())[outcome] += 1

    def violation(self, **facts: Any) -> None:
        """Remember one that must not happen."""
        self.violation_count += 1
        if len(self.violations) < _DETAILS_MOST:
            self.violations.append(facts)

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(counter.total() for counter in self.counts.values())

    def as_json(self) -> dict[str, Any]:
        """Counts, totals and violations."""
        outcomes: Counter[str] = Counter()
        for counter in self.counts.values():
            outcomes.update(counter)
        return {
            "total": self.total,
            "outcomes": dict(outcomes),
            "by_kind": {kind: dict(counter) for kind, counter in sorted(self.counts.items())},
            "violation_count": self.violation_count,
            "violations": self.violations,
        }


def write_json(path: str, results: Mapping[str, Any]) -> None:
    """Write results where a later program finds them."""
    if path:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1, default=str)
            file.write("\n")


def table(results: Mapping[str, Any]) -> str:
    """The counts as text: a row for each kind, a column for each outcome."""
    outcomes: Sequence[str] = sorted(results["outcomes"], key=lambda word: -results["outcomes"][word])
    rows = [["", *outcomes]]
    for kind, counts in results["by_kind"].items():
        rows.append([kind, *(f"{counts.get(word, 0):,}" for word in outcomes)])
    rows.append(["total", *(f"{results['outcomes'][word]:,}" for word in outcomes)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
