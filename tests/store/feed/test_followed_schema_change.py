"""A consumer whose store changes its schema: the records before each change are still known."""

from __future__ import annotations

import os

import pytest
from tests.store.test_schema_change import MANUAL, Upgraded, WithField, WithIndex
from tests.support.notes import NOTES, Note, NotesSchema

from diptych import RecordStore, verify
from diptych.store.checkpoint.unpublished import UnpublishedGeneration


def note(version: int) -> Note:
    return Note("n", ("home",), f"milk {version}")


def put(store: RecordStore[Note], version: int) -> None:
    with store.transaction() as txn:
        txn.put(note(version))
    store.checkpoint()


def check(store: RecordStore[Note]) -> None:
    with store.consumer("mirror", before=True) as consumer:
        given = [(txn.lsn, txn.changes[0].before, txn.changes[0].after) for txn in consumer]
    assert given == [(lsn, note(lsn - 1), note(lsn)) for lsn in range(4, 8)]


@pytest.mark.parametrize("killed_at", [0, 1, 2])
@pytest.mark.parametrize("schema", [WithField(), WithIndex(), Upgraded()], ids=lambda one: type(one).__name__)
def test_a_generation_that_a_consumer_needs_is_rebuilt_too(
    store_path: str, monkeypatch: pytest.MonkeyPatch, schema: NotesSchema, killed_at: int
) -> None:
    """Also where that is interrupted; and it goes when the consumer has read on."""
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.put(Note("other", (), "bread"))
            txn.put(note(1))
        store.checkpoint()
        for version in (2, 3):
            put(store, version)
        with store.consumer("mirror"):
            pass
        for version in range(4, 8):
            put(store, version)
        check(store)
    publish, calls = UnpublishedGeneration.publish, iter(range(1, 10))

    def killed(self: UnpublishedGeneration, *arguments: object) -> str:
        if next(calls) == killed_at:
            raise KeyboardInterrupt
        return publish(self, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(UnpublishedGeneration, "publish", killed)
        try:
            RecordStore.open_with(store_path, schema, policy=MANUAL).close()
        except KeyboardInterrupt:
            assert killed_at
    for _ in range(2):
        with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
            check(store)
        assert verify(store_path, deep=True, schema=schema).ok
    with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
        with store.consumer("mirror") as consumer:
            consumer.acknowledge([txn.lsn for txn in consumer][-1])
        for version in range(8, 11):
            put(store, version)
        assert store.get("other") == Note("other", (), "bread")
    assert len(os.listdir(os.path.join(store_path, "generations"))) <= 3
    assert verify(store_path, deep=True, schema=schema).ok
