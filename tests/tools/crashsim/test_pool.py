"""Workers survive what the checked code does, and say what it was."""

import os
from types import SimpleNamespace

import pytest
from tools.crashsim.effects import Tree
from tools.crashsim.errors import CrashsimError
from tools.crashsim.pool import Limits, Pool

from tools.crashsim import pool as module

LIMITS = Limits(time_s=1.0, growth_bytes=32 << 20)
LONG_AFTER_S = 1e6
TREE = Tree({"a": b"x", "d": None, "d/b": b"y"})


@pytest.fixture
def pool(monkeypatch, tmp_path):
    """Its time stands still until a checker hangs: one that is slow takes none."""
    hangs = tmp_path / "hangs"
    monkeypatch.setenv("HOSTILE_HANGS", str(hangs))
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))
    clock = SimpleNamespace(monotonic=lambda: LONG_AFTER_S if hangs.exists() else 0.0)
    monkeypatch.setattr(module, "time", clock)
    with Pool("hostile_subject", jobs=1, limits=LIMITS) as pool:
        yield pool


@pytest.mark.parametrize(
    ("workload", "kind", "words"),
    [
        ("panic", "panic", "PanicException at hostile_subject.py"),
        ("signal", "signal", "SIGSEGV"),
        ("hang", "hang", "No answer within 1 s"),
        ("memory", "memory", "MiB"),
        ("exception", "exception", "ZeroDivisionError"),
    ],
)
def test_a_failure_is_named_and_the_next_state_is_checked_all_the_same(pool, workload, kind, words):
    tasks = [(1, TREE, "fine", 0, 0), (2, TREE, workload, 0, 0), (3, TREE, "fine", 4, 5)]
    outcomes = {outcome.number: outcome for outcome in pool.check(tasks)}
    assert outcomes[1].kind == outcomes[3].kind == ""
    assert outcomes[3].message == "['a', 'd'] 4 5"
    assert outcomes[2].kind == kind
    assert words in outcomes[2].message


def test_a_checker_that_does_not_start_is_an_error_with_its_last_words():
    with Pool("no_such_module", jobs=1, limits=LIMITS) as pool:
        with pytest.raises(CrashsimError, match="no_such_module"):
            next(pool.check([(1, TREE, "", 0, 0)]))
