"""What a crash tore off is kept, also where another crash tore off something at the same place before."""

import os

from tests.support.files import gone

from diptych import FileRecord, Store


def test_both_are_kept_and_each_once(tmp_path):
    path = tmp_path / "s"
    with Store.open(path) as store, store.transaction() as txn:
        txn.index_file(FileRecord("a.py", "h"))
    journal_file = next(path.glob("journal/*.wal"))
    ends = [b"\x01" * 20, b"\x02" * 3_000_000, b"\x01" * 20, b"\x02" * 3_000_000]
    for end in ends:
        gone(path / "journal/CLOSED")
        with open(journal_file, "ab") as file:
            file.write(end)
        with Store.open(path) as store:
            assert "a.py" in store
    kept = [(path / "quarantine" / name).read_bytes() for name in sorted(os.listdir(path / "quarantine"))]
    assert kept == ends[:2]
