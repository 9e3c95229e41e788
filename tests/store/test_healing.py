"""One damaged record, and one damaged leaf, in a store that is open: read from the other leaf, and mended."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest
from tests.support.damage import MANUAL, damage_search, generation
from tests.support.files import overwrite, tree
from tests.support.records import numbered

from diptych import CorruptionError, CorruptSearchError, Store, repair, verify

RECORDS = numbered(40)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("template") / "store")
    with Store.open(path, policy=MANUAL) as store:
        for half in (RECORDS[:20], RECORDS[20:]):
            with store.transaction() as txn:
                for one in half:
                    txn.index_file(one)
        store.checkpoint()
    return path


@pytest.fixture
def path(template: str, memory_path: Path) -> str:
    copy = str(memory_path / "store")
    shutil.copytree(template, copy)
    return copy


def damage_record(path: str, name: str) -> None:
    """Change bytes of one record's payload in the snapshot leaf."""
    snapshot = generation(path, 2, "snapshot.msgpack")
    data = Path(snapshot).read_bytes()
    overwrite(snapshot, data.find(name.encode()) + len(name) + 20, b"\x00\xff\x00")


def check(store: Store) -> None:
    assert list(store.files()) == RECORDS
    for one in RECORDS:
        assert store.file(one.path) == one
        assert [hit.symbol for hit in store.symbols(one.symbols[1].name)] == [one.symbols[1]]
    assert len(store.references("target_0")) == 40
    assert len(store.search("kind:function", 100)) == 80
    assert store.stats().records == 40


def test_a_damaged_record_is_read_from_the_search_leaf_and_mended_by_the_next_checkpoint(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage_record(path, "pkg/013.py")
    with Store.open(path, policy=MANUAL) as store:
        with caplog.at_level(logging.WARNING, "diptych"):
            assert store.file("pkg/013.py") == RECORDS[13]
        assert "healed from the search leaf" in caplog.text
        check(store)
        assert not verify(path).ok
        store.checkpoint()
        check(store)
    assert verify(path).findings == []
    assert repair(path).findings == []


def test_a_reader_heals_for_itself_and_changes_nothing(path: str) -> None:
    damage_record(path, "pkg/013.py")
    before = tree(path)
    with Store.open(path, read_only=True) as store:
        check(store)
    assert tree(path) == before


def test_a_change_to_a_damaged_record_counts_what_was_there(path: str) -> None:
    damage_record(path, "pkg/013.py")
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.remove_file("pkg/013.py")
            txn.index_file(RECORDS[0])
        assert store.stats().counts == {"symbols": 78, "relations": 39}
        store.checkpoint()
        assert store.stats().counts == {"symbols": 78, "relations": 39}
        # The damaged generation is the second of the two that are kept, until the next checkpoint.
        assert all(finding.where == generation(path, 2).rstrip("/") for finding in verify(path).findings)
        with store.transaction() as txn:
            txn.index_file(RECORDS[13])
        store.checkpoint()
    assert verify(path).findings == []


def test_every_byte_of_a_snapshot_may_be_damaged(path: str) -> None:
    """Whichever bytes are struck, a read returns what was written: the search leaf has it."""
    snapshot = generation(path, 2, "snapshot.msgpack")
    whole = Path(snapshot).read_bytes()
    step = len(whole) // 120
    for at in range(0, len(whole), step):
        overwrite(snapshot, at, bytes([whole[at] ^ 0x41]))
        with Store.open(path, read_only=True) as store:
            for one in RECORDS[::7]:
                assert store.file(one.path) == one, at
                assert one.path in store
                assert [hit.symbol for hit in store.symbols(one.symbols[1].name)] == [one.symbols[1]], at
            assert store.file("pkg/none.py") is None
            assert list(store.files()) == RECORDS, at
        overwrite(snapshot, at, whole[at : at + 1])


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_a_damaged_search_leaf_is_rebuilt_by_the_writer_and_refused_by_a_reader(path: str, how: str) -> None:
    damage_search(generation(path, 2, "search"), how)
    with Store.open(path, read_only=True) as reader:
        assert reader.file("pkg/001.py") == RECORDS[1]
        assert list(reader.files()) == RECORDS
        with pytest.raises(CorruptSearchError) as caught:
            reader.search("kind:function")
        assert "repair" in caught.value.advice
    with Store.open(path, policy=MANUAL) as store:
        check(store)
        assert any(finding.kind == "search-damaged" for finding in store.stats().recovery)
    assert verify(path).ok or how != "flipped"
    with Store.open(path, read_only=True) as reader:
        check(reader)


def test_every_file_of_a_search_leaf_may_be_damaged(path: str) -> None:
    directory = generation(path, 2, "search")
    for name in sorted(os.listdir(directory)):
        file = os.path.join(directory, name)
        whole = Path(file).read_bytes()
        for at in {0, len(whole) // 2, len(whole) - 1}:
            overwrite(file, at, bytes([whole[at] ^ 0x10]))
            with Store.open(path, read_only=True) as reader, pytest.raises(CorruptSearchError):
                reader.search("kind:function")
            assert not verify(path).ok
            overwrite(file, at, whole[at : at + 1])
    assert verify(path).ok


def test_both_leaves_damaged_at_one_record_raise_and_do_not_lie(path: str) -> None:
    damage_record(path, "pkg/013.py")
    damage_search(generation(path, 2, "search"), "flipped")
    with Store.open(path, policy=MANUAL) as store:
        with pytest.raises(CorruptionError):
            store.file("pkg/013.py")
        with pytest.raises(CorruptionError):
            list(store.files())
        assert store.file("pkg/014.py") == RECORDS[14]
        with store.transaction() as txn:
            txn.index_file(RECORDS[0])
        with pytest.raises(CorruptionError):
            store.checkpoint()
        with store.transaction() as txn:
            txn.index_file(RECORDS[13])
        assert store.file("pkg/013.py") == RECORDS[13]
    report = repair(path)
    assert (report.given_up, report.mended_from) == ([], "journal")
    with Store.open(path, policy=MANUAL) as store:
        check(store)
    assert verify(path).findings == []
