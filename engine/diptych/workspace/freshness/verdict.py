"""The verdict on an index: a pure function of the evidence. Same evidence, same verdict.

The tests are made in order, each cheap before dear, and the first that fails ends them:

    store       is there one, of a format and schema that can be read, and whole?
    account     did a run of the indexer ever finish here?
    repository  is it known which one this is an index of, and can it be read?
    indexer     are the indexer and the grammars those that made the records?
    settings    are its settings those that are wanted?
    commit, branch, git index, dirty, untracked: told, and never decisive: another commit may hold the same
                files, and the same commit may have any files in its work tree
    count       are there as many files?
    content     is each of them the one that its record was made from?
    writer      of an index that is not fresh: is somebody writing to it just now?
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from diptych.workspace.freshness.evidence import Account, Evidence, GitNow, Problem

# The settings that decide what a run makes of a repository; the others only how it goes about it.
DECISIVE_SETTINGS = ("max_file_bytes", "exclude")
_SHOWN_PATHS = 3


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


class Code(Enum):
    """The reasons there are."""

    MISSING = "missing"
    INCOMPATIBLE = "incompatible"
    CORRUPT = "corrupt"
    UNACCOUNTED = "unaccounted"
    """Records that no run of the indexer accounts for: somebody else's, perhaps."""
    INCOMPLETE = "incomplete"
    UNKNOWN_REPOSITORY = "unknown repository"
    INDEXER_CHANGED = "indexer changed"
    SETTINGS_CHANGED = "settings changed"
    BRANCH_CHANGED = "branch changed"
    COMMIT_CHANGED = "commit changed"
    STORE_MOVED_ON = "store moved on"
    FILES_NEW = "files new"
    FILES_CHANGED = "files changed"
    FILES_GONE = "files gone"
    FILES_UNREAD = "files unread"
    BEING_WRITTEN = "being written"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in a sentence without its full stop; `paths` are those it is about."""

    code: Code
    text: str
    paths: tuple[str, ...] = ()


class Outcome(Enum):
    """What a test came to."""

    PASSED = "passed"
    FAILED = "failed"
    TOLD = "told"
    """A difference that decides nothing by itself."""
    SKIPPED = "not made"


@dataclass(frozen=True, slots=True)
class Test:
    """One test of the evidence, and what was seen."""

    __test__ = False  # not one of pytest's

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
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
    tests = tuple(_tests(evidence))
    if all(test.outcome is not Outcome.FAILED for test in tests):
        return Verdict(Kind.FRESH, (), tests)
    reasons = tuple(_reasons(evidence))
    return Verdict(_kind(evidence), reasons, tests)


def decided(evidence: Evidence) -> bool:
    """Whether what was gathered so far is enough for a verdict: something failed."""
    return any(test.outcome is Outcome.FAILED for test in _tests(evidence))


def _kind(evidence: Evidence) -> Kind:
    problem = evidence.store.problem
    if problem is Problem.INCOMPATIBLE:
        return Kind.INCOMPATIBLE
    if problem is Problem.CORRUPT:
        return Kind.CORRUPT
    if evidence.writer_pid:
        # Without an account of a finished run, or with commits that none accounts for, records are lacking.
        partial = problem is Problem.MISSING or evidence.account is not Account.WHOLE
        return Kind.BUILDING if partial else Kind.LOCKED
    return Kind.MISSING if problem is Problem.MISSING or _empty(evidence) else Kind.STALE


def _empty(evidence: Evidence) -> bool:
    """A store that was made, and nothing written to it yet."""
    return evidence.account is Account.NONE and not evidence.store.records


# -- the tests ----------------------------------------------------------------------------------------------


def _tests(evidence: Evidence) -> Iterator[Test]:
    steps = (
        _test_store,
        _test_account,
        _test_repository,
        _test_indexer,
        _test_settings,
        _test_git,
        _test_files,
        _test_writer,
    )
    failed = False
    for step in steps:
        for test in step(evidence):
            if failed and step is not _test_writer:
                yield Test(test.name, Outcome.SKIPPED)
                continue
            yield test
        failed = failed or any(test.outcome is Outcome.FAILED for test in step(evidence))


def _test(name: str, passed: bool, detail: str) -> Test:
    return Test(name, Outcome.PASSED if passed else Outcome.FAILED, detail)


def _test_store(evidence: Evidence) -> Iterator[Test]:
    store = evidence.store
    seen = store.message if store.problem else f"{store.records:,} files at LSN {store.lsn:,}"
    yield _test("store", store.problem is None, seen)


def _test_account(evidence: Evidence) -> Iterator[Test]:
    yield _test(
        "account",
        evidence.account in (Account.WHOLE, Account.BEHIND),
        {
            Account.WHOLE: f"a run finished at LSN {evidence.recorded.lsn:,}",
            Account.BEHIND: f"a run finished at LSN {evidence.recorded.lsn:,}, and more was committed since",
            Account.BEGUN: "the first run of the indexer has not ended",
            Account.NONE: "no run of the indexer was ever finished here",
            Account.WORTHLESS: "the indexer's facts are damaged, or not of this state of the store",
        }[evidence.account],
    )


def _test_repository(evidence: Evidence) -> Iterator[Test]:
    detail = evidence.root_problem or evidence.root or "none is known for this store"
    yield _test("repository", bool(evidence.root) and not evidence.root_problem, detail)


def _test_indexer(evidence: Evidence) -> Iterator[Test]:
    if evidence.indexer is None:
        yield Test("indexer", Outcome.SKIPPED)
        return
    changed = _changed_versions(evidence)
    yield _test("indexer", not changed, ", ".join(changed) or f"{len(evidence.indexer)} parts as they were")


def _test_settings(evidence: Evidence) -> Iterator[Test]:
    if evidence.settings is None:
        yield Test("settings", Outcome.SKIPPED)
        return
    changed = _changed_settings(evidence)
    yield _test("settings", not changed, ", ".join(changed) or "as they were")


def _test_git(evidence: Evidence) -> Iterator[Test]:
    git, recorded = evidence.git, evidence.recorded
    if git is None:
        for name in ("commit", "branch", "git index", "dirty", "untracked"):
            yield Test(name, Outcome.SKIPPED)
        return
    for name, before, now in (
        ("commit", recorded.commit, git.commit),
        ("branch", recorded.branch, git.branch),
    ):
        same = before == now
        detail = now or "none" if same else f"{before or 'none'} then, {now or 'none'} now"
        yield Test(name, Outcome.PASSED if same else Outcome.TOLD, detail)
    seen = "every entry is as it was" if git.same_index else "not the one that was recorded, or none was"
    yield Test("git index", Outcome.PASSED if git.same_index else Outcome.TOLD, seen)
    for name, count in (("dirty", git.dirty), ("untracked", git.untracked)):
        yield Test(name, Outcome.TOLD if count else Outcome.PASSED, f"{count:,}")


def _test_files(evidence: Evidence) -> Iterator[Test]:
    found, recorded = evidence.differences, evidence.recorded
    if found is None:
        yield Test("count", Outcome.SKIPPED)
        yield Test("content", Outcome.SKIPPED)
        return
    same_count = found.files == recorded.files
    # A file that is skipped now as it was then is counted in one and not in the other: content decides.
    yield Test(
        "count",
        Outcome.PASSED if same_count else Outcome.TOLD,
        f"{found.files:,}" if same_count else f"{recorded.files:,} then, {found.files:,} now",
    )
    how = "git spoke for the others" if found.by == "git" else "all of them"
    seen = f"{found.looked_at:,} by stat ({how}), {found.hashed:,} by hash"
    if found.count or found.unread:
        seen += (
            f": {len(found.new):,} new, {len(found.changed):,} changed, {len(found.gone):,} gone,"
            f" {found.unread:,} unread"
        )
    yield _test("content", not (found.count or found.unread), seen)


def _test_writer(evidence: Evidence) -> Iterator[Test]:
    pid = evidence.writer_pid
    if pid is None:
        yield Test("writer", Outcome.SKIPPED)
    else:
        yield Test("writer", Outcome.TOLD if pid else Outcome.PASSED, f"process {pid}" if pid else "nobody")


# -- the reasons --------------------------------------------------------------------------------------------


def _reasons(evidence: Evidence) -> Iterator[Reason]:
    store = evidence.store
    if store.problem is not None:
        yield Reason(Code(store.problem.value), store.message)
    elif evidence.account not in (Account.WHOLE, Account.BEHIND):
        detail = next(_test_account(evidence)).detail
        yield Reason(_code_of_account(evidence), detail)
    elif evidence.root_problem or not evidence.root:
        detail = next(_test_repository(evidence)).detail
        yield Reason(Code.UNKNOWN_REPOSITORY, f"the repository cannot be looked at ({detail})")
    else:
        yield from _reasons_of_making(evidence)
        yield from _reasons_of_git(evidence)
        yield from _reasons_of_files(evidence)
    if evidence.writer_pid:
        writes = f"process {evidence.writer_pid} is writing to it"
        yield Reason(Code.BEING_WRITTEN, writes + _progress(evidence))


def _progress(evidence: Evidence) -> str:
    seen = evidence.progress
    return f" ({seen.done:,} of {seen.total:,} files are parsed)" if seen is not None else ""


def _code_of_account(evidence: Evidence) -> Code:
    if _empty(evidence):
        return Code.MISSING
    return Code.UNACCOUNTED if evidence.account is Account.NONE else Code.INCOMPLETE


def _reasons_of_making(evidence: Evidence) -> Iterator[Reason]:
    changed = _changed_versions(evidence) if evidence.indexer is not None else []
    if changed:
        yield Reason(Code.INDEXER_CHANGED, f"another indexer or grammar made it ({', '.join(changed)})")
    if evidence.settings is not None and (names := _changed_settings(evidence)):
        yield Reason(Code.SETTINGS_CHANGED, f"other settings made it ({', '.join(names)})")
    if evidence.account is Account.BEHIND and evidence.differences is not None:
        yield Reason(Code.STORE_MOVED_ON, "more was committed since a run of the indexer finished")


def _reasons_of_git(evidence: Evidence) -> Iterator[Reason]:
    if not isinstance(evidence.git, GitNow) or evidence.differences is None:
        return
    git, recorded = evidence.git, evidence.recorded
    if git.branch != recorded.branch:
        before, now = recorded.branch or "no branch", git.branch or "no branch"
        yield Reason(Code.BRANCH_CHANGED, f"the branch changed from {before} to {now}")
    if git.commit != recorded.commit:
        before, now = recorded.commit[:12] or "none", git.commit[:12] or "none"
        yield Reason(Code.COMMIT_CHANGED, f"the commit changed from {before} to {now}")


def _reasons_of_files(evidence: Evidence) -> Iterator[Reason]:
    found = evidence.differences
    if found is None:
        return
    for code, paths in (
        (Code.FILES_CHANGED, found.changed),
        (Code.FILES_NEW, found.new),
        (Code.FILES_GONE, found.gone),
    ):
        if paths:
            word = code.value.removeprefix("files ")
            yield Reason(code, f"{_count(len(paths))} {word} ({_some(paths)})", paths)
    if found.unread:
        yield Reason(Code.FILES_UNREAD, f"{_count(found.unread)} touched and not read")


def _count(count: int) -> str:
    return f"{count:,} file" if count == 1 else f"{count:,} files"


def _some(paths: tuple[str, ...]) -> str:
    more = len(paths) - _SHOWN_PATHS
    return ", ".join(paths[:_SHOWN_PATHS]) + (f" and {more:,} more" if more > 0 else "")


def _changed_versions(evidence: Evidence) -> list[str]:
    before, now = evidence.recorded.indexer, evidence.indexer or {}
    return [
        f"{name} {before.get(name) or 'none'} then, {now.get(name) or 'none'} now"
        for name in sorted(before.keys() | now.keys())
        if before.get(name, "") != now.get(name, "")
    ]


def _changed_settings(evidence: Evidence) -> list[str]:
    before, now = evidence.recorded.settings, evidence.settings or {}
    return [name for name in DECISIVE_SETTINGS if _plain(before.get(name)) != _plain(now.get(name))]


def _plain(value: object) -> object:
    # Tuples come back from a file as lists.
    return list(value) if isinstance(value, tuple) else value
