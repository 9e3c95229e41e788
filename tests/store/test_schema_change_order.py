"""What is removed, and durably so, before what, when a schema has changed."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from tests.store.test_schema_change import (
    MANUAL,
    Fewer,
    UpgradedWithIndex,
    WithField,
    WithIndex,
    check,
    check_more,
    fill,
    notes,
)
from tests.support.damage import segments
from tests.support.notes import NOTES, NotesSchema

from diptych import RecordStore, fs
from diptych.store.schema_change import OutdatedGenerations


class Killed(BaseException):
    """The process ends here."""


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


@pytest.mark.parametrize(
    "schema",
    [WithField(), WithIndex(), Fewer(), UpgradedWithIndex()],
    ids=lambda schema: type(schema).__name__,
)
def test_the_old_is_kept_until_the_new_was_looked_at(
    store_path: str, monkeypatch: pytest.MonkeyPatch, schema: NotesSchema
) -> None:
    """Killed before the old generation is removed; then both halves of the new one are damaged."""
    there = fill(store_path)
    before = set(segments(store_path))

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(OutdatedGenerations, "remove", killed)
        with pytest.raises(Killed):
            RecordStore.open_with(store_path, schema, policy=MANUAL)
    for one in set(segments(store_path)) - before:
        for name in ("records.msgpack", "search.bundle"):
            os.unlink(f"{one}/{name}")
    for _ in range(2):
        with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
            check(store, there)
            check_more(store, there)


def test_an_old_generation_that_is_lost_is_removed(store_path: str, caplog: pytest.LogCaptureFixture) -> None:
    """The journal is complete: there is no new generation, and the schema changes once."""
    there = {one.title: one for one in notes()}
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in there.values():
                txn.put(one)
        store.checkpoint()
    for one in segments(store_path):
        for name in ("records.msgpack", "search.bundle"):
            os.unlink(f"{one}/{name}")
    for _ in range(2):
        with RecordStore.open_with(store_path, WithIndex(), policy=MANUAL) as store:
            check(store, there)
    assert ["has changed" in text for text in caplog.messages].count(True) == 1
    assert os.listdir(f"{store_path}/generations") == []
