"""Gathering the evidence: cheapest first, and nothing after what decides.

Nothing is written here. Two ways lead to the differences between files and records:

- by git: while git's index is byte for byte the one that was recorded when the index was last fresh, git says
  which files may have changed since, and only those are looked at;
- by stat: otherwise every file is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from diptych.errors import (
    CorruptionError,
    DiptychError,
    OpenError,
    StoreNotFoundError,
)
from diptych.indexer import facts as facts_file
from diptych.indexer import git, grammar_versions
from diptych.indexer.settings import Settings
from diptych.layout import DEFAULT_STORE, FACTS
from diptych.values import Value, replace
from diptych.workspace.freshness import gitstate, hints, record
from diptych.workspace.freshness.checks import DECISIVE_SETTINGS
from diptych.workspace.freshness.evidence import (
    Account,
    Differences,
    Evidence,
    GitNow,
    Problem,
    Recorded,
    StoreFound,
)
from diptych.workspace.freshness.verdict import decided
from diptych.workspace.holder import holder

if TYPE_CHECKING:
    from diptych.indexer.discover import Scan
    from diptych.indexer.fact_columns import Fact
    from diptych.indexer.facts import Facts
    from diptych.store.code import Store


class Gathered(Value, frozen=False):
    """The evidence, and what was found on the way that recording it needs."""

    evidence: Evidence
    settings: Settings
    """Those wanted; where none were given, those that were recorded."""
    git_state: gitstate.GitState | None = None
    scan: Scan | None = None
    """What was found, where every file was looked at."""
    report: Mapping[str, Any] | None = None
    """The last report's counts, where git vouches for the files."""
    seeded: bool = False
    """Whether the facts are the inherited ones of a fork, which the next run replaces."""


def gather(
    root: str | None,
    store_path: str,
    *,
    settings: Settings | None = None,
    trust_git: bool = True,
    thorough: bool = False,
) -> Gathered:
    """Look at the store at `store_path` and the repository it is an index of.

    `root` None: the one it was made from. `settings` None: those it was made with. Without `trust_git`
    every file is looked at; when `thorough`, also where something else has decided. Raises
    StorageError and OSError where the system refuses, but for the store itself: what is wrong with that is
    evidence.
    """
    # Imported here: the command's help needs no store.
    from diptych.store.code import Store
    from diptych.store.report import Severity

    path = os.path.abspath(store_path)
    seen = Gathered(Evidence(repository_of(root, path, ""), path), settings or Settings())
    try:
        with Store.open(path, read_only=True) as store:
            seen.evidence = replace(
                seen.evidence,
                store=StoreFound(
                    store_id=store.store_id,
                    lsn=store.lsn,
                    records=len(store),
                    damaged=any(found.severity is not Severity.NOTE for found in store.recovery),
                ),
            )
            _gather_from(store, root, settings, seen, trust_git=trust_git, thorough=thorough)
    except StoreNotFoundError as error:
        seen.evidence = _without_store(seen.evidence, Problem.MISSING, error)
    except OpenError as error:
        seen.evidence = _without_store(seen.evidence, Problem.INCOMPATIBLE, error)
    except CorruptionError as error:
        seen.evidence = _without_store(seen.evidence, Problem.CORRUPT, error)
    if decided(seen.evidence):
        pid = holder(path)
        seen.evidence = replace(seen.evidence, writer_pid=pid, progress=hints.progress_of(path, pid))
    return seen


def _without_store(evidence: Evidence, problem: Problem, error: DiptychError) -> Evidence:
    return replace(evidence, store=StoreFound(problem, error.message, error.advice))


def _gather_from(
    store: Store,
    root: str | None,
    settings: Settings | None,
    seen: Gathered,
    *,
    trust_git: bool,
    thorough: bool,
) -> None:
    """The evidence beyond the store itself, into `seen`, as far as it takes to decide."""
    known: Facts | None = None
    brief = record.load(store.path)
    if brief is not None and (brief.store_id, brief.lsn) != (store.store_id, store.lsn):
        brief = None
    if brief is None:
        known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
    seen.evidence = replace(
        seen.evidence,
        account=_account(store, brief, known),
        recorded=_recorded(brief, known),
    )
    wanted = settings or facts_file.settings_in(_settings(store, brief, known))
    seen.settings = wanted
    home = repository_of(root, store.path, brief.root if brief else known.root if known else "")
    seen.evidence = replace(
        seen.evidence,
        root=home,
        root_problem=_root_problem(home),
        indexer=grammar_versions.current(),
        settings={name: getattr(wanted, name) for name in DECISIVE_SETTINGS},
    )
    unreachable = not home or seen.evidence.root_problem
    if unreachable or (decided(seen.evidence) and not thorough):
        return
    state = seen.git_state = gitstate.ask(home) if trust_git else None
    same = (
        brief is not None
        and brief.root == home
        and state is not None
        and state.digest == brief.index_digest
    )
    if state is None:
        head = git.head(home)
        now = GitNow(head.commit, head.branch) if head.commit or head.branch else None
    else:
        now = GitNow(state.commit, state.branch, same, len(state.dirty), len(state.untracked))
    seen.evidence = replace(seen.evidence, git=now)
    if same and brief is not None and state is not None:
        found = _by_git(store, home, wanted, brief, state)
        seen.report = brief.report
    else:
        known = known or facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
        from diptych.workspace.freshness import seeding

        vouched = seeding.seeded(home, store, known) if known is not None and known.inherited else None
        known, seen.seeded = vouched or known, vouched is not None
        found, seen.scan = _by_stat(store, home, wanted, known, state)
        seen.evidence = replace(seen.evidence, notice=seen.scan.notice)
    seen.evidence = replace(seen.evidence, differences=found)


