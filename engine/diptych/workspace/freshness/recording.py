"""Writing down what git said at a moment when the index was fresh, so that git can be asked again.

The argument why each of the two moments is a right one is in docs/freshness.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from diptych.indexer import facts as facts_file
from diptych.indexer.fact_columns import FactColumns
from diptych.indexer.facts import SMUDGED_SIZE, Facts
from diptych.workspace.freshness import gitlook, record
from diptych.workspace.freshness.evidence import Evidence

if TYPE_CHECKING:
    from diptych.store.code import Store

# Between the look at git's index and the run: less than the margin by which the indexer doubts times.
_BEFORE_RUN_NS_MAX = 1_000_000_000
_FLAGGED_MAX = 10_000


def after_run(root: str, store: Store, digest: bytes | None, began_ns: int) -> bool:
    """After a run of the indexer, under its lock: `digest` is of git's index just before it, at `began_ns`.

    Returns whether it was written. Raises StorageError.
    """
    if digest is None:
        return False
    identity = record.facts_identity(store.path)
    known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
    if known is None or identity is None or known.lsn != store.lsn:
        return False
    if known.taken_ns - began_ns > _BEFORE_RUN_NS_MAX:
        return False
    look = gitlook.look(root)
    if look is None or look.digest != digest:
        return False
    return _write(store.path, root, known, look, identity)


def after_look(evidence: Evidence, look: gitlook.GitLook) -> bool:
    """After every file was looked at, later than `look`, and found fresh. The caller holds the lock.

    Returns whether it was written. Raises StorageError.
    """
    path = evidence.store_path
    identity = record.facts_identity(path)
    store, found = evidence.store, evidence.differences
    known = facts_file.load(path, store_id=store.store_id, lsn=store.lsn)
    if known is None or identity is None or known.lsn != store.lsn or found is None:
        return False
    return _write(path, evidence.root, known, look, identity, touched=found.touched)


def _write(
    path: str,
    root: str,
    known: Facts,
    look: gitlook.GitLook,
    identity: record.FactsIdentity,
    *,
    touched: Sequence[str] = (),
) -> bool:
    entries = gitlook.entries(root)
    # So many that a look at every file is the better way.
    if entries is None or len(entries.flagged) > _FLAGGED_MAX or identity != record.facts_identity(path):
        return False
    assert isinstance(known.files, FactColumns)
    smudged = [name for name, stat in known.files.stats().items() if stat[0] == SMUDGED_SIZE]
    untracked = [name for name in map(_encoded, known.files) if name not in entries.tracked]
    doubtful = frozenset(map(_encoded, [*smudged, *touched]))
    watched = (look.dirty | entries.flagged | doubtful) - frozenset(untracked)
    # The flags and the names are of the index that was looked at, or they are not written down.
    if gitlook.index_digest(root) != look.digest:
        return False
    record.save(
        path,
        record.Recorded(
            facts=identity,
            store_id=known.store_id,
            lsn=known.lsn,
            indexer=known.indexer,
            settings=known.settings,
            files=len(known.files),
            root=root,
            commit=look.commit,
            branch=look.branch,
            index_digest=look.digest,
            watched=sorted(watched),
            untracked=untracked,
        ),
    )
    return True


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
