"""Of two writers the second gets the pid of the first, and readers never wait."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diptych.errors import StoreLockedError
from diptych.fs import WriterLock
from diptych.layout import LOCK
from diptych.versions import DiptychStore, VersionManager

from .support import write_store


def test_the_second_of_two_managers_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("x")
    VersionManager(tmp_path / "base").stage("v1", {"file": tmp_path / "source"})
    VersionManager(tmp_path / "base").publish("v1")
    other = VersionManager(tmp_path / "base")
    lock = WriterLock(str(tmp_path / "base" / LOCK))
    try:
        for call in (
            lambda: other.stage("v2", {"file": tmp_path / "source"}),
            lambda: other.publish("v1"),
            lambda: other.rollback("v1"),
            other.prune,
            lambda: other.discard("v1"),
        ):
            with pytest.raises(StoreLockedError) as caught:
                call()
            assert caught.value.pid == os.getpid()
        # Reading waits for nobody.
        assert other.current() == "v1"
        assert other.verify("v1").ok
        with other.open_current() as reader:
            assert reader.version == "v1"
        VersionManager(tmp_path / "base")
    finally:
        lock.release()
    assert other.publish("v1").version == "v1"


def test_a_store_that_is_open_for_writing_is_not_staged(tmp_path: Path) -> None:
    manager = VersionManager(tmp_path / "base")
    lock = WriterLock(str(write_store(tmp_path / "store") / LOCK))
    with pytest.raises(StoreLockedError) as caught:
        manager.stage("v1", {"code": DiptychStore(tmp_path / "store")})
    assert "close the store" in caught.value.advice
    lock.release()
    manager.stage("v1", {"code": DiptychStore(tmp_path / "store")})
