"""Scanning the generations: manifests, and each of the two stores from outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from diptych import fs
from diptych.errors import CorruptionError, DiptychError, IncompatibleStoreError, StorageError
from diptych.layout import GENERATIONS, SEARCH, SEARCH_META, SNAPSHOT, is_temporary, parse_generation_name
from diptych.snapshot.format import TRAILER_SIZE, decode_head, decode_trailer
from diptych.snapshot.reader import SnapshotReader
from diptych.store.generation import read_manifest
from diptych.store.manifest import Identity, Manifest
from diptych.store.recovery.found import FoundGeneration, OpenFiles, Stray
from diptych.store.recovery.reading import irregular, names_in


class Generations(NamedTuple):
    """What was found in the generations' directory."""

    found: tuple[FoundGeneration, ...]
    """Newest first."""
    strays: list[Stray]
    temporaries: list[str]
    incompatible: IncompatibleStoreError | None


def scan_generations(store: str, identity: Identity | None, files: OpenFiles) -> Generations:
    """Inspect the generations; intact snapshots go into `files`. Raises StorageError."""
    directory = os.path.join(store, GENERATIONS)
    generations: list[FoundGeneration] = []
    strays: list[Stray] = []
    temporaries = [os.path.join(store, name) for name in names_in(store) if is_temporary(name)]
    incompatible = None
    for name in names_in(directory):
        parsed = parse_generation_name(name)
        path = os.path.join(directory, name)
        if parsed is not None and not fs.is_directory(path):
            strays += irregular(path, stat.S_ISDIR, "no directory")
        elif parsed is not None:
            try:
                generation = _scan_generation(FoundGeneration(path, *parsed), identity, files)
            except IncompatibleStoreError as error:
                incompatible = incompatible or error
                generation = FoundGeneration(path, *parsed, problem=error.message)
            attested = _is_attested(generation)
            # A reader may scan while the writer removes it: then it is past, not damaged.
            is_directory = fs.is_directory(path)
            if is_directory and attested:
                generations.append(generation)
            elif is_directory:
                reason = f"{generation.problem}, and nothing in {path} is of LSN {generation.lsn}"
                strays.append(Stray(path, reason))
        elif is_temporary(name):
            temporaries.append(path)
    generations.sort(key=lambda g: (g.lsn, g.revision), reverse=True)
    return Generations(tuple(generations), strays, temporaries, incompatible)


def _scan_generation(named: FoundGeneration, identity: Identity | None, files: OpenFiles) -> FoundGeneration:
    path = named.path
    try:
        manifest = read_manifest(path)
    except IncompatibleStoreError:
        raise
    except (CorruptionError, StorageError) as error:
        fs.raise_transient(error)
        return replace(named, problem=error.message)
    if manifest.lsn != named.lsn:
        problem = f"{path} holds the manifest of LSN {manifest.lsn}"
        return replace(named, manifest_lsn=manifest.lsn, problem=problem)
    if identity is not None and manifest.identity.store_id != identity.store_id:
        return replace(named, problem=f"{path} belongs to another store", foreign=True)
    return replace(
        named,
        manifest=manifest,
        snapshot_problem=_snapshot_problem(path, manifest, files),
        search_problem=_search_problem(path, manifest),
    )


def _is_attested(generation: FoundGeneration) -> bool:
    """Whether anything but its name says that it is of its LSN: a name alone proves no transaction."""
    if generation.manifest is not None or generation.foreign:
        return True
    named = _lsns_in_snapshot(os.path.join(generation.path, SNAPSHOT))
    if generation.lsn in named:
        return True
    if named and generation.manifest_lsn is not None:
        # A copy of another generation, say.
        return False
    # Only Tantivy can tell of what LSN a search index is: where there is one, it gets the benefit.
    search = os.path.join(generation.path, SEARCH)
    return fs.is_directory(search) and fs.exists(os.path.join(search, SEARCH_META))


def _lsns_in_snapshot(where: str) -> set[int]:
    """The LSNs that a snapshot's head and trailer name, as far as they can be read."""
    found: set[int] = set()
    try:
        with fs.translated("read", where), open(where, "rb", opener=fs.open_regular) as file:
            head = file.read(64)
            file.seek(-min(TRAILER_SIZE, os.fstat(file.fileno()).st_size), os.SEEK_END)
            trailer = file.read()
    except StorageError as error:
        fs.raise_transient(error)
        return found
    with suppress(DiptychError):
        found.add(decode_head(head, where=where)[1])
    with suppress(DiptychError):
        found.add(decode_trailer(trailer, where=where).lsn)
    return found


def _snapshot_problem(path: str, manifest: Manifest, files: OpenFiles) -> str:
    where = os.path.join(path, SNAPSHOT)
    size = manifest.files.get(SNAPSHOT, (0, ""))[0]
    try:
        snapshot = SnapshotReader(where, size=size)
    except DiptychError as error:
        fs.raise_transient(error)
        return error.message
    if (snapshot.lsn, snapshot.store_id) != (manifest.lsn, manifest.identity.store_id):
        return f"{where} belongs to another generation or store"
    if len(snapshot) != manifest.records or snapshot.trailer.lsn != manifest.lsn:
        return f"{where} does not fit its manifest"
    files.snapshots[path] = snapshot
    return ""


def _search_problem(path: str, manifest: Manifest) -> str:
    sizes = {name: facts[0] for name, facts in manifest.files.items()}
    search = [name for name in sizes if name.startswith(SEARCH + "/")]
    if not search:
        return f"the manifest of {path} names no search index"
    if os.path.islink(os.path.join(path, SEARCH)):
        # Its files could all be there, and be another's.
        return f"{os.path.join(path, SEARCH)} is a symbolic link"
    return _sizes_problem(path, sizes, search)


def _sizes_problem(directory: str, sizes: dict[str, int], names: Sequence[str]) -> str:
    for name in names:
        path = os.path.join(directory, name)
        try:
            status = os.lstat(path)
        except OSError as error:
            fs.raise_transient(fs.storage_error(error, "examine", path))
            return f"{path}: {error.strerror}"
        if not stat.S_ISREG(status.st_mode):
            return f"{path} is no regular file"
        if status.st_size != sizes[name]:
            return f"{path} has {status.st_size:,} bytes instead of {sizes[name]:,}"
    return ""
