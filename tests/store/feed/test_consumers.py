"""Named consumers: what they have not acknowledged is kept, and given again after a kill."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.command import diptych, document, error_output, text
from tests.support.damage import frames, journal_file
from tests.support.files import gone, overwrite, tree
from tests.support.processes import other
from tests.support.records import record

from diptych import (
    ChangeFeed,
    ChangesNotKeptError,
    CheckpointPolicy,
    CorruptStoreError,
    InvalidArgumentError,
    Store,
    StoreClosedError,
    StoreLockedError,
    StoreReplacedError,
    repair,
    verify,
)
from diptych.store.checkpoint.retention import generations_to_remove
from diptych.store.positions import StoredPosition, decode_position, encode_position

MANUAL = CheckpointPolicy(automatic=False)


def put(store: Store, number: int) -> int:
    with store.transaction() as txn:
        txn.index_file(record("a.py", number))
    return txn.lsn


def fill(store: Store, first: int, last: int) -> None:
    """Commits of these LSNs, with a checkpoint after every other one."""
    for lsn in range(first, last + 1):
        assert put(store, lsn) == lsn
        if lsn % 2 == 0:
            store.checkpoint()


def test_a_consumer_continues_after_what_it_acknowledged(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, 1)
        with store.consumer("mirror", since=0) as consumer:
            fill(store, 2, 6)
            for transaction in consumer:
                if transaction.lsn == 4:
                    consumer.acknowledge(4)
                assert consumer.lsn == (4 if transaction.lsn >= 4 else 0)
            assert list(consumer) == []
        with store.consumer("mirror") as consumer:
            assert (consumer.lsn, [txn.lsn for txn in consumer]) == (4, [5, 6])
            consumer.acknowledge(6)
            put(store, 7)
            assert [txn.lsn for txn in consumer] == [7]
        assert [(one.name, one.lsn) for one in store.consumers()] == [("mirror", 6)]
        assert [(one.name, one.lsn) for one in store.stats().consumers] == [("mirror", 6)]


def test_a_new_consumer_begins_at_the_lsn_of_the_handle(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, 1)
        with store.consumer("mirror") as consumer:
            assert consumer.lsn == 1
            put(store, 2)
            assert [txn.lsn for txn in consumer] == [2]


def test_the_journal_is_kept_for_a_consumer_and_goes_when_it_has_read_it(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 5)
        with store.consumer("mirror", before=True):
            pass
        fill(store, 6, 20)
        assert os.path.exists(journal_file(store_path, 5))
        with store.consumer("mirror", before=True) as consumer:
            given = [(txn.lsn, txn.changes[0].before) for txn in consumer]
            assert given == [(lsn, record("a.py", lsn - 1)) for lsn in range(6, 21)]
            consumer.acknowledge(20)
        assert verify(store_path).ok
        fill(store, 21, 26)
        assert not os.path.exists(journal_file(store_path, 5))
        assert len(os.listdir(f"{store_path}/generations")) == 3
        assert store.remove_consumer("mirror")
        assert not store.remove_consumer("mirror")
        fill(store, 27, 28)
        assert len(os.listdir(f"{store_path}/generations")) == 2
        assert not os.path.exists(journal_file(store_path, 19))
        assert verify(store_path).ok


def test_a_consumer_from_before_the_first_generation_keeps_all_of_the_journal(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.consumer("mirror", since=0):
            pass
        fill(store, 1, 10)
        with store.consumer("mirror", before=True) as consumer:
            assert [(t.lsn, t.changes[0].before is None) for t in consumer][:2] == [(1, True), (2, False)]


def test_what_is_no_lsn_makes_no_consumer(store_path: str) -> None:
    """Not even one whose position nothing can read, and which keeps all of the journal."""
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, 1)
        for wrong in (True, 1.0, "1", -1, 2):
            with pytest.raises(InvalidArgumentError):
                store.consumer("mirror", since=wrong)  # type: ignore[arg-type]
        assert store.consumers() == []


@pytest.mark.parametrize("where", ["unpack_metadata", "position"])
def test_an_interrupt_does_not_take_a_consumer_past_a_transaction(
    store_path: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Neither while the feed reads it, nor when it has given it to the consumer."""
    with Store.open(store_path, policy=MANUAL) as store, store.consumer("mirror", since=0) as consumer:
        for number in range(1, 5):
            with store.transaction(metadata={"number": number}) as txn:
                txn.index_file(record("a.py", number))
        consumed = []
        for transaction in consumer:
            consumed.append(transaction.lsn)
            if transaction.lsn == 2:
                break

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            if where == "position":
                patched.setattr(ChangeFeed, "position", property(interrupted))
            else:
                patched.setattr("diptych.store.feed.changes.unpack_metadata", interrupted)
            with pytest.raises(KeyboardInterrupt):
                list(consumer)
        for transaction in consumer:
            consumed.append(transaction.lsn)
            consumer.acknowledge(transaction.lsn)
        assert consumed == [1, 2, 3, 4]


