"""What is held in memory, and what leaves it first.

Both caches evict in one order, given by the order of the calls alone: the same calls and the same clock
evict the same things. What is evicted is not lost: a tree is parsed again, symbols come back from the store.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from diptych.model import Symbol

from .limits import Clock, Limits

SymbolLoader = Callable[[str], tuple[Symbol, ...] | None]
"""The symbols of a path from the store, or None where it has no such file. Called without a lock held."""

_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class _Tree:
    content_hash: str
    tree: Any
    size_bytes: int
    expires_s: float


class TreeCache:
    """Parse trees, least recently used first out. Safe from any thread.

    A tree is given only for the very content that it was parsed from, and only for `tree_ttl_s`.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._trees: OrderedDict[str, _Tree] = OrderedDict()
        self._bytes = 0
        self._evicted: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._trees)

    @property
    def size_bytes(self) -> int:
        """The sum of the sizes given to `put`."""
        return self._bytes

    def get(self, path: str, content_hash: str) -> Any | None:
        """The tree of `path` if it was parsed from this content, else None."""
        with self._lock:
            held = self._trees.get(path)
            if held is None:
                return None
            if held.content_hash != content_hash:
                self._drop(path, "content_changed")
                return None
            if self._clock() >= held.expires_s:
                self._drop(path, "expired")
                return None
            self._trees.move_to_end(path)
            return held.tree

    def put(self, path: str, content_hash: str, tree: Any, size_bytes: int) -> bool:
        """Hold a tree. False where it alone is over the limit: then none is held for the path."""
        with self._lock:
            if path in self._trees:
                self._drop(path, "replaced")
            if size_bytes > self._limits.cache_bytes_max:
                self._evicted["too_large"] += 1
                return False
            expires_s = self._clock() + self._limits.tree_ttl_s
            self._trees[path] = _Tree(content_hash, tree, size_bytes, expires_s)
            self._bytes += size_bytes
            self._shrink()
            return True

    def forget(self, path: str) -> None:
        """Drop the tree of a file that is no more."""
        with self._lock:
            if path in self._trees:
                self._drop(path, "forgotten")

    def sweep(self) -> int:
        """Drop the expired trees, so that their memory is free without anyone asking for them. How many."""
        with self._lock:
            now_s = self._clock()
            expired = [path for path, held in self._trees.items() if now_s >= held.expires_s]
            for path in expired:
                self._drop(path, "expired")
            return len(expired)

    def set_limits(self, limits: Limits) -> None:
        """Obey these limits from now on."""
        with self._lock:
            self._limits = limits
            self._shrink()

    def evicted(self) -> Mapping[str, int]:
        """How many trees left, by reason."""
        with self._lock:
            return dict(self._evicted)

    def paths(self) -> list[str]:
        """What is held, in the order in which it would be evicted."""
        with self._lock:
            return list(self._trees)

    def _shrink(self) -> None:
        while len(self._trees) > self._limits.cache_items_max:
            self._drop(next(iter(self._trees)), "items")
        while self._bytes > self._limits.cache_bytes_max:
            self._drop(next(iter(self._trees)), "bytes")

    def _drop(self, path: str, reason: str) -> None:
        self._bytes -= self._trees.pop(path).size_bytes
        self._evicted[reason] += 1


class SymbolCache:
    """The symbols of files, by last access. Safe from any thread.

    A file that is not held is asked of the store. A file with more symbols than `symbols_per_file_max` is
    never held, for it would push out many others: its symbols are read from the store each time, all of them.
    """

    def __init__(self, limits: Limits, load: SymbolLoader) -> None:
        self._limits = limits
        self._load = load
        self._lock = threading.Lock()
        self._files: OrderedDict[str, tuple[Symbol, ...]] = OrderedDict()
        self._symbols = 0
        self._changes = 0
        self._evicted: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._files)

    @property
    def symbols(self) -> int:
        """How many symbols are held."""
        return self._symbols

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def get(self, path: str) -> tuple[Symbol, ...] | None:
        """The symbols of `path`, from memory or else from the store; None where there is no such file.

        Raises what the loader raises.
        """
        for _ in range(_PATIENCE):
            with self._lock:
                held = self._files.get(path)
                if held is not None:
                    self._files.move_to_end(path)
                    return held
                changes = self._changes
            loaded = self._load(path)
            if loaded is None:
                return None
            with self._lock:
                if changes == self._changes:
                    self._hold(path, loaded)
                    return loaded
            # A file changed while this one was read, and it may be this one: what was read is not held.
        return loaded

    def peek(self, path: str) -> tuple[Symbol, ...] | None:
        """The symbols of `path` if they are in memory. It does not count as an access, and reads nothing."""
        return self._files.get(path)

    def changed(self, path: str) -> None:
        """What the store says of `path` is new: drop what is held."""
        with self._lock:
            self._changes += 1
            if path in self._files:
                self._drop(path, "changed")

    def clear(self) -> None:
        """Drop everything: the store may have changed anywhere."""
        with self._lock:
            self._changes += 1
            for path in list(self._files):
                self._drop(path, "changed")

    def set_limits(self, limits: Limits) -> None:
        """Obey these limits from now on."""
        with self._lock:
            self._limits = limits
            for path, symbols in list(self._files.items()):
                if len(symbols) > limits.symbols_per_file_max:
                    self._drop(path, "file_symbols")
            self._shrink()

    def evicted(self) -> Mapping[str, int]:
        """How many files left, by reason."""
        with self._lock:
            return dict(self._evicted)

    def paths(self) -> list[str]:
        """What is held, in the order in which it would be evicted."""
        with self._lock:
            return list(self._files)

    def _hold(self, path: str, symbols: tuple[Symbol, ...]) -> None:
        if path in self._files:
            self._files.move_to_end(path)
            return
        if len(symbols) > self._limits.symbols_per_file_max:
            self._evicted["file_symbols"] += 1
            return
        self._files[path] = symbols
        self._symbols += len(symbols)
        self._shrink()

    def _shrink(self) -> None:
        while len(self._files) > self._limits.files_max:
            self._drop(next(iter(self._files)), "files")
        while self._symbols > self._limits.symbols_max:
            self._drop(next(iter(self._files)), "symbols")

    def _drop(self, path: str, reason: str) -> None:
        self._symbols -= len(self._files.pop(path))
        self._evicted[reason] += 1
