"""Scanning the generations: their manifests, and each half of the segments that they list from outside."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from diptych import fs
from diptych.errors import CorruptionError, DiptychError, IncompatibleStoreError, StorageError
from diptych.layout import (
    GENERATIONS,
    INCOMING,
    MANIFEST_1,
    RECORDS,
    SEAL,
    SEGMENTS,
    is_incoming_name,
    is_temporary,
    parse_generation_name,
    segments_to_remove,
)
from diptych.sealed import OlderFormatError
from diptych.segment.reader import Segment
from diptych.store.generation import open_segment, read_manifest, segment_path
from diptych.store.manifest import Identity, ListedSegment, Manifest
from diptych.store.recovery.found import FoundGeneration, FoundSegment, OpenFiles, Scan, Stray
from diptych.store.recovery.reading import irregular, names_in
from diptych.values import replace


class Generations(NamedTuple):
    """What was found in the directories of generations and of segments."""

    found: tuple[FoundGeneration, ...]
    """Newest first."""
    strays: list[Stray]
    temporaries: list[str]
    segment_names: tuple[str, ...]
    segments: Segments
    incompatible: IncompatibleStoreError | None


def scan_generations(store: str, identity: Identity | None, files: OpenFiles) -> Generations:
    """Inspect the generations; segments with intact records go into `files`. Raises StorageError."""
    directory = os.path.join(store, GENERATIONS)
    generations: list[FoundGeneration] = []
    strays: list[Stray] = []
    temporaries = [os.path.join(store, name) for name in names_in(store) if is_temporary(name)]
    incompatible: IncompatibleStoreError | None = None
    segments = Segments(store, files)
    for name in names_in(directory):
        parsed = parse_generation_name(name)
        path = os.path.join(directory, name)
        if parsed is not None and fs.exists(os.path.join(path, MANIFEST_1)):
            incompatible = incompatible or OlderFormatError(f"{path} is a generation of format 1")
        elif parsed is not None and not fs.is_regular(path):
            strays += irregular(path, stat.S_ISREG, "no regular file")
        elif parsed is not None:
            try:
                generation = _scan_generation(FoundGeneration(path, *parsed), identity, segments)
            except IncompatibleStoreError as error:
                incompatible = incompatible or error
                generation = FoundGeneration(path, *parsed, problem=error.message)
            # A reader may scan while the writer removes it: then it is past, not damaged.
            if not fs.is_regular(path):
                continue
            if _is_attested(generation, store):
                generations.append(generation)
            else:
                reason = f"{generation.problem}, and nothing else is of LSN {generation.lsn}"
                strays.append(Stray(path, reason))
        elif is_temporary(name):
            temporaries.append(path)
    generations.sort(key=lambda g: (g.lsn, g.revision), reverse=True)
    names = tuple(names_in(os.path.join(store, SEGMENTS)))
    return Generations(tuple(generations), strays, temporaries, names, segments, incompatible)


class Segments:
    """The segments of a store, each inspected once, however many manifests list it."""

    def __init__(self, store: str, files: OpenFiles) -> None:
        self._store, self._files = store, files
        self._found: dict[str, FoundSegment] = {}
        directory = os.path.join(store, SEGMENTS)
        # What is in a link's target is no part of the store: the writer sets the link aside.
        self._problem = "" if fs.is_directory(directory) else f"{directory} is no directory"

    def find(self, listed: ListedSegment) -> FoundSegment:
        """The segment, inspected from outside. Raises StorageError."""
        known = self._found.get(listed.digest)
        if known is None:
            known = self._found[listed.digest] = self._inspect(listed)
        return replace(known, listed=listed)

    def _inspect(self, listed: ListedSegment) -> FoundSegment:
        path = segment_path(self._store, listed.digest)
        problem = self._problem
        if not problem and not fs.is_directory(path):
            # A link may lead to the files of another store.
            problem = f"{path} is no directory" if fs.exists(path) else f"{path} is gone"
        if problem:
            return FoundSegment(path, listed, problem, problem, problem)
        sizes = {name: digests.size_bytes for name, digests in listed.seal.files.items()}
        search = {name: size for name, size in sizes.items() if name != RECORDS}
        return FoundSegment(
            path,
            listed,
            seal_problem=sizes_problem(path, {SEAL: len(listed.sealed)}),
            records_problem=sizes_problem(path, {RECORDS: sizes[RECORDS]}) or self._records_problem(listed),
            search_problem=sizes_problem(path, search),
        )

    def _records_problem(self, listed: ListedSegment) -> str:
        if listed.digest in self._files.segments:
            return ""
        try:
            segment: Segment = open_segment(self._store, listed, self._files.schema)
        except DiptychError as error:
            fs.raise_transient(error)
            return error.message
        self._files.segments[listed.digest] = segment
        return ""


def _scan_generation(
    named: FoundGeneration, identity: Identity | None, segments: Segments
) -> FoundGeneration:
    path = named.path
    try:
        manifest = read_manifest(path)
    except IncompatibleStoreError:
        raise
    except (CorruptionError, StorageError) as error:
        fs.raise_transient(error)
        return replace(named, problem=error.message)
    if manifest.lsn != named.lsn:
        return replace(named, problem=f"{path} holds the manifest of LSN {manifest.lsn}")
    if identity is not None and manifest.identity.store_id != identity.store_id:
        return replace(named, problem=f"{path} belongs to another store", foreign=True)
    found = tuple(segments.find(listed) for listed in manifest.segments)
    return replace(named, manifest=manifest, segments=found)


def manifest_copy(store: str, name: str) -> Manifest | None:
    """The second copy of the manifest of that name, where it is intact and of that LSN.

    Raises StorageError.
    """
    path = os.path.join(store, SEGMENTS, name)
    parsed = parse_generation_name(name)
    try:
        manifest = read_manifest(path)
    except (CorruptionError, IncompatibleStoreError, StorageError) as error:
        fs.raise_transient(error)
        return None
    return manifest if parsed is not None and manifest.lsn == parsed[0] else None


def _is_attested(generation: FoundGeneration, store: str) -> bool:
    """Whether anything but its name says that it is of its LSN: a name alone proves no transaction."""
    return (
        generation.manifest is not None
        or generation.foreign
        or manifest_copy(store, os.path.basename(generation.path)) is not None
    )


def sizes_problem(directory: str, sizes: dict[str, int]) -> str:
    """What is wrong with the first of the files that is not there with its size; "" where all are."""
    for name, size in sizes.items():
        path = os.path.join(directory, name)
        try:
            status = os.lstat(path)
        except OSError as error:
            fs.raise_transient(fs.storage_error(error, "examine", path))
            return f"{path}: {error.strerror}"
        if not stat.S_ISREG(status.st_mode):
            return f"{path} is no regular file"
        if status.st_size != size:
            return f"{path} has {status.st_size:,} bytes instead of {size:,}"
    return ""


def unreferenced(found: Scan) -> tuple[str, ...]:
    """What the next writer removes: see `Scan.unreferenced`. Raises StorageError."""
    incoming, generations = os.path.join(found.path, INCOMING), found.generations
    building = [os.path.join(incoming, name) for name in names_in(incoming) if is_incoming_name(name)]
    if any(generation.manifest is None for generation in generations):
        # It may list any segment, and repair may still need that.
        return tuple(building)
    first_lsn = min((file.first_lsn for file in found.journal), default=1)
    named = {one.listed.digest for g in generations for one in g.segments}
    adopted = [one for g in generations if g.manifest is not None for one in g.manifest.adopted]
    named |= {one.digest for one in adopted if one.lsn >= first_lsn}
    named |= {one.listed.digest for one in found.adopted}
    present = {os.path.basename(generation.path) for generation in generations}
    removed = segments_to_remove(found.segment_names, present, named)
    return (*building, *(os.path.join(found.path, SEGMENTS, name) for name in removed))
