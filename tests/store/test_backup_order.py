"""What is durable before a backup or a fork has its name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.store.test_backup import filled, target

from diptych import Store

__all__ = ["target"]


def test_everything_is_durable_before_it_has_its_name(
    store_path: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file and directory was fsynced after it last changed; and after the rename its parent."""
    filled(store_path)
    synced: dict[str, int] = {}
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced_state(path: str) -> int:
        status = os.stat(path)
        return hash((status.st_mtime_ns, status.st_size))

    def record_fsync(fd: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        fsync(fd)
        if os.path.exists(path):
            synced[str(os.stat(path).st_ino)] = synced_state(path)
            events.append(path)

    def record_replace(source: str, to: str) -> None:
        if to == target:
            for path in [source, *map(str, Path(source).rglob("*"))]:
                assert synced.get(str(os.stat(path).st_ino)) == synced_state(path), path
            events.append("rename")
        replace(source, to)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    with Store.open(store_path, read_only=True) as store:
        for copy in (store.backup, store.fork):
            synced.clear()
            if copy == store.fork:
                # The segments are linked: as durable as they were.
                for path in Path(store_path).rglob("segments/*/*"):
                    synced[str(os.stat(path).st_ino)] = synced_state(str(path))
            copy(target)
            assert events[-2:] == ["rename", os.path.dirname(target)]
            shutil.rmtree(target)
