"""The indexer's facts of a store that came from elsewhere, from git's word instead of by reading every file.

The records of a fork, or of an index that was adopted, are those of a commit, but for some files: its basis.
git says which files of the work tree are those of that commit, by its own index and without reading them.
Of these the stat is written down beside the hash that the record has; all others are in doubt, and the next
run reads them. docs/freshness.md has the argument.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from diptych import fs
from diptych.errors import CorruptStoreError, IncompatibleStoreError
from diptych.indexer import facts as facts_file
from diptych.indexer.discover import Scan, scan_names
from diptych.indexer.fact_columns import Fact, Stat
from diptych.indexer.facts import RACY_MARGIN_NS, Facts, is_smudged, settings_in, size_of
from diptych.indexer.parse import read_regular
from diptych.layout import ORIGIN
from diptych.model import content_hash
from diptych.store.origin import Origin, read_origin
from diptych.values import Value, field
from diptych.workspace.freshness import gitstate, record

if TYPE_CHECKING:
    from diptych.store.code import Store


# So many files are read before git is believed about an index that was built elsewhere.
_SAMPLE = 16


class Basis(Value):
    """Which files the records of a store are of: those of a commit, but for the paths in `unlike`."""

    commit: str
    indexer: dict[str, str]
    """The version of each part of the indexer that made them."""
    settings: dict[str, Any] = field(default_factory=dict)
    unlike: Collection[str] = ()

    def as_details(self) -> dict[str, Any]:
        """The basis among the details of an origin: see `Store.fork` and `Store.adopt`."""
        return {
            "commit": self.commit,
            "indexer": dict(self.indexer),
            "settings": dict(self.settings),
            "unlike": sorted(self.unlike),
        }

    @classmethod
    def of_details(cls, details: Mapping[str, Any]) -> Basis | None:
        """The basis in an origin's details; None where there is none, or it makes no sense."""
        commit, indexer = details.get("commit"), details.get("indexer")
        settings, unlike = details.get("settings", {}), details.get("unlike", [])
        if type(commit) is not str or type(indexer) is not dict or type(settings) is not dict:
            return None
        texts = [commit, *indexer, *indexer.values(), *settings]
        if type(unlike) is not list or not all(type(text) is str for text in (*texts, *unlike)):
            return None
        return cls(commit, indexer, settings, frozenset(unlike)) if commit else None


def basis_of(store: Store) -> Basis | None:
    """The basis of an index; None where git has not vouched for it since it was last written to.

    `unlike` has no path that is not UTF-8: for those git is not asked anyway.
    """
    brief = record.load(store.path)
    if brief is None or (brief.store_id, brief.lsn) != (store.store_id, store.lsn) or not brief.commit:
        return None
    unlike = [name.decode("utf-8", "ignore") for name in brief.unlike]
    settings = {name: value for name, value in brief.settings.items() if name in ("exclude", "redact")}
    settings["max_file_bytes"] = settings_in(brief.settings).max_file_bytes
    settings["exclude"] = list(settings.get("exclude", ()))
    return Basis(brief.commit, brief.indexer, settings, frozenset(unlike))


def seed(root: str, store: Store) -> bool:
    """Write the facts of a store that came from elsewhere, where no run of the indexer did yet.

    Returns whether they were written: git vouches for some files of the work tree at `root`. The caller holds
    the store's lock. Raises StorageError, CorruptionError.
    """
    if not os.path.lexists(os.path.join(store.path, ORIGIN)):
        return False
    known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
    facts = seeded(root, store, known)
    if facts is None:
        return False
    facts_file.save(store.path, facts)
    return True


def seeded(root: str, store: Store, known: Facts | None) -> Facts | None:
    """The facts that `seed` writes; None where `known`, those that are there, need no seeding.

    None as well where nobody can vouch for any file. Raises StorageError, CorruptionError.
    """
    if known is not None and not known.inherited:
        return None
    origin = _origin(store.path)
    basis = Basis.of_details(origin.details) if origin is not None else None
    if origin is None or basis is None or origin.lsn != store.lsn or not len(store):
        return None
    home = os.path.realpath(root)
    files = known.files if known is not None else _files_of_commit(home, store, basis)
    if files is None or (known is not None and known.lsn != store.lsn):
        return None
    names = sorted(path.encode("utf-8", "surrogateescape") for path in files)
    # Before git is asked: a file that is edited after this has another stat, or git finds it different.
    seen = scan_names(home, names, settings_in(basis.settings), store_path=store.path)
    beside = gitstate.beside(home, basis.commit)
    if beside is None:
        return None
    vouched = _vouched(files, seen, beside, basis)
    if known is None and not _is_sample_right(home, vouched):
        return None
    return Facts(
        store.store_id,
        store.lsn,
        # So that those are smudged which git's index is no older than: a later edit might not show in them.
        beside.settled_ns + RACY_MARGIN_NS,
        basis.indexer,
        vouched,
        settings=dict(basis.settings),
        commit=basis.commit,
        root=home,
        source="git",
        other_suffixes=known.other_suffixes if known is not None else {},
    )


def _is_sample_right(home: str, facts: Mapping[str, Fact]) -> bool:
    """Whether some of the files that git vouches for have the content that their records are of.

    Where the records were made, git may have been set to convert line endings: then none has.
    """
    paths = sorted(path for path, fact in facts.items() if not is_smudged(fact.stat))
    with fs.Beneath(home) as tree:
        for path in paths[:: len(paths) // _SAMPLE + 1]:
            with suppress(OSError):
                data = read_regular(tree, path, facts[path].stat.size)
                if data is not None and content_hash(data) != facts[path].content_hash:
                    return False
    return True


def _files_of_commit(home: str, store: Store, basis: Basis) -> dict[str, Fact] | None:
    """The records of an adopted store as facts in doubt, each of the size that its file has in the commit."""
    sizes = gitstate.blob_sizes(home, basis.commit)
    if sizes is None:
        return None
    unknown = Stat(-1, 0, 0, 0)
    return {
        path: Fact(unknown._replace(size=~sizes.get(path.encode("utf-8", "surrogateescape"), 0)), digest)
        for path, digest in store.content_hashes().items()
    }


def _vouched(
    files: Mapping[str, Fact], seen: Scan, beside: gitstate.Beside, basis: Basis
) -> dict[str, Fact]:
    """The facts: a file's stat of now where git vouches for it, else one that no file has."""
    facts: dict[str, Fact] = {}
    for path, fact in files.items():
        found = seen.files.get(path)
        if (
            found is not None
            # Where git converts what it checks out, another machine or work tree may have got other bytes.
            and found[1].size == size_of(fact.stat)
            and path not in basis.unlike
            and path.encode("utf-8", "surrogateescape") in beside.alike
        ):
            facts[path] = fact._replace(stat=found[1])
        else:
            facts[path] = fact._replace(stat=_impossible(fact.stat))
    return facts


def _impossible(stat: Stat) -> Stat:
    return stat if is_smudged(stat) else stat._replace(size=~stat.size)


def settings_of_origin(store_path: str) -> dict[str, Any]:
    """The settings that an adopted index was made with, as far as its origin says. Raises StorageError."""
    origin = _origin(store_path)
    basis = Basis.of_details(origin.details) if origin is not None else None
    return basis.settings if basis is not None else {}


def _origin(store_path: str) -> Origin | None:
    try:
        return read_origin(store_path)
    except (CorruptStoreError, IncompatibleStoreError):
        # Verification says what is wrong with it.
        return None
