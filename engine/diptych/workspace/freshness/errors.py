"""What `ensure_fresh` raises, besides what opening the store raises.

    FreshnessError (DiptychError)
    ├── StaleIndexError     the index is not fresh, and the policy or the place forbids to answer from it
    └── UpdateFailedError   bringing it up to date failed; its cause is what failed

The index is as it was, or further on the way: what was committed stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diptych.errors import DiptychError

if TYPE_CHECKING:
    from diptych.workspace.freshness.verdict import Verdict


class FreshnessError(DiptychError):
    """The index cannot be answered from; `verdict` says what it is."""

    code = "freshness"
    default_advice = "run `diptych index`"

    def __init__(self, message: str, *, verdict: Verdict, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.verdict = verdict


class StaleIndexError(FreshnessError):
    """The index is not fresh, and was not to be, or could not be, brought up to date."""

    code = "stale-index"
    exit_code = 6


class UpdateFailedError(FreshnessError):
    """Bringing the index up to date failed; the exit code is that of what failed."""

    code = "update-failed"

    def __init__(self, message: str, *, verdict: Verdict, cause: BaseException, advice: str = "") -> None:
        super().__init__(message, verdict=verdict, advice=advice)
        if isinstance(cause, DiptychError):
            self.exit_code = cause.exit_code
