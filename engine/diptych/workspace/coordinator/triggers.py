"""What time alone brings about, as pure functions: a scan that takes too long, a recovery that is due."""

from __future__ import annotations

from .events import Event, RecoveryAttempted, ScanOverdue
from .states import Degraded, IoError, LeafDamaged, ParseStorm, ResourceLimit, ScanTimeout, Stage
from .transitions import Core


def due(core: Core, now_s: float) -> Event | None:
    """The event that is due at `now_s`, or None."""
    due_s = next_due_s(core)
    if due_s is None or now_s < due_s:
        return None
    if core.scan_started_s is not None:
        return ScanOverdue(round((now_s - core.scan_started_s) * 1000))
    return RecoveryAttempted(by_hand=False)


def next_due_s(core: Core) -> float | None:
    """When an event will be due if nothing else happens before, in seconds of the clock; None for never."""
    state = core.state
    if state.stage is Stage.SCANNING:
        assert core.scan_started_s is not None
        return core.scan_started_s + core.limits.scan_timeout_ms / 1000.0
    if isinstance(state, Degraded):
        return _recovery_due_s(core, state)
    return None


def _recovery_due_s(core: Core, state: Degraded) -> float | None:
    limits = core.limits
    match state.reason:
        case ParseStorm(pending=0):
            return state.since_s  # all was parsed: only the scan is wanting
        case ParseStorm():
            return min(core.changed_s + limits.cooldown_s, state.since_s + limits.cooldown_max_s)
        case IoError() | LeafDamaged():
            # Capped before it is computed: a repository gone for a week must not overflow a float.
            doublings = min(max(core.failures - 1, 0), 32)
            return core.changed_s + min(limits.cooldown_s * 2.0**doublings, limits.cooldown_max_s)
        case ResourceLimit():
            return None  # another scan would find the same; updates continue, and the figures end this state
        case ScanTimeout():
            return None  # the scan still runs, and ends this state itself
