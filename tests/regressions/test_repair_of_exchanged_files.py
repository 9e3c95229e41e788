"""Files of another store, or of another place in this one, put where they do not belong."""

import os
import shutil

import pytest

from diptych import CheckpointPolicy, CorruptStoreError, FileRecord, Store, repair, verify

MANUAL = CheckpointPolicy(automatic=False)
NEWEST = "journal/00000000000000000005.wal"


@pytest.fixture
def make(tmp_path):
    """Two generations, at LSN 2 and 4, and the journal up to LSN `lsn`."""

    def build(name, lsn=6, *, generations=(2, 4)):
        with Store.open(tmp_path / name, policy=MANUAL) as store:
            for number in range(1, lsn + 1):
                with store.transaction() as txn:
                    txn.index_file(FileRecord(f"{name}/{number}.py", f"hash {number}"))
                if number in generations:
                    store.checkpoint()
        return tmp_path / name

    return build


def _paths(path):
    with Store.open(path, create=False, policy=MANUAL) as store:
        return [file.path for file in store.files()]


@pytest.mark.parametrize("journal_file", [NEWEST, "journal/00000000000000000007.wal"])
def test_repair_takes_nothing_from_the_journal_of_another_store(make, journal_file):
    ours, theirs = make("ours"), make("theirs", 8, generations=(2, 4) if journal_file == NEWEST else (2, 6))
    shutil.copyfile(theirs / journal_file, ours / NEWEST)
    report = repair(ours)
    assert _paths(ours) == [f"ours/{number}.py" for number in range(1, 5)]
    assert any("LSN 5 to 6" in sentence for sentence in report.given_up)


@pytest.mark.parametrize("lsn", [4, 6])
def test_the_journal_that_repair_begins_is_not_set_aside_with_the_damaged_one(make, lsn):
    ours = make("ours", lsn)
    (ours / NEWEST).write_bytes(b"")
    with pytest.raises(CorruptStoreError):
        Store.open(ours)
    repair(ours)
    assert _paths(ours) == [f"ours/{number}.py" for number in range(1, 5)]
    assert verify(ours).ok


def test_an_identity_of_another_store_costs_nothing(make):
    ours, theirs = make("ours"), make("theirs")
    shutil.copyfile(theirs / "IDENTITY", ours / "IDENTITY")
    assert not verify(ours).ok
    report = repair(ours)
    assert report.given_up == []
    assert _paths(ours) == [f"ours/{number}.py" for number in range(1, 7)]


def test_the_copies_of_the_manifests_are_enough(make):
    ours = make("ours")
    for name in os.listdir(ours / "generations"):
        os.unlink(ours / "generations" / name)
    report = repair(ours)
    assert report.given_up == []
    assert report.mended_from == "snapshot"
    assert _paths(ours) == [f"ours/{number}.py" for number in range(1, 7)]


def test_a_lost_identity_beside_a_whole_journal_costs_nothing(make):
    ours = make("ours", generations=())
    os.unlink(ours / "IDENTITY")
    with pytest.raises(CorruptStoreError):
        Store.open(ours)
    assert repair(ours).given_up == []
    assert _paths(ours) == [f"ours/{number}.py" for number in range(1, 7)]


def test_a_mark_of_another_stores_close_is_noticed(make):
    ours, theirs = make("ours"), make("theirs")
    shutil.copyfile(theirs / "journal/CLOSED", ours / "journal/CLOSED")
    assert [finding.kind for finding in verify(ours).findings] == ["closed-mark-damaged"]
