"""A reader that opens the store again reports what it found, and when the newest commit came."""

import os

from tests.support.damage import MANUAL, own_segment

from diptych import FileRecord, Store
from diptych.layout import BUNDLE


def commit(store, name):
    with store.transaction() as txn:
        txn.index_file(FileRecord(name, "h"))


def test_what_it_found_is_there_to_be_told(tmp_path):
    path = tmp_path / "s"
    with Store.open(path, policy=MANUAL) as store:
        commit(store, "a.py")
        store.checkpoint()
        reader = Store.open(path, read_only=True)
        assert not reader.recovery
        assert not reader._handle.current.healing.needed
        commit(store, "b.py")
        store.checkpoint()
        os.unlink(os.path.join(own_segment(str(path), 2), BUNDLE))
        assert reader.refresh() == 2
    assert {"search-damaged"} == {finding.kind for finding in reader.recovery}
    assert len(reader._handle.current.healing.segments) == 1
    assert reader.stats().modified_ms > 0


def test_new_commits_move_the_time_of_the_newest(tmp_path):
    path = tmp_path / "s"
    with Store.open(path, policy=MANUAL) as store:
        commit(store, "a.py")
        reader = Store.open(path, read_only=True)
        commit(store, "b.py")
        assert reader.refresh() == 2
        assert reader.stats().modified_ms == next(path.glob("journal/*.wal")).stat().st_mtime_ns // 1_000_000
