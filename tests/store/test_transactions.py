"""Transactions: whole or not at all, used once, in every size, by several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.support.records import numbered, record
from tests.support.waiting import join, wait_until

from diptych import (
    CheckpointPolicy,
    FileRecord,
    InvalidPathError,
    InvalidRecordError,
    Range,
    RecordTooLargeError,
    Relation,
    Store,
    StoreClosedError,
    Symbol,
    TransactionError,
    UnknownFileError,
)

MANUAL = CheckpointPolicy(automatic=False)


@pytest.fixture
def store(store_path: str) -> Iterator[Store]:
    with Store.open(store_path, policy=MANUAL) as store:
        yield store


def add(store: Store, *records: FileRecord) -> int:
    with store.transaction() as txn:
        for one in records:
            txn.index_file(one)
    return txn.lsn


def reopened(store: Store) -> dict[str, FileRecord]:
    """What another opening of the same store sees."""
    store.close()
    with Store.open(store.path, policy=MANUAL) as again:
        return {one.path: one for one in again.files()}


def test_a_commit_is_seen_by_all_reads_at_once(store: Store) -> None:
    one = record("a.py")
    assert add(store, one) == 1
    assert store.lsn == 1
    assert store.file("a.py") == one
    assert "a.py" in store
    assert len(store) == 1
    assert [hit.symbol for hit in store.symbols("a_0_1")] == [one.symbols[1]]
    assert [hit.relation for hit in store.references("target_0")] == list(one.relations)
    assert {hit.symbol for hit in store.search("a_0_0")} >= {one.symbols[0]}


def test_an_exception_rolls_everything_back(store: Store) -> None:
    add(store, record("kept.py"))
    with pytest.raises(ZeroDivisionError), store.transaction() as txn:
        txn.index_file(record("gone.py"))
        txn.remove_file("kept.py")
        raise ZeroDivisionError
    assert store.lsn == 1
    assert [one.path for one in store.files()] == ["kept.py"]
    assert store.search("gone_0_0") == []
    assert list(reopened(store)) == ["kept.py"]


def test_rollback_by_hand_and_commit_by_hand(store: Store) -> None:
    with store.transaction() as txn:
        txn.index_file(record("a.py"))
        txn.rollback()
    assert len(store) == 0
    with store.transaction() as txn:
        txn.index_file(record("b.py"))
        assert txn.commit() == 1
        with pytest.raises(TransactionError):
            txn.index_file(record("c.py"))
    assert [one.path for one in store.files()] == ["b.py"]


def test_an_empty_transaction_takes_no_lsn(store: Store) -> None:
    add(store, record("a.py"))
    with store.transaction() as txn:
        pass
    assert (txn.lsn, store.lsn) == (1, 1)


def test_a_transaction_is_used_once(store: Store) -> None:
    with store.transaction() as txn:
        txn.index_file(record("a.py"))
    with pytest.raises(TransactionError), txn:
        pass
    for call in (
        lambda: txn.index_file(record("b.py")),
        lambda: txn.remove_file("a.py"),
        txn.commit,
        txn.rollback,
        lambda: store.transaction().index_file(record("b.py")),
    ):
        with pytest.raises(TransactionError):
            call()
    assert [one.path for one in store.files()] == ["a.py"]


def test_transactions_do_not_nest(store: Store) -> None:
    early = store.transaction()
    with store.transaction() as txn:
        txn.index_file(record("a.py"))
        with pytest.raises(TransactionError, match="transaction open"):
            store.transaction()
        with pytest.raises(TransactionError), early:
            pass
    assert len(store) == 1
    with early:
        early.index_file(record("b.py"))
    assert len(store) == 2


def test_the_last_word_on_a_path_wins(store: Store) -> None:
    with store.transaction() as txn:
        txn.index_file(record("a.py", 1))
        txn.index_file(record("a.py", 2))
        txn.index_file(record("b.py"))
        txn.remove_file("b.py")
    assert store.file("a.py") == record("a.py", 2)
    assert store.symbols("a_1_0") == []
    assert "b.py" not in store
    with store.transaction() as txn:
        txn.remove_file("a.py")
        txn.index_file(record("a.py", 3))
    assert store.file("a.py") == record("a.py", 3)
    assert list(reopened(store).values()) == [record("a.py", 3)]


def test_removing_what_is_not_there_is_an_error_that_leaves_the_transaction_usable(store: Store) -> None:
    add(store, record("a.py"))
    with store.transaction() as txn:
        with pytest.raises(UnknownFileError, match="never"):
            txn.remove_file("never.py")
        txn.remove_file("a.py")
        with pytest.raises(KeyError):
            txn.remove_file("a.py")
        txn.index_file(record("b.py"))
    assert [one.path for one in store.files()] == ["b.py"]


def test_ten_thousand_files_in_one_transaction(store: Store) -> None:
    records = [record(f"d{number % 97}/f{number:05d}.py", symbols=1) for number in range(10_000)]
    assert add(store, *records) == 1
    assert len(store) == 10_000
    assert store.file(records[7_777].path) == records[7_777]
    expected = {one.path: one for one in records}
    store.checkpoint()
    assert reopened(store) == expected


def test_a_symbol_name_of_a_megabyte(store: Store) -> None:
    name = "n" * 1_000_000 + "é"
    one = FileRecord(
        "a.py",
        "",
        "python",
        [Symbol(name, "function", Range(0, 0, 0, 1)), Symbol("next", "function", Range(1, 0, 1, 1))],
    )
    add(store, one, record("b.py"))
    for _ in range(2):
        assert store.file("a.py") == one
        assert [hit.symbol.name for hit in store.symbols(name)] == [name]
        assert [hit.symbol.name for hit in store.search("next")] == ["next"]
        store.checkpoint()
    assert reopened(store)["a.py"] == one


def test_a_record_over_the_cap_is_refused_and_the_transaction_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diptych.store.transaction.MAX_RECORD_BYTES", 4_096)
    with store.transaction() as txn:
        with pytest.raises(RecordTooLargeError, match="4,032"):
            txn.index_file(record("big.py", documentation="x" * 4_000))
        txn.index_file(record("small.py"))
    assert [one.path for one in store.files()] == ["small.py"]


@pytest.mark.slow
def test_a_record_at_the_cap_of_64_mb_is_stored(store: Store) -> None:
    symbol = Symbol("f", "function", Range(0, 0, 0, 1), documentation="x" * (64 * 1024 * 1024 - 512))
    one = FileRecord("big.py", "", "python", [symbol])
    add(store, one)
    store.checkpoint()
    assert reopened(store)["big.py"] == one


GIT_NAMES = [
    "a b.py",
    "naïve.py",
    "日本語/文件.py",
    "tab\tand\nnewline.py",
    "back\\slash.py",
    'quote".py',
    "-dash",
    "~",
    "...",
    "..a/b..",
    ".hidden",
    "a/.b/.c",
    "con/aux.txt",
    "\x01\x7f",
    b"latin-\xe9.py".decode("utf-8", "surrogateescape"),
    b"\xff\xfe\x80".decode("utf-8", "surrogateescape"),
    "x" * 300 + ".py",
    "/".join(["d"] * 500),
    "e\u0301.py",
    "\u00e9.py",
    "#",
    "=",
    "#" + "0" * 64,
    "watermark",
    "record",
]


def test_every_file_name_that_git_can_hold(store: Store) -> None:
    records = {name: record(name) for name in GIT_NAMES}
    add(store, *records.values())
    for _ in range(2):
        assert {one.path: one for one in store.files()} == records
        for name, one in records.items():
            assert store.file(name) == one
            assert name in store
        assert len(store.search("kind:function", limit=100)) == 2 * len(records)
        store.checkpoint()
    with store.transaction() as txn:
        for name in GIT_NAMES:
            txn.remove_file(name)
    assert len(store) == 0
    store.checkpoint()
    assert reopened(store) == {}


@pytest.mark.parametrize(
    "path",
    [
        *("", "/a", "/", "a//b", "a/", "./a", "a/./b", "../a", "a/../b", "a/..", "..", ".", "a\0b", "\0"),
        *("x" * 70_000, "lone\ud800.py"),
    ],
    ids=lambda path: repr(path)[:20],
)
def test_a_bad_path_is_refused_by_every_call(store: Store, path: str) -> None:
    with store.transaction() as txn:
        with pytest.raises(InvalidPathError):
            txn.index_file(record("a.py")._replace(path=path))
        with pytest.raises(InvalidPathError):
            txn.remove_file(path)
    with pytest.raises(InvalidPathError):
        store.file(path)
    with pytest.raises(ValueError, match="path"):
        path in store  # noqa: B015 - it raises
    assert store.lsn == 0


@pytest.mark.parametrize("path", [None, b"a.py", 3, ("a",)])
def test_a_path_that_is_no_text_is_refused(store: Store, path: object) -> None:
    with store.transaction() as txn:
        with pytest.raises(InvalidPathError):
            txn.index_file(FileRecord(path, ""))  # type: ignore[arg-type]
    assert path not in store


WHERE = Range(0, 0, 1, 0)


@pytest.mark.parametrize(
    "one",
    [
        FileRecord("a", 5),  # type: ignore[arg-type]
        FileRecord("a", "", b"python"),  # type: ignore[arg-type]
        FileRecord("a", "", "", [Symbol(1, "k", WHERE)]),  # type: ignore[arg-type]
        FileRecord("a", "", "", [Symbol("n", None, WHERE)]),  # type: ignore[arg-type]
        FileRecord("a", "", "", [Symbol("n", "k", WHERE, documentation=b"")]),  # type: ignore[arg-type]
        FileRecord("a", "", "", [Symbol("n", "k", (0, 0, 1))]),  # type: ignore[arg-type]
        FileRecord("a", "", "", [Symbol("n", "k", None)]),  # type: ignore[arg-type]
        FileRecord("a", "", "", [Symbol("n", "k", Range(0, 0, True, 0))]),
        FileRecord("a", "", "", [Symbol("n", "k", Range(-1, 0, 1, 0))]),
        FileRecord("a", "", "", [Symbol("n", "k", Range(2, 0, 1, 0))]),
        FileRecord("a", "", "", [Symbol("n", "k", Range(0, 0, 2**32, 0))]),
        FileRecord("a", "", "", [Symbol("n", "k", Range(0, 0, 1, 2**80))]),
        FileRecord("a", "", "", ["symbol"]),  # type: ignore[list-item]
        FileRecord("a", "", "", [7]),  # type: ignore[list-item]
        FileRecord("a", "", "", [Symbol("lone \udcff\ud800", "k", WHERE)]),
        FileRecord("a", "\ud800"),
        FileRecord("a", "", "", [], [Relation("calls", "s", 1, WHERE)]),  # type: ignore[arg-type]
        FileRecord("a", "", "", [], [Relation("calls", "s", "t", Range(0, 0, 0, -1))]),
        FileRecord("a", "", "", [], [("calls", "s", "t")]),  # type: ignore[list-item]
        FileRecord("a", "", "", [], [Relation("calls", "\ud83d", "t", WHERE)]),
    ],
    ids=repr,
)
def test_a_record_with_wrong_types_is_refused(store: Store, one: FileRecord) -> None:
    with store.transaction() as txn:
        with pytest.raises(InvalidRecordError):
            txn.index_file(one)
        txn.index_file(record("good.py"))
    assert [kept.path for kept in store.files()] == ["good.py"]


@pytest.mark.parametrize(
    "one",
    [None, 5, (), ("a.py",), ("a.py", "", "", (), (), ()), record("a")._replace(symbols=5)],
    ids=repr,
)
def test_what_is_no_record_is_refused(store: Store, one: object) -> None:
    with store.transaction() as txn, pytest.raises(InvalidRecordError):
        txn.index_file(one)  # type: ignore[arg-type]


def test_bytes_that_are_not_utf8_survive_in_every_text(store: Store) -> None:
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")
    one = FileRecord(
        "a.c", odd, odd, [Symbol(odd, odd, WHERE, odd, odd, odd)], [Relation(odd, odd, odd, WHERE)]
    )
    add(store, one)
    for _ in range(2):
        assert store.file("a.c") == one
        assert [hit.symbol.name for hit in store.symbols(odd)] == [odd]
        assert [hit.relation.target for hit in store.references(odd)] == [odd]
        store.checkpoint()


def test_put_packed_stores_what_another_process_packed(store: Store) -> None:
    one = record("a.py")
    with store.transaction() as txn:
        txn.put_packed(store.schema.key("a.py"), store.schema.pack(one))
        for key in (b"", b"k" * 70_000, "text"):
            with pytest.raises(InvalidPathError):
                txn.put_packed(key, b"")  # type: ignore[arg-type]
    assert store.file("a.py") == one


def test_eight_threads_commit_and_share_the_fsync(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from diptych import fs

    syncs: list[int] = []

    def fdatasync(fd: int) -> None:
        syncs.append(fd)
        if len(syncs) == 1:
            # The first takes long: one commit of each of the others comes meanwhile, and they share the next.
            wait_until(lambda: store._handle.writer()._journal.last_lsn == 8)
        os.fdatasync(fd)

    monkeypatch.setattr(fs, "fdatasync_fd", fdatasync)
    lsns: list[int] = []

    def work(thread: int) -> None:
        for number in range(20):
            lsn = add(store, record(f"t{thread}/{number}.py"))
            assert store.lsn >= lsn
            assert store.file(f"t{thread}/{number}.py") is not None
            lsns.append(lsn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    join(*threads)
    assert sorted(lsns) == list(range(1, 161))
    assert len(syncs) <= 160 - 6
    assert len(reopened(store)) == 160


def test_threads_beside_checkpoints_lose_nothing(store: Store) -> None:
    def work(thread: int) -> None:
        for number in range(30):
            add(store, record(f"t{thread}/{number % 7}.py", number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()

    checkpoints = 0
    while not checkpoints or any(thread.is_alive() for thread in threads):
        store.checkpoint()
        checkpoints += 1
    last = {n: max(m for m in range(30) if m % 7 == n) for n in range(7)}
    expected = {f"t{t}/{n}.py": record(f"t{t}/{n}.py", last[n]) for t in range(4) for n in range(7)}
    assert {one.path: one for one in store.files()} == expected
    assert reopened(store) == expected


def test_every_call_after_close_says_so(store: Store) -> None:
    add(store, record("a.py"))
    view = store.view()
    left = store.transaction()
    store.close()
    store.close()
    for call in (
        lambda: store.transaction(),
        lambda: left.__enter__(),
        lambda: store.file("a.py"),
        lambda: list(store.files()),
        lambda: "a.py" in store,
        lambda: len(store),
        lambda: store.symbols("x"),
        lambda: store.references("x"),
        lambda: store.search("x"),
        lambda: store.view(),
        lambda: store.checkpoint(),
        lambda: store.stats(),
        lambda: store.refresh(),
        lambda: view.file("a.py"),
        lambda: view.search("x"),
        lambda: list(view.files()),
        lambda: len(view),
    ):
        with pytest.raises(StoreClosedError):
            call()


def test_a_transaction_open_at_close_is_not_committed(store: Store) -> None:
    with pytest.raises(StoreClosedError), store.transaction() as txn:
        txn.index_file(record("a.py"))
        store.close()
    assert reopened(store) == {}


def test_numbered_records_keep_path_order(store: Store) -> None:
    add(store, *reversed(numbered(50)))
    store.checkpoint()
    add(store, *numbered(20, 1, first=40))
    assert list(store.files()) == numbered(40) + numbered(20, 1, first=40)
