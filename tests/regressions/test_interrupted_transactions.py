"""An interrupt in a transaction's own steps: a later one can begin, and what is found is what was put."""

import sys

import pytest

from diptych import CheckpointPolicy, FileRecord, Range, Store, Symbol
from diptych.schema.code import CODE
from diptych.store.changes import ChangeSet
from diptych.store.transaction import Transaction

MANUAL = CheckpointPolicy(automatic=False)


def record(name):
    return FileRecord("a.py", name, "python", [Symbol(name, "function", Range(0, 0, 0, 1))])


class At:
    """Raises KeyboardInterrupt before the `number`-th line in the functions given."""

    def __init__(self, number, *functions):
        self.number, self.count = number, 0
        self.codes = {function.__code__ for function in functions}

    def __call__(self, frame, event, _argument):
        if frame.f_code not in self.codes:
            return None
        if event == "line":
            self.count += 1
            if self.count == self.number:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self

    def run(self, act):
        """Whether it came to the interrupt."""
        sys.settrace(self)
        try:
            act()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(None)
        return False


def test_what_is_found_is_what_was_put_last(tmp_path):
    number, hit = 0, True
    while hit:
        number += 1
        with Store.open(tmp_path / str(number), policy=MANUAL) as store:
            with store.transaction() as txn:
                txn.index_file(record("alpha"))
                hit = At(number, ChangeSet.index, ChangeSet._add).run(lambda: txn.index_file(record("beta")))
            store.checkpoint()
            name = store.file("a.py").content_hash
            assert [hit.symbol.name for hit in store.search(name)] == [name]
            assert [hit.symbol.name for hit in store.symbols(name)] == [name]
            other = {"alpha": "beta", "beta": "alpha"}[name]
            assert not store.search(other)
    assert number > 6


def test_a_thread_can_begin_another_transaction(tmp_path):
    number, hit = 0, True
    while hit:
        number += 1
        with Store.open(tmp_path / str(number), policy=MANUAL) as store:
            txn = store.transaction()

            def whole():
                with txn:  # noqa: B023
                    txn.index_file(record("alpha"))  # noqa: B023

            hit = At(number, Transaction.__enter__, Transaction._finish).run(whole)
            if txn._phase.name == "OPEN":
                txn.rollback()
            with store.transaction() as after:
                after.index_file(record("beta"))
            assert store.file("a.py").content_hash == "beta"
    assert number > 6


@pytest.mark.parametrize("kind", [bytearray, memoryview, type("Bytes", (bytes,), {})])
def test_a_payload_may_be_any_bytes(tmp_path, kind):
    one = record("alpha")
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.put_packed(b"a.py", kind(CODE.pack(one)))
        store.checkpoint()
        assert store.file("a.py") == one


def test_a_checkpoint_reads_each_payload_once(tmp_path, monkeypatch):
    from diptych.journal.file import JournalPlace

    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            for number in range(5):
                txn.index_file(record(f"name{number}")._replace(path=f"{number}.py"))
        read, real = [], JournalPlace.read
        monkeypatch.setattr(JournalPlace, "read", lambda self, *rest: read.append(1) or real(self, *rest))
        store.checkpoint()
    assert len(read) == 5
