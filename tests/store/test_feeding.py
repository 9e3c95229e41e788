"""What large transactions give to Tantivy ahead of the checkpoint ends up in it once."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from tests.support.invariants import Files, check_reads, check_search, check_whole
from tests.support.records import numbered, record
from tests.support.waiting import join, wait_for

from diptych import CheckpointPolicy, CorruptSearchError, FileRecord, Store, Symbol, verify
from diptych.change import Change
from diptych.schema.code import CodeSchema
from diptych.search.writer import SearchWriter
from diptych.store.checkpoint import build as checkpoint
from diptych.store.checkpoint.policy import Durability
from diptych.store.checkpoint.publish import Publisher

FED = CheckpointPolicy(automatic=False, feed_changes=1)


class Given:
    """What Tantivy's writers were given, in order; the first `failing` calls raise `error` instead."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.keys: list[str] = []
        self.failing = 0
        self.error: BaseException = CorruptSearchError("no", where="work")
        original = SearchWriter.apply

        def counted(writer: SearchWriter, change: Change, *arguments: Any, **options: Any) -> None:
            if self.failing:
                self.failing -= 1
                raise self.error
            self.keys.append(change.key.decode())
            original(writer, change, *arguments, **options)

        patch.setattr(SearchWriter, "apply", counted)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    return Given(monkeypatch)


def put(store: Store, *records: FileRecord, removed: tuple[str, ...] = ()) -> Files:
    with store.transaction() as txn:
        for one in records:
            txn.index_file(one)
        for path in removed:
            txn.remove_file(path)
    return {one.path: one for one in records}


def check(path: str, files: Files) -> None:
    """The store, opened again, holds exactly `files`, in both leaves."""
    with Store.open(path, policy=FED) as store:
        check_reads(store, files)
        check_search(store, files)
        check_whole(path)
        assert store.checkpoint() == store.lsn


def test_a_large_transaction_is_given_to_tantivy_when_it_is_committed(store_path: str, given: Given) -> None:
    with Store.open(store_path, policy=CheckpointPolicy(automatic=False, feed_changes=3)) as store:
        files = put(store, *numbered(2))
        assert given.keys == []
        files |= put(store, *numbered(3, first=2))
        # With what was committed before it: a later change must not be undone by an earlier one.
        assert sorted(given.keys) == [f"pkg/00{number}.py" for number in range(5)]
        store.checkpoint()
        assert len(given.keys) == 5
    check(store_path, files)


def test_a_list_that_its_owner_uses_again_is_what_it_was(store_path: str) -> None:
    with Store.open(store_path, policy=FED) as store:
        files = {one.path: one for one in numbered(3)}
        symbols: list[Symbol] = []
        with store.transaction() as txn:
            for one in files.values():
                symbols[:] = one.symbols
                txn.index_file(one._replace(symbols=symbols))
            symbols.clear()
        store.checkpoint()
    check(store_path, files)


def test_keys_that_change_again_before_the_checkpoint_are_there_once(store_path: str) -> None:
    with Store.open(store_path, policy=FED) as store:
        files = put(store, *numbered(6))
        files |= put(store, *numbered(3, version=1))
        put(store, removed=("pkg/001.py", "pkg/005.py"))
        del files["pkg/001.py"], files["pkg/005.py"]
        files |= put(store, record("pkg/005.py", 2))
        check_search(store, files)
        store.checkpoint()
        check_search(store, files)
    check(store_path, files)


def test_what_was_fed_goes_on_from_generation_to_generation(store_path: str, given: Given) -> None:
    files: Files = {}
    with Store.open(store_path, policy=FED) as store:
        for round_ in range(4):
            files |= put(store, *numbered(4, version=round_, first=2 * round_))
            put(store, removed=(f"pkg/{2 * round_:03d}.py",))
            del files[f"pkg/{2 * round_:03d}.py"]
            store.checkpoint()
            check_search(store, files)
        # Each change once: four records and a removal a round.
        assert len(given.keys) == 4 * 5
    check(store_path, files)


def test_a_store_that_has_a_generation_is_not_fed_before_its_first_checkpoint(
    store_path: str, given: Given
) -> None:
    with Store.open(store_path, policy=FED) as store:
        files = put(store, *numbered(4))
        store.checkpoint()
    given.keys.clear()
    with Store.open(store_path, policy=FED) as store:
        # The writer would have to be brought to the generation first, which reads all of its files.
        files |= put(store, *numbered(2, version=1))
        assert given.keys == []
        store.checkpoint()
        files |= put(store, *numbered(2, version=2))
        assert len(given.keys) == 4
    check(store_path, files)


def test_a_store_closed_without_a_checkpoint_begins_anew(store_path: str) -> None:
    with Store.open(store_path, policy=FED) as store:
        files = put(store, *numbered(5))
    with Store.open(store_path, policy=FED) as store:
        files |= put(store, *numbered(2, version=1))
        store.checkpoint()
    check(store_path, files)


def test_the_terms_kept_for_the_checkpoint_are_bounded(
    store_path: str, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "_TERMS_BYTES", 1_200)
    with Store.open(store_path, policy=FED) as store:
        files = put(store, *numbered(5))
        files |= put(store, *numbered(2, version=1, first=1), removed=("pkg/004.py",))
        del files["pkg/004.py"]
        assert 0 < len(store._handle._publisher._builder._terms) < 5  # type: ignore[union-attr]
        store.checkpoint()
        assert len(given.keys) == 8
    check(store_path, files)


