"""Salvage where the newest journal file has no transaction, only the note of the checkpoint before it."""

from __future__ import annotations

from pathlib import Path

from diptych import FileRecord, Store, content_hash, repair, verify
from diptych.store.checkpoint.policy import CheckpointPolicy

MANUAL = CheckpointPolicy(automatic=False)


def test_what_repair_salvages_right_after_a_checkpoint_opens(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with Store.open(path, policy=MANUAL) as store:
        for number in range(3):
            with store.transaction() as txn:
                txn.index_file(FileRecord(f"{number}.py", content_hash(b""), "python"))
        store.checkpoint()
    (path / "IDENTITY").unlink()
    for manifest in path.glob("generations/*"):
        manifest.unlink()

    report = repair(path)

    assert report.given_up == []
    assert verify(path).findings == []
    with Store.open(path, policy=MANUAL) as store:
        assert (store.lsn, len(store)) == (3, 3)
        with store.transaction() as txn:
            txn.index_file(FileRecord("3.py", content_hash(b""), "python"))
    with Store.open(path, read_only=True) as store:
        assert (store.lsn, len(store)) == (4, 4)
