"""Damage beside the table: files of two stores and of two LSNs, young stores and killed ones."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.damage import (
    FLIPPED_NEW,
    LAST,
    MANUAL,
    NEW,
    OLD,
    build,
    commit,
    damage_snapshot,
    forget_generation,
    frames,
    generation,
    journal_file,
    own_segment,
    truth,
)
from tests.support.files import cut, gone, overwrite, tree
from tests.support.records import record

from diptych import (
    CorruptionError,
    CorruptStoreError,
    NotAStoreError,
    Store,
    StoreNotFoundError,
    repair,
    verify,
)
from diptych.journal.file import JournalFile
from diptych.journal.reader import FrameReader
from diptych.layout import BUNDLE, RECORDS, SEAL


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two stores with the same transactions, which are two stores all the same."""
    paths = tuple(str(tmp_path_factory.mktemp("template") / "store") for _ in range(2))
    for path in paths:
        build(path)
    return paths[0], paths[1]


@pytest.fixture
def stores(templates: tuple[str, str], memory_path: Path) -> tuple[str, str]:
    """Copies of them."""
    for name, template in zip("ab", templates, strict=True):
        shutil.copytree(template, memory_path / name)
    return str(memory_path / "a"), str(memory_path / "b")


def replace(source: str, target: str) -> None:
    """Put a file or directory in the place of another."""
    if os.path.lexists(target):
        gone(target)
    if os.path.isdir(source):
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def all_of(path: str) -> dict[str, object]:
    """What the store has, when it is opened for writing."""
    with Store.open(path, policy=MANUAL) as store:
        assert len(store) == len(list(store.files()))
        return {one.path: one for one in store.files()}


def repaired(path: str) -> dict[str, object]:
    """What it has after a repair, which must leave nothing to find."""
    repair(path)
    assert verify(path).findings == []
    assert repair(path).findings == []
    return all_of(path)


PARTS: dict[str, Callable[[str], str]] = {
    "new-snapshot": lambda path: os.path.join(own_segment(path, NEW), RECORDS),
    "new-search": lambda path: os.path.join(own_segment(path, NEW), BUNDLE),
    "new-segment": lambda path: own_segment(path, NEW),
    "new-generation": lambda path: generation(path, NEW),
    "old-generation": lambda path: generation(path, OLD),
    "closed": lambda path: os.path.join(path, "journal/CLOSED"),
}


@pytest.mark.parametrize("part", PARTS)
def test_one_part_of_another_store_is_not_taken_for_ones_own(stores: tuple[str, str], part: str) -> None:
    mine, other = stores
    replace(PARTS[part](other), PARTS[part](mine))
    assert not verify(mine).ok
    assert all_of(mine) == truth()[LAST]
    assert repaired(mine) == truth()[LAST]


@pytest.mark.parametrize("first", [5, 9, 11])
def test_a_segment_of_another_store_never_replays(stores: tuple[str, str], first: int) -> None:
    mine, other = stores
    replace(journal_file(other, first), journal_file(mine, first))
    assert not verify(mine).ok
    if first == 5:
        assert all_of(mine) == truth()[LAST]
    else:
        with pytest.raises(CorruptStoreError):
            Store.open(mine)
    report = repair(mine)
    lost = {5: "", 9: "the transactions of LSN 9 to 10", 11: "the transactions of LSN 11 to 12"}[first]
    assert report.given_up == ([lost] if lost else [])
    assert verify(mine).findings == []


def test_the_journal_of_another_store_is_refused(stores: tuple[str, str]) -> None:
    mine, other = stores
    replace(os.path.join(other, "journal"), os.path.join(mine, "journal"))
    before = tree(mine)
    with pytest.raises(CorruptStoreError):
        Store.open(mine, read_only=True)
    assert tree(mine) == before
    report = repair(mine)
    assert report.given_up
    assert all_of(mine) == truth()[NEW]


def test_the_identity_of_another_store_among_all_the_rest_gives_way(stores: tuple[str, str]) -> None:
    mine, other = stores
    replace(os.path.join(other, "IDENTITY"), os.path.join(mine, "IDENTITY"))
    assert not verify(mine).ok
    assert repaired(mine) == truth()[LAST]
    with Store.open(mine, read_only=True) as store, Store.open(other, read_only=True) as foreign:
        assert store.store_id != foreign.store_id


def test_journal_of_another_store_without_an_identity_is_not_mixed_in(stores: tuple[str, str]) -> None:
    mine, other = stores
    replace(os.path.join(other, "journal"), os.path.join(mine, "journal"))
    gone(os.path.join(mine, "IDENTITY"))
    with pytest.raises(CorruptStoreError):
        Store.open(mine)
    repair(mine)
    assert all_of(mine) == truth()[NEW]


def part_of(path: str, lsn: int, part: str) -> str:
    """A part of a generation that no other has: its manifest, its newest segment, or a file of that."""
    return generation(path, lsn) if part == "manifest" else os.path.join(own_segment(path, lsn), part)


