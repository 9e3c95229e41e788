"""The bound on what of Tantivy a process holds open: who lets go, and what a release must not change."""

from __future__ import annotations

import errno
import gc
import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.damage import segments
from tests.support.records import numbered, record
from tests.support.waiting import wait_until

from diptych import CheckpointPolicy, Store, verify
from diptych.fs import temporary
from diptych.search import bounded, composed
from diptych.search.bounded import Bounded
from diptych.segment import rebuild

MANUAL = CheckpointPolicy(automatic=False)


class Owner:
    def __init__(self) -> None:
        self.released = 0

    def release_search(self) -> None:
        self.released += 1


def test_whoever_used_it_longest_ago_lets_go() -> None:
    bound = Bounded(2)
    one, two, three = Owner(), Owner(), Owner()
    for owner in (one, two, one, three):
        bound.use(owner)
    assert [owner.released for owner in (one, two, three)] == [0, 1, 0]


def test_an_owner_that_is_gone_is_passed_by() -> None:
    bound = Bounded(1)
    bound.use(Owner())
    gc.collect()
    bound.use(Owner())


def test_one_that_keeps_fewer_from_now_on_releases_all_that_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bound = Bounded(3)
    owners = [Owner() for _ in range(4)]
    for owner in owners[:3]:
        bound.use(owner)
    monkeypatch.setattr(bound, "_most", 1)
    bound.use(owners[3])
    assert [owner.released for owner in owners] == [1, 1, 1, 0]


def stores(path: Path, count: int, **options: Any) -> list[Store]:
    opened = []
    for number in range(count):
        store = Store.open(str(path / str(number)), policy=MANUAL, **options)
        with store.transaction() as txn:
            for one in numbered(20, number):
                txn.index_file(one)
        store.checkpoint()
        opened.append(store)
    return opened


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded.PUBLISHED, "_most", 1)


@pytest.mark.usefixtures("one_at_a_time")
def test_files_that_changed_after_a_release_are_verified_again(memory_path: Path) -> None:
    """One that published its generation itself trusts only the files that it made."""
    first, second = stores(memory_path, 2)
    for number in range(20):
        assert len(first.search("kind:function", 100)) == 40
        # The first one's index is released.
        assert len(second.search("kind:function", 100)) == 40
        [segment] = segments(str(memory_path / "0"))
        file = Path(segment, "search.bundle")
        damaged = bytearray(file.read_bytes())
        damaged[len(damaged) * (1 + number) // 22] ^= 0x10
        file.unlink()
        file.write_bytes(damaged)
    assert [finding.kind for finding in first.recovery] == ["search-damaged"] * 19
    for store in (first, second):
        store.close()


@pytest.mark.usefixtures("one_at_a_time")
def test_files_that_did_not_change_are_not_read_again(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store in stores(memory_path, 2):
        store.close()
    readers = [Store.open(str(memory_path / str(number)), read_only=True) for number in range(2)]
    read = []
    monkeypatch.setattr("diptych.segment.reader.verify_file", lambda *arguments: read.append(arguments))
    for _ in range(3):
        for reader in readers:
            assert reader.search("kind:function", 100)
    assert len(read) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_releases_nothing_of_its_parents(memory_path: Path) -> None:
    parent = Store.open(str(memory_path / "parent"), policy=MANUAL, durability="full")
    with parent.transaction() as txn:
        txn.index_file(record("a.py"))
    pid = os.fork()
    if pid == 0:
        # Enough stores of its own to take every place.
        status = 1
        try:
            for store in stores(memory_path, 3):
                store.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    with parent.transaction() as txn:
        txn.index_file(record("b.py"))
    assert parent.lsn == 2
    parent.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_is_forked_while_the_lock_is_held_does_not_wait_for_it(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        store.checkpoint()
        with bounded.PUBLISHED._lock:
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    with Store.open(store_path, read_only=True) as reader:
                        status = 0 if reader.search("kind:function") else 2
                finally:
                    os._exit(status)
        ended: list[int] = []

        def has_ended() -> bool:
            found, status = os.waitpid(pid, os.WNOHANG)
            ended.extend([os.waitstatus_to_exitcode(status)] if found else [])
            return bool(found)

        wait_until(has_ended, "the child's end")
        assert ended == [0]


@pytest.fixture
def in_memory(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for the system's place in memory."""
    place = memory_path / "memory"
    place.mkdir()
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(temporary, "_IN_MEMORY", str(place))
    temporary._remove_abandoned.cache_clear()
    return place


def test_where_memory_has_no_room_for_names_the_disk_has(
    in_memory: Path, store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = os.symlink, []

    def symlink(source: str, target: str) -> None:
        if target.startswith(str(in_memory)):
            refused.append(target)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)
        real(source, target)

    monkeypatch.setattr(composed.os, "symlink", symlink)
    # A bundle is written, not linked.
    monkeypatch.setattr("diptych.segment.builder.BUNDLE_MAX_BYTES", 1)
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        store.checkpoint()
        assert len(store.search("kind:function")) == 2
    assert refused
    assert verify(store_path).findings == []
    assert list(in_memory.iterdir()) == []


def test_a_snapshot_is_rebuilt_on_the_disk(
    in_memory: Path, store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be larger than the system's place in memory."""
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        store.checkpoint()
    next(Path(store_path).glob("segments/*/records.msgpack")).unlink()
    written: list[str] = []
    real = rebuild.rebuild_records

    def rebuild_records(damaged: str, schema: Any, seal: Any, directory: str, **options: Any) -> str:
        written.append(directory)
        return real(damaged, schema, seal, directory, **options)

    monkeypatch.setattr(rebuild, "rebuild_records", rebuild_records)
    with Store.open(store_path, read_only=True) as store:
        assert "a.py" in store
    assert written and not any(path.startswith(str(in_memory)) for path in written)


def test_what_killed_processes_left_in_memory_is_removed_in_time(in_memory: Path) -> None:
    old, new, other = (in_memory / name for name in ("diptych-links-old", "diptych-links-new", "diptych-own"))
    for path in (old, new, other):
        path.mkdir()
        (path / "name").symlink_to("nowhere")
    long_ago_s = time.time() - 2 * 3600
    for path in (old, other):
        os.utime(path, (long_ago_s, long_ago_s))
    with temporary.private_directory(in_memory=True) as path:
        assert Path(path).parent == in_memory
    assert sorted(in_memory.iterdir()) == [new, other]
