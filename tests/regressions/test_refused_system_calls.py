"""The operating system refuses: a StorageError says so, nothing counts twice, and the handle goes on."""

import errno
import os

import pytest

from diptych import CheckpointPolicy, FileRecord, Range, StorageError, Store, Symbol
from diptych.journal.file import JournalFile

MANUAL = CheckpointPolicy(automatic=False)


def _record(name):
    return FileRecord(name, "hash", "python", [Symbol("parse", "function", Range(0, 0, 1, 0))])


def _put(store, *names):
    for name in names:
        with store.transaction() as txn:
            txn.index_file(_record(name))


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "s", policy=MANUAL) as opened:
        _put(opened, "a.py", "b.py", "c.py")
        yield opened


def _refusing(monkeypatch, module, name, code, *, after=0):
    real, calls = getattr(module, name), []

    def refuse(*arguments, **options):
        calls.append(arguments)
        if len(calls) > after:
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, refuse)


def test_a_read_error_of_the_journal_is_a_storage_error(store, monkeypatch):
    _refusing(monkeypatch, os, "pread", errno.EIO)
    with pytest.raises(StorageError) as raised:
        store.file("a.py")
    assert raised.value.errno == errno.EIO


@pytest.mark.parametrize("name", ["listdir", "mkdir", "replace", "open"])
def test_a_checkpoint_that_is_refused_something_raises_a_storage_error_and_can_be_repeated(
    store, monkeypatch, name
):
    with monkeypatch.context() as patch:
        _refusing(patch, os, name, errno.EMFILE)
        with pytest.raises(StorageError) as raised:
            store.checkpoint()
        assert raised.value.errno == errno.EMFILE
    assert store.checkpoint() == 3
    assert len(store.search("parse")) == 3


def test_a_read_error_in_a_lookup_does_not_double_what_is_found_later(store, monkeypatch):
    with monkeypatch.context() as patch:
        _refusing(patch, os, "pread", errno.EIO, after=1)
        with pytest.raises(StorageError):
            store.symbols("parse")
    assert [hit.path for hit in store.symbols("parse")] == ["a.py", "b.py", "c.py"]


def test_a_refusal_that_tantivy_reports_keeps_its_number(store, monkeypatch):
    store.checkpoint()
    store.close()
    from diptych.search import composed

    def refuse(*_arguments, **_options):
        raise ValueError("IO error: Too many open files (os error 24)")

    with Store.open(store.path, read_only=True) as again:
        import tantivy

        monkeypatch.setattr(composed, "SearchIndex", refuse)
        with pytest.raises(StorageError) as raised:
            again.search("parse")
    assert tantivy
    assert raised.value.errno == errno.EMFILE


def test_read_exactly_translates(tmp_path, monkeypatch, store):
    file = JournalFile(os.path.join(store.path, "journal", "00000000000000000001.wal"))
    _refusing(monkeypatch, os, "pread", errno.EIO)
    with pytest.raises(StorageError):
        file.read_exactly(0, 8)
