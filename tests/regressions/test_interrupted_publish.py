"""An interrupt between two statements of a checkpoint, or of a refresh: the handle goes on, whole."""

import linecache
import sys

import pytest

from diptych import CheckpointPolicy, FileRecord, Store
from diptych.store.core import RecordStore

MANUAL = CheckpointPolicy(automatic=False)


class InterruptAt:
    """Raises KeyboardInterrupt at the `at`-th line of one function."""

    def __init__(self, function, at):
        self.code, self.at, self.count, self.hit = function.__code__, at, 0, False

    def __enter__(self):
        sys.settrace(lambda frame, event, arg: self.line if frame.f_code is self.code else None)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

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


def _each_line(function, attempt):
    for at in range(1, 200):
        interrupt = InterruptAt(function, at)
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
        with Store.open(path, policy=MANUAL) as store:
            assert [file.path for file in store.files()] == ["a.py", "b.py", "c.py"]

    _each_line(RecordStore._publish, attempt)


@pytest.mark.parametrize("function", ["refresh", "follow"])
def test_a_refresh_after_an_interrupted_one_lacks_nothing(tmp_path, function):
    from diptych.store.follower import Follower

    code = {"refresh": RecordStore.refresh, "follow": Follower.follow}[function]
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

        _each_line(code, attempt)


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

    _each_line(RecordStore._commit, attempt)


def test_a_durable_commit_whose_generation_fails_is_not_called_rolled_back(tmp_path, monkeypatch):
    from diptych import CommitInDoubtError, StorageFullError

    def full(self):
        raise StorageFullError("cannot write", errno=28)

    with Store.open(tmp_path / "s", durability="full") as store:
        monkeypatch.setattr(RecordStore, "_checkpoint", full)
        with pytest.raises(CommitInDoubtError) as raised:
            _put(store, "a.py")
        assert isinstance(raised.value.__cause__, StorageFullError)
        assert "a.py" in store
        monkeypatch.undo()
        _put(store, "b.py")
    with Store.open(tmp_path / "s") as store:
        assert [file.path for file in store.files()] == ["a.py", "b.py"]
