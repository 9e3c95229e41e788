"""What verify, repair and recovery say: findings, each with where it is and what to do."""

from __future__ import annotations

from enum import Enum

from diptych.values import Value, field

UNDECODABLE = "record-undecodable"
"""The kind of a finding about a record that no copy and no repair can help: it was written like that."""


class Severity(Enum):
    """How bad a finding is."""

    NOTE = "note"
    """Nothing is wrong; something was done or is left over."""
    WARNING = "warning"
    """Something is damaged, and all can still be read: the next checkpoint or `repair` mends it."""
    ERROR = "error"
    """The store cannot be opened, or something may be lost, until `repair` has run."""


class Finding(Value):
    """One thing found. `kind` is a stable word for programs; `advice` says what to do."""

    kind: str
    where: str
    severity: Severity
    message: str
    advice: str = ""


class Report(Value, frozen=False):
    """What was found, and after a repair what came of it."""

    path: str
    findings: list[Finding] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    """What was done, or with `dry_run` would be, in order."""
    mended_from: str = ""
    """What a repair rebuilt the rest from: "snapshot", "search" or "journal"; "" where nothing was."""
    given_up: list[str] = field(default_factory=list)
    """What a repair could not bring back: paths and LSN ranges, a sentence each."""
    lsn: int = 0
    """The newest LSN that can be read."""

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    def add(self, kind: str, where: str, severity: Severity, message: str, advice: str = "") -> None:
        """Append a finding."""
        self.findings.append(Finding(kind, where, severity, message, advice))
