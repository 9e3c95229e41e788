"""A name that says more than an LSN can be: no part of the store, and no obstacle to repair."""

import pytest

from diptych import FileRecord, Store, repair, verify

DIGITS = "9" * 20


@pytest.mark.parametrize("name", [f"generations/{DIGITS}", f"journal/{DIGITS}.wal"])
def test_it_is_passed_by(tmp_path, name):
    path = tmp_path / "s"
    with Store.open(path) as store, store.transaction() as txn:
        txn.index_file(FileRecord("a.py", "h"))
    (path / name).mkdir()
    assert verify(path).ok
    assert repair(path).ok
    with Store.open(path) as store:
        assert "a.py" in store
