"""Too few descriptors during a checkpoint say nothing of the segments: no false alarm, nothing rewritten."""

import errno
import logging
import os

import pytest

from diptych import CheckpointPolicy, FileRecord, StorageError, Store, fs
from diptych.store.checkpoint import publish

MANUAL = CheckpointPolicy(automatic=False)


def refuse(*arguments, **options):
    raise fs.storage_error(OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "read", "segment")


def test_no_segment_is_called_damaged(tmp_path, monkeypatch, caplog):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        for name in ("a.py", "b.py"):
            with store.transaction() as txn:
                txn.index_file(FileRecord(name, "h"))
            if name == "a.py":
                store.checkpoint()
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="diptych"):
            patch.setattr(publish, "open_segment", refuse)
            with pytest.raises(StorageError) as raised:
                store.checkpoint()
        assert raised.value.errno == errno.EMFILE
        assert "damaged" not in caplog.text
        assert not store._handle.current.healing.needed
        assert store.checkpoint() == 2


def test_nor_is_a_search_index(tmp_path, monkeypatch):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h"))
        store.checkpoint()
    with Store.open(tmp_path / "s", policy=MANUAL) as store, store.view() as view:
        monkeypatch.setattr(fs, "checksum_stable_file", refuse)
        with pytest.raises(StorageError):
            view.generation.segments.damaged_search()
        monkeypatch.undo()
        assert view.generation.segments.damaged_search() == set()
