"""What the coordinator can be in: three states, each an immutable value that a reader may keep.

Times (`since_s`) are seconds of the coordinator's monotonic clock, not of the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal


class Phase(IntEnum):
    """How far a build has come. Within one build it only rises."""

    IDLE = 0
    SCANNING = 1
    INDEXING = 2


class Stage(StrEnum):
    """The name of a state, with the phases of Building kept apart: the rows of the table."""

    IDLE = "building/idle"
    SCANNING = "building/scanning"
    INDEXING = "building/indexing"
    READY = "ready"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class ParseStorm:
    """More files changed than are worth parsing one by one; `pending` is how many wait."""

    pending: int

    name = "parse_storm"

    def __str__(self) -> str:
        return f"parse storm: {self.pending} changed files wait"


@dataclass(frozen=True, slots=True)
class IoError:
    """Reading the repository or writing the store failed."""

    message: str

    name = "io_error"

    def __str__(self) -> str:
        return f"input/output error: {self.message}"


@dataclass(frozen=True, slots=True)
class ScanTimeout:
    """The scan takes longer than allowed. It continues, and its completion ends this state."""

    elapsed_ms: int

    name = "scan_timeout"

    def __str__(self) -> str:
        return f"the scan has taken {self.elapsed_ms} ms and is not complete"


@dataclass(frozen=True, slots=True)
class ResourceLimit:
    """The index is larger than its limits. It is complete all the same, and kept up to date."""

    files: int
    symbols: int
    cache_bytes: int
    exceeded: tuple[str, ...]

    name = "resource_limit"

    def __str__(self) -> str:
        over = ", ".join(self.exceeded)
        return (
            f"over the limit of {over}: {self.files} files, {self.symbols} symbols, "
            f"{self.cache_bytes} bytes of cache"
        )


@dataclass(frozen=True, slots=True)
class LeafDamaged:
    """The snapshot, the search index or the journal does not hold what was written to it."""

    leaf: Literal["snapshot", "search", "journal", "store"]
    message: str

    name = "leaf_damaged"

    def __str__(self) -> str:
        return f"the {self.leaf} is damaged: {self.message}"


@dataclass(frozen=True, slots=True)
class NoKeeper:
    """Nobody keeps the index up to date. Only a keeper's clients see this: no coordinator runs."""

    message: str

    name = "no_keeper"

    def __str__(self) -> str:
        return f"no keeper: {self.message}"


Reason = ParseStorm | IoError | ScanTimeout | ResourceLimit | LeafDamaged | NoKeeper

REASON_NAMES = tuple(reason.name for reason in (ParseStorm, IoError, ScanTimeout, ResourceLimit, LeafDamaged))


@dataclass(frozen=True, slots=True)
class Building:
    """A build is under way. While scanning, `total` counts the files found so far."""

    phase: Phase
    indexed: int
    total: int
    since_s: float

    def __post_init__(self) -> None:
        assert 0 <= self.indexed <= self.total, (self.indexed, self.total)

    @property
    def stage(self) -> Stage:
        return _STAGE_OF_PHASE[self.phase]


@dataclass(frozen=True, slots=True)
class Ready:
    """A scan was completed and all that it found is indexed: answers are complete."""

    symbols: int
    files: int
    since_s: float

    @property
    def stage(self) -> Stage:
        return Stage.READY


@dataclass(frozen=True, slots=True)
class Degraded:
    """Answers may be partial, for `reason`; `symbols` are still available."""

    reason: Reason
    symbols: int
    since_s: float

    @property
    def stage(self) -> Stage:
        return Stage.DEGRADED


State = Building | Ready | Degraded

_STAGE_OF_PHASE = {
    Phase.IDLE: Stage.IDLE,
    Phase.SCANNING: Stage.SCANNING,
    Phase.INDEXING: Stage.INDEXING,
}
