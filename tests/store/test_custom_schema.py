"""Another kind of thing than code is stored by its schema alone."""

from __future__ import annotations

import os

import pytest
from tests.support.damage import segments
from tests.support.files import gone
from tests.support.notes import NOTES, Note

from diptych import CheckpointPolicy, InvalidArgumentError, InvalidRecordError, RecordStore, repair, verify

MANUAL = CheckpointPolicy(automatic=False)
TEXTS = [
    Note("shopping", ("home", "list"), "milk and bread"),
    Note("letter", ("home",), "dear aunt, thank you for the bread"),
    Note("empty", (), ""),
]


def check(store: RecordStore[Note], notes: list[Note]) -> None:
    assert list(store.records()) == sorted(notes)
    for note in notes:
        assert store.get(note.title) == note
    for tag in ("home", "list", "none"):
        assert store.lookup("tags", tag) == sorted(note.title for note in notes if tag in note.tags)
    assert {note.title for note in store.search("bread")} == {n.title for n in notes if "bread" in n.text}
    assert {note.title for note in store.search("tag:home")} == {n.title for n in notes if "home" in n.tags}
    assert store.stats().counts == {
        "tags": sum(len(note.tags) for note in notes),
        "words": sum(len(note.text.split()) for note in notes),
    }


def test_notes_live_through_checkpoint_reopening_and_repair(store_path: str) -> None:
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        with store.transaction() as txn:
            for note in TEXTS:
                txn.put(note)
        check(store, TEXTS)
        store.checkpoint()
        check(store, TEXTS)
        with store.transaction() as txn:
            txn.put(Note("shopping", ("list",), "eggs"))
            txn.remove("empty")
            with pytest.raises(InvalidRecordError):
                txn.put(Note("", (), ""))
        now = [Note("shopping", ("list",), "eggs"), TEXTS[1]]
        check(store, now)
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        check(store, now)
        store.checkpoint()
        check(store, now)
        with pytest.raises(InvalidArgumentError, match="no index 'symbols'"):
            store.lookup("symbols", "home")
    gone(os.path.join(segments(store_path)[0], "records.msgpack"))
    assert not verify(store_path, schema=NOTES).ok
    assert repair(store_path, schema=NOTES).mended_from == "search"
    assert verify(store_path, schema=NOTES).findings == []
    with RecordStore.open_with(store_path, NOTES, read_only=True) as store:
        check(store, now)
        assert store.stats().schema == "notes"
    assert os.path.isdir(os.path.join(store_path, "quarantine"))


def test_a_schema_is_told_apart_by_all_that_its_bytes_rest_on() -> None:
    class Newer(type(NOTES)):  # type: ignore[misc]
        version = 4

    class Wider(type(NOTES)):  # type: ignore[misc]
        indexes = ("tags", "links")

    prints = {NOTES.fingerprint(), Newer().fingerprint(), Wider().fingerprint()}
    assert len(prints) == 3
    assert all(len(one) == 32 for one in prints)