def test_one_commit_does_not_pay_for_a_long_backlog(
    store_path: str, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "_BACKLOG_MOST", 5)
    with Store.open(store_path, policy=CheckpointPolicy(automatic=False, feed_changes=2)) as store:
        files: Files = {}
        for one in numbered(6):
            files |= put(store, one)
        files |= put(store, *numbered(2, first=6))
        assert given.keys == []
        store.checkpoint()
        assert len(given.keys) == 8
    check(store_path, files)


@pytest.mark.parametrize(
    ("durability", "changes", "fed"),
    [("journal", 99, 0), ("journal", 100, 100), ("buffered", 9, 0), ("buffered", 10, 10)],
)
def test_how_large_a_transaction_is_fed(
    store_path: str, given: Given, durability: Durability, changes: int, fed: int
) -> None:
    policy = CheckpointPolicy(automatic=False)
    with Store.open(store_path, durability=durability, policy=policy) as store:
        files = put(store, *numbered(changes))
        assert len(given.keys) == fed
        store.checkpoint()
    check(store_path, files)


def test_with_full_durability_nothing_is_fed(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint.GenerationBuilder, "feed", None)
    with Store.open(store_path, durability="full", policy=FED) as store:
        files = put(store, *numbered(3))
    check(store_path, files)


@pytest.mark.parametrize("error", [CorruptSearchError("no", where="work"), ValueError("a schema's own")])
def test_a_commit_stands_where_tantivy_fails(
    store_path: str, given: Given, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    with Store.open(store_path, policy=FED) as store:
        files = put(store, *numbered(2))
        given.failing, given.error = 1, error
        with caplog.at_level(logging.WARNING, logger="diptych"):
            files |= put(store, record("pkg/002.py"), record("pkg/000.py", 1))
        assert "was not given LSN 2" in caplog.text
        assert store.lsn == 2
        # What failed once is not tried with every commit: a full disk stays full.
        given.keys.clear()
        files |= put(store, record("pkg/003.py"))
        assert given.keys == []
        store.checkpoint()
        assert len(given.keys) == 4
        files |= put(store, record("pkg/004.py"))
        assert len(given.keys) == 5
    check(store_path, files)


def test_an_interrupted_feed_is_begun_anew(store_path: str, given: Given) -> None:
    given.error = KeyboardInterrupt()
    with Store.open(store_path, policy=FED) as store:
        files = put(store, *numbered(2))
        given.failing = 1
        transaction = store.transaction()
        with pytest.raises(KeyboardInterrupt), transaction as txn:
            txn.index_file(record("pkg/002.py"))
        assert transaction.lsn == 2
        files["pkg/002.py"] = record("pkg/002.py")
        files |= put(store, record("pkg/001.py", 7))
        store.checkpoint()
    check(store_path, files)


def test_a_feed_does_not_wait_for_a_checkpoint(
    store_path: str, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    original = checkpoint.GenerationBuilder.build

    def slow(*arguments: Any) -> Any:
        inside.set()
        wait_for(go_on)
        return original(*arguments)

    with Store.open(store_path, policy=FED) as store:
        files = put(store, *numbered(2))
        monkeypatch.setattr(checkpoint.GenerationBuilder, "build", slow)
        thread = threading.Thread(target=store.checkpoint)
        thread.start()
        wait_for(inside)
        files |= put(store, *numbered(2, version=1))
        assert len(given.keys) == 2
        go_on.set()
        join(thread)
        # Later ones bring it along.
        files |= put(store, record("pkg/009.py"))
        assert len(given.keys) == 5
        store.checkpoint()
    check(store_path, files)


def test_a_feed_overtaken_by_a_later_commits_feed_gives_nothing_twice(
    store_path: str, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of what was fed went back, and a key was added a second time: search found it twice."""
    committed, go_on = threading.Event(), threading.Event()
    original = Publisher.committed

    def overtaken(publisher: Publisher, lsn: int, *arguments: Any) -> None:
        if lsn == 1:
            committed.set()
            wait_for(go_on)
        original(publisher, lsn, *arguments)

    monkeypatch.setattr(Publisher, "committed", overtaken)
    with Store.open(store_path, policy=FED) as store:
        first = threading.Thread(target=put, args=(store, record("pkg/000.py")))
        first.start()
        wait_for(committed)
        files = {"pkg/000.py": record("pkg/000.py")}
        files |= put(store, record("pkg/001.py"))
        go_on.set()
        join(first)
        files |= put(store, record("pkg/002.py"))
        assert given.keys == ["pkg/000.py", "pkg/001.py", "pkg/002.py"]
        store.checkpoint()
        check_search(store, files)
    check(store_path, files)


def test_a_packed_record_is_taken_apart_once(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    projected = []
    original = CodeSchema.project

    def counted(schema: CodeSchema, key: bytes, payload: bytes) -> Any:
        projected.append(key)
        return original(schema, key, payload)

    monkeypatch.setattr(CodeSchema, "project", counted)
    files = {one.path: one for one in numbered(3)}
    with Store.open(store_path, policy=FED) as store:
        with store.transaction() as txn:
            for one in files.values():
                txn.put_packed(store.schema.key_of(one), store.schema.pack(one))
        store.checkpoint()
    assert len(projected) == 3
    check(store_path, files)


def test_writers_in_threads_feed_in_the_order_of_their_commits(store_path: str) -> None:
    def write(store: Store, thread: int) -> None:
        for version in range(20):
            put(store, record("shared.py", 100 * thread + version), record(f"own/{thread}.py", version))

    with Store.open(store_path, policy=CheckpointPolicy(changes=25, feed_changes=1)) as store:
        threads = [threading.Thread(target=write, args=(store, number)) for number in range(4)]
        for one in threads:
            one.start()
        join(*threads)
        files = {one.path: one for one in store.files()}
        store.checkpoint()
    assert len(files) == 5
    check(store_path, files)
    assert verify(store_path, deep=True).ok
