"""Lines of source files, as they are on disk, if they are what was indexed."""

from __future__ import annotations

import os

from diptych.fs import Beneath
from diptych.layout import DEFAULT_STORE
from diptych.model import content_hash
from diptych.store.code import Store


class Sources:
    """The files of the repository that a store is of."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._root = _root_of(store)
        self._lines: dict[str, list[str] | None] = {}

    def lines(self, path: str, first: int, count: int) -> list[str]:
        """`count` lines from `first`, which counts from 0; none if the file is gone or has changed."""
        if not count:
            return []
        if path not in self._lines:
            self._lines[path] = self._read(path)
        found = self._lines[path]
        return [] if found is None else found[first : first + count]

    def _read(self, path: str) -> list[str] | None:
        record = self._store.file(path)
        if record is None or not self._root:
            return None
        try:
            with Beneath(self._root) as beneath, os.fdopen(beneath.open(os.fsencode(path)), "rb") as file:
                data = file.read()
        except OSError:
            return None
        if content_hash(data) != record.content_hash:
            return None
        return data.decode("utf-8", "surrogateescape").split("\n")


def _root_of(store: Store) -> str:
    """The repository, "" if unknown: the folder the store is in, or the one it was made from."""
    if os.path.basename(store.path) == DEFAULT_STORE:
        return os.path.dirname(store.path)
    from diptych.workspace.freshness.record import load

    recorded = load(store.path)
    return recorded.root if recorded is not None else ""
