"""The process that commits: what a transaction does follows from its LSN, so that any process knows it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

from diptych import CheckpointPolicy, FileRecord, Store
from diptych.model import content_hash

PATHS = 40
_POLICY = CheckpointPolicy(changes=400, changes_share=0.0)


def path_of(lsn: int) -> str:
    """The one file that the transaction of that LSN changes."""
    return f"{random.Random(lsn).randrange(PATHS)}.py"


def record_of(lsn: int) -> FileRecord | None:
    """What the transaction of that LSN makes of its file; None where it removes it."""
    if random.Random(-lsn).randrange(8) == 0:
        return None
    return FileRecord(path_of(lsn), content_hash(str(lsn).encode()), "python")


def history(commits: int) -> Iterator[tuple[int, str, FileRecord | None]]:
    """Of each transaction the LSN, the path, and the record from then on."""
    there: set[str] = set()
    for lsn in range(1, commits + 1):
        path, record = path_of(lsn), record_of(lsn)
        if record is None and path not in there:
            # There is nothing to remove.
            record = FileRecord(path, content_hash(str(lsn).encode()), "python")
        (there.add if record is not None else there.discard)(path)
        yield lsn, path, record


def write(store_path: str, commits: int) -> None:
    """Commit what is not committed yet."""
    with Store.open(store_path, policy=_POLICY, lock_timeout_s=60.0) as store:
        for lsn, path, record in history(commits):
            if lsn > store.lsn:
                with store.transaction(metadata={"number": lsn} if lsn % 3 == 0 else None) as txn:
                    if record is not None:
                        txn.index_file(record)
                    else:
                        txn.remove_file(path)
                assert txn.lsn == lsn


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
