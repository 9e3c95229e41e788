"""What is removed, and durably so, before what, when a schema has changed."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from tests.store.test_schema_change import MANUAL, WithIndex, fill

from diptych import RecordStore, fs


def test_what_goes_is_gone_before_what_it_needs(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash that brought an old generation back without its segments would show it damaged."""
    fill(store_path)
    events = []
    unlink, fsync_dir, remove_tree = fs.remove_file, fs.fsync_dir, fs.remove_tree

    def record(kind: str, call: Callable[[str], None]) -> Callable[[str], None]:
        def recorded(path: str) -> None:
            events.append((kind, os.path.relpath(path, store_path)))
            call(path)

        return recorded

    monkeypatch.setattr(fs, "remove_file", record("remove", unlink))
    monkeypatch.setattr(fs, "fsync_dir", record("fsync", fsync_dir))
    monkeypatch.setattr(fs, "remove_tree", record("remove", remove_tree))
    RecordStore.open_with(store_path, WithIndex(), policy=MANUAL).close()
    gone_at = events.index(("remove", f"generations/{2:020d}"))
    synced_at = events.index(("fsync", "generations"), gone_at)
    segments_at = [
        at for at, (_, path) in enumerate(events) if path.startswith("segments/") and len(path) > 60
    ]
    assert segments_at
    assert gone_at < synced_at < min(segments_at)
