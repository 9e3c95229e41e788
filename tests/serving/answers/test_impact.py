"""What a change may affect: once each, by distance, and what is left where there is no time."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.names.asking import asking

from diptych.serving.answers.current import CurrentRecords, resolve
from diptych.serving.answers.impact import impact, is_test

FILES = {
    "lib.py": "def base(): pass\n\ndef middle(): return base()\n\nLIMIT = 1\n",
    "app.py": """\
from lib import base, middle

def top(): return middle() + base()

def loop(): return loop() or top()
""",
    "tests/test_app.py": "from app import top\n\ndef test_top(): assert top()\n",
}


def test_each_caller_is_listed_once_at_its_nearest(tmp_path: Path) -> None:
    with asking(tmp_path, FILES) as ask:
        found = CurrentRecords(ask.source, ask.source.view)  # type: ignore[arg-type]
        symbols = resolve(found, "base") + resolve(found, "LIMIT")
        hit = impact(ask.source, symbols)
        assert [(one.depth, one.name) for one in hit.callers] == [
            (1, "middle"),
            (1, "top"),
            (2, "loop"),
            (2, "test_top"),
        ]
        assert (hit.by_depth, hit.tests) == ({1: 2, 2: 2}, ["tests/test_app.py"])
        assert [one.symbol.name for one in hit.unresolved] == ["LIMIT"]
        assert hit.searched == hit.reached
        assert impact(ask.source, symbols, depth=1).by_depth == {1: 2}
        both = impact(ask.source, symbols + resolve(found, "middle"))
        assert [one.name for one in both.callers] == ["top", "loop", "test_top"], "none of those that change"


def test_callers_of_methods_are_followed(tmp_path: Path) -> None:
    text = "def base(): pass\n\nclass A:\n    def middle(self): return base()\n"
    text += "\ndef top(): return A().middle()\n"
    with asking(tmp_path, {"lib.py": text}) as ask:
        found = CurrentRecords(ask.source, ask.source.view)  # type: ignore[arg-type]
        hit = impact(ask.source, resolve(found, "base"))
        assert [(one.depth, one.name) for one in hit.callers] == [(1, "A.middle"), (2, "top")]


def test_it_ends_when_it_is_enough_and_says_so(tmp_path: Path) -> None:
    with asking(tmp_path, FILES) as ask:
        found = CurrentRecords(ask.source, ask.source.view)  # type: ignore[arg-type]
        asked = iter([False, True])
        hit = impact(ask.source, resolve(found, "base"), enough=lambda: next(asked))
        assert hit.by_depth == {1: 2}
        assert (hit.searched, hit.reached) == (1, 3)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/a.py", True),
        ("pkg/test_a.py", True),
        ("pkg/a_test.go", True),
        ("src/a.spec.ts", True),
        ("src/ATest.java", True),
        ("src/contest.py", False),
        ("latest/a.py", False),
    ],
)
def test_what_looks_like_a_test(path: str, expected: bool) -> None:
    assert is_test(path) is expected