@pytest.mark.parametrize("part", [RECORDS, BUNDLE, SEAL, "", "manifest"])
@pytest.mark.parametrize("into", [OLD, NEW])
def test_a_part_of_another_lsn_is_not_taken_for_this_ones(
    stores: tuple[str, str], part: str, into: int
) -> None:
    mine, _ = stores
    replace(part_of(mine, OLD + NEW - into, part), part_of(mine, into, part))
    assert not verify(mine).ok
    assert all_of(mine) == truth()[LAST]
    assert repaired(mine) == truth()[LAST]


@pytest.mark.parametrize("part", [RECORDS, BUNDLE, SEAL, "", "manifest"])
def test_parts_exchanged_between_generations(stores: tuple[str, str], part: str) -> None:
    mine, _ = stores
    old, new = (part_of(mine, lsn, part).rstrip("/") for lsn in (OLD, NEW))
    kept = os.path.join(mine, "kept")
    os.rename(old, kept)
    os.rename(new, old)
    os.rename(kept, new)
    assert not verify(mine).ok
    if part in (RECORDS, BUNDLE, SEAL):
        assert all_of(mine) == truth()[LAST]
    else:
        with pytest.raises(CorruptStoreError):
            Store.open(mine)
    report = repair(mine)
    assert verify(mine).findings == []
    if part:
        assert report.given_up == []
        assert all_of(mine) == truth()[LAST]
    else:
        assert report.given_up


def test_a_search_index_of_another_segment_gives_repair_no_stale_records(stores: tuple[str, str]) -> None:
    """A damaged snapshot, beside it the search index of another segment; nothing else has the record."""
    mine, _ = stores
    replace(part_of(mine, OLD, BUNDLE), part_of(mine, NEW, BUNDLE))
    damage_snapshot(own_segment(mine, NEW), "flipped", FLIPPED_NEW)
    forget_generation(mine, OLD)
    report = repair(mine)
    assert any(FLIPPED_NEW in sentence for sentence in report.given_up)
    assert all_of(mine) == {path: one for path, one in truth()[LAST].items() if path != FLIPPED_NEW}


def killed(path: str) -> None:
    """As a killed writer leaves the store: with no mark of an orderly close."""
    gone(os.path.join(path, "journal/CLOSED"))


def test_the_segment_that_a_generation_promises_is_missed(stores: tuple[str, str]) -> None:
    """Without the mark of a close nothing but the generation says that there was more."""
    mine, _ = stores
    killed(mine)
    gone(journal_file(mine, 9))
    gone(journal_file(mine, 11))
    for read_only in (True, False):
        with pytest.raises(CorruptStoreError, match="after LSN 8 is missing"):
            Store.open(mine, read_only=read_only)
    assert repair(mine).given_up == ["what was committed after LSN 8, if anything was"]
    assert all_of(mine) == truth()[NEW]


@pytest.mark.parametrize("count", range(1, 60, 7))
def test_a_torn_last_frame_of_a_killed_store_is_cut_and_kept_aside(
    stores: tuple[str, str], count: int
) -> None:
    mine, _ = stores
    killed(mine)
    begin, end = frames(mine, 11)[LAST]
    with open(journal_file(mine, 11), "r+b") as file:
        file.truncate(end - count)
        file.seek(begin)
        torn = file.read()
    before = tree(mine)
    with Store.open(mine, read_only=True) as store:
        assert store.lsn == LAST - 1
    assert tree(mine) == before
    assert all_of(mine) == truth()[LAST - 1]
    aside = os.listdir(os.path.join(mine, "quarantine"))
    assert [Path(mine, "quarantine", name).read_bytes() for name in aside] == [torn]
    with Store.open(mine) as store:
        commit(store, LAST)
    assert all_of(mine) == truth()[LAST]


def test_a_transaction_of_many_frames_without_its_last_is_not_there(memory_path: Path) -> None:
    path = str(memory_path / "store")
    big = [record(f"big/{number}.py", documentation="x" * 400_000) for number in range(4)]
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        with store.transaction() as txn:
            for one in big:
                txn.index_file(one)
    whole = [frame.end for frame in FrameReader(JournalFile(journal_file(path, 1)))]
    assert len(whole) > 3
    killed(path)
    with open(journal_file(path, 1), "r+b") as file:
        file.truncate(whole[-2])
    assert verify(path).ok
    assert all_of(path) == {"a.py": record("a.py")}
    with Store.open(path) as store, store.transaction() as txn:
        txn.index_file(record("b.py"))
    assert list(all_of(path)) == ["a.py", "b.py"]


def test_a_young_store_lives_by_its_journal_alone(memory_path: Path) -> None:
    path = str(memory_path / "store")
    with Store.open(path, policy=MANUAL) as store:
        for lsn in (1, 2, 3):
            commit(store, lsn)
    assert all_of(path) == truth()[3]
    overwrite(journal_file(path, 1), frames(path, 1)[2][0] + 40, b"\xff\xff")
    with pytest.raises(CorruptStoreError):
        Store.open(path)
    assert repair(path).given_up == ["the transaction of LSN 2"]
    assert "pkg/003.py" in all_of(path)


