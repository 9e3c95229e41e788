"""Salvage of a store whose journal ends in a torn write."""

from __future__ import annotations

import errno
import os

import pytest
from tests.support.damage import LAST, MANUAL, Case, build, inflict, journal_file

from diptych import StorageError, Store, fs, repair

TORN = Case(
    new_snapshot="flipped",
    new_search="flipped",
    shared_snapshot="flipped",
    shared_search="flipped",
    journal="torn",
)


def test_a_torn_end_is_cut_for_good_before_a_segment_follows_it(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a journal file after it, bytes that come back in a power cut would be damage."""
    path = store_path
    build(path)
    inflict(path, TORN)
    steps: list[str] = []
    synced = fs.fsync_file

    def fsync_file(name: str) -> None:
        steps.append(os.path.basename(name))
        synced(name)

    def atomic_write(name: str, data: bytes) -> None:
        steps.append(os.path.basename(name))
        raise StorageError("it is full", errno=errno.ENOSPC)

    monkeypatch.setattr(fs, "fsync_file", fsync_file)
    monkeypatch.setattr(fs, "atomic_write", atomic_write)
    with pytest.raises(StorageError):
        repair(path)
    journals = [os.path.basename(journal_file(path, first)) for first in (11, LAST + 1)]
    assert [step for step in steps if step.endswith(".wal")] == journals

    monkeypatch.undo()
    with Store.open(path, policy=MANUAL) as store:
        assert store.lsn == LAST
