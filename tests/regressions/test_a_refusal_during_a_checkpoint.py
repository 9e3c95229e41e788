"""Too few descriptors during a checkpoint say nothing of the leaves: no false alarm, no full rewrite."""

import errno
import logging
import os

import pytest

from diptych import CheckpointPolicy, FileRecord, StorageError, Store, fs
from diptych.store.checkpoint.build import search_is_intact
from diptych.store.generation import Generation

MANUAL = CheckpointPolicy(automatic=False)


def refuse(*arguments, **options):
    raise fs.storage_error(OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "read", "leaf")


def test_no_leaf_is_called_damaged(tmp_path, monkeypatch, caplog):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        for name in ("a.py", "b.py"):
            with store.transaction() as txn:
                txn.index_file(FileRecord(name, "h"))
            if name == "a.py":
                store.checkpoint()
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="diptych"):
            patch.setattr(Generation, "verify_snapshot", refuse)
            with pytest.raises(StorageError) as raised:
                store.checkpoint()
        assert raised.value.errno == errno.EMFILE
        assert "damaged" not in caplog.text
        assert store.checkpoint() == 2


def test_nor_is_the_search_leaf(tmp_path, monkeypatch):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h"))
        store.checkpoint()
        with store.view() as view:
            monkeypatch.setattr("diptych.search.leaf.hash_stable_file", refuse)
            with pytest.raises(StorageError):
                search_is_intact(view.generation)
