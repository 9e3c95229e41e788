"""An empty directory or a copy under another name proves no transaction: no loss is told, no LSN jumps."""

import os
import shutil

import pytest
from tests.support.damage import (
    LAST,
    MANUAL,
    NEW,
    OLD,
    build,
    commit,
    damage_sealed,
    generation,
    journal_file,
    own_segment,
    truth,
)
from tests.support.files import cut, gone

from diptych import CorruptStoreError, Store, repair, verify
from diptych.layout import BUNDLE, RECORDS

FAR = 9999


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "store"
    build(str(path))
    return path


@pytest.fixture
def path(template, memory_path):
    shutil.copytree(template, memory_path / "s")
    return str(memory_path / "s")


def empty_generation(path):
    os.mkdir(generation(path, FAR))


def copied_generation(path):
    shutil.copyfile(generation(path, OLD), generation(path, FAR))


def copied_segment(path):
    shutil.copyfile(journal_file(path, 11), journal_file(path, FAR))


def copied_old_segment(path):
    shutil.copyfile(journal_file(path, 5), journal_file(path, 7))


STRAYS = [empty_generation, copied_generation, copied_segment, copied_old_segment]


def everything(path):
    with Store.open(path, policy=MANUAL) as store:
        assert store.lsn == LAST
        return {one.path: one for one in store.files()}


@pytest.mark.parametrize("stray", STRAYS)
@pytest.mark.parametrize("repaired", [True, False])
def test_it_is_set_aside(path, stray, repaired):
    stray(path)
    assert {finding.kind for finding in verify(path).findings} == {"stray"}
    with Store.open(path, read_only=True) as store:
        assert store.lsn == LAST
    if repaired:
        report = repair(path)
        assert report.given_up == []
        assert report.lsn == LAST
    assert everything(path) == truth()[LAST]
    assert verify(path).findings == []


@pytest.mark.parametrize("stray", STRAYS)
def test_a_checkpoint_behind_it_removes_nothing_that_is_needed(path, stray):
    stray(path)
    with Store.open(path, policy=MANUAL) as store:
        store.checkpoint()
    assert sorted(os.listdir(f"{path}/generations")) == [f"{lsn:020d}" for lsn in (NEW, LAST)]
    assert everything(path) == truth()[LAST]
    assert verify(path).findings == []


@pytest.mark.parametrize("stray", STRAYS)
def test_a_salvage_beside_it_gives_up_no_more(path, stray):
    gone(journal_file(path, 9))
    stray(path)
    assert repair(path).given_up == ["the transactions of LSN 9 to 10"]
    with Store.open(path, policy=MANUAL) as store:
        assert store.lsn == LAST


def test_a_torn_end_is_cut_beside_a_copy(path):
    gone(f"{path}/journal/CLOSED")
    copied_segment(path)
    cut(journal_file(path, 11), 5)
    with Store.open(path, policy=MANUAL) as store:
        assert store.lsn == LAST - 1
        commit(store, LAST)
    assert everything(path) == truth()[LAST]


def test_a_segment_that_was_renamed_is_missed(path):
    gone(f"{path}/journal/CLOSED")
    shutil.move(journal_file(path, 11), journal_file(path, FAR))
    with pytest.raises(CorruptStoreError):
        Store.open(path)
    assert repair(path).given_up == ["what was committed after LSN 12, if anything was"]
    assert everything(path) == truth()[LAST]


@pytest.mark.parametrize("left", [RECORDS, BUNDLE])
def test_a_generation_without_a_manifest_counts_by_the_copy_of_that(path, left):
    gone(f"{path}/journal/CLOSED")
    gone(journal_file(path, 9))
    gone(journal_file(path, 11))
    gone(os.path.join(own_segment(path, NEW), {RECORDS: BUNDLE, BUNDLE: RECORDS}[left]))
    damage_sealed(generation(path, NEW), "damaged")
    with pytest.raises(CorruptStoreError, match="after LSN 8 is missing"):
        Store.open(path)
    assert repair(path).given_up == ["what was committed after LSN 8, if anything was"]
    with Store.open(path) as store:
        assert store.lsn == NEW
        assert {one.path: one for one in store.files()} == truth()[NEW]
