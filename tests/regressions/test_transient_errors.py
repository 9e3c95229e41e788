"""Transient errors (no descriptors, no permission, no temporary directory) are not damage of the store.

A repair that took them for damage would quarantine intact files, and lose their contents.
"""

import builtins
import errno
import os
import tempfile

import pytest

from diptych import CheckpointPolicy, FileRecord, Range, StorageError, Store, Symbol, repair, verify

MANUAL = CheckpointPolicy(automatic=False)
TRANSIENT = [errno.EMFILE, errno.EACCES, errno.ENOMEM]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "s"
    with Store.open(path, policy=MANUAL) as store:
        for name in ("a.py", "b.py", "c.py"):
            with store.transaction() as txn:
                txn.index_file(FileRecord(name, "h", "", [Symbol("parse", "function", Range(0, 0, 1, 0))]))
            if name != "c.py":
                store.checkpoint()
    return path


def _failing(monkeypatch, path, number, wanted):
    def wrap(real):
        def fail(name, *arguments, **options):
            if isinstance(name, str) and name.startswith(str(path)) and wanted in name:
                raise OSError(number, os.strerror(number), name)
            return real(name, *arguments, **options)

        return fail

    for module, name in ((os, "open"), (builtins, "open"), (os, "stat")):
        monkeypatch.setattr(module, name, wrap(getattr(module, name)))


@pytest.mark.parametrize("number", TRANSIENT, ids=errno.errorcode.get)
@pytest.mark.parametrize("wanted", ["3.wal", "records.msgpack", "generations/", "SEAL", "search.bundle"])
def test_a_transient_error_is_not_reported_as_damage(path, monkeypatch, wanted, number):
    before = sorted(str(file) for file in path.rglob("*"))
    with monkeypatch.context() as patch:
        _failing(patch, path, number, wanted)
        for act in (verify, repair, lambda path: repair(path, dry_run=True)):
            with pytest.raises(StorageError) as raised:
                act(path)
            assert raised.value.errno == number
        if wanted not in ("SEAL", "search.bundle"):
            with pytest.raises(StorageError):
                Store.open(path)
    assert sorted(str(file) for file in path.rglob("*")) == before
    assert verify(path).ok
    with Store.open(path) as store:
        assert len(store) == 3


def test_without_a_temporary_directory_the_search_index_is_not_called_damaged(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(path / "nowhere"))
        patch.setattr("diptych.fs.temporary._IN_MEMORY", str(path / "nowhere"))
        for act in (verify, repair):
            with pytest.raises(StorageError, match="temporary") as raised:
                act(path)
            assert "TMPDIR" in raised.value.advice
        with Store.open(path, read_only=True) as store, pytest.raises(StorageError, match="temporary"):
            store.search("parse")
    assert verify(path).ok