def test_one_generation_alone_has_the_whole_journal_beside_it(memory_path: Path) -> None:
    path = str(memory_path / "store")
    with Store.open(path, policy=MANUAL) as store:
        for lsn in (1, 2, 3):
            commit(store, lsn)
        store.checkpoint()
    for name in (RECORDS, BUNDLE):
        gone(os.path.join(own_segment(path, 3), name))
    assert all_of(path) == truth()[3]
    assert repaired(path) == truth()[3]


@pytest.mark.parametrize(
    "kept",
    [
        "IDENTITY",
        "journal",
        "segments",
        "generations",
        "generations segments",
        "generations journal segments",
        "IDENTITY journal",
        "IDENTITY journal segments",
    ],
)
def test_what_is_left_of_a_store_never_becomes_an_empty_one(stores: tuple[str, str], kept: str) -> None:
    mine, _ = stores
    for name in ("IDENTITY", "journal", "generations", "segments"):
        if name not in kept.split():
            gone(os.path.join(mine, name))
    gone(os.path.join(mine, "incoming"))
    try:
        found = all_of(mine)
    except CorruptStoreError:
        found = None
    if kept == "generations journal segments":
        assert found == truth()[LAST]
        return
    assert found is None
    report = repair(mine)
    if kept == "IDENTITY journal segments":
        # The copies of the manifests say what the segments are.
        assert report.given_up == []
        assert all_of(mine) == truth()[LAST]
    else:
        assert report.given_up
        if "segments" in kept:
            assert all_of(mine) == truth()[NEW]


def test_a_store_of_which_only_its_cache_is_left_is_not_made_again(stores: tuple[str, str]) -> None:
    mine, _ = stores
    for name in ("IDENTITY", "journal", "generations", "segments"):
        gone(os.path.join(mine, name))
    assert os.path.isdir(os.path.join(mine, "incoming"))
    with pytest.raises((CorruptionError, NotAStoreError)):
        Store.open(mine)


def test_directories_of_the_same_names_with_other_things_in_them_are_no_store(tmp_path: Path) -> None:
    """Many programs have a folder `journal`."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "2024-05-01.txt").write_text("dear diary")
    (tmp_path / "notes.txt").write_text("x")
    before = tree(tmp_path)
    with pytest.raises(NotAStoreError):
        Store.open(tmp_path)
    with pytest.raises((NotAStoreError, StoreNotFoundError)):
        Store.open(tmp_path, read_only=True)
    assert tree(tmp_path) == before


def test_a_making_that_was_interrupted_is_begun_again(memory_path: Path) -> None:
    path = memory_path / "store"
    Store.open(path).close()
    made = tree(path)
    for names in (["IDENTITY", "journal/00000000000000000001.wal", "generations"], ["IDENTITY"]):
        shutil.rmtree(path)
        path.mkdir()
        for name, data in made.items():
            if name in names or name in ("journal/CLOSED", "LOCK"):
                continue
            if name in ("journal", "generations"):
                (path / name).mkdir()
            else:
                (path / name).write_bytes(data)
        with Store.open(path) as store:
            assert store.lsn == 0
        assert verify(path).ok


def test_a_snapshot_without_its_trailer_gives_its_records_to_repair(stores: tuple[str, str]) -> None:
    mine, _ = stores
    forget_generation(mine, OLD)
    gone(part_of(mine, NEW, BUNDLE))
    cut(part_of(mine, NEW, RECORDS), 300)
    with pytest.raises(CorruptStoreError):
        Store.open(mine)
    assert repair(mine).given_up == []
    assert all_of(mine) == truth()[LAST]


def test_a_snapshot_cut_in_mid_record_gives_what_comes_before(stores: tuple[str, str]) -> None:
    mine, _ = stores
    forget_generation(mine, OLD)
    gone(part_of(mine, NEW, BUNDLE))
    path = part_of(mine, NEW, RECORDS)
    data = Path(path).read_bytes()
    cut(path, len(data) - data.find(b"pkg/006.py") - 40)
    lost = [name for name in truth()[NEW] if name >= "pkg/006.py"]
    first, *more = repair(mine).given_up
    assert first == f"{len(lost)} of the {len(truth()[NEW])} records of LSN 8"
    assert any(f"{len(lost)} records from" in sentence for sentence in more)
    found = all_of(mine)
    assert {"keep/flipped.py", "pkg/012.py"} < found.keys() >= {"pkg/again.py"}
    assert "pkg/006.py" not in found


def test_a_lost_record_that_was_stored_again_is_not_lost(stores: tuple[str, str]) -> None:
    mine, _ = stores
    forget_generation(mine, OLD)
    gone(part_of(mine, NEW, BUNDLE))
    damage_snapshot(own_segment(mine, NEW), "flipped", FLIPPED_NEW)
    with Store.open(mine, policy=MANUAL) as store, store.transaction() as txn:
        txn.index_file(record(FLIPPED_NEW, 7))
    assert repair(mine).given_up == []
    assert all_of(mine) == truth()[LAST]
