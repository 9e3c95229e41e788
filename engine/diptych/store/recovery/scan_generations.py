"""Scanning the generations: manifests, and each leaf from outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from diptych import fs
from diptych.errors import CorruptionError, DiptychError, IncompatibleStoreError, StorageError
from diptych.layout import GENERATIONS, SEARCH, SEARCH_META, SNAPSHOT, is_temporary, parse_generation_name
from diptych.snapshot.format import TRAILER_SIZE, decode_head, decode_trailer
from diptych.snapshot.reader import SnapshotReader
from diptych.store.generation import read_manifest
from diptych.store.manifest import Manifest
from diptych.store.recovery.found import FoundGeneration, Scan
from diptych.store.recovery.reading import names_in, note_irregular


def scan_generations(found: Scan) -> None:
    """Fill in the generations, newest first, and what was left unpublished. Raises StorageError."""
    directory = os.path.join(found.path, GENERATIONS)
    for name in names_in(directory):
        parsed = parse_generation_name(name)
        path = os.path.join(directory, name)
        if parsed is not None and not fs.is_directory(path):
            note_irregular(found, path, stat.S_ISDIR, "no directory")
        elif parsed is not None:
            generation = _scan_generation(found, path, *parsed)
            attested = _is_attested(generation)
            # A reader may look while the writer removes it: then it is past, not damaged.
            is_directory = fs.is_directory(path)
            if is_directory and attested:
                found.generations.append(generation)
            elif is_directory:
                found.strays[path] = f"{generation.problem}, and nothing in {path} is of LSN {generation.lsn}"
        elif is_temporary(name):
            found.temporaries.append(path)
    for name in names_in(found.path):
        if is_temporary(name):
            found.temporaries.append(os.path.join(found.path, name))
    found.generations.sort(key=lambda g: (g.lsn, g.mend), reverse=True)


def _scan_generation(found: Scan, path: str, lsn: int, mend: int) -> FoundGeneration:
    generation = FoundGeneration(path, lsn, mend)
    try:
        manifest = read_manifest(path)
    except IncompatibleStoreError as error:
        found.incompatible = found.incompatible or error
        generation.problem = error.message
        return generation
    except (CorruptionError, StorageError) as error:
        fs.refuse_of_the_moment(error)
        generation.problem = error.message
        return generation
    if manifest.lsn != lsn:
        generation.told_lsn = manifest.lsn
        generation.problem = f"{path} holds the manifest of LSN {manifest.lsn}"
        return generation
    if found.identity is not None and manifest.identity.store_id != found.identity.store_id:
        generation.problem, generation.foreign = f"{path} belongs to another store", True
        return generation
    generation.manifest = manifest
    sizes = {name: facts[0] for name, facts in manifest.files.items()}
    _open_snapshot(generation, manifest)
    search = [name for name in sizes if name.startswith(SEARCH + "/")]
    if not search:
        generation.search_problem = f"the manifest of {path} names no search leaf"
    elif os.path.islink(os.path.join(path, SEARCH)):
        # Its files could all be there, and be another's.
        generation.search_problem = f"{os.path.join(path, SEARCH)} is a symbolic link"
    else:
        generation.search_problem = _sizes_problem(path, sizes, search)
    return generation


def _is_attested(generation: FoundGeneration) -> bool:
    """Whether anything but its name says that it is of its LSN: a name alone proves no transaction."""
    if generation.manifest is not None or generation.foreign:
        return True
    told = _told_by_snapshot(os.path.join(generation.path, SNAPSHOT))
    if generation.lsn in told:
        return True
    if told and generation.told_lsn is not None:
        # A copy of another generation, say.
        return False
    # Only Tantivy can tell of what LSN a search leaf is: where there is one, it gets the benefit.
    search = os.path.join(generation.path, SEARCH)
    return fs.is_directory(search) and fs.exists(os.path.join(search, SEARCH_META))


def _told_by_snapshot(where: str) -> set[int]:
    """The LSNs that a snapshot's head and trailer name, as far as they can be read."""
    told: set[int] = set()
    try:
        with fs.translated("read", where), open(where, "rb", opener=fs.open_regular) as file:
            head = file.read(64)
            file.seek(-min(TRAILER_SIZE, os.fstat(file.fileno()).st_size), os.SEEK_END)
            trailer = file.read()
    except StorageError as error:
        fs.refuse_of_the_moment(error)
        return told
    with suppress(DiptychError):
        told.add(decode_head(head, where=where)[1])
    with suppress(DiptychError):
        told.add(decode_trailer(trailer, where=where).lsn)
    return told


def _open_snapshot(generation: FoundGeneration, manifest: Manifest) -> None:
    where = os.path.join(generation.path, SNAPSHOT)
    size = manifest.files.get(SNAPSHOT, (0, ""))[0]
    try:
        snapshot = SnapshotReader(where, size=size)
    except DiptychError as error:
        fs.refuse_of_the_moment(error)
        generation.snapshot_problem = error.message
        return
    if (snapshot.lsn, snapshot.store_id) != (manifest.lsn, manifest.identity.store_id):
        generation.snapshot_problem = f"{where} belongs to another generation or store"
    elif len(snapshot) != manifest.records or snapshot.trailer.lsn != manifest.lsn:
        generation.snapshot_problem = f"{where} does not fit its manifest"
    else:
        generation.snapshot = snapshot


def _sizes_problem(directory: str, sizes: dict[str, int], names: Sequence[str]) -> str:
    for name in names:
        path = os.path.join(directory, name)
        try:
            status = os.lstat(path)
        except OSError as error:
            fs.refuse_of_the_moment(fs.storage_error(error, "examine", path))
            return f"{path}: {error.strerror}"
        if not stat.S_ISREG(status.st_mode):
            return f"{path} is no regular file"
        if status.st_size != sizes[name]:
            return f"{path} has {status.st_size:,} bytes instead of {sizes[name]:,}"
    return ""
