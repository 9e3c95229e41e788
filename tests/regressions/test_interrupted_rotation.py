"""An interrupt in a rotation: no file of another's is written to, none is left that claims LSNs."""

import os
import sys

import pytest

from diptych import CheckpointPolicy, FileRecord, PoisonedError, Store
from diptych.journal.writer import JournalWriter

MANUAL = CheckpointPolicy(automatic=False)
STEPS = {JournalWriter._go_on_in.__code__}


def _put(store, name):
    with store.transaction() as txn:
        txn.index_file(FileRecord(name, "hash"))


def _interrupted(act, at):
    """Run `act` with an interrupt before the line number `at` of those in STEPS; whether it came to that."""
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if frame.f_code not in STEPS:
            return None
        if event == "line":
            lines += 1
            if lines == at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        act()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


def _go_on(store, names, other):
    """Commit after an interrupt; the names that were committed."""
    done = []
    try:
        for name in names:
            _put(store, name)
            done.append(name)
    except PoisonedError:
        pass
    assert os.fstat(other.fileno()).st_size == 0
    return done


def test_what_is_committed_after_it_is_found_again(tmp_path):
    at = hits = 0
    while at == hits:
        at += 1
        path = tmp_path / str(at)
        store = Store.open(path, policy=MANUAL)
        _put(store, "a.py")
        hits += _interrupted(store.checkpoint, at)
        with open(tmp_path / f"other-{at}", "wb") as other:
            done = _go_on(store, ["b.py", "c.py"], other)
            store.close()
        for name in ("d.py", "e.py"):
            with Store.open(path, policy=MANUAL) as store:
                assert [file.path for file in store.files()] == ["a.py", *done]
                _put(store, name)
                done.append(name)
    assert hits > 2


def test_a_signal_as_the_old_segment_is_closed(tmp_path, monkeypatch):
    store = Store.open(tmp_path / "s", policy=MANUAL)
    _put(store, "a.py")
    old, real = store._handle._journal._fd, os.close

    def close(fd):
        real(fd)
        if fd == old:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "close", close)
    with pytest.raises(KeyboardInterrupt):
        store.checkpoint()
    with open(tmp_path / "other", "wb") as other:
        assert other.fileno() == old
        assert _go_on(store, ["b.py"], other) == ["b.py"]
    store.close()
    with Store.open(tmp_path / "s") as again:
        assert len(again) == 2
