"""The search leaf of a generation: files that no one changes, opened without a trace.

Tantivy writes a lock file into the directory that it searches, so it is given a private directory of links to
the leaf's files instead. Once it has opened them, the directory is no longer needed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from diptych.errors import CorruptSearchError, StorageError
from diptych.fs import hash_stable_file, importing, is_regular, private_directory, translated
from diptych.layout import SEARCH_META, is_plain_name
from diptych.schema.base import Schema
from diptych.search.guard import guarded
from diptych.search.index import SearchIndex
from diptych.search.revision import is_current

# So often it is looked whether merges have stopped changing a directory under the look.
_TRIES = 100


def verify_files(directory: str, files: Mapping[str, tuple[int, str]]) -> None:
    """Compare every file of a leaf with the size and BLAKE3 that the manifest has for it.

    Tantivy does not test its own checksums when it opens or searches, so this comes before the first search.
    Raises CorruptSearchError.
    """
    for name, (size, blake3_hex) in files.items():
        path = os.path.join(directory, name)
        if not is_regular(path):
            raise CorruptSearchError(f"{path} is gone, or no regular file", where=path)
        if hash_stable_file(path, expected_bytes=size) != (size, bytes.fromhex(blake3_hex)):
            raise CorruptSearchError(f"{path} is not what the manifest says", where=path)


def stats_of(directory: str, files: Iterable[str]) -> list[tuple[int, ...]]:
    """By which a file that was replaced or written to since is told. Raises StorageError."""
    stats: list[tuple[int, ...]] = []
    for name in files:
        path = os.path.join(directory, name)
        with translated("examine", path):
            status = os.lstat(path)
        stats.append((status.st_ino, status.st_dev, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return stats


def open_leaf(directory: str, files: Mapping[str, tuple[int, str]], schema: Schema[Any]) -> SearchIndex:
    """Open the leaf in `directory`. Raises CorruptSearchError, or StorageError."""
    with importing("tantivy"):
        import tantivy

    for in_memory in (True, False):
        with private_directory(in_memory=in_memory) as private:
            try:
                _link(directory, files, private, or_copy=not in_memory)
                with guarded("open", directory):
                    # `open`, not `Index(schema, path)`, which makes an empty index where meta.json is gone.
                    index = tantivy.Index.open(private)
                    index.config_reader("manual")
                    return SearchIndex(index, schema, directory, has_long_words=is_current(directory))
            except StorageError:
                # There may be no room in memory, not even for names.
                if not in_memory:
                    raise
    raise AssertionError


def _link(directory: str, files: Iterable[str], private: str, *, or_copy: bool) -> None:
    """Give the files names in `private`. Raises CorruptSearchError, or StorageError."""
    for name in files:
        source = os.path.abspath(os.path.join(directory, name))
        target = os.path.join(private, name)
        if os.path.exists(source) and not os.path.isfile(source):
            # Tantivy would wait for the writer of a named pipe.
            raise CorruptSearchError(f"{source} is no regular file", where=source)
        with translated("link to", source):
            try:
                os.symlink(source, target)
            except OSError:
                if not or_copy:
                    raise
                # Windows allows symbolic links to some users only.
                shutil.copyfile(source, target)


def files_in_use(directory: str) -> tuple[bytes, list[str]]:
    """`meta.json` of the newest commit in a Tantivy directory, and the names of the files that it rests on.

    Raises CorruptSearchError where `meta.json` makes no sense or does not hold still, and StorageError.
    """
    path = os.path.join(directory, SEARCH_META)
    with translated("read", path):
        for _ in range(_TRIES):
            meta = _read(path)
            present = os.listdir(directory)
            # A merge replaces meta.json before it takes its segments away: unchanged, all of them were there.
            if _read(path) == meta:
                return meta, _names_in(meta, present, path)
    raise CorruptSearchError(f"{path} does not hold still", where=path)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _names_in(meta: bytes, present: list[str], where: str) -> list[str]:
    names = []
    try:
        for segment in json.loads(meta)["segments"]:
            stem = segment["segment_id"].replace("-", "")
            if not is_plain_name(stem):
                raise ValueError(f"segment {stem!r:.200}")  # noqa: TRY301
            deletes = segment["deletes"]
            alive = f"{stem}.{deletes['opstamp']}.del" if deletes else None
            of_segment = [name for name in present if name.startswith(stem + ".")]
            names += [name for name in of_segment if not name.endswith(".del") or name == alive]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptSearchError(f"{where} cannot be read: {error}", where=where) from error
    return names