def test_which_generations_are_kept_for_consumers() -> None:
    names = [f"{lsn:020d}" for lsn in (2, 4, 6, 8)] + [f"{4:020d}.1"]
    assert generations_to_remove(names, 2, (), [1, 5, 9]) == [f"{2:020d}", f"{4:020d}"]
    assert generations_to_remove(names, 2, (), [3]) == [f"{4:020d}", f"{4:020d}.1"]


def test_a_consumer_may_be_another_process_and_may_be_killed(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store, other() as first, other() as second:
        put(store, 1)
        for process in (first, second):
            process.do(f"store = Store.open({store_path!r}, read_only=True)")
        first.do("consumer = store.consumer('mirror', since=0)")
        assert first.do("print([t.lsn for t in consumer])") == "[1]"
        first.do("consumer.acknowledge(1)")
        put(store, 2)
        assert first.do("print([t.lsn for t in consumer])") == "[2]"
        said = second.do("store.consumer('mirror')")
        assert said == f"StoreLockedError: the consumer 'mirror' is in use by process {first.process.pid}"
        with pytest.raises(StoreLockedError, match="in use"):
            store.remove_consumer("mirror")
        first.kill()
        fill(store, 3, 8)
        second.do("consumer = store.consumer('mirror')")
        assert second.do("print([t.lsn for t in consumer])") == "[2, 3, 4, 5, 6, 7, 8]"


def test_a_crash_while_a_position_was_replaced_leaves_the_old_one(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 3)
        with store.consumer("mirror", since=2):
            pass
        directory = Path(store_path, "consumers/mirror")
        (directory / ".POSITION.123.tmp").write_bytes(b"half")
        with store.consumer("mirror") as consumer:
            assert consumer.lsn == 2
        assert sorted(os.listdir(directory)) == ["LOCK", "POSITION"]
        (Path(store_path) / "consumers/half-made").mkdir()
        assert [one.name for one in store.consumers()] == ["mirror"]


def test_what_a_consumer_was_not_given_cannot_be_acknowledged(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 3)
        consumer = store.consumer("mirror", since=0)
        for lsn in (1, 4, -1):
            with pytest.raises(InvalidArgumentError, match="is not one that"):
                consumer.acknowledge(lsn)
        assert len(list(consumer)) == 3
        consumer.acknowledge(2)
        with pytest.raises(InvalidArgumentError):
            consumer.acknowledge(1)
        consumer.acknowledge(2)
        consumer.close()
        consumer.close()
        with pytest.raises(StoreClosedError):
            consumer.acknowledge(3)
        with pytest.raises(StoreClosedError):
            list(consumer)


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 200, "half.tmp", "con"])
def test_a_name_that_none_can_have_is_refused(store_path: str, name: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        before = tree(store_path)
        for call in (store.consumer, store.remove_consumer):
            with pytest.raises(InvalidArgumentError, match="no name of a consumer"):
                call(name)
        with pytest.raises(InvalidArgumentError, match="the store is at LSN 0"):
            store.consumer("mirror", since=1)
        assert tree(store_path) == before


def test_a_position_that_the_journal_does_not_go_back_to_is_refused_when_read(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 8)
        with store.consumer("late", since=1) as consumer, pytest.raises(ChangesNotKeptError):
            list(consumer)


def test_a_damaged_position_is_reported_and_nothing_is_removed(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 4)
        with store.consumer("mirror"):
            pass
        position = f"{store_path}/consumers/mirror/POSITION"
        overwrite(position, 20, b"\xff\x00\xff")
        fill(store, 5, 14)
        assert os.path.exists(journal_file(store_path, 5))
        with pytest.raises(CorruptStoreError):
            store.consumer("mirror")
        assert store.stats().consumers[0].lsn == -1
        (finding,) = verify(store_path).findings
        assert (finding.kind, finding.where) == ("consumer-damaged", position)
        assert store.remove_consumer("mirror")
        fill(store, 15, 18)
        assert not os.path.exists(journal_file(store_path, 5))
        assert verify(store_path).ok


def test_a_directory_in_the_place_of_a_position_is_damage_too(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 4)
        os.makedirs(f"{store_path}/consumers/mirror/POSITION")
        assert [(one.name, one.lsn) for one in store.consumers()] == [("mirror", -1)]
        fill(store, 5, 10)
        assert store.remove_consumer("mirror")
        assert store.consumers() == []


def test_something_else_in_the_place_of_the_directory_is_set_aside(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 2)
    Path(store_path, "consumers").symlink_to("/")
    assert [finding.kind for finding in verify(store_path).findings] == ["stray"]
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.consumers() == []
        with store.consumer("mirror", since=0) as consumer:
            assert [txn.lsn for txn in consumer] == [1, 2]


def test_the_consumer_of_another_store_is_refused(store_path: str, memory_path: Path) -> None:
    with Store.open(memory_path / "other", policy=MANUAL) as elsewhere, elsewhere.consumer("mirror"):
        pass
    with Store.open(store_path, policy=MANUAL) as store:
        os.rename(memory_path / "other/consumers", f"{store_path}/consumers")
        with pytest.raises(StoreReplacedError, match="is of another store"):
            store.consumer("mirror")


def test_the_consumer_of_another_store_keeps_nothing(store_path: str, memory_path: Path) -> None:
    """Its LSN is one of that store."""
    with Store.open(memory_path / "other", policy=MANUAL) as elsewhere:
        with elsewhere.consumer("mirror", since=0):
            pass
    with Store.open(store_path, policy=MANUAL) as store:
        os.rename(memory_path / "other/consumers", f"{store_path}/consumers")
        fill(store, 1, 8)
    assert sorted(os.listdir(f"{store_path}/journal")) == [*journal_names(7, 9), "CLOSED"]
    assert len(os.listdir(f"{store_path}/generations")) == 2


def journal_names(*firsts: int) -> list[str]:
    return [os.path.basename(journal_file("", first)) for first in firsts]


def test_repair_gives_no_lsn_again_that_a_consumer_has_acknowledged(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        fill(store, 1, 3)
        with store.consumer("mirror", since=0) as consumer:
            put(store, 4)
            assert len(list(consumer)) == 4
            consumer.acknowledge(4)
    begin, end = frames(store_path, 3)[3]
    overwrite(journal_file(store_path, 3), begin + 50, bytes(end - begin - 50))
    overwrite(journal_file(store_path, 3), end, bytes(200))
    gone(f"{store_path}/journal/CLOSED")
    gone(f"{store_path}/IDENTITY")
    for lsn in (2,):
        gone(f"{store_path}/generations/{lsn:020d}")
    report = repair(store_path)
    assert report.lsn >= 4, report
    with Store.open(store_path, policy=MANUAL) as store:
        assert put(store, 5) > 4


def test_positions_come_back_and_damaged_ones_do_not() -> None:
    position = StoredPosition(b"s" * 16, 7, 2**64 - 1, 1, 2)
    data = encode_position(position)
    assert decode_position(data, where="x") == position
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptStoreError):
            decode_position(bytes(flipped), where="x")
    for wrong in ({"lsn": -1}, {"store_id": b"short"}, {"checksum": -1}, {"acknowledged_ms": "now"}):
        with pytest.raises(CorruptStoreError):
            decode_position(encode_position(replace(position, **wrong)), where="x")


def test_the_commands_list_and_remove_consumers(store_path: str) -> None:
    where = Path(store_path).parent
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, 1)
        diptych("consumers", "--store", store_path, cwd=where, code=1)
        with store.consumer("mirror"):
            assert "is in use by process" in error_output(
                "consumers", "--remove", "mirror", "--store", store_path, cwd=where, code=4
            )
        assert text("consumers", "--store", store_path, cwd=where) == "mirror: LSN 1\n"
        (shown,) = document("consumers", "--store", store_path, cwd=where)
        assert (shown["name"], shown["lsn"]) == ("mirror", 1)
        assert "consumers:       mirror (LSN 1)" in text("status", "--store", store_path, cwd=where)
        assert "consumer mirror: has acknowledged LSN 1" in text("journal", "--store", store_path, cwd=where)
        assert text("consumers", "--remove", "mirror", "--store", store_path, cwd=where) == (
            "removed the consumer mirror\n"
        )
        diptych("consumers", "--remove", "mirror", "--store", store_path, cwd=where, code=1)
