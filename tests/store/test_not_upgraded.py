"""A record that its schema does not upgrade: it stays as it was written, is named, and stops no other."""

from __future__ import annotations

from typing import ClassVar

import pytest
from tests.store.test_schema_change import MANUAL, Upgraded, UpgradedWithIndex, fill, notes
from tests.support.damage import damage_search, damage_snapshot, segments
from tests.support.files import gone
from tests.support.notes import NOTES, Note, NotesSchema

from diptych import (
    CorruptionError,
    IncompatibleStoreError,
    RecordStore,
    SegmentBuilder,
    repair,
    verify,
)

HERE = b" 3"
"""In the text of the record that is not upgraded."""


class Refusing(Upgraded):
    """What takes some payloads for none of its own."""

    def upgrade(self, version: int, payload: bytes) -> bytes:
        if HERE in payload:
            raise CorruptionError("no tags")
        return super().upgrade(version, payload)


class RefusingWithIndex(UpgradedWithIndex, Refusing):
    """With a changed shape, too."""


class Faulty(Upgraded):
    """A fault in the schema itself."""

    def upgrade(self, version: int, payload: bytes) -> bytes:
        if HERE in payload:
            raise KeyError("tags")
        return super().upgrade(version, payload)


def fill_more(path: str) -> dict[str, Note]:
    """One such record, n3, in a segment."""
    there = fill(path)
    assert HERE.decode() in there["n3"].text
    return there


def named(path: str, schema: NotesSchema) -> list[str]:
    """What verify says of records that cannot be read."""
    return [one.message for one in verify(path, schema=schema).findings if one.kind == "record-undecodable"]


def check(path: str, schema: NotesSchema, there: dict[str, Note], bad: tuple[str, ...] = ("n3",)) -> None:
    """All others are read, it is named, and a schema that upgrades it has it."""
    with RecordStore.open_with(path, schema, read_only=True) as store:
        assert len(store) == len(there)
        for title, note in there.items():
            if title in bad:
                with pytest.raises(CorruptionError, match=f"'{title}' cannot be upgraded from version 3"):
                    store.get(title)
            else:
                assert store.get(title) == note
    assert [title for title in there if any(f"'{title}'" in one for one in named(path, schema))] == [*bad]


@pytest.mark.parametrize("compact", [False, True])
def test_a_checkpoint_passes_it_by(store_path: str, compact: bool) -> None:
    there = fill_more(store_path)
    for _ in range(2):
        with RecordStore.open_with(store_path, Refusing(), policy=MANUAL) as store:
            with store.transaction() as txn:
                there["n9"] = Note("n9", (), "milk")
                txn.put(there["n9"])
            store.checkpoint(compact=compact)
            assert store.stats().older_records == (1 if compact else 3)
        check(store_path, Refusing(), there)
    with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store:
        store.checkpoint(compact=True)
        assert [store.get(title) for title in there] == [*there.values()]
        assert store.stats().older_records == 0
    assert verify(store_path, schema=Upgraded()).ok


def test_one_that_is_only_in_the_journal(store_path: str) -> None:
    there = fill_more(store_path)
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store, store.transaction() as txn:
        there["j"] = Note("j", ("home",), "milk 3")
        txn.put(there["j"])
    for compact in (False, True):
        with RecordStore.open_with(store_path, Refusing(), policy=MANUAL) as store:
            store.checkpoint(compact=compact)
        check(store_path, Refusing(), there, ("n3", "j"))


def test_one_in_a_segment_that_was_adopted(store_path: str, tmp_path: object) -> None:
    there = fill_more(store_path)
    with SegmentBuilder(NOTES, f"{tmp_path}/built") as builder:
        for title in ("a2", "a3"):
            there[title] = Note(title, ("home",), f"milk {title[1]}")
            builder.add(there[title])
        builder.finish()
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store, store.transaction() as txn:
        txn.adopt(f"{tmp_path}/built")
    check(store_path, Refusing(), there, ("n3", "a3"))
    for compact in (False, True):
        with RecordStore.open_with(store_path, Refusing(), policy=MANUAL) as store:
            store.checkpoint(compact=compact)
        check(store_path, Refusing(), there, ("n3", "a3"))


def test_one_that_is_replaced_or_removed_is_gone(store_path: str) -> None:
    for change in ("put", "remove"):
        path = f"{store_path}-{change}"
        there = fill_more(path)
        with RecordStore.open_with(path, Refusing(), policy=MANUAL) as store:
            with store.transaction() as txn:
                if change == "put":
                    there["n3"] = Note("n3", (), "bread")
                    txn.put(there["n3"])
                else:
                    del there["n3"]
                    txn.remove("n3")
            store.checkpoint()
            store.checkpoint(compact=True)
        check(path, Refusing(), there, ())
        assert verify(path, schema=Refusing()).ok


def test_a_changed_shape_is_built_beside_it(store_path: str) -> None:
    there = fill_more(store_path)
    schema = RefusingWithIndex()
    for _ in range(2):
        with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
            assert store.lookup("first_words", "w2") == ["n0", "n1"]
        check(store_path, schema, there)


def test_repair_salvages_it(store_path: str) -> None:
    there = fill_more(store_path)
    gone(f"{store_path}/journal")
    report = repair(store_path, schema=Refusing())
    assert report.given_up
    there |= {note.title: note for note in notes(1, 3)[:2]}
    check(store_path, Refusing(), there)


@pytest.mark.parametrize("half", [damage_snapshot, damage_search])
def test_with_one_half_it_is_kept_too(store_path: str, half: object) -> None:
    there = fill_more(store_path)
    with RecordStore.open_with(store_path, Refusing(), policy=MANUAL) as store:
        store.checkpoint(compact=True)
    for segment in segments(store_path):
        damage_snapshot(segment, "gone", "") if half is damage_snapshot else damage_search(segment, "gone")
    with RecordStore.open_with(store_path, Refusing(), policy=MANUAL) as store:
        store.checkpoint(compact=True)
    check(store_path, Refusing(), there)


def test_a_fault_of_the_schema_is_refused_with_the_key(store_path: str) -> None:
    """Nothing is taken for what it is not: with a schema without the fault all is there."""

    class Everything(Faulty):
        older_versions: ClassVar[tuple[int, ...]] = (3,)

    there = fill_more(store_path)
    with RecordStore.open_with(store_path, Everything(), policy=MANUAL) as store:
        assert store.get("n4") == there["n4"]
        with pytest.raises(IncompatibleStoreError, match=r"'n3' cannot be upgraded .*KeyError\('tags'\)"):
            store.get("n3")
        with pytest.raises(IncompatibleStoreError, match="'n3' cannot be upgraded"):
            store.checkpoint(compact=True)
        with store.transaction() as txn:
            txn.put(Note("n9", (), "milk"))
        assert store.get("n9") is not None
    assert "'n3'" in " ".join(named(store_path, Everything()))
    with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store:
        store.checkpoint(compact=True)
        assert [store.get(title) for title in there] == [*there.values()]
