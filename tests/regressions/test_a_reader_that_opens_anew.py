"""A reader that follows a writer tells what it found when it opened the store anew, and when commits came."""

import shutil

from tests.support.damage import MANUAL

from diptych import FileRecord, Store
from diptych.schema.code import CODE
from diptych.store.opening import open_for_reading


def commit(store, name):
    with store.transaction() as txn:
        txn.index_file(FileRecord(name, "h"))


def test_what_it_found_is_there_to_be_told(tmp_path):
    path = tmp_path / "s"
    with Store.open(path, policy=MANUAL) as store:
        commit(store, "a.py")
        store.checkpoint()
        follower = open_for_reading(str(path), CODE).follower
        assert not follower.findings
        assert not follower.mend_search
        commit(store, "b.py")
        store.checkpoint()
        shutil.rmtree(path / f"generations/{2:020d}/search")
        follower.follow(1)
    assert {"search-damaged"} == {finding.kind for finding in follower.findings}
    assert follower.mend_search
    assert not follower.mend_snapshot
    assert follower.modified_ms > 0


def test_new_commits_move_the_time_of_the_newest(tmp_path):
    path = tmp_path / "s"
    with Store.open(path, policy=MANUAL) as store:
        commit(store, "a.py")
        follower = open_for_reading(str(path), CODE).follower
        commit(store, "b.py")
        follower.follow(1)
        assert follower.lsn == 2
        assert follower.modified_ms == next(path.glob("journal/*.wal")).stat().st_mtime_ns // 1_000_000
