"""A damaged record, and a damaged half, in a store that is open: read from the other half, and healed."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest
from tests.support.damage import MANUAL, damage_search, segments
from tests.support.files import overwrite, tree
from tests.support.invariants import check_counts, check_reads, check_search, check_whole
from tests.support.records import numbered, record

from diptych import CorruptionError, CorruptSearchError, Store, repair, verify
from diptych.layout import RECORDS as RECORDS_FILE

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
    """Change bytes of one record's payload in the snapshot."""
    snapshot = os.path.join(segments(path)[0], RECORDS_FILE)
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


def test_a_damaged_record_is_read_from_the_search_index_and_mended_by_the_next_checkpoint(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage_record(path, "pkg/013.py")
    with Store.open(path, policy=MANUAL) as store:
        with caplog.at_level(logging.WARNING, "diptych"):
            assert store.file("pkg/013.py") == RECORDS[13]
        assert "healed from the search index" in caplog.text
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
    (damaged,) = segments(path)
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.remove_file("pkg/013.py")
            txn.index_file(RECORDS[0])
        assert store.stats().counts == {"symbols": 78, "relations": 39}
        store.checkpoint()
        assert store.stats().counts == {"symbols": 78, "relations": 39}
        # The damaged segment is in the other generation that is kept, until the next checkpoint.
        assert {finding.where for finding in verify(path).findings} == {damaged}
        with store.transaction() as txn:
            txn.index_file(RECORDS[13])
        store.checkpoint()
    assert verify(path).findings == []


def test_every_byte_of_a_snapshot_may_be_damaged(path: str) -> None:
    """Whichever bytes are struck, a read returns what was written: the search leaf has it."""
    snapshot = os.path.join(segments(path)[0], RECORDS_FILE)
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
    damage_search(segments(path)[0], how)
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


def test_every_file_of_a_search_index_may_be_damaged(path: str) -> None:
    directory = segments(path)[0]
    for name in set(os.listdir(directory)) - {RECORDS_FILE, "SEAL"}:
        file = os.path.join(directory, name)
        whole = Path(file).read_bytes()
        for at in {0, len(whole) - 1, *range(1, len(whole), len(whole) // 40)}:
            overwrite(file, at, bytes([whole[at] ^ 0x10]))
            with Store.open(path, read_only=True) as reader, pytest.raises(CorruptSearchError):
                reader.search("kind:function")
            assert not verify(path).ok
            overwrite(file, at, whole[at : at + 1])
    assert verify(path).ok


def test_both_halves_damaged_at_one_record_raise_and_do_not_lie(path: str) -> None:
    damage_record(path, "pkg/013.py")
    damage_search(segments(path)[0], "flipped")
    with Store.open(path, policy=MANUAL) as store:
        with pytest.raises(CorruptionError):
            store.file("pkg/013.py")
        with pytest.raises(CorruptionError):
            list(store.files())
        assert store.file("pkg/014.py") == RECORDS[14]
        with store.transaction() as txn:
            txn.index_file(RECORDS[0])
        # It writes the changes, and leaves the damaged segment as it is.
        store.checkpoint()
        with pytest.raises(CorruptionError):
            store.file("pkg/013.py")
        with pytest.raises(CorruptionError):
            store.checkpoint(compact=True)
        with store.transaction() as txn:
            txn.index_file(RECORDS[13])
        assert store.file("pkg/013.py") == RECORDS[13]
    report = repair(path)
    assert (report.given_up, report.mended_from) == ([], "snapshot")
    with Store.open(path, policy=MANUAL) as store:
        check(store)
    assert verify(path).findings == []


@pytest.mark.parametrize("removed", [False, True])
def test_a_record_damaged_in_both_halves_stops_no_checkpoint_once_it_is_changed(
    path: str, removed: bool
) -> None:
    damage_record(path, "pkg/013.py")
    damage_search(segments(path)[0], "flipped")
    files = {one.path: one for one in RECORDS}
    with Store.open(path, policy=MANUAL) as store:
        with pytest.raises(CorruptionError):
            store.file("pkg/013.py")
        with store.transaction() as txn:
            if removed:
                txn.remove_file("pkg/013.py")
                del files["pkg/013.py"]
            else:
                files["pkg/013.py"] = record("pkg/013.py", 7)
                txn.index_file(files["pkg/013.py"])
        store.checkpoint()
        check_reads(store, files)
        check_search(store, files)
        check_counts(store, files)
        with store.transaction() as txn:
            files["last.py"] = record("last.py")
            txn.index_file(files["last.py"])
        store.checkpoint()
    check_whole(path)


def test_a_record_damaged_in_both_halves_stops_a_fold_until_it_is_changed(path: str) -> None:
    """It may not be left out, and the others of its segment are not lost for it."""
    for name in ("pkg/013.py", "pkg/014.py"):
        damage_record(path, name)
    damage_search(segments(path)[0], "flipped")
    with Store.open(path, policy=MANUAL) as store:
        for name, stopped in (("pkg/013.py", True), ("pkg/014.py", False)):
            with store.transaction() as txn:
                txn.remove_file(name)
            if stopped:
                with pytest.raises(CorruptionError):
                    store.checkpoint()
            else:
                store.checkpoint()
        assert len(list(store.files())) == 38
