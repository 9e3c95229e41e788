"""An interrupt just behind the write of a whole transaction: a reader may have seen it, so it stays."""

import os

import pytest

from diptych import CheckpointPolicy, CommitInDoubtError, FileRecord, PoisonedError, Store
from diptych.journal.format import FRAME, FRAME_SIZE, SYNC

MANUAL = CheckpointPolicy(automatic=False)


def _put(store, name):
    with store.transaction() as txn:
        txn.index_file(FileRecord(name, "hash"))


@pytest.fixture
def stores(tmp_path):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        _put(store, "a.py")
        with Store.open(tmp_path / "s", read_only=True) as reader:
            yield store, reader


def _is_frame(data):
    return len(data) >= FRAME_SIZE and SYNC in FRAME.unpack_from(data)


def _interrupt_behind(monkeypatch, then):
    real = os.write

    def write(fd, data):
        written = real(fd, data)
        if _is_frame(data):
            monkeypatch.undo()
            then()
            raise KeyboardInterrupt
        return written

    monkeypatch.setattr(os, "write", write)


def test_a_commit_that_a_reader_saw_is_in_doubt_and_not_taken_back(stores, monkeypatch):
    store, reader = stores
    _interrupt_behind(monkeypatch, reader.refresh)
    with pytest.raises(CommitInDoubtError):
        _put(store, "b.py")
    assert "b.py" in reader
    with pytest.raises(PoisonedError):
        _put(store, "c.py")
    store.close()
    with Store.open(store.path) as again:
        assert [file.path for file in again.files()] == ["a.py", "b.py"]


def test_a_reader_goes_on_after_an_interrupt_behind_a_control_frame(stores, monkeypatch):
    store, reader = stores
    store.checkpoint()
    reader.refresh()
    _put(store, "b.py")
    _interrupt_behind(monkeypatch, reader.refresh)
    with pytest.raises((KeyboardInterrupt, CommitInDoubtError)):
        store.checkpoint()
    store.close()
    with Store.open(store.path, policy=MANUAL) as again:
        _put(again, "c.py")
        reader.refresh()
        assert [file.path for file in reader.files()] == ["a.py", "b.py", "c.py"]


def test_half_a_transaction_is_still_taken_back(stores, monkeypatch):
    store, _ = stores
    real = os.write

    def half(fd, data):
        if _is_frame(data):
            monkeypatch.undo()
            real(fd, data[: len(data) // 2])
            raise KeyboardInterrupt
        return real(fd, data)

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(KeyboardInterrupt):
        _put(store, "b.py")
    _put(store, "c.py")
    assert [file.path for file in store.files()] == ["a.py", "c.py"]
