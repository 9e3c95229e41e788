"""The search index of a generation of format 1, opened once more when its store is migrated.

It is a Tantivy directory whose files, `meta.json` included, the manifest names with size and BLAKE3. Tantivy
writes a lock file into the directory that it searches, so it is given a private directory of links.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from diptych.errors import CorruptSearchError
from diptych.fs import copy_regular, hash_stable_file, importing, is_regular, private_directory, translated
from diptych.schema.base import Schema
from diptych.search.guard import guarded
from diptych.search.index import SearchIndex


def open_search_1(directory: str, files: Mapping[str, tuple[int, str]], schema: Schema[Any]) -> SearchIndex:
    """The index in `directory`, each file of which has that size and BLAKE3 (hexadecimal).

    Raises CorruptSearchError, or StorageError.
    """
    _verify(directory, files)
    with importing("tantivy"):
        import tantivy

    with private_directory() as private:
        _link(directory, files, private)
        with guarded("open", directory):
            # `open`, not `Index(schema, path)`, which makes an empty index where meta.json is gone.
            index = tantivy.Index.open(private)
            index.config_reader("manual")
            return SearchIndex(index, schema, directory)


def _verify(directory: str, files: Mapping[str, tuple[int, str]]) -> None:
    for name, (size, blake3_hex) in files.items():
        path = os.path.join(directory, name)
        if not is_regular(path):
            raise CorruptSearchError(f"{path} is gone, or no regular file", where=path)
        if hash_stable_file(path, expected_bytes=size) != (size, bytes.fromhex(blake3_hex)):
            raise CorruptSearchError(f"{path} is not what the manifest says", where=path)


def _link(directory: str, names: Iterable[str], private: str) -> None:
    for name in names:
        source, target = os.path.abspath(os.path.join(directory, name)), os.path.join(private, name)
        with translated("link to", source):
            try:
                os.symlink(source, target)
            except OSError:
                # Windows allows symbolic links to some users only.
                copy_regular(source, target)
