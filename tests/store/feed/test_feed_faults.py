"""What a feed does that is interrupted, or meets damage: it says so, and nothing is left out."""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.support.damage import frames, journal_file
from tests.support.files import overwrite
from tests.support.records import record

from diptych import (
    CheckpointPolicy,
    CommittedTransaction,
    CorruptJournalError,
    FileRecord,
    Store,
)
from diptych.metadata import unpack_metadata

MANUAL = CheckpointPolicy(automatic=False)


def put(store: Store, one: FileRecord, **metadata: Any) -> None:
    with store.transaction(metadata=metadata) as txn:
        txn.index_file(one)


def interrupt(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have the metadata of the `number`th transaction that is read raise KeyboardInterrupt, once."""
    calls = iter(range(1, 1000))

    def unpack(packed: bytes, *, where: str) -> dict[str, Any]:
        if next(calls) == number:
            raise KeyboardInterrupt
        return unpack_metadata(packed, where=where)

    monkeypatch.setattr("diptych.store.feed.changes.unpack_metadata", unpack)


@pytest.mark.parametrize("before", [False, True])
def test_a_transaction_that_could_not_be_given_is_given_again(
    store_path: str, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(1, 6):
            put(store, record("a.py", number), number=number)
        for read_only in (False, True):
            with Store.open(store_path, read_only=True) as reader:
                interrupt(monkeypatch, 3)
                feed = (reader if read_only else store).changes(before=before)
                given: list[CommittedTransaction[FileRecord]] = []
                with pytest.raises(KeyboardInterrupt):
                    given.extend(feed)
                assert feed.lsn == 2
                given.extend(feed)
                assert [txn.metadata for txn in given] == [{"number": number} for number in range(1, 6)]
                if before:
                    older = [txn.changes[0].before for txn in given]
                    assert older == [None, *(record("a.py", number) for number in range(1, 5))]
                monkeypatch.undo()


def damage_end(store: str, kind: str) -> None:
    """Of the last frame of the first journal file: change some bytes, cut into it, or cut it off."""
    path = journal_file(store, 1)
    begin, end = max(frames(store, 1).values())
    if kind == "bytes":
        overwrite(path, begin + 50, b"\x00\xff\x00\xff")
    else:
        os.truncate(path, end - 8 if kind == "cut" else begin)


@pytest.mark.parametrize("kind", ["bytes", "cut", "gone"])
@pytest.mark.parametrize("read_only", [False, True])
def test_what_a_handle_has_seen_is_not_left_out_at_the_end(
    store_path: str, read_only: bool, kind: str
) -> None:
    """Each iteration says so; the loop that waits and follows would otherwise run without end."""
    with Store.open(store_path, policy=MANUAL) as store, Store.open(store_path, read_only=True) as reader:
        for number in range(1, 6):
            put(store, record("a.py", number))
        reader.refresh()
        feed = (reader if read_only else store).changes()
        damage_end(store_path, kind)
        given: list[int] = []
        for _ in range(2):
            with pytest.raises(CorruptJournalError, match="frame after LSN 4"):
                given += [txn.lsn for txn in feed]
            assert feed.lsn == 4


@pytest.mark.parametrize("kind", ["bytes", "cut"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_damaged_end_of_an_older_file_is_damage(store_path: str, read_only: bool, kind: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(1, 4):
            put(store, record("a.py", number))
        store.checkpoint()
        put(store, record("a.py", 4))
        damage_end(store_path, kind)
        with Store.open(store_path, read_only=True) as reader:
            feed = (reader if read_only else store).changes()
            with pytest.raises(CorruptJournalError, match="a damaged frame after LSN 2"):
                list(feed)
            assert feed.lsn == 2
