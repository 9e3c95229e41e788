"""A directory that a killed process made, and had not synced in its parent, is synced before it is relied on.

A power cut after that would take it, with all that is in it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.records import record

from diptych import CheckpointPolicy, StorageError, Store, fs
from diptych.artifact.remotes.file import FileRemote
from diptych.fs import durable
from diptych.versions import VersionManager

MANUAL = CheckpointPolicy(automatic=False)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is synced, renamed and written, in order."""
    events: list[tuple[str, str]] = []
    fsync_dir, rename, atomic_write = durable.fsync_dir, fs.rename, fs.atomic_write

    def synced(path: str | os.PathLike[str]) -> None:
        events.append(("sync", os.fspath(path)))
        fsync_dir(path)

    def renamed(source: str, target: str) -> None:
        events.append(("rename", target))
        rename(source, target)

    def written(path: str, data: bytes, **more: str) -> None:
        events.append(("write", path))
        atomic_write(path, data, **more)

    monkeypatch.setattr(fs, "fsync_dir", synced)
    monkeypatch.setattr(durable, "fsync_dir", synced)
    monkeypatch.setattr(fs, "rename", renamed)
    monkeypatch.setattr(fs, "atomic_write", written)
    return events


def test_that_of_a_store(store_path: str, events: list[tuple[str, str]]) -> None:
    os.mkdir(store_path)
    Store.open(store_path, policy=MANUAL).close()
    made = events.index(("write", f"{store_path}/IDENTITY"))
    assert events.index(("sync", os.path.dirname(store_path))) < made


def test_it_is_synced_once(store_path: str, events: list[tuple[str, str]]) -> None:
    os.mkdir(store_path)
    Store.open(store_path, policy=MANUAL).close()
    assert events.count(("sync", os.path.dirname(store_path))) == 1


def test_one_far_above_a_store(store_path: str, events: list[tuple[str, str]]) -> None:
    """It was killed before it made the next directory: that is made in one that is not synced yet."""
    os.makedirs(f"{store_path}/above")
    Store.open(f"{store_path}/above/between/store", policy=MANUAL).close()
    synced = events.index(("sync", store_path))
    assert synced < events.index(("sync", f"{store_path}/above"))
    assert synced < events.index(("write", f"{store_path}/above/between/store/IDENTITY"))


def test_a_store_in_a_folder_that_may_not_be_read(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(store_path)
    fsync_dir = durable.fsync_dir

    def refused(path: str) -> None:
        if path == os.path.dirname(store_path):
            raise StorageError("no permission", errno=13)
        fsync_dir(path)

    monkeypatch.setattr(durable, "fsync_dir", refused)
    with Store.open(store_path, policy=MANUAL) as store, store.transaction() as txn:
        txn.index_file(record("a.py"))


def test_the_quarantine(store_path: str, events: list[tuple[str, str]]) -> None:
    with Store.open(store_path, policy=MANUAL) as store, store.transaction() as txn:
        txn.index_file(record("a.py"))
    os.mkdir(f"{store_path}/quarantine")
    os.mkdir(f"{store_path}/facts.msgpack")
    events.clear()
    Store.open(store_path, policy=MANUAL).close()
    moved = events.index(("rename", f"{store_path}/quarantine/facts.msgpack"))
    assert ("sync", store_path) in events[:moved]


def test_those_of_a_consumer(store_path: str, events: list[tuple[str, str]]) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        os.makedirs(f"{store_path}/consumers/mail")
        events.clear()
        with store.consumer("mail", since=0) as consumer:
            for transaction in consumer:
                consumer.acknowledge(transaction.lsn)
                break
        stored = events.index(("write", f"{store_path}/consumers/mail/POSITION"))
        assert {("sync", store_path), ("sync", f"{store_path}/consumers")} <= {*events[:stored]}
        events.clear()
        store.consumer("mail").close()
        assert ("sync", store_path) not in events


def test_that_of_the_versions(tmp_path: Path, events: list[tuple[str, str]]) -> None:
    base = os.fspath(tmp_path / "base")
    os.makedirs(f"{base}/versions")
    Path(tmp_path, "source").mkdir()
    Path(tmp_path, "source", "file").write_bytes(b"data")
    VersionManager(base).stage("v1", {"tree": os.fspath(tmp_path / "source")})
    assert ("sync", base) in events


def test_a_folder_of_a_remote(tmp_path: Path, events: list[tuple[str, str]]) -> None:
    folder = os.fspath(tmp_path / "remote")
    digest = "ab" * 32
    with FileRemote(folder) as remote:
        remote.write_blob(digest, b"data")
    [[parent, name]] = [os.path.split(os.path.dirname(path)) for kind, path in events if kind == "write"]
    assert name == "ab"
    events.clear()
    with FileRemote(folder) as remote:
        remote.write_blob(digest, b"data")
        assert ("sync", parent) in events[: [kind for kind, _ in events].index("write")]
        events.clear()
        remote.write_blob(digest, b"data")
        assert ("sync", parent) not in events


def test_a_remote_is_synced_once(tmp_path: Path, events: list[tuple[str, str]]) -> None:
    with FileRemote(os.fspath(tmp_path / "remote")) as remote:
        for _ in range(3):
            remote.store_time_ms()
    assert events.count(("sync", os.fspath(tmp_path))) <= 2
