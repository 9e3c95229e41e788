"""Freshness: the options of the query commands, and the output of a verdict."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from diptych.cli.arguments import Option
from diptych.cli.options import SECONDS_MAX, not_empty
from diptych.cli.output import note, tell

if TYPE_CHECKING:
    from diptych.store.code import Store
    from diptych.workspace.freshness import Evidence, Forked, Verdict

Fresh = Annotated[
    Literal["auto", "check", "never", "require"],
    Option(
        "--fresh",
        env="DIPTYCH_FRESH",
        help="auto: update the index first. check: answer, and warn if it is stale."
        " never: do not check. require: fail if it is not fresh.",
    ),
]
Wait = Annotated[
    float,
    Option(
        "--wait",
        bounds=(0, SECONDS_MAX),
        metavar="S",
        help="Seconds that auto waits for another writer.",
    ),
]
Busy = Annotated[
    Literal["fail", "answer"],
    Option(
        "--busy",
        help="If the writer is still busy after --wait: fail, or answer from the stale index with a warning.",
    ),
]
OutputRoot = Annotated[
    str | None,
    Option(
        "--output-root",
        metavar="PATH",
        parse=not_empty,
        help="Keep stores below PATH, not in the repositories. Default: DIPTYCH_OUTPUT_ROOT.",
    ),
]

WAIT_S = 60.0


@contextmanager
def open_fresh(
    store: str | None, fresh: str, *, wait: float = WAIT_S, busy: str = "fail", output_root: str | None = None
) -> Iterator[Store]:
    """The store to query, opened for reading, as fresh as `fresh` requires.

    Raises the errors of `ensure_fresh` and `find_store`.
    """
    from diptych.store.code import Store

    root, path = located(store, output_root, may_build=fresh == "auto")
    if fresh != "never":
        _ensure(root, path, fresh, wait, busy)
    with Store.open(path, read_only=True) as opened:
        yield opened


def located(store: str | None, output_root: str | None, *, may_build: bool) -> tuple[str | None, str]:
    """`(repository, store)`; the repository is None if the store records it. Raises as `find_store`."""
    from diptych.cli.place import find_root, find_store, output_root_for, store_of
    from diptych.errors import StoreNotFoundError

    if (below := output_root_for(store, output_root)) is not None:
        root = find_root(None)
        return root, store_of(root, below)
    try:
        return None, os.path.abspath(find_store(store))
    except StoreNotFoundError:
        root = find_root(None)
        if not may_build or not os.path.lexists(os.path.join(root, ".git")):
            raise
        return root, store_of(root, None)


def _ensure(root: str | None, path: str, fresh: str, wait: float, busy: str) -> None:
    from diptych.cli.progress import Progressing
    from diptych.workspace.freshness import Busy, Kind, Options, Policy, ensure_fresh

    def announce(verdict: Verdict) -> None:
        if verdict.kind in (Kind.MISSING, Kind.BUILDING, Kind.LOCKED):
            waits = verdict.kind is not Kind.MISSING
            note(f"diptych: {verdict.sentence()}; {'waiting for it' if waits else 'bringing it up to date'}")

    with Progressing(shown=True) as progressing:
        ensured = ensure_fresh(
            Policy(fresh),
            path,
            root=root,
            options=Options(wait_s=wait, busy=Busy(busy), on_update=announce, progress=progressing.show),
        )
    if ensured.forked is not None:
        tell_forked(ensured.forked)
    if ensured.warning:
        note(f"diptych: {ensured.warning}.")
    if ensured.notice is not None:
        tell(ensured.notice)


def tell_forked(forked: Forked) -> None:
    """Say on standard error that a worktree shares an index now, or why it does not."""
    if forked.notice is not None:
        tell(forked.notice)
    else:
        note(f"diptych: this worktree's index is a fork of {forked.base}, at LSN {forked.lsn:,}.")


def freshness_document(verdict: Verdict, evidence: Evidence) -> dict[str, Any]:
    """A verdict with its reasons, its tests and the state of git, as a JSON value."""
    git = evidence.git
    return {
        "verdict": verdict.kind.value,
        "root": evidence.root,
        "reasons": [
            {"code": reason.code.value, "message": reason.text, "paths": list(reason.paths)}
            for reason in verdict.reasons
        ],
        "tests": [
            {"name": test.name, "outcome": test.outcome.value, "detail": test.detail}
            for test in verdict.tests
        ],
        "commit": git.commit if git else "",
        "branch": git.branch if git else "",
        "writer_pid": evidence.writer_pid or 0,
        "notice": evidence.notice.message if evidence.notice else "",
        "progress": evidence.progress._asdict() if evidence.progress is not None else None,
    }


def freshness_lines(verdict: Verdict, evidence: Evidence, *, explain: bool) -> Iterator[str]:
    """The verdict as text; with `explain`, each test too."""
    yield f"{'freshness:':<16} {verdict.kind.value}"
    for reason in verdict.reasons:
        yield f"{'':<16} {reason.text}"
    if evidence.root:
        yield f"{'repository:':<16} {evidence.root}"
    if evidence.git is not None:
        git = evidence.git
        yield f"{'git:':<16} {git.branch or 'no branch'}, commit {git.commit[:12] or 'none'}"
    if evidence.notice is not None:
        yield f"{'notice:':<16} {evidence.notice.message}"
        yield f"{'':<16} Next: {evidence.notice.advice}"
    if explain:
        yield "tests:"
        for test in verdict.tests:
            yield f"  {test.name + ':':<14} {test.outcome.value:<9} {test.detail}".rstrip()


def differing(evidence: Evidence) -> list[str]:
    """The paths known to differ from the store, sorted."""
    found = evidence.differences
    return sorted((*found.new, *found.changed, *found.gone)) if found is not None else []
