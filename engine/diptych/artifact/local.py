"""What a store has to share: the files of its newest generation, and what else may serve as a base."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from blake3 import blake3

from diptych import fs
from diptych.artifact.errors import CorruptArtifactError
from diptych.artifact.manifest import SPAN_BYTES
from diptych.errors import CorruptionError, CorruptSnapshotError, StorageError
from diptych.layout import GENERATIONS, SEGMENTS
from diptych.schema.base import Schema
from diptych.store.generation import read_manifest, segment_path
from diptych.store.manifest import Manifest
from diptych.store.opening import published
from diptych.store.store import RecordStore

_TRIES = 5


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of a store, as its seal has it."""

    path: str
    """Below the store."""
    size_bytes: int
    blake3: str
    place: str
    """Where it is."""

    def spans(self) -> Iterator[bytes]:
        """Its bytes, SPAN_BYTES at a time. Raises CorruptSnapshotError where they are not its own."""
        hasher = blake3(max_threads=blake3.AUTO)
        read_bytes = 0
        with fs.translated("read", self.place):
            with open(self.place, "rb", buffering=0, opener=fs.open_regular) as file:
                while span := _read(file, SPAN_BYTES):
                    hasher.update(span)
                    read_bytes += len(span)
                    if read_bytes > self.size_bytes:
                        break
                    yield span
        if hasher.hexdigest() != self.blake3:
            raise CorruptSnapshotError(f"{self.place} is not what its seal says", where=self.place)

    def read(self) -> bytes:
        """All of it. Raises CorruptSnapshotError, StorageError."""
        return b"".join(self.spans())


@dataclass(frozen=True, slots=True)
class LocalGeneration:
    """The newest generation of a store."""

    store: str
    manifest: Manifest
    files: tuple[LocalFile, ...]
    """In order of path."""
    others: dict[str, LocalFile]
    """Files of older generations that are still there, by BLAKE3."""

    def by_hash(self) -> dict[str, LocalFile]:
        """Every file, by BLAKE3."""
        return self.others | {one.blake3: one for one in self.files}


def _read(file: Any, most_bytes: int) -> bytes:
    parts = []
    left = most_bytes
    while left and (part := file.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def newest_generation(store: str) -> LocalGeneration | None:
    """The newest generation of a store; None where none is published.

    Raises CorruptSnapshotError, IncompatibleStoreError, StorageError.
    """
    for attempt in range(_TRIES):
        names = published(store)
        if not names:
            return None
        try:
            newest = _generation(store, names[-1])
        except CorruptSnapshotError:
            # It may have been replaced and removed meanwhile.
            if attempt == _TRIES - 1 or published(store) == names:
                raise
            continue
        others: dict[str, LocalFile] = {}
        for name in names[:-1]:
            with suppress(CorruptionError, StorageError):
                others |= {one.blake3: one for one in _generation(store, name).files}
        return LocalGeneration(store, newest.manifest, newest.files, others)
    raise AssertionError


def published_generation(
    store: str, schema: Schema[Any], *, compact: bool = False, timeout_s: float = 0.0
) -> LocalGeneration:
    """The newest generation, with everything committed in it: a writer publishes one where that is needed.

    Raises what opening the store raises, and CorruptArtifactError where there is nothing to share.
    """
    if compact or not _is_complete(store, schema):
        with RecordStore.open_with(store, schema, create=False, lock_timeout_s=timeout_s) as writer:
            writer.checkpoint(compact=compact)
    found = newest_generation(store)
    if found is None or not found.files[1:]:
        raise CorruptArtifactError(
            f"the store at {store} has no records to share",
            where=store,
            advice="fill it with `diptych index` first",
        )
    return found


def _is_complete(store: str, schema: Schema[Any]) -> bool:
    """Whether the newest generation has everything that was committed, and says what is in it."""
    with RecordStore.open_with(store, schema, create=False, read_only=True) as reader, reader.view() as view:
        base = view.generation
        return base is not None and base.lsn == view.lsn and base.manifest.content_id != ""


def _generation(store: str, name: str) -> LocalGeneration:
    place = os.path.join(store, GENERATIONS, name)
    manifest = read_manifest(place)
    with fs.translated("read", place):
        data = fs.read_bounded(place, SPAN_BYTES)
    files = [LocalFile(f"{GENERATIONS}/{name}", len(data), blake3(data).hexdigest(), place)]
    for listed in manifest.segments:
        folder = segment_path(store, listed.digest)
        files += [
            LocalFile(
                f"{SEGMENTS}/{listed.digest}/{file}",
                digests.size_bytes,
                digests.blake3.hex(),
                os.path.join(folder, file),
            )
            for file, digests in listed.seal.files.items()
        ]
    return LocalGeneration(store, manifest, tuple(sorted(files, key=lambda one: one.path)), {})
