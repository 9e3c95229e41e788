"""Where a snapshot is rebuilt and there is no place for temporary files, the advice says what to set."""

import os
import tempfile

import pytest
from tests.support.damage import MANUAL

from diptych import FileRecord, StorageError, Store


@pytest.mark.parametrize("read_only", [True, False])
def test_it_advises_a_tmpdir(tmp_path, monkeypatch, read_only):
    path = tmp_path / "s"
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h"))
        store.checkpoint()
    os.unlink(next(path.glob("segments/*/records.msgpack")))
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(path / "nowhere"))
        patch.setattr("diptych.fs.temporary._IN_MEMORY", str(path / "nowhere"))
        with pytest.raises(StorageError, match="temporary") as raised:
            Store.open(path, read_only=read_only)
        assert "TMPDIR" in raised.value.advice
    with Store.open(path, read_only=read_only) as store:
        assert "a.py" in store
