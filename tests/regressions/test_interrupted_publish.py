"""An interrupt between two statements of a checkpoint, or of a refresh: the handle goes on, whole."""

import linecache
import os
import sys

import pytest

import diptych
from diptych import CheckpointPolicy, FileRecord, Store

MANUAL = CheckpointPolicy(automatic=False)
STORE = os.path.join(os.path.dirname(diptych.__file__), "store")


class InterruptAt:
    """Raises KeyboardInterrupt at the `at`-th line of the store's functions of these names."""

    def __init__(self, names, at):
        self.names, self.at, self.count, self.hit = names, at, 0, False

    def __enter__(self):
        sys.settrace(self.call)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def call(self, frame, event, _):
        code = frame.f_code
        return self.line if code.co_name in self.names and code.co_filename.startswith(STORE) else None

    def line(self, frame, event, _):
        source = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        # The line of a `with` is traced again when it is left, where CPython raises nothing.
        if event == "line" and not source.strip().startswith("with "):
            self.count += 1
            if self.count == self.at:
                self.hit = True
                raise KeyboardInterrupt
        return self.line


def _put(store, *names):
    for name in names:
        with store.transaction() as txn:
            txn.index_file(FileRecord(name, name))


def _each_line(names, attempt):
    for at in range(1, 300):
        interrupt = InterruptAt(names, at)
        attempt(interrupt)
        if not interrupt.hit:
            assert at > 5
            return
    raise AssertionError("the function never ended")


def test_a_checkpoint_after_an_interrupted_one_lacks_nothing(tmp_path):
    numbers = iter(range(1_000))

    def attempt(interrupt):
        path = tmp_path / str(next(numbers))
        with Store.open(path, policy=MANUAL) as store:
            _put(store, "a.py")
            store.checkpoint()
            _put(store, "b.py")
            try:
                with interrupt:
                    store.checkpoint()
            except KeyboardInterrupt:
                pass
            _put(store, "c.py")
            assert [file.path for file in store.files()] == ["a.py", "b.py", "c.py"]
            store.checkpoint()
            assert [file.path for file in store.files()] == ["a.py", "b.py", "c.py"]

    _each_line({"_publish", "replace", "since"}, attempt)


def test_a_refresh_after_an_interrupted_one_lacks_nothing(tmp_path):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        _put(store, "0.py")

        def attempt(interrupt):
            number = len(store)
            with Store.open(tmp_path / "s", read_only=True) as reader:
                _put(store, f"{number}.py")
                store.checkpoint()
                try:
                    with interrupt:
                        reader.refresh()
                except KeyboardInterrupt:
                    pass
                _put(store, f"{number}.more.py")
                reader.refresh()
                assert {file.path for file in reader.files()} == {file.path for file in store.files()}

        _each_line({"refresh", "_read_on", "_open_again", "replace"}, attempt)


def test_an_interrupt_behind_a_durable_commit_leaves_its_receipt(tmp_path):
    numbers = iter(range(1_000))

    def attempt(interrupt):
        path, txn = tmp_path / str(next(numbers)), None
        store = Store.open(path, policy=MANUAL)
        raised = None
        try:
            with interrupt:
                with store.transaction() as txn:
                    txn.index_file(FileRecord("a.py", "a"))
        except BaseException as error:
            raised = type(error).__name__
        store.close()
        with Store.open(path) as again:
            if raised != "CommitInDoubtError":
                assert (txn is not None and txn.lsn == 1) == ("a.py" in again)

    _each_line({"commit", "advance", "committed"}, attempt)


def test_a_durable_commit_whose_generation_fails_is_not_called_rolled_back(tmp_path, monkeypatch):
    from diptych import CommitNotPublishedError, StorageFullError

    def full(manifest):
        raise StorageFullError("cannot write", errno=28)

    with Store.open(tmp_path / "s", durability="full") as store:
        monkeypatch.setattr("diptych.store.checkpoint.unpublished.encode_manifest", full)
        with pytest.raises(CommitNotPublishedError) as raised:
            _put(store, "a.py")
        assert isinstance(raised.value.__cause__, StorageFullError)
        assert "a.py" in store
        monkeypatch.undo()
        _put(store, "b.py")
    with Store.open(tmp_path / "s") as store:
        assert [file.path for file in store.files()] == ["a.py", "b.py"]
