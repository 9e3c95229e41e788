"""Bringing an index up to date before it is answered from, or saying that it is not.

    with_verdict = ensure_fresh(Policy.AUTO, store_path, root=root)

One process updates, under the store's lock. Others check again now and then while they wait: they answer as
soon as the index is fresh, whoever updated it.
"""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from diptych import fs
from diptych.errors import DiptychError, StoreLockedError
from diptych.indexer import IndexReport, Notice, Progress, Settings, grammar_versions
from diptych.indexer import facts as facts_file
from diptych.layout import DEFAULT_STORE, FACTS, FRESHNESS, LOCK
from diptych.values import Value, as_dict, replace
from diptych.workspace.freshness import gitstate, hints
from diptych.workspace.freshness.errors import StaleIndexError, UpdateFailedError
from diptych.workspace.freshness.evidence import Account, Evidence
from diptych.workspace.freshness.gathering import Gathered, gather, repository_of
from diptych.workspace.freshness.policy import Action, Busy, Policy, decide
from diptych.workspace.freshness.verdict import Kind, Verdict, judge

if TYPE_CHECKING:
    from diptych.indexer.pool import WarmWorkers
    from diptych.store.code import Store
    from diptych.workspace.freshness.forking import Forked

_LOCK_SLICE_S = 0.5
# So many files read only because their stat proved nothing are worth a run that settles them.
_SETTLE_HASHED = 32


class Ensured(Value):
    """The result of `ensure_fresh`. `warning` is to be shown with the answer, where it is not ""."""

    verdict: Verdict | None
    """None where nothing was checked."""
    evidence: Evidence | None = None
    report: IndexReport | None = None
    """Of the update, where one was made."""
    warning: str = ""
    notice: Notice | None = None
    """To be shown too: git did not answer, for one."""
    forked: Forked | None = None
    """The index that this one was forked from, or why it was not, where that was tried now."""


class Options(Value):
    """How to go about it. `settings` None: those the index was made with. Times in seconds."""

    settings: Settings | None = None
    wait_s: float = 60.0
    busy: Busy = Busy.FAIL
    processes: int | None = None
    may_build: bool | None = None
    """Whether to make an index where there is none; None: in a git work tree."""
    trust_git: bool = True
    on_update: Callable[[Verdict], None] | None = None
    """Called once, before an update begins."""
    progress: Callable[[Progress], None] | None = None
    workers: WarmWorkers | None = None
    """Those of a process that does this again and again."""


def check(root: str | None, store_path: str, options: Options | None = None) -> tuple[Verdict, Gathered]:
    """The verdict, and what it rests on. Changes nothing. Raises OSError, StorageError."""
    options = options or Options()
    gathered = gather(root, store_path, settings=options.settings, trust_git=options.trust_git)
    return judge(gathered.evidence), gathered


def ensure_fresh(
    policy: Policy, store_path: str, *, root: str | None = None, options: Options | None = None
) -> Ensured:
    """Make sure that the store may be answered from, as `policy` has it.

    `root` None: the repository the store was made from. A linked worktree without a store gets a fork of its
    repository's, where an update may build one. Raises StaleIndexError where it may not be,
    UpdateFailedError where an update failed, and what opening a store raises where it is damaged,
    incompatible or missing.
    """
    options = options or Options()
    if policy is Policy.NEVER:
        return Ensured(None)
    forked = None
    home = root or repository_of(None, store_path, "")
    if policy is Policy.AUTO and home and not fs.exists(store_path) and _may_build(home, options):
        from diptych.workspace.freshness.forking import fork_for_worktree

        forked = fork_for_worktree(home, store_path)
    ensured = _ensure(policy, store_path, root, options)
    return replace(ensured, forked=forked) if forked is not None else ensured


