"""A key damaged in the snapshot: the record is there, and must not be called absent."""

import os

import pytest

from diptych import CheckpointPolicy, FileRecord, Store


@pytest.mark.parametrize("read_only", [True, False])
def test_a_record_whose_key_is_damaged_is_healed_and_not_called_absent(tmp_path, read_only):
    with Store.open(tmp_path / "s", policy=CheckpointPolicy(automatic=False)) as store:
        with store.transaction() as txn:
            for name in ("one.py", "two.py", "three.py"):
                txn.index_file(FileRecord(name, "hash"))
        store.checkpoint()
        assert store.stats().generations == ("00000000000000000001",)
    [snapshot] = (tmp_path / "s").glob("segments/*/records.msgpack")
    data = bytearray(snapshot.read_bytes())
    data[data.index(b"two.py")] ^= 1
    os.unlink(snapshot)
    snapshot.write_bytes(data)
    with Store.open(tmp_path / "s", read_only=read_only) as store:
        assert "two.py" in store
        assert store.file("two.py") == FileRecord("two.py", "hash")
        assert len(store) == 3
