"""The change feed: every transaction once, in order, with the records before and after."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.command import diptych, document, error_output, text
from tests.support.damage import frames, journal_file
from tests.support.files import overwrite, tree
from tests.support.processes import other
from tests.support.records import record
from tests.support.waiting import SHORT_S, join

from diptych import (
    ChangeFeed,
    ChangesNotKeptError,
    CheckpointPolicy,
    CorruptJournalError,
    FileRecord,
    InvalidArgumentError,
    Store,
    StoreClosedError,
    StoreReplacedError,
    repair,
)

MANUAL = CheckpointPolicy(automatic=False)

Seen = list[tuple[int, dict[str, Any], dict[str, FileRecord | None]]]


def put(store: Store, *records: FileRecord, remove: tuple[str, ...] = (), **metadata: Any) -> int:
    with store.transaction(metadata=metadata) as txn:
        for one in records:
            txn.index_file(one)
        for path in remove:
            txn.remove_file(path)
    return txn.lsn


def seen(feed: ChangeFeed[FileRecord]) -> Seen:
    return [
        (txn.lsn, txn.metadata, {change.key.decode(): change.after for change in txn.changes}) for txn in feed
    ]


def test_a_feed_gives_each_transaction_with_its_metadata_and_records(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1), record("b.py", 1), commit="c0ffee")
        put(store, record("a.py", 2), remove=("b.py",))
        expected: Seen = [
            (1, {"commit": "c0ffee"}, {"a.py": record("a.py", 1), "b.py": record("b.py", 1)}),
            (2, {}, {"a.py": record("a.py", 2), "b.py": None}),
        ]
        assert seen(store.changes()) == expected
        assert seen(store.changes(since=1)) == expected[1:]
        assert seen(store.changes(since=2)) == []
        with Store.open(store_path, read_only=True) as reader:
            assert seen(reader.changes()) == expected
            (change,) = [c for txn in reader.changes(1) for c in txn.changes if c.key == b"b.py"]
            assert change.is_removal
            assert "removed b'b.py'" in repr(change)


@pytest.mark.parametrize("read_only", [False, True])
def test_an_iteration_continues_where_the_one_before_ended(store_path: str, read_only: bool) -> None:
    """Across checkpoints, which begin new journal files and remove old ones."""
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1))
        follower = Store.open(store_path, read_only=True) if read_only else store
        feed = follower.changes()
        lsns = []
        for number in range(2, 12):
            lsns += [txn.lsn for txn in feed]
            assert feed.lsn == lsns[-1] == store.lsn
            put(store, record("a.py", number))
            if number % 3 == 0:
                store.checkpoint()
        put(store, record("a.py", 12))
        lsns += [txn.lsn for txn in feed]
        assert lsns == list(range(1, 13))
        follower.close()
        with pytest.raises(StoreClosedError):
            list(feed)


def test_an_iteration_that_is_left_is_continued_after_what_it_gave(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(1, 6):
            put(store, record("a.py", number))
        feed = store.changes()
        for transaction in feed:
            if transaction.lsn == 2:
                break
        assert [txn.lsn for txn in feed] == [3, 4, 5]


def test_what_the_journal_does_not_go_back_to_is_said_with_the_oldest_lsn(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(1, 7):
            put(store, record("a.py", number))
            if number % 2 == 0:
                store.checkpoint()
        with pytest.raises(ChangesNotKeptError, match="only those after LSN 2") as caught:
            list(store.changes(since=1))
        assert caught.value.oldest_lsn == 2
        assert [txn.lsn for txn in store.changes(since=caught.value.oldest_lsn)] == [3, 4, 5, 6]
        feed = store.changes(since=4)
        with pytest.raises(InvalidArgumentError, match="is at LSN 6, and has not reached LSN 9"):
            list(store.changes(since=9))
        for number in range(7, 11):
            put(store, record("a.py", number))
            store.checkpoint()
        with pytest.raises(ChangesNotKeptError):
            list(feed)
    for wrong in (-1, 1.5, "1", True):
        with Store.open(store_path, read_only=True) as store, pytest.raises(InvalidArgumentError):
            store.changes(since=wrong)  # type: ignore[arg-type]


def test_a_reader_refuses_an_lsn_that_the_store_has_not_reached(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1))
        store.checkpoint()
        with Store.open(store_path, read_only=True) as reader:
            with pytest.raises(InvalidArgumentError, match="is at LSN 1, and has not reached LSN 2"):
                list(reader.changes(since=2))
            assert list(reader.changes(since=1)) == []


def test_following_changes_nothing(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1))
        store.checkpoint()
        put(store, record("a.py", 2))
    before = tree(store_path)
    with Store.open(store_path, read_only=True) as reader:
        assert [txn.lsn for txn in reader.changes(before=True)] == [1, 2]
    assert tree(store_path) == before


def test_records_before_a_change(store_path: str) -> None:
    """From an older change, from the generation before, and none."""
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1), record("b.py", 1))
        store.checkpoint()
        put(store, record("a.py", 2), record("c.py", 2))
        put(store, record("a.py", 3), remove=("b.py", "c.py"))
        put(store, record("b.py", 4))
        expected = [
            {"a.py": record("a.py", 1), "c.py": None},
            {"a.py": record("a.py", 2), "b.py": record("b.py", 1), "c.py": record("c.py", 2)},
            {"b.py": None},
        ]
        for since in (1, 2, 3):
            feed = store.changes(since=since, before=True)
            given = [{c.key.decode(): c.before for c in txn.changes} for txn in feed]
            assert given == expected[since - 1 :]
        (transaction, *_) = store.changes(since=1)
        with pytest.raises(InvalidArgumentError, match="does not have the records before"):
            _ = transaction.changes[0].before


def test_records_before_a_change_need_a_generation_or_the_whole_journal(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(1, 7):
            put(store, record("a.py", number))
            if number % 2 == 0:
                store.checkpoint()
        os.unlink(os.path.join(store_path, "generations", f"{4:020d}"))
        assert [txn.lsn for txn in store.changes(since=4)] == [5, 6]
        with pytest.raises(ChangesNotKeptError, match="the oldest generation is of LSN 6") as caught:
            list(store.changes(since=4, before=True))
        assert caught.value.oldest_lsn == 6


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abc"), st.integers(0, 9)),
        st.tuples(st.just("remove"), st.sampled_from("abc"), st.just(0)),
        st.sampled_from([("commit", "", 0), ("checkpoint", "", 0), ("follow", "", 0), ("reopen", "", 0)]),
    ),
    max_size=30,
)


@settings(max_examples=40)
@given(ACTIONS, st.booleans())
def test_a_feed_of_any_history_is_that_history(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, str, int]], read_only: bool
) -> None:
    path = str(tmp_path_factory.mktemp("feed") / "store")
    files: dict[str, FileRecord] = {}
    pending: dict[str, FileRecord | None] = {}
    history: list[dict[str, tuple[FileRecord | None, FileRecord | None]]] = []
    store = Store.open(path, policy=MANUAL)
    follower = Store.open(path, read_only=True) if read_only else store
    feed = follower.changes(before=True)
    followed: list[dict[str, tuple[FileRecord | None, FileRecord | None]]] = []

    def follow() -> None:
        for transaction in feed:
            assert transaction.lsn == len(followed) + 1
            followed.append({c.key.decode(): (c.before, c.after) for c in transaction.changes})

    for verb, name, version in [*actions, ("commit", "", 0), ("follow", "", 0)]:
        if verb == "put":
            pending[name] = record(name, version)
        elif verb == "remove" and (pending.get(name) or (name not in pending and name in files)):
            pending[name] = None
        elif verb == "commit" and pending:
            put(
                store,
                *(one for one in pending.values() if one is not None),
                remove=tuple(name for name, one in pending.items() if one is None and name in files),
            )
            kept = {name: one for name, one in pending.items() if one is not None or name in files}
            if kept:
                history.append({name: (files.get(name), one) for name, one in kept.items()})
            files = {name: one for name, one in {**files, **pending}.items() if one is not None}
            pending = {}
        elif verb == "checkpoint":
            # Followed first: two checkpoints later the journal is not kept.
            follow()
            store.checkpoint()
        elif verb == "follow":
            follow()
        elif verb == "reopen" and read_only:
            store.close()
            store = Store.open(path, policy=MANUAL)
    assert followed == history
    follower.close()
    store.close()
    shutil.rmtree(path)


def test_waiting_ends_with_the_commit(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store, other() as reader:
        assert not store.wait(store.lsn + 1, timeout_s=SHORT_S)
        reached, later = [], 2
        waiting = threading.Thread(target=lambda: reached.append(store.wait(later)))
        waiting.start()
        put(store, record("a.py", 1))
        reader.do(f"store = Store.open({store_path!r}, read_only=True)")
        reader.do("import threading; out = []")
        reader.do("thread = threading.Thread(target=lambda: out.append((store.wait(2), store.lsn)))")
        reader.do("thread.start()")
        put(store, record("a.py", 2))
        join(waiting)
        assert reached == [True]
        assert reader.do("thread.join(); print(out)") == "[(True, 2)]"
        assert reader.do("print(store.wait(3, 0))") == "False"
        assert "InvalidArgumentError" in reader.do("store.wait(3, -1)")


@pytest.mark.parametrize("read_only", [False, True])
def test_a_wait_takes_any_number_of_seconds_and_nothing_else(store_path: str, read_only: bool) -> None:
    with Store.open(store_path, policy=MANUAL) as writer:
        put(writer, record("a.py", 1))
        with Store.open(store_path, read_only=read_only) if read_only else writer as store:
            for wrong in ("x", -1, float("nan"), True, [], b"1"):
                with pytest.raises(InvalidArgumentError, match="a timeout must be 0 or more seconds"):
                    store.wait(1, wrong)  # type: ignore[arg-type]
            for long in (1e10, 10**400, float("inf")):
                assert store.wait(store.lsn, long)
                reached: list[bool] = []
                later = store.lsn + 1

                def wait(lsn: int = later, timeout_s: float = long, reached: list[bool] = reached) -> None:
                    reached.append(store.wait(lsn, timeout_s))

                waiting = threading.Thread(target=wait)
                waiting.start()
                put(writer, record("a.py", later))
                join(waiting)
                assert reached == [True]


def test_a_close_ends_the_waiting(store_path: str) -> None:
    store = Store.open(store_path, policy=MANUAL)
    put(store, record("a.py", 1))
    for handle in (Store.open(store_path, read_only=True), store):
        raised: list[BaseException] = []

        def wait(handle: Store = handle, raised: list[BaseException] = raised) -> None:
            try:
                handle.wait(handle.lsn + 1)
            except StoreClosedError as error:
                raised.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        handle.close()
        join(waiting)
        assert len(raised) == 1


def test_buffered_commits_are_synced_before_they_are_given(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut, another transaction could have the LSN that a follower has seen."""
    with Store.open(store_path, policy=MANUAL, durability="buffered") as store:
        put(store, record("a.py", 1))
        journal = store._handle._journal  # type: ignore[union-attr]
        assert journal.synced_lsn == 0
        with Store.open(store_path, read_only=True) as reader:
            synced: list[int] = []
            monkeypatch.setattr("diptych.fs.fdatasync_fd", synced.append)
            assert [txn.lsn for txn in reader.changes()] == [1]
            assert len(synced) == 1
            monkeypatch.undo()
        assert [txn.lsn for txn in store.changes()] == [1]
        assert journal.synced_lsn == 1