def _ensure(policy: Policy, store_path: str, root: str | None, options: Options) -> Ensured:
    deadline_s = time.monotonic() + options.wait_s
    told = False
    while True:
        verdict, gathered = check(root, store_path, options)
        evidence = gathered.evidence
        action = decide(verdict, policy, may_build=_may_build(root or evidence.root, options))
        if action is Action.ANSWER:
            if policy is Policy.AUTO:
                _remember(store_path, gathered, options)
            return Ensured(verdict, evidence, notice=evidence.notice)
        if action is Action.WARN:
            return Ensured(verdict, evidence, warning=verdict.sentence(), notice=evidence.notice)
        if action is Action.REFUSE:
            _refuse(verdict, evidence, policy)
        if not told and options.on_update is not None:
            options.on_update(verdict)
        told = True
        if evidence.writer_pid:
            # If a watch holds the lock, it may not know what was seen here.
            hints.ask_for_inspection(store_path)
        left_s = max(0.0, deadline_s - time.monotonic())
        try:
            report = _update(store_path, gathered, options, min(left_s, _LOCK_SLICE_S))
        except StoreLockedError as error:
            if time.monotonic() < deadline_s:
                continue
            return _busy(verdict, evidence, options, error)
        except (DiptychError, OSError) as error:
            raise UpdateFailedError(
                f"{verdict.sentence()}, and bringing it up to date failed: {error}",
                verdict=verdict,
                cause=error,
                advice=_after_failure(verdict, evidence, error),
            ) from error
        return Ensured(judge_updated(verdict), evidence, report=report, notice=report.notice)


def judge_updated(before: Verdict) -> Verdict:
    """The verdict after an update that went well."""
    return Verdict(Kind.FRESH, (), before.tests)


def update(
    root: str,
    store: Store,
    *,
    settings: Settings | None = None,
    processes: int | None = None,
    parse_all: bool = False,
    progress: Callable[[Progress], None] | None = None,
    workers: WarmWorkers | None = None,
) -> IndexReport:
    """A run of the indexer that leaves what the next verdict needs to be quick.

    `settings` None: those of the run before.

    Raises what `index_repository` raises.
    """
    from diptych.workspace.freshness import recording, seeding

    home = os.path.realpath(root)
    # Answered by this run, should there be one.
    hints.take_request(store.path)
    if not len(store) and not os.path.lexists(os.path.join(store.path, FACTS)):
        # Until this run ends, or should it be cut short, others know that the records are its own.
        facts_file.save(
            store.path,
            facts_file.Facts(
                store.store_id,
                store.lsn,
                time.time_ns(),
                grammar_versions.current(),
                settings=as_dict(settings or Settings()),
                root=home,
                complete=False,
            ),
        )
    seeding.seed(home, store)
    shown = hints.ProgressFile(store.path)

    def show(seen: Progress) -> None:
        shown.show(seen.done_files, seen.total_files)
        if progress is not None:
            progress(seen)

    began_ns = time.time_ns()
    digest = gitstate.index_digest(home)
    try:
        from diptych.indexer import index_repository

        report = index_repository(
            home,
            store,
            settings=settings,
            processes=processes,
            parse_all=parse_all,
            progress=show,
            workers=workers,
        )
        # Nothing is left in the folder of a store that was deleted meanwhile, or put into another.
        store.refuse_replaced()
        recording.after_run(home, store, digest, began_ns, report)
    finally:
        shown.remove()
    return report


def _update(store_path: str, gathered: Gathered, options: Options, timeout_s: float) -> IndexReport:
    # Imported here: a fresh index needs no writer.
    from diptych.store.code import Store

    evidence = gathered.evidence
    if not _writable(store_path):
        raise fs.storage_error(OSError(errno.EROFS, "it is read-only for this user"), "write to", store_path)
    with Store.open(store_path, lock_timeout_s=timeout_s) as store:
        hide_from_git(store.path)
        return update(
            evidence.root,
            store,
            settings=gathered.settings,
            processes=options.processes,
            progress=options.progress,
            workers=options.workers,
        )


def hide_from_git(store_path: str) -> None:
    """A store ignores itself, so that nothing in the user's repository needs to change."""
    ignore = os.path.join(store_path, ".gitignore")
    if not os.path.lexists(ignore):
        fs.atomic_write(ignore, b"*\n")


def unchanged(root: str, store_path: str) -> IndexReport | None:
    """The report of a run of the indexer that would find nothing to do; None where one has to find out.

    It is not None only where git vouches for the files: then this takes a fraction of the time of a run, and
    writes nothing. What the report says of files that are not indexed is what the last run found, whose
    settings count. Raises OSError, StorageError.
    """
    if not os.path.lexists(os.path.join(store_path, FRESHNESS)):
        return None
    started_s = time.monotonic()
    verdict, gathered = check(root, store_path)
    evidence = gathered.evidence
    counts = gathered.report
    if not verdict.fresh or counts is None or evidence.store.damaged or evidence.notice is not None:
        return None
    report = IndexReport(root, **counts, lsn=evidence.store.lsn)
    report.skipped, report.languages = Counter(report.skipped), Counter(report.languages)
    report.other_suffixes = Counter(report.other_suffixes)
    report.elapsed_s = time.monotonic() - started_s
    # Of an empty one a run says why.
    return None if report.empty else report


