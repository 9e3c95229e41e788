"""The indexer's facts while a repository is watched: kept up with the store, so that queries stay quick."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from diptych.errors import DiptychError
from diptych.indexer import facts as facts_file
from diptych.indexer.fact_columns import Fact
from diptych.store.code import Store
from diptych.values import replace

_EVERY_S = 1.0


class FactsKeeper:
    """Gathers what single updates saw, and writes it to the facts file now and then.

    `noting` is used by the thread that writes to the store, `save` and `save_due` by any other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[str, Fact | None] = {}
        # What the facts file accounts for, and with what is pending; -1 while a run writes its own.
        self._base_lsn = -1
        self._lsn = -1
        self._saved_s = 0.0
        self.changed = False
        """Whether single updates changed the store since the last run: the next run has to look at them."""

    def pause(self) -> None:
        """A run of the indexer begins; until it is done nothing is written here."""
        with self._lock:
            self._base_lsn = -1
            self._pending.clear()

    def resume(self, lsn: int) -> None:
        """A run ended, and its facts are those of the store at `lsn`."""
        with self._lock:
            self._base_lsn = self._lsn = lsn
            self.changed = False

    @contextmanager
    def noting(self, store: Store, path: str, fact: Fact | None) -> Iterator[None]:
        """Around a commit: once it succeeded, note what is known of `path` from then on (None: nothing)."""
        with self._lock:
            yield
            self._pending[path] = fact
            self.changed |= store.lsn != self._lsn
            self._lsn = store.lsn

    def save_due(self, store: Store) -> None:
        """Write what is pending, unless that was done less than a second ago. A cache: it may fail."""
        if self._pending and time.monotonic() - self._saved_s >= _EVERY_S:
            self.save(store)

    def save(self, store: Store) -> None:
        """Write what is pending. A cache: it may fail."""
        with self._lock, suppress(DiptychError, OSError):
            if not self._pending or self._base_lsn < 0:
                return
            self._saved_s = time.monotonic()
            # Not into another store, nor alone into the folder of one that was deleted.
            store.refuse_replaced()
            known = facts_file.load(store.path, store_id=store.store_id, lsn=self._lsn)
            if known is None or known.lsn != self._base_lsn:
                return
            files = dict(known.files)
            for path, fact in self._pending.items():
                if fact is None:
                    files.pop(path, None)
                else:
                    files[path] = fact
            # With the time of the run as theirs, the new stats are doubted, and those files are hashed.
            facts_file.save(store.path, replace(known, lsn=self._lsn, files=files))
            self._base_lsn = self._lsn
            self._pending.clear()