def test_a_damaged_frame_ends_the_feed_with_an_error(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(1, 6):
            put(store, record("a.py", number))
    begin, _ = frames(store_path, 1)[3]
    with Store.open(store_path, read_only=True) as reader:
        feed = reader.changes()
        overwrite(journal_file(store_path, 1), begin + 50, b"\x00\xff\x00\xff")
        given = []
        with pytest.raises(CorruptJournalError, match="a damaged frame after LSN 2"):
            given += [txn.lsn for txn in feed]
        assert feed.lsn == 2


def test_after_a_repair_the_lost_changes_are_not_kept(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(1, 6):
            put(store, record("a.py", number))
    overwrite(journal_file(store_path, 1), frames(store_path, 1)[3][0] + 50, b"\x00\xff\x00\xff")
    repair(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 6))
        with pytest.raises(ChangesNotKeptError) as caught:
            list(store.changes(since=2))
        assert [txn.lsn for txn in store.changes(since=caught.value.oldest_lsn)] == [6]


def test_a_store_that_was_put_back_from_a_copy_is_another(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1))
    shutil.copytree(store_path, memory_path / "copy")
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 2))
    with Store.open(store_path, read_only=True) as reader:
        feed = reader.changes()
        assert [txn.lsn for txn in feed] == [1, 2]
        shutil.rmtree(store_path)
        shutil.move(memory_path / "copy", store_path)
        with pytest.raises(InvalidArgumentError, match="is at LSN 1"):
            list(feed)
        with Store.open(store_path, policy=MANUAL) as store:
            put(store, record("a.py", 3))
            put(store, record("a.py", 4))
        with pytest.raises(StoreReplacedError, match="put back from a copy"):
            list(feed)
        shutil.rmtree(store_path)
        with Store.open(store_path, policy=MANUAL) as store:
            put(store, record("a.py", 3))
        with pytest.raises(StoreReplacedError):
            list(feed)


def test_the_command_lists_changes(store_path: str) -> None:
    where = Path(store_path).parent
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1), record("b.py", 1), commit="c0ffee")
        put(store, remove=("b.py",))
        assert text("changes", "--store", store_path, cwd=where).splitlines() == [
            '       1  metadata  {"commit": "c0ffee"}',
            "       1  indexed   a.py",
            "       1  indexed   b.py",
            "       2  removed   b.py",
        ]
        assert document("changes", "--since", "1", "--store", store_path, cwd=where) == [
            {"lsn": 2, "metadata": {}, "changes": [{"op": "removed", "path": "b.py"}]}
        ]
        diptych("changes", "--since", "2", "--store", store_path, cwd=where, code=1)
        assert "has not reached LSN 7" in error_output(
            "changes", "--since", "7", "--store", store_path, cwd=where, code=2
        )
        for number in range(3):
            put(store, record("a.py", number))
            store.checkpoint()
        assert "only those after LSN 3" in error_output("changes", "--store", store_path, cwd=where, code=3)
