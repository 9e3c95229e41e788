"""The coordinator of a long-running server: states, limits, recovery. See docs/coordinator.md."""

from __future__ import annotations

from .coordinator import Coordinator, CoordinatorThread
from .host import Host, Totals
from .limits import EarlyExit, ExitReason, Limits
from .metrics import Snapshot, describe
from .states import (
    Building,
    Degraded,
    IoError,
    LeafDamaged,
    NoKeeper,
    ParseStorm,
    Phase,
    Ready,
    ResourceLimit,
    ScanTimeout,
    Stage,
    State,
)

__all__ = [
    "Building",
    "Coordinator",
    "CoordinatorThread",
    "Degraded",
    "EarlyExit",
    "ExitReason",
    "Host",
    "IoError",
    "LeafDamaged",
    "Limits",
    "NoKeeper",
    "ParseStorm",
    "Phase",
    "Ready",
    "ResourceLimit",
    "ScanTimeout",
    "Snapshot",
    "Stage",
    "State",
    "Totals",
    "describe",
]