def _remember(store_path: str, gathered: Gathered, options: Options) -> None:
    """Leave what makes the next verdict quick, where that can be done at once; it is a cache."""
    evidence = gathered.evidence
    found, state = evidence.differences, gathered.git_state
    if found is None:
        return
    settle = (
        found.hashed >= _SETTLE_HASHED or gathered.seeded or evidence.account is not Account.COMPLETE
    )
    record_git = gathered.scan is not None and state is not None
    if not (settle or record_git) or not os.access(store_path, os.W_OK):
        return
    try:
        if settle:
            _update(store_path, gathered, options, 0.0)
        elif state is not None and gathered.scan is not None:
            lock = fs.WriterLock(os.path.join(store_path, LOCK))
            try:
                from diptych.workspace.freshness import recording

                recording.after_inspection(evidence, state, gathered.scan)
            finally:
                lock.release()
    except (DiptychError, OSError):
        # Another process writes, or the disk is full: the next verdict inspects every file again.
        return


def _writable(path: str) -> bool:
    """Whether the store, or the folder it would be made in, can be written to."""
    return os.access(_existing(path), os.W_OK)


def _existing(path: str) -> str:
    """The path, or the nearest folder above it that is there."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _may_build(root: str, options: Options) -> bool:
    if options.may_build is not None:
        return options.may_build
    return bool(root) and os.path.lexists(os.path.join(root, ".git"))


def _refuse(verdict: Verdict, evidence: Evidence, policy: Policy) -> None:
    """Raise the error that fits the verdict."""
    if verdict.kind in (Kind.MISSING, Kind.INCOMPATIBLE, Kind.CORRUPT) and evidence.store.problem is not None:
        from diptych.store.code import Store

        # Opening says it in the store's own words, with the class that belongs to it.
        Store.open(evidence.store_path, read_only=True).close()
    advice = f"run `{command_by_hand(evidence)}`"
    if policy is not Policy.REQUIRE:
        advice += _or_answer(verdict)
    raise StaleIndexError(verdict.sentence(), verdict=verdict, advice=advice)


def _busy(verdict: Verdict, evidence: Evidence, options: Options, error: StoreLockedError) -> Ensured:
    readable = decide(verdict, Policy.CHECK, may_build=False) is Action.WARN
    if options.busy is Busy.ANSWER and readable:
        return Ensured(verdict, evidence, warning=f"{verdict.sentence()}; {error.message}")
    raise UpdateFailedError(
        f"{verdict.sentence()}; {error.message}",
        verdict=verdict,
        cause=error,
        advice=f"when it is done, run `{command_by_hand(evidence)}`{_or_answer(verdict)}",
    ) from error


def _after_failure(verdict: Verdict, evidence: Evidence, error: DiptychError | OSError) -> str:
    """What to do about an update that failed: first about its cause, then the update by hand."""
    store, by_hand = evidence.store_path, command_by_hand(evidence)
    if isinstance(error, OSError) and not _writable(store):
        advice = f"make {_existing(store)} writable and run `{by_hand}`"
        if os.path.join(evidence.root, DEFAULT_STORE) == store:
            advice += f", or keep the store elsewhere: `{by_hand} --output-root PATH`"
        else:
            # To advise the option that chose this place would not help.
            advice += ", or name another place for the store"
    else:
        cause = error.advice if isinstance(error, DiptychError) else fs.advice_on(error)
        cause = cause.removesuffix(", and run it again").removesuffix("; then run it again")
        advice = f"{cause}; then run `{by_hand}`"
    return advice + _or_answer(verdict)


def _or_answer(verdict: Verdict) -> str:
    """The other way out, where there is something to answer from."""
    readable = decide(verdict, Policy.CHECK, may_build=False) is Action.WARN
    return "; --fresh check answers from what is there" if readable else ""


def command_by_hand(evidence: Evidence) -> str:
    """The command that brings the index up to date."""
    import shlex

    words = ["diptych", "index", evidence.root or "REPOSITORY"]
    if os.path.join(evidence.root, DEFAULT_STORE) != evidence.store_path:
        words += ["--store", evidence.store_path]
    return " ".join(shlex.quote(word) for word in words)
