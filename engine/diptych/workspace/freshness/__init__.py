"""Whether an index is fresh, and bringing it up to date before it is answered from. See docs/freshness.md.

    from diptych.workspace.freshness import Policy, ensure_fresh

    ensured = ensure_fresh(Policy.AUTO, "repository/.diptych")
    if ensured.warning:
        print(ensured.warning, file=sys.stderr)

Gathering (`gather`) reads, and decides nothing; judging (`judge`) decides, and reads nothing.
"""

from typing import TYPE_CHECKING

from diptych.lazy import attributes

if TYPE_CHECKING:
    from diptych.workspace.freshness.checks import Code, Outcome, Reason
    from diptych.workspace.freshness.ensure import (
        Ensured,
        Options,
        check,
        command_by_hand,
        ensure_fresh,
        hide_from_git,
        unchanged,
        update,
    )
    from diptych.workspace.freshness.errors import FreshnessError, StaleIndexError, UpdateFailedError
    from diptych.workspace.freshness.evidence import Account, Differences, Evidence, GitNow, Problem
    from diptych.workspace.freshness.forking import Forked, fork_for_worktree, other_work_trees, store_below
    from diptych.workspace.freshness.gathering import Gathered, gather, recorded_settings, repository_of
    from diptych.workspace.freshness.policy import Action, Busy, Policy, decide
    from diptych.workspace.freshness.seeding import Basis, basis_of, seed
    from diptych.workspace.freshness.verdict import Kind, Test, Verdict, judge

__getattr__ = attributes(
    __name__,
    {
        "diptych.workspace.freshness.checks": ("Code", "Outcome", "Reason"),
        "diptych.workspace.freshness.ensure": (
            "Ensured",
            "Options",
            "check",
            "command_by_hand",
            "ensure_fresh",
            "hide_from_git",
            "unchanged",
            "update",
        ),
        "diptych.workspace.freshness.errors": ("FreshnessError", "StaleIndexError", "UpdateFailedError"),
        "diptych.workspace.freshness.evidence": (
            "Account",
            "Differences",
            "Evidence",
            "GitNow",
            "Problem",
        ),
        "diptych.workspace.freshness.forking": (
            "Forked",
            "fork_for_worktree",
            "other_work_trees",
            "store_below",
        ),
        "diptych.workspace.freshness.gathering": ("Gathered", "gather", "recorded_settings", "repository_of"),
        "diptych.workspace.freshness.policy": ("Action", "Busy", "Policy", "decide"),
        "diptych.workspace.freshness.seeding": ("Basis", "basis_of", "seed"),
        "diptych.workspace.freshness.verdict": ("Kind", "Test", "Verdict", "judge"),
    },
)

__all__ = [
    "Account",
    "Action",
    "Basis",
    "Busy",
    "Code",
    "Differences",
    "Ensured",
    "Evidence",
    "Forked",
    "FreshnessError",
    "Gathered",
    "GitNow",
    "Kind",
    "Options",
    "Outcome",
    "Policy",
    "Problem",
    "Reason",
    "StaleIndexError",
    "Test",
    "UpdateFailedError",
    "Verdict",
    "basis_of",
    "check",
    "command_by_hand",
    "decide",
    "ensure_fresh",
    "fork_for_worktree",
    "gather",
    "hide_from_git",
    "judge",
    "other_work_trees",
    "recorded_settings",
    "repository_of",
    "seed",
    "store_below",
    "unchanged",
    "update",
]
