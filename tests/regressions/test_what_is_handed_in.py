"""What a caller hands in is looked at before it is kept: keys and payloads packed elsewhere, paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.files import overwrite

from diptych import (
    FileRecord,
    InvalidRecordError,
    NotAStoreError,
    PoisonedError,
    Range,
    Store,
    Symbol,
    repair,
    verify,
)
from diptych.errors import CorruptionError
from diptych.schema.code import CODE


def record(path: str, name: str = "f") -> FileRecord:
    return FileRecord(path, "0" * 64, "python", [Symbol(name, "function", Range(0, 0, 1, 0))])


@pytest.mark.parametrize("key", [b"", b"../x", b"/x", b"a\0b", b"a//b", b"x" * 65_536, "text"], ids=repr)
def test_a_packed_record_under_a_key_that_is_no_path_is_refused(tmp_path: Path, key: bytes) -> None:
    with Store.open(tmp_path / "s") as store:
        with pytest.raises(InvalidRecordError), store.transaction() as txn:
            txn.put_packed(key, CODE.pack(record("a.py")))
        assert len(store) == 0


@pytest.mark.parametrize(
    "payload", [b"", b"junk", b"\x90", b"\x94\x01\x02\x03\x04", CODE.pack(record("a"))[:-3]], ids=repr
)
def test_a_packed_payload_that_is_no_record_is_refused(tmp_path: Path, payload: bytes) -> None:
    """It would have been found by the next search, look-up or checkpoint, and stopped each of them."""
    with Store.open(tmp_path / "s") as store:
        with pytest.raises(InvalidRecordError), store.transaction() as txn:
            txn.put_packed(b"a.py", payload)
        with store.transaction() as txn:
            txn.put_packed(b"b.py", CODE.pack(record("b.py")))
        assert [hit.path for hit in store.symbols("f")] == ["b.py"]
        store.checkpoint()


def test_an_empty_path_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for attempt in (lambda: Store.open(""), lambda: verify(""), lambda: repair("")):
        with pytest.raises(NotAStoreError, match="empty"):
            attempt()
    assert os.listdir(tmp_path) == []


def test_a_damaged_record_that_was_replaced_stops_no_look_up(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py", "old"))
        [file] = (tmp_path / "s" / "journal").glob("*.wal")
        overwrite(str(file), os.path.getsize(file) - 12, b"\xff\xff")
        with pytest.raises(CorruptionError):
            store.symbols("old")
        with store.transaction() as txn:
            txn.index_file(record("a.py", "new"))
        assert store.symbols("old") == []
        assert [hit.path for hit in store.symbols("new")] == ["a.py"]


def test_a_close_that_was_interrupted_can_be_called_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "s")
    with store.transaction() as txn:
        txn.index_file(record("a.py"))

    def interrupted(self: Store, journal: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        publisher = "diptych.store.checkpoint.publish.Publisher"
        patch.setattr(f"{publisher}.close", lambda self, _: interrupted(store, None))
        with pytest.raises(KeyboardInterrupt):
            store.close()
    store.close()
    with Store.open(tmp_path / "s") as again:
        assert again.lsn == 1


def test_a_commit_behind_anothers_failed_fsync_was_not_written_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "s")
    with pytest.raises(PoisonedError), store.transaction() as txn:
        txn.index_file(record("a.py"))
        writer = store._handle.writer()
        # As if another thread's fsync had failed between the first look at the journal and the append.
        monkeypatch.setattr(writer, "writer", lambda: writer)
        writer._journal.set_poison(OSError("the disk is gone"))
    assert txn.lsn == 0
    store.close()
