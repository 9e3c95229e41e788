"""What can happen to the coordinator, and the moves that follow: plain values.

An event of a build carries the build's number, so that a late one of a build that was superseded is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .states import IoError, LeafDamaged, Stage, State


class Trigger(StrEnum):
    """The kinds of event: the columns of the table of transitions."""

    SCAN_STARTED = "scan started"
    FILES_FOUND = "files found"
    SCAN_OVERDUE = "scan overdue"
    SCAN_COMPLETED = "scan completed"
    FILES_INDEXED = "files indexed"
    BUILD_COMPLETED = "build completed"
    PENDING_CHANGED = "pending changed"
    USAGE_REPORTED = "usage reported"
    WORKSPACE_CHANGED = "workspace changed"
    RECOVERY_ATTEMPTED = "recovery attempted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """`pending` counts what still waits once the changes this scan will see are taken off."""

    build: int
    pending: int
    trigger = Trigger.SCAN_STARTED


@dataclass(frozen=True, slots=True)
class FilesFound:
    build: int
    total: int
    trigger = Trigger.FILES_FOUND


@dataclass(frozen=True, slots=True)
class ScanOverdue:
    elapsed_ms: int
    trigger = Trigger.SCAN_OVERDUE


@dataclass(frozen=True, slots=True)
class ScanCompleted:
    build: int
    total: int
    trigger = Trigger.SCAN_COMPLETED


@dataclass(frozen=True, slots=True)
class FilesIndexed:
    build: int
    indexed: int
    trigger = Trigger.FILES_INDEXED


@dataclass(frozen=True, slots=True)
class BuildCompleted:
    build: int
    files: int
    symbols: int
    trigger = Trigger.BUILD_COMPLETED


@dataclass(frozen=True, slots=True)
class PendingChanged:
    """`noticed` tells a change that came in from one that was worked off."""

    pending: int
    noticed: bool
    trigger = Trigger.PENDING_CHANGED


@dataclass(frozen=True, slots=True)
class UsageReported:
    files: int
    symbols: int
    cache_bytes: int
    trigger = Trigger.USAGE_REPORTED


@dataclass(frozen=True, slots=True)
class WorkspaceChanged:
    """Folders were added or removed, or a file that decides what is indexed was changed."""

    what: str
    trigger = Trigger.WORKSPACE_CHANGED


@dataclass(frozen=True, slots=True)
class RecoveryAttempted:
    trigger = Trigger.RECOVERY_ATTEMPTED


@dataclass(frozen=True, slots=True)
class Failed:
    reason: IoError | LeafDamaged
    trigger = Trigger.FAILED


Event = (
    ScanStarted
    | FilesFound
    | ScanOverdue
    | ScanCompleted
    | FilesIndexed
    | BuildCompleted
    | PendingChanged
    | UsageReported
    | WorkspaceChanged
    | RecoveryAttempted
    | Failed
)


@dataclass(frozen=True, slots=True)
class Moved:
    """Another stage, reason or build was entered: to be counted and logged."""

    source: State
    target: State
    trigger: Trigger
    at_s: float

    @property
    def stages(self) -> tuple[Stage, Stage]:
        return self.source.stage, self.target.stage
