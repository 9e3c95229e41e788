"""The kinds of asset in a version, each with a test that its source has the right format.

Each kind lists its parts and reads the first bytes of each, the ones that the format's reader tests first.
So a wrong path fails in `stage` with a clear message, not as a crash of an engine after publishing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from diptych.fs import open_regular, translated
from diptych.layout import (
    GENERATIONS,
    HINTS,
    IDENTITY,
    INCOMING,
    LOCK,
    QUARANTINE,
    SEGMENTS,
    is_temporary,
)
from diptych.versions.errors import InvalidAssetError
from diptych.versions.names import check_asset_name
from diptych.versions.stores import require_intact_store

if TYPE_CHECKING:
    from diptych.schema.base import Schema

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Part:
    """One file or directory of an asset: its source, and its path relative to the asset.

    An empty `name` means that the asset is this one file or directory. `skip` names top-level entries to
    leave out. `immutable` names the top-level entries whose files may be hard-linked, None for all of them.
    Files that the owner keeps writing to are always copied. Links to files are followed unless a `stranger`
    may have made them.
    """

    name: str
    source: str
    skip: frozenset[str] = frozenset()
    immutable: frozenset[str] | None = None
    stranger: bool = False


class Asset:
    """Something to stage under a name: one of the kinds below."""

    kind: ClassVar[str]

    def parts(self) -> list[Part]:
        """The parts to copy. Raises InvalidAssetError if a source is missing or has another format."""
        raise NotImplementedError

    @property
    def writer_lock(self) -> str | None:
        """The lock to hold while the source is read; None if it has no lock."""
        return None

    def check(self, staged: str) -> None:
        """Verify the staged copy. Raises InvalidAssetError, IncompatibleStoreError."""


@dataclass(frozen=True)
class Files(Asset):
    """Any file, or any directory with its contents."""

    path: PathLike
    kind: ClassVar[str] = "files"

    def parts(self) -> list[Part]:
        if not os.path.isdir(self.path):
            _head(self.path)
        return [Part("", os.fspath(self.path))]


@dataclass(frozen=True)
class DiptychStore(Asset):
    """A Diptych store, staged without its lock file and caches. No writer may have it open meanwhile.

    `schema` defaults to the schema of a code index. Inside a version, open the store with `read_only=True`.
    """

    path: PathLike
    schema: Schema[Any] | None = None
    kind: ClassVar[str] = "store"

    def parts(self) -> list[Part]:
        _directory(self.path, "a Diptych store")
        with translated("read", self.path):
            names = os.listdir(self.path)
        if IDENTITY not in names or GENERATIONS not in names:
            raise InvalidAssetError(f"{os.fspath(self.path)} is not a Diptych store")
        skip = {LOCK, INCOMING, QUARANTINE, *HINTS, *filter(is_temporary, names)}
        # Writers append to the journal and recovery may truncate it. Only these never change.
        unchanging = frozenset({GENERATIONS, SEGMENTS})
        return [Part("", os.fspath(self.path), frozenset(skip), immutable=unchanging, stranger=True)]

    @property
    def writer_lock(self) -> str | None:
        return os.path.join(os.fspath(self.path), LOCK)

    def check(self, staged: str) -> None:
        require_intact_store(staged, self.schema)


@dataclass(frozen=True)
class FaissIndex(Asset):
    """A FAISS index, and the map from its ids to their meaning. Each is useless without the other."""

    index: PathLike
    id_map: PathLike
    kind: ClassVar[str] = "faiss"

    def parts(self) -> list[Part]:
        # Every index type's four-character code begins with an I (IxF2, IwFl, IHNf, ...).
        head = _head(self.index, 4)
        if len(head) < 4 or not head.isalnum() or head[:1] != b"I":
            raise InvalidAssetError(f"{os.fspath(self.index)} is not a FAISS index")
        _head(self.id_map)
        return [Part("index", os.fspath(self.index)), Part("id_map", os.fspath(self.id_map))]


@dataclass(frozen=True)
class DuckDbCatalogue(Asset):
    """A DuckDB database file, closed or checkpointed, so that its write-ahead log is empty or absent."""

    path: PathLike
    kind: ClassVar[str] = "duckdb"

    def parts(self) -> list[Part]:
        if _head(self.path, 12)[8:12] != b"DUCK":
            raise InvalidAssetError(f"{os.fspath(self.path)} is not a DuckDB database")
        log = os.fspath(self.path) + ".wal"
        if os.path.exists(log) and os.path.getsize(log) > 0:
            raise InvalidAssetError(
                f"{os.fspath(self.path)} has changes that exist only in {log}",
                advice="run CHECKPOINT in DuckDB, or close the database, and stage again",
            )
        return [Part("", os.fspath(self.path))]


@dataclass(frozen=True)
class ScipIndex(Asset):
    """A SCIP file: one protobuf message `Index`."""

    path: PathLike
    kind: ClassVar[str] = "scip"

    def parts(self) -> list[Part]:
        # Its fields are metadata, documents and external symbols, numbered 1 to 3, each length-delimited.
        if _head(self.path, 1) not in (b"\x0a", b"\x12", b"\x1a"):
            raise InvalidAssetError(f"{os.fspath(self.path)} is not a SCIP index")
        return [Part("", os.fspath(self.path))]


@dataclass(frozen=True)
class LuceneIndex(Asset):
    """A Lucene directory."""

    path: PathLike
    kind: ClassVar[str] = "lucene"

    def parts(self) -> list[Part]:
        return [_lucene_part("", self.path)]


@dataclass(frozen=True)
class LucenePair(Asset):
    """Two Lucene directories over the same documents, BM25 and SPLADE, which change together."""

    bm25: PathLike
    splade: PathLike
    kind: ClassVar[str] = "lucene_pair"

    def parts(self) -> list[Part]:
        return [_lucene_part("bm25", self.bm25), _lucene_part("splade", self.splade)]


def as_assets(assets: Mapping[str, Asset | PathLike]) -> dict[str, Asset]:
    """`assets`, with each plain path wrapped in `Files`. Raises InvalidVersionNameError."""
    return {
        check_asset_name(name): asset if isinstance(asset, Asset) else Files(asset)
        for name, asset in assets.items()
    }


def _lucene_part(name: str, path: PathLike) -> Part:
    _directory(path, "a Lucene index")
    if not any(entry.startswith("segments_") for entry in os.listdir(path)):
        raise InvalidAssetError(
            f"{os.fspath(path)} has no segments file: it is not a Lucene index, or was never committed"
        )
    return Part(name, os.fspath(path), frozenset({"write.lock"}))


def _directory(path: PathLike, what: str) -> None:
    if not os.path.isdir(path):
        raise InvalidAssetError(f"{os.fspath(path)} is not a directory, so not {what}")


def _head(path: PathLike, size_bytes: int = 0) -> bytes:
    """The first bytes of a file. Raises InvalidAssetError if there is none."""
    if not os.path.lexists(path):
        raise InvalidAssetError(f"there is no {os.fspath(path)}")
    if not os.path.isfile(path):
        raise InvalidAssetError(f"{os.fspath(path)} is not a file")
    with translated("read", path), open(os.path.realpath(path), "rb", opener=open_regular) as file:
        return file.read(size_bytes)
