"""What a handle has done since it was opened: totals, for a monitor that asks now and then."""

from __future__ import annotations

from diptych.values import Value


class StoreMetrics(Value):
    """Totals since the handle was opened. A reader commits nothing and publishes nothing."""

    commits: int
    """Transactions that were acknowledged."""
    changes: int
    """Records that they stored or removed."""
    journal_syncs: int
    """fsyncs of the journal; commits of several threads share one."""
    checkpoints: int
    """Generations that were published."""
    checkpoint_ms_total: float
    """How long that took, together …"""
    checkpoint_ms_last: float
    """… and the last time."""
    healed: int
    """Reads that found damage, and had their answer from the other store."""
