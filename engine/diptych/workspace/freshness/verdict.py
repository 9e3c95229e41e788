"""The verdict on an index: a pure function of the evidence. Same evidence, same verdict.

`CHECKS` is the procedure, one row for each check, cheapest first; `judge` goes through it once. What each row
asks, and how it answers, is in `checks`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from diptych.values import Value
from diptych.workspace.freshness import checks
from diptych.workspace.freshness.checks import Answer, Code, Outcome, Reason
from diptych.workspace.freshness.evidence import Account, Evidence


class Kind(Enum):
    """What an index is."""

    FRESH = "fresh"
    MISSING = "missing"
    STALE = "stale"
    INCOMPATIBLE = "incompatible"
    CORRUPT = "corrupt"
    LOCKED = "locked"
    """Stale, and another process holds the writer's lock."""
    BUILDING = "building"
    """Incomplete, and another process is writing it."""


class Role(Enum):
    """What the answer of a check does to the verdict."""

    STOPS = "if it fails, nothing else can be compared, and only the writer is asked for"
    DECIDES = "if it fails, the index is not fresh; later checks add their reasons"
    TELLS = "it never fails; what it tells goes with the reasons of those that do"
    ALWAYS = "as TELLS, and made of every index that is not fresh"


class Check(NamedTuple):
    """One row: its name, the field of the evidence that it needs, how it answers, and what follows.

    A field that is None was not looked at: the answer is unknown.
    """

    name: str
    needs: str
    answer: Callable[[Evidence, Any], Answer]
    role: Role


CHECKS = (
    Check("store", "store", checks.store, Role.STOPS),
    Check("account", "account", checks.account, Role.STOPS),
    Check("repository", "root", checks.repository, Role.STOPS),
    Check("indexer", "indexer", checks.indexer, Role.DECIDES),
    Check("settings", "settings", checks.settings, Role.DECIDES),
    Check("commit", "git", checks.commit, Role.TELLS),
    Check("branch", "git", checks.branch, Role.TELLS),
    Check("git index", "git", checks.git_index, Role.TELLS),
    Check("dirty", "git", checks.dirty, Role.TELLS),
    Check("untracked", "git", checks.untracked, Role.TELLS),
    Check("count", "differences", checks.count, Role.TELLS),
    Check("content", "differences", checks.content, Role.DECIDES),
    Check("writer", "writer_pid", checks.writer, Role.ALWAYS),
)


class Test(Value):
    """The outcome of one check as it is shown, and what was seen."""

    __test__ = False  # not one of pytest's

    name: str
    outcome: Outcome
    detail: str = ""


class Verdict(Value):
    """What the index is, why, and by which tests."""

    kind: Kind
    reasons: tuple[Reason, ...] = ()
    tests: tuple[Test, ...] = ()

    @property
    def fresh(self) -> bool:
        """Whether the index says of every file what indexing it now would say."""
        return self.kind is Kind.FRESH

    def sentence(self) -> str:
        """The verdict and its reasons in one line, without a full stop."""
        why = "; ".join(reason.text for reason in self.reasons)
        return f"the index is {self.kind.value}" + (f": {why}" if why else "")


def judge(evidence: Evidence) -> Verdict:
    """The verdict on what was gathered."""
    reasons: list[Reason] = []
    tests: list[Test] = []
    failed = stopped = False
    for check in CHECKS:
        always = check.role is Role.ALWAYS
        answer = _answer(check, evidence) if always or not stopped else checks.UNKNOWN
        reasons += answer.reasons
        # The first that fails is shown; those after it only add their reasons.
        shown = answer if always or not failed else checks.UNKNOWN
        tests.append(Test(check.name, shown.outcome, shown.seen))
        if answer.outcome is Outcome.FAILED:
            failed, stopped = True, stopped or check.role is Role.STOPS
    if not failed:
        return Verdict(Kind.FRESH, (), tuple(tests))
    reasons.sort(key=lambda reason: _PLACES[reason.code])
    return Verdict(_kind(reasons[0], evidence), tuple(reasons), tuple(tests))


def decided(evidence: Evidence) -> bool:
    """Whether what was gathered so far is enough for a verdict: something failed."""
    return not judge(evidence).fresh


def _answer(check: Check, evidence: Evidence) -> Answer:
    needed = getattr(evidence, check.needs)
    return checks.UNKNOWN if needed is None else check.answer(evidence, needed)


def _kind(first: Reason, evidence: Evidence) -> Kind:
    """What an index that is not fresh is, by its first reason and by whether another process writes to it."""
    kind = _KINDS.get(first.code, Kind.STALE)
    if not evidence.writer_pid or kind in (Kind.INCOMPATIBLE, Kind.CORRUPT):
        return kind
    # Without an account of a finished run, or with commits that none accounts for, records are missing.
    partial = kind is Kind.MISSING or evidence.account is not Account.COMPLETE
    return Kind.BUILDING if partial else Kind.LOCKED


_PLACES = {code: place for place, code in enumerate(Code)}
_KINDS = {
    Code.MISSING: Kind.MISSING,
    Code.INCOMPATIBLE: Kind.INCOMPATIBLE,
    Code.CORRUPT: Kind.CORRUPT,
}
