"""What to do about a verdict: pure decisions.

    policy     fresh    stale, building, locked        missing              incompatible, corrupt
    auto       answer   update, then answer            build, then answer   refuse
    check      answer   answer, and say why not fresh  refuse               refuse
    never      (nothing is looked at)
    require    answer   refuse                         refuse               refuse

Two limits to `auto`. It builds nothing where nobody said that a folder is a repository. And where an update
could destroy what no run of the indexer made, or there is no repository to update from, it does as `check`.
"""

from __future__ import annotations

from enum import Enum

from diptych.workspace.freshness.checks import Code
from diptych.workspace.freshness.verdict import Kind, Verdict


class Policy(Enum):
    """How fresh an answer has to be."""

    AUTO = "auto"
    CHECK = "check"
    NEVER = "never"
    REQUIRE = "require"


class Busy(Enum):
    """What `auto` does when another process still writes after the timeout."""

    FAIL = "fail"
    ANSWER = "answer"
    """Answer from what is there, and say so."""


class Action(Enum):
    """What follows."""

    ANSWER = "answer"
    WARN = "answer, and say why it is not fresh"
    UPDATE = "update, then answer"
    REFUSE = "refuse"


def decide(verdict: Verdict, policy: Policy, *, may_build: bool) -> Action:
    """The action for a verdict. `may_build`: where there is no index, one may be made."""
    if verdict.fresh or policy is Policy.NEVER:
        return Action.ANSWER
    readable = verdict.kind in (Kind.STALE, Kind.LOCKED, Kind.BUILDING) and not _has(verdict, Code.MISSING)
    if policy is Policy.CHECK:
        return Action.WARN if readable else Action.REFUSE
    if policy is Policy.REQUIRE or verdict.kind in (Kind.INCOMPATIBLE, Kind.CORRUPT):
        return Action.REFUSE
    if _has(verdict, Code.MISSING):
        # Being made by another process: wait for that one.
        return Action.UPDATE if may_build or verdict.kind is Kind.BUILDING else Action.REFUSE
    beyond_us = _has(verdict, Code.UNACCOUNTED) or _has(verdict, Code.UNKNOWN_REPOSITORY)
    return Action.WARN if beyond_us else Action.UPDATE


def _has(verdict: Verdict, code: Code) -> bool:
    return any(reason.code is code for reason in verdict.reasons)
