"""What the checks of an index ask and answer: a pure function of the evidence for each row of `CHECKS`.

Each is given the evidence, and the field of it that its row names, which is never None.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from diptych.values import Value
from diptych.workspace.freshness.evidence import (
    Account,
    Differences,
    Evidence,
    GitNow,
    Problem,
    StoreFound,
)

# The settings that decide what a run makes of a repository; the others only how it goes about it.
DECISIVE_SETTINGS = ("max_file_bytes", "exclude", "redact")
_SHOWN_PATHS = 3


class Code(Enum):
    """The reasons there are, in the order in which a verdict gives them."""

    MISSING = "missing"
    INCOMPATIBLE = "incompatible"
    CORRUPT = "corrupt"
    UNACCOUNTED = "unaccounted"
    """Records that no run of the indexer accounts for: another program's, perhaps."""
    INCOMPLETE = "incomplete"
    UNKNOWN_REPOSITORY = "unknown repository"
    INDEXER_CHANGED = "indexer changed"
    SETTINGS_CHANGED = "settings changed"
    STORE_MOVED_ON = "store moved on"
    BRANCH_CHANGED = "branch changed"
    COMMIT_CHANGED = "commit changed"
    FILES_CHANGED = "files changed"
    FILES_NEW = "files new"
    FILES_GONE = "files gone"
    FILES_UNREAD = "files unread"
    BEING_WRITTEN = "being written"


class Reason(Value):
    """Why, in a sentence without its full stop; `paths` are those it is about."""

    code: Code
    text: str
    paths: tuple[str, ...] = ()