def _by_git(
    store: Store, root: str, settings: Settings, brief: record.Recorded, state: gitstate.GitState
) -> Differences | None:
    """Only what git's index cannot vouch for is looked at."""
    tracked = state.dirty.union(brief.watched)
    now = [name for name in tracked.union(state.untracked) if not name.endswith(b"/")]
    before = tracked.union(brief.untracked)
    if not now and not before:
        return Differences("git", files=brief.files)
    from diptych.indexer.discover import scan_names
    from diptych.workspace.freshness.differences import differences

    part = scan_names(root, sorted(now), settings, store_path=store.path)
    facts: Mapping[str, Fact] = {}
    if part.files or before:
        known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
        if known is None:
            return _by_stat(store, root, settings, None, state)[0]
        facts = _part_of(known.files, before.union(state.untracked))
    found = differences(
        root, part, facts, None, max_file_bytes=settings.max_file_bytes, by="git", files=brief.files
    )
    return replace(found, files=brief.files + len(found.new) - len(found.gone))


def _by_stat(
    store: Store, root: str, settings: Settings, known: Facts | None, state: gitstate.GitState | None
) -> tuple[Differences, Scan]:
    """Every file is looked at. The second value is what was found."""
    from diptych.indexer.discover import scan, scan_names
    from diptych.workspace.freshness.differences import differences

    entries = gitstate.entries(root) if state is not None else None
    if state is None or entries is None:
        from diptych.indexer.pipeline import found_by_git

        found_now = scan(root, settings, store_path=store.path, before=found_by_git(store, known))
    else:
        # The untracked files are known: to list them is half of what a scan spends on names.
        names = [name for name in entries.tracked.union(state.untracked) if not name.endswith(b"/")]
        found_now = scan_names(root, sorted(names), settings, store_path=store.path)
    stored = None
    if known is None or known.lsn != store.lsn:
        # The facts are not of the store as it is: each record says which content it is of.
        stored = store.content_hashes()
    found = differences(
        root,
        found_now,
        known.files if known else {},
        stored,
        max_file_bytes=settings.max_file_bytes,
        by="stat",
    )
    return found, found_now


def _part_of(files: Mapping[str, Fact], names: Iterable[bytes]) -> dict[str, Fact]:
    paths = (name.decode("utf-8", "surrogateescape") for name in names)
    return {path: files[path] for path in paths if path in files}


def _account(store: Store, brief: record.Recorded | None, known: Facts | None) -> Account:
    if brief is not None:
        return Account.COMPLETE
    if known is None:
        present = os.path.lexists(os.path.join(store.path, FACTS))
        return Account.WORTHLESS if present else Account.NONE
    if not known.complete:
        return Account.BEGUN
    return Account.COMPLETE if known.lsn == store.lsn else Account.LAGGING


def _recorded(brief: record.Recorded | None, known: Facts | None) -> Recorded:
    if brief is not None:
        return Recorded(
            brief.lsn, brief.indexer, brief.settings, brief.commit, brief.branch, brief.files
        )
    if known is not None:
        return Recorded(
            known.lsn, known.indexer, known.settings, known.commit, known.branch, len(known.files)
        )
    return Recorded()


def _settings(store: Store, brief: record.Recorded | None, known: Facts | None) -> Mapping[str, Any]:
    """The settings that the records were made with, as far as the facts or the store's origin say."""
    if brief is not None:
        return brief.settings
    if known is not None:
        return known.settings
    from diptych.workspace.freshness import seeding

    return seeding.settings_of_origin(store.path)


def recorded_settings(store: Store) -> Settings:
    """The settings that the last run of the indexer on `store` had; the defaults where that is not known."""
    known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
    return facts_file.settings_in(_settings(store, None, known))


def repository_of(given: str | None, store_path: str, recorded: str) -> str:
    """The repository: the one given, the folder the store is in, or the one it was made from."""
    if given:
        return os.path.realpath(given)
    if os.path.basename(store_path) == DEFAULT_STORE:
        # It may have been moved, with the store in it.
        return os.path.realpath(os.path.dirname(store_path))
    return recorded


def _root_problem(root: str) -> str:
    if not root:
        return ""
    if not os.path.isdir(root):
        return f"there is no folder {root}"
    return "" if os.access(root, os.R_OK | os.X_OK) else f"{root} cannot be read"
