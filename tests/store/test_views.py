"""Views hold one LSN, in this process and in others, whatever is committed, published and removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.damage import MANUAL
from tests.support.invariants import check_reads
from tests.support.processes import Other, other
from tests.support.records import numbered, record

from diptych import FileRecord, InvalidArgumentError, QueryError, Store
from diptych.store.view import View


@pytest.fixture
def store(store_path: str) -> Iterator[Store]:
    with Store.open(store_path, policy=MANUAL) as store:
        yield store


def add(store: Store, *records: FileRecord) -> None:
    with store.transaction() as txn:
        for one in records:
            txn.index_file(one)


def check(view: View[FileRecord] | Store, records: list[FileRecord]) -> None:
    """The view has these records and no others, by every way of reading."""
    assert len(view) == len(records)
    assert list(view.records()) == records
    for one in records:
        assert view.get(one.path) == one
        assert one.path in view
        name = one.symbols[0].name
        assert [hit.path for hit in view.lookup("symbols", name)] == [one.path]
    hits = view.search("kind:function", limit=1_000)
    assert sorted((hit.path, hit.symbol.name) for hit in hits) == sorted(
        (one.path, symbol.name) for one in records for symbol in one.symbols
    )
    targets = {relation.target for one in records for relation in one.relations}
    found = [hit for target in targets for hit in view.lookup("references", target)]
    assert sorted(hit.path for hit in found) == [one.path for one in records]


def test_a_view_is_unaffected_by_commits_and_checkpoints(store: Store) -> None:
    expected: list[tuple[View[FileRecord], list[FileRecord]]] = []
    for version in range(6):
        add(store, *numbered(3, version), record(f"only/{version}.py", version))
        if version:
            with store.transaction() as txn:
                txn.remove_file(f"only/{version - 1}.py")
        expected.append((store.view(), [record(f"only/{version}.py", version), *numbered(3, version)]))
        if version % 2:
            store.checkpoint()
    for view, records in expected:
        check(view, sorted(records))
    for view, _ in expected:
        view.close()
    for _ in range(2):
        add(store, record("last.py"))
        store.checkpoint()
    assert len(os.listdir(os.path.join(store.path, "generations"))) == 2


def test_a_view_first_searched_after_its_generation_was_replaced(store: Store) -> None:
    add(store, *numbered(5))
    store.checkpoint()
    view = store.view()
    for version in range(1, 5):
        add(store, *numbered(5, version))
        store.checkpoint()
    check(view, numbered(5))
    view.close()


def test_an_iteration_goes_on_over_what_it_began_with(store: Store) -> None:
    add(store, *numbered(20))
    store.checkpoint()
    files = store.files()
    first = [next(files) for _ in range(5)]
    for version in range(1, 4):
        add(store, *numbered(20, version))
        store.checkpoint()
    assert first + list(files) == numbered(20)


def writing(process: Other, path: str) -> None:
    process.do("import os; policy = CheckpointPolicy(automatic=False)")
    assert process.do(f"store = Store.open({path!r}, policy=policy)") == ""
    process.do("put = lambda txn, *some: [txn.index_file(one) for one in some]")


def test_a_view_of_another_process_outlives_its_generation(store_path: str) -> None:
    with other() as process:
        writing(process, store_path)
        process.do("with store.transaction() as txn: put(txn, *numbered(5))")
        process.do("store.checkpoint()")
        process.do("with store.transaction() as txn: put(txn, record('journal.py'))")
        with Store.open(store_path, read_only=True) as reader:
            view = reader.view()
            for version in range(1, 5):
                process.do(f"with store.transaction() as txn: put(txn, *numbered(5, {version}))")
                assert process.do("print(store.checkpoint())") == str(version + 2)
            kept = process.do(f"print(sorted(os.listdir({store_path!r} + '/generations')))")
            assert f"{1:020d}" not in kept
            check(view, sorted([record("journal.py"), *numbered(5)]))
            check(reader, sorted([record("journal.py"), *numbered(5)]))
            assert reader.refresh() == 6
            with reader.view() as newer:
                check(newer, sorted([record("journal.py"), *numbered(5, 4)]))
            check(view, sorted([record("journal.py"), *numbered(5)]))


def test_a_reader_whose_generation_was_removed_is_refreshed_by_a_search_and_its_lsn_says_so(
    store_path: str,
) -> None:
    with other() as process:
        writing(process, store_path)
        process.do("with store.transaction() as txn: put(txn, *numbered(5))")
        process.do("store.checkpoint()")
        with Store.open(store_path, read_only=True) as reader:
            for version in range(1, 5):
                process.do(f"with store.transaction() as txn: put(txn, *numbered(5, {version}))")
                process.do("store.checkpoint()")
            # Nothing was refreshed yet: files and lsn are those of the beginning.
            assert (reader.lsn, list(reader.files())) == (1, numbered(5))
            found = {hit.path for hit in reader.search("function", 100)}
            assert found <= {one.path for one in numbered(5, 4)}
            assert (reader.lsn, list(reader.files())) == (5, numbered(5, 4))


def test_a_reader_follows_the_writer_commit_by_commit(store_path: str) -> None:
    with other() as process:
        writing(process, store_path)
        with Store.open(store_path, read_only=True) as reader:
            assert reader.refresh() == 0
            for lsn in range(1, 12):
                process.do(f"with store.transaction() as txn: put(txn, record('f{lsn}.py', {lsn}))")
                if lsn % 4 == 0:
                    process.do("store.checkpoint()")
                assert reader.lsn == lsn - 1
                assert f"f{lsn}.py" not in reader
                assert reader.refresh() == lsn
                assert reader.file(f"f{lsn}.py") == record(f"f{lsn}.py", lsn)
                assert reader.search(f"f{lsn}_{lsn}_0")
                assert len(reader) == lsn
            process.do("with store.transaction() as txn: txn.remove_file('f1.py')")
            process.do("big = record('big.py', documentation='x' * 3_000_000)")
            process.do("with store.transaction() as txn: put(txn, big)")
            assert reader.refresh() == 13
            assert "f1.py" not in reader
            assert reader.file("big.py") == record("big.py", documentation="x" * 3_000_000)
            process.do("store.close()")
            assert reader.refresh() == 13


def test_a_reader_follows_a_new_writer_after_the_old_one_was_killed(store_path: str) -> None:
    with other() as process:
        writing(process, store_path)
        process.do("with store.transaction() as txn: put(txn, record('a.py'))")
        reader = Store.open(store_path, read_only=True)
        process.kill()
    with Store.open(store_path, policy=MANUAL) as store:
        add(store, record("b.py"))
        assert reader.refresh() == 2
        store.checkpoint()
        add(store, record("c.py"))
        assert reader.refresh() == 3
        assert [one.path for one in reader.files()] == ["a.py", "b.py", "c.py"]
    reader.close()


def test_readers_open_while_the_writer_is_busy(store_path: str) -> None:
    """Any state that a reader finds is one that was committed."""
    with other() as process:
        writing(process, store_path)
        process.do("with store.transaction() as txn: put(txn, *numbered(10, 0))")
        process.do("import threading; stop = threading.Event(); versions = iter(range(1, 10**6))")
        process.do(
            "exec('def work():\\n while not stop.is_set():\\n  v = next(versions)\\n"
            "  with store.transaction() as txn: put(txn, *numbered(10, v))\\n"
            "  v % 5 or store.checkpoint()')"
        )
        process.do("thread = threading.Thread(target=work); thread.start()")
        last = rounds = 0
        # The writer may be slow: some of what it commits must be among what is seen.
        while rounds < 25 or last < 2:
            rounds += 1
            with Store.open(store_path, read_only=True) as reader:
                assert list(reader.files()) == numbered(10, reader.lsn - 1)
                assert reader.lsn >= last
                last = reader.refresh()
                assert list(reader.files()) == numbered(10, last - 1)
        process.do("stop.set(); thread.join()")


@pytest.mark.parametrize(
    "query",
    ['"open', "name:(", "nosuchfield:x", "kind:[a TO", "AND", "name:x AND OR y", ")", "a:b:c", "^"],
)
def test_a_query_that_cannot_be_parsed_says_why(store: Store, query: str) -> None:
    for _ in range(3):
        with pytest.raises(QueryError, match="cannot be parsed: ") as caught:
            store.search(query)
        assert caught.value.advice
        add(store, record("a.py"))
        store.checkpoint()
    assert store.search("a_0_0")


@pytest.mark.parametrize(
    "query",
    ["", "   ", "*", "nothing_like_it", "kind:zebra", "name:a_0_0^2", "+kind:function -kind:class", '"a b"'],
)
def test_odd_queries_that_are_none_the_less_queries(store: Store, query: str) -> None:
    add(store, record("a.py"))
    assert isinstance(store.search(query), list)
    store.checkpoint()
    assert isinstance(store.search(query), list)


@pytest.mark.parametrize("limit", [0, -1, 1.5, float("nan"), "10", None])
def test_a_limit_that_is_no_number_of_hits_is_refused(store: Store, limit: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="limit"):
        store.search("x", limit)


def test_hits_come_best_first_and_no_more_than_asked_for(store: Store) -> None:
    add(store, *numbered(30))
    store.checkpoint()
    add(store, *numbered(10, 1, first=25))
    for limit in (1, 7, 70, 500):
        hits = store.search("kind:function", limit)
        assert len(hits) == min(limit, 70)
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)


def test_a_search_never_shows_what_was_replaced(store: Store) -> None:
    add(store, *numbered(40))
    store.checkpoint()
    add(store, *numbered(39, 1))
    assert [hit.path for hit in store.search('"pkg 039"', 5)] == []
    assert {hit.symbol.name for hit in store.search("kind:function", 3)} <= {
        symbol.name for one in [*numbered(39, 1), *numbered(1, first=39)] for symbol in one.symbols
    }
    assert "000_0_0" not in {hit.symbol.name for hit in store.search("000_0_0", 100)}


def test_identities_are_distinct_and_stay(store: Store) -> None:
    one = record("a.py")
    twice = one._replace(symbols=(*one.symbols, *one.symbols, *record("a.py", 1).symbols))
    add(store, twice)
    ids = {hit.id for name in {s.name for s in twice.symbols} for hit in store.symbols(name)}
    assert len(ids) == len(twice.symbols)
    store.checkpoint()
    again = {hit.id for hit in store.search("kind:function", 100)}
    assert again == ids


@pytest.mark.parametrize("segments", [1, 2])
def test_a_view_heals_though_its_generation_was_removed(store_path: str, segments: int) -> None:
    """Its search index is still open; the files of the segment are not there any more."""
    files = {one.path: one for one in numbered(20)}
    with Store.open(store_path, policy=MANUAL) as writer:
        for part in range(segments):
            with writer.transaction() as txn:
                for one in list(files.values())[part::segments]:
                    txn.index_file(one)
            writer.checkpoint()
        writer.checkpoint(compact=segments == 1)
        with Store.open(store_path, read_only=True) as reader, reader.view() as view:
            found = list(Path(store_path, "segments").glob("*/records.msgpack"))
            damaged = [os.open(path, os.O_RDWR) for path in found]
            for number in range(3):
                with writer.transaction() as txn:
                    txn.index_file(record("other.py", number))
                writer.checkpoint(compact=True)
            assert not any(path.exists() for path in found)
            for fd in damaged:
                # In the first record, and where it is not what the checksum says.
                os.pwrite(fd, b"\xff" * 40, 120)
                os.close(fd)
            check_reads(view, files)
            assert view.healing.reads
