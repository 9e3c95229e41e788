"""A directory in the place of a file, or a file in that of a directory: told, set aside, and mended."""

import os
import shutil
from pathlib import Path

import pytest
from tests.support.damage import LAST, MANUAL, build, own_segment, truth
from tests.support.files import tree

from diptych import CorruptStoreError, FileRecord, Store, repair, verify

MENDED = ["IDENTITY", "journal/CLOSED", "quarantine", "incoming", f"generations/{9:020d}"]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "store"
    build(str(path))
    return path


def exchange(path):
    """Put a directory in the place of a file, and a file in the place of all else."""
    if path.is_file():
        path.unlink()
        path.mkdir()
        (path / "within").write_text("x")
    else:
        shutil.rmtree(path, ignore_errors=True)
        path.write_text("x")


def in_use(path):
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("new.py", "h"))
        store.checkpoint()
    with Store.open(path, policy=MANUAL) as store:
        assert "new.py" in store
        return len(store)


@pytest.mark.parametrize("name", MENDED)
@pytest.mark.parametrize("repaired", [True, False])
def test_nothing_is_lost_by_it(template, memory_path, name, repaired):
    path = memory_path / "s"
    shutil.copytree(template, path)
    exchange(path / name)
    assert "stray" in {finding.kind for finding in verify(path).findings}
    with Store.open(path, read_only=True) as store:
        assert store.lsn == LAST
    if repaired:
        assert repair(path, dry_run=True).given_up == []
        assert repair(path).given_up == []
        assert verify(path).findings == []
        assert repair(path).findings == []
    assert in_use(path) == len(truth()[LAST]) + 1
    assert verify(path).findings == []


@pytest.mark.parametrize("name", ["SEAL", "records.msgpack", "search.bundle"])
@pytest.mark.parametrize("repaired", [True, False])
def test_a_file_of_a_segment_is_written_again(template, memory_path, name, repaired):
    path = memory_path / "s"
    shutil.copytree(template, path)
    exchange(Path(own_segment(str(path), 8)) / name)
    assert verify(path).findings != []
    with Store.open(path, read_only=True) as store:
        assert store.lsn == LAST
    if repaired:
        assert repair(path).given_up == []
        assert verify(path, deep=True).findings == []
    # The first checkpoint heals the newest generation, and the second removes the one before.
    for _ in range(2):
        assert in_use(path) == len(truth()[LAST]) + 1
    assert verify(path, deep=True).findings == []


@pytest.mark.parametrize("name", ["journal", "segments"])
def test_what_is_lost_is_named(template, memory_path, name):
    path = memory_path / "s"
    shutil.copytree(template, path)
    exchange(path / name)
    assert verify(path).findings != []
    with pytest.raises(CorruptStoreError):
        Store.open(path)
    assert repair(path, dry_run=True).given_up
    assert repair(path).given_up
    assert verify(path).findings == []
    assert in_use(path) > 1
    assert any(name in kept for kept in os.listdir(path / "quarantine"))


def test_without_generations_the_copies_of_their_manifests_are_enough(template, memory_path):
    path = memory_path / "s"
    shutil.copytree(template, path)
    exchange(path / "generations")
    assert verify(path).findings != []
    with pytest.raises(CorruptStoreError):
        Store.open(path)
    assert repair(path).given_up == []
    assert verify(path).findings == []
    assert in_use(path) == len(truth()[LAST]) + 1


def test_a_young_store_needs_no_generations(memory_path):
    path = memory_path / "s"
    with Store.open(path, policy=MANUAL) as store, store.transaction() as txn:
        txn.index_file(FileRecord("a.py", "h"))
    exchange(path / "generations")
    assert verify(path).findings != []
    assert in_use(path) == 2


@pytest.mark.parametrize("name", ["journal", "generations", "segments"])
def test_what_is_behind_a_link_is_no_part_of_a_store(template, memory_path, name):
    path, behind = memory_path / "s", memory_path / "behind"
    shutil.copytree(template, path)
    (path / name).rename(behind)
    (path / name).symlink_to(behind)
    before = tree(behind)
    assert verify(path).findings != []
    for read_only in (True, False):
        with pytest.raises(CorruptStoreError):
            Store.open(path, read_only=read_only)
    assert tree(behind) == before
    (path / name).unlink()
    behind.rename(path / name)
    with Store.open(path) as store:
        assert len(store) == len(truth()[LAST])