class Outcome(Enum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    TOLD = "told"
    """A difference that decides nothing by itself."""
    SKIPPED = "not made"


class Answer(NamedTuple):
    """What a check answers: PASSED for fresh, FAILED for stale, SKIPPED for unknown."""

    outcome: Outcome
    seen: str = ""
    reasons: tuple[Reason, ...] = ()


UNKNOWN = Answer(Outcome.SKIPPED)

_PROBLEMS = {
    Problem.MISSING: Code.MISSING,
    Problem.INCOMPATIBLE: Code.INCOMPATIBLE,
    Problem.CORRUPT: Code.CORRUPT,
}


def store(_evidence: Evidence, found: StoreFound) -> Answer:
    """Is there a store, of a format and schema that can be read, and intact?"""
    if found.problem is None:
        return _fresh(f"{found.records:,} files at LSN {found.lsn:,}")
    return _stale(found.message, Reason(_PROBLEMS[found.problem], found.message))


def account(evidence: Evidence, found: Account) -> Answer:
    """Did a run of the indexer ever finish here?"""
    finished = f"a run finished at LSN {evidence.recorded.lsn:,}"
    match found:
        case Account.COMPLETE:
            return _fresh(finished)
        case Account.LAGGING:
            return _fresh(f"{finished}, and more was committed since")
        case Account.BEGUN:
            code, seen = Code.INCOMPLETE, "the first run of the indexer has not ended"
        case Account.WORTHLESS:
            code, seen = Code.INCOMPLETE, "the indexer's facts are damaged, or not of this state of the store"
        case Account.NONE:
            # A store that was made, and nothing written to it yet, is as good as none.
            code = Code.UNACCOUNTED if evidence.store.records else Code.MISSING
            seen = "no run of the indexer was ever finished here"
    return _stale(seen, Reason(code, seen))


def repository(evidence: Evidence, root: str) -> Answer:
    """Is it known which repository this is an index of, and can it be read?"""
    seen = evidence.root_problem or root or "none is known for this store"
    if root and not evidence.root_problem:
        return _fresh(seen)
    return _stale(seen, Reason(Code.UNKNOWN_REPOSITORY, f"the repository cannot be looked at ({seen})"))


def indexer(evidence: Evidence, now: Mapping[str, str]) -> Answer:
    """Are the indexer and the grammars those that made the records?"""
    before = evidence.recorded.indexer
    changed = ", ".join(
        f"{name} {_then_and_now(before.get(name), now.get(name))}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name, "") != now.get(name, "")
    )
    if not changed:
        return _fresh(f"{len(now)} parts as they were")
    return _stale(changed, Reason(Code.INDEXER_CHANGED, f"another indexer or grammar made it ({changed})"))


def settings(evidence: Evidence, now: Mapping[str, Any]) -> Answer:
    """Are the settings of the last run those that are wanted?"""
    before = evidence.recorded.settings
    changed = ", ".join(
        name for name in DECISIVE_SETTINGS if _plain(before.get(name, False)) != _plain(now.get(name, False))
    )
    if not changed:
        return _fresh("as they were")
    return _stale(changed, Reason(Code.SETTINGS_CHANGED, f"other settings made it ({changed})"))


def commit(evidence: Evidence, git: GitNow) -> Answer:
    """Is it the same commit? Another may hold the same files, and under the same the files may be any."""
    before, now = evidence.recorded.commit, git.commit
    text = f"the commit changed from {before[:12] or 'none'} to {now[:12] or 'none'}"
    return _of_git(evidence, before, now, Reason(Code.COMMIT_CHANGED, text))


def branch(evidence: Evidence, git: GitNow) -> Answer:
    """Is it the same branch?"""
    before, now = evidence.recorded.branch, git.branch
    text = f"the branch changed from {before or 'no branch'} to {now or 'no branch'}"
    return _of_git(evidence, before, now, Reason(Code.BRANCH_CHANGED, text))


def git_index(_evidence: Evidence, git: GitNow) -> Answer:
    """Are the bytes of git's index those that were recorded?"""
    if git.same_index:
        return _fresh("every entry is as it was")
    return Answer(Outcome.TOLD, "not the one that was recorded, or none was")


def dirty(_evidence: Evidence, git: GitNow) -> Answer:
    """Are there tracked files whose stat is not the one in git's index?"""
    return Answer(Outcome.TOLD if git.dirty else Outcome.PASSED, f"{git.dirty:,}")


def untracked(_evidence: Evidence, git: GitNow) -> Answer:
    """Are there untracked files?"""
    return Answer(Outcome.TOLD if git.untracked else Outcome.PASSED, f"{git.untracked:,}")


def count(evidence: Evidence, found: Differences) -> Answer:
    """Are there as many files as at the last run?"""
    before, now = evidence.recorded.files, found.files
    if now == before:
        return _fresh(f"{now:,}")
    # A file that is skipped now as it was then is counted in one and not in the other: content decides.
    return Answer(Outcome.TOLD, f"{before:,} then, {now:,} now")


def content(evidence: Evidence, found: Differences) -> Answer:
    """Is each file the one that its record was made from?"""
    reasons: list[Reason] = []
    if evidence.account is Account.LAGGING:
        reasons.append(Reason(Code.STORE_MOVED_ON, "more was committed since a run of the indexer finished"))
    for code, word, paths in (
        (Code.FILES_CHANGED, "changed", found.changed),
        (Code.FILES_NEW, "new", found.new),
        (Code.FILES_GONE, "gone", found.gone),
    ):
        if paths:
            reasons.append(Reason(code, f"{_files(len(paths))} {word} ({_some(paths)})", paths))
    if found.unread:
        reasons.append(Reason(Code.FILES_UNREAD, f"{_files(found.unread)} touched and not read"))
    how = "git spoke for the others" if found.by == "git" else "all of them"
    seen = f"{found.looked_at:,} by stat ({how}), {found.hashed:,} by hash"
    if not found.count and not found.unread:
        return _fresh(seen, *reasons)
    seen += (
        f": {len(found.new):,} new, {len(found.changed):,} changed, {len(found.gone):,} gone,"
        f" {found.unread:,} unread"
    )
    return _stale(seen, *reasons)


def writer(evidence: Evidence, pid: int) -> Answer:
    """Is another process writing to the store?"""
    if not pid:
        return _fresh("nobody")
    text = f"process {pid} is writing to it"
    if (run := evidence.progress) is not None:
        text += f" ({run.done:,} of {run.total:,} files are parsed)"
    return Answer(Outcome.TOLD, f"process {pid}", (Reason(Code.BEING_WRITTEN, text),))


def _fresh(seen: str, *reasons: Reason) -> Answer:
    return Answer(Outcome.PASSED, seen, reasons)


def _stale(seen: str, *reasons: Reason) -> Answer:
    return Answer(Outcome.FAILED, seen, reasons)


def _of_git(evidence: Evidence, before: str, now: str, reason: Reason) -> Answer:
    """A difference is a reason, beside others, only once the files were compared."""
    if before == now:
        return _fresh(now or "none")
    reasons = (reason,) if evidence.differences is not None else ()
    return Answer(Outcome.TOLD, _then_and_now(before, now), reasons)


def _then_and_now(before: str | None, now: str | None) -> str:
    return f"{before or 'none'} then, {now or 'none'} now"


def _files(number: int) -> str:
    return f"{number:,} file" if number == 1 else f"{number:,} files"


def _some(paths: tuple[str, ...]) -> str:
    more = len(paths) - _SHOWN_PATHS
    return ", ".join(paths[:_SHOWN_PATHS]) + (f" and {more:,} more" if more > 0 else "")


def _plain(value: object) -> object:
    # Tuples come back from a file as lists.
    return list(value) if isinstance(value, tuple) else value
