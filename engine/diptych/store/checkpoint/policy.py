"""When a checkpoint is due, and what is kept. Pure."""

from __future__ import annotations

from typing import Literal

from diptych.errors import InvalidArgumentError
from diptych.values import Value

Durability = Literal["journal", "full", "buffered"]


class CheckpointPolicy(Value):
    """A checkpoint is due when any of these is reached.

    `changes` counts up to `changes_share` of the records where that is more: fewer and larger segments.
    """

    changes: int = 1_000
    """Changed records since the newest generation …"""
    changes_share: float = 0.05
    """… or this share of all records, whichever is more."""
    interval_s: float = 300.0
    """Seconds since the first change that is not in a generation."""
    journal_share: float = 1.0
    """Journal bytes since the newest generation, as a share of the snapshot's …"""
    journal_bytes_least: int = 64 * 1024 * 1024
    """… and never below this."""
    automatic: bool = True
    """Whether checkpoints happen by themselves, in a thread of the store."""
    keep_generations: int = 2
    """How many generations are kept; at least 2."""

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError."""
        # Each the right way round: a NaN compares as false, and is refused too.
        shares = self.changes_share >= 0 and self.journal_share >= 0 and self.journal_bytes_least >= 0
        limits = self.changes >= 1 and self.interval_s > 0
        if not (self.keep_generations >= 2 and limits and shares):
            raise InvalidArgumentError(
                "a checkpoint policy keeps 2 generations or more, and its limits are positive"
            )

    def due(self, *, changes: int, records: int, waited_s: float, journal: int, snapshot: int) -> bool:
        """Whether a checkpoint is due, `journal` and `snapshot` in bytes."""
        if not changes:
            return False
        return (
            changes >= max(self.changes, self.changes_share * records)
            or waited_s >= self.interval_s
            or journal >= max(self.journal_bytes_least, self.journal_share * snapshot)
        )
