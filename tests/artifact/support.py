"""Stores to share, and what must hold of one that was pulled."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.support.records import numbered
from tools.sharing.counting import Counting

from diptych import CheckpointPolicy, FileRecord, Store, verify
from diptych.artifact.pull import Pulled, pull
from diptych.artifact.remotes.base import Remote

__all__ = ["Counting"]

MANUAL = CheckpointPolicy(automatic=False)


def fill(path: str | Path, records: Iterable[FileRecord], *, removed: Sequence[str] = ()) -> int:
    """Commit the records as one transaction, and publish a generation; returns its LSN."""
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in records:
                txn.index_file(one)
            for name in removed:
                txn.remove_file(name)
        return store.checkpoint()


def content_of(path: str | Path) -> str:
    """The content id of a store's newest generation."""
    with Store.open(path, create=False, read_only=True) as store:
        return store.stats().content_id


def records_of(path: str | Path) -> list[FileRecord]:
    """Every record of a store."""
    with Store.open(path, create=False, read_only=True) as store:
        return list(store.records())


def check_same(path: str | Path, other: str | Path) -> None:
    """Both stores are intact, have the same records, and answer."""
    assert verify(path).ok, verify(path).findings
    assert records_of(path) == records_of(other)
    assert content_of(path) == content_of(other)
    with Store.open(path, create=False, read_only=True) as one, Store.open(other, read_only=True) as two:
        for query in ("kind:function", "000*"):
            assert one.search(query).total == two.search(query).total
        assert [hit.path for hit in one.search("000*")] == [hit.path for hit in two.search("000*")]


def check_installs(remote: Remote, folder: Path, like: str | Path, **how: Any) -> Pulled:
    """The artifact installs into a new place, as a store like that other one."""
    where = os.path.join(folder, "installed", ".diptych")
    done = pull(remote, where, **how)
    check_same(where, like)
    return done


def some_records(count: int = 60) -> list[FileRecord]:
    """Records enough that the files of a store are larger than what is always sent by itself."""
    return numbered(count)
