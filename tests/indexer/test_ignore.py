"""The rules of a `.gitignore`, compared with git itself on the same tree."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from diptych import fs
from diptych.indexer.git_process import run_all
from diptych.indexer.ignore import Rules
from diptych.indexer.walk import ignoring_rule, walked

from .repository import git

NAMES = [
    b"a.py", b"b.py", b"c.py", b" a.py", b"a.py ", b"#x.py", b"!x.py", b"x.py", b"d/a.py", b"d/b.py",
    b"d/e/a.py", b"e/d/a.py", b"\xff.py", b"A.py", b"a\\.py", b"].py", b"a.py\t", b"{a,b}.py", b"[a", b"[",
    b"\x0ca.py", "a\u2028.py".encode(), b"a/b/c.py.d/x", b"d/a.d/d/a.py", b"aab/ab/b", b"-a.py",
    b"d/e/f/g.py",
]  # fmt: skip

RULES = [
    b"\xef\xbb\xbfa.py\nb.py", b"a.py ", b"a.py\t", b"a.py\\ ", b"a.py\\  ", b"a.py\x0c", b"\x0ca.py",
    b"a.py\r\nb.py\r", b"a.py\r\r", b"a.py\x85b.py", "a\u2028.py".encode(), b"a.py\0b.py", b"\0",
    b"!\na.py", b"/\na.py", b"//\na.py", b"\\\na.py", b"[\na.py", b"[a\nb.py", b"a[\nb.py", b"", b"#x.py",
    b"\\#x.py", b"\\!x.py", b"!!x.py", b" a.py", b"a.py\\", b"A.PY", b"{a,b}.py", b"\xff.py", b"a\\\\.py",
    b"*", b"**", b"***", b"/*", b"/**", b"/**/", b"*/", b"**/", b"a**", b"**a.py", b"a.**", b"*.*", b"a*y",
    b"*a*.py", b"*.p[y]", b"?.py", b"a.py/", b"d", b"d/", b"/d", b"d/a.py", b"/a.py", b"*/a.py", b"*/*/a.py",
    b"**/a.py", b"**/**/a.py", b"**/d/", b"**/d/**/a.py", b"d/**", b"d/**/", b"d/**/a.py", b"a/**/b/**/c*/x",
    b"**/e", b"d/e/", b"e/d", b"d*/a.py", b"d?a.py", b"d*a.py", b"d//a.py", b"./a.py", b"d/.", b"d/../a.py",
    b"d/\\a.py", b"aab/*b/b", b"a*b/a*b/*b", b"**/?*?/**/g.py", b"*a*b*", b"d/*/*/*.py",
    b"*\n!*.py", b"*\n!*/\n!*.py", b"/*\n!/d", b"/*\n!/d/", b"d/*\n!d/a.py", b"*\n!d\n!d/*", b"*/\n!d/",
    b"!d\nd", b"d\n!d", b"*.py\n!a.py\n!d/b.py", b"!*\n*",
    b"[a-c].py", b"[!a].py", b"[^a].py", b"[]].py", b"[\\]].py", b"[!]].py", b"[]-a].py", b"[a-", b"[a-]",
    b"[--0]a.py", b"[z-a].py", b"[A-z].py", b"[[a].py", b"[[:].py", b"[a[:]b].py", b"[\\\\]", b"[!a-z].py",
    b"[[:alpha:]].py", b"[[:alpha:][:digit:]].py", b"[[:foo:]].py", b"[[:alpha:", b"[[:space:][:punct:]]*",
]  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of odd names, none of them tracked."""
    root = tmp_path_factory.mktemp("ignore")
    git(root, "init", "-q")
    for name in NAMES:
        path = Path(os.fsdecode(os.fsencode(root) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


@pytest.mark.parametrize("rules", RULES, ids=repr)
def test_a_walk_ignores_what_git_ignores(tree: Path, rules: bytes) -> None:
    for data in (rules, rules + b"\n"):
        (tree / ".gitignore").write_bytes(data)
        (listed,) = run_all(str(tree), ("ls-files", "-z", "--others", "--exclude-standard"))
        assert listed.code == 0
        with fs.Beneath(tree) as below:
            found = set(walked(below, frozenset({b".git"}), None, Counter()))
        assert found == set(listed.output.split(b"\0")) - {b""}


@pytest.mark.parametrize(
    "rule",
    [
        b"a*" * 60 + b"b",
        b"*a" * 60 + b"b",
        b"**/a/" * 60 + b"b",
        b"**/*a*a*/" * 30 + b"b",
        b"[a-z]*" * 60 + b"0",
    ],
)
def test_no_rule_is_slow_to_match(rule: bytes) -> None:
    """With the usual expressions these would take longer than anybody waits."""
    rules = Rules(rule)
    for name in (b"a" * 250, b"a/" * 200 + b"a", (b"a" * 20 + b"/") * 100 + b"c"):
        assert rules.verdict(name, False) is None


def test_a_file_with_too_many_rules_or_that_is_a_link_rules_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    for data in (b"a.py\n" * 10_001, b"a.py\n" + b"#" * 600_000):
        (tmp_path / ".gitignore").write_bytes(data)
        with fs.Beneath(tmp_path) as below:
            assert b"a.py" in set(walked(below, frozenset(), None, Counter()))
    (tmp_path / "rules").write_text("a.py\n")
    (tmp_path / ".gitignore").unlink()
    (tmp_path / ".gitignore").symlink_to("rules")
    with fs.Beneath(tmp_path) as below:
        assert b"a.py" in set(walked(below, frozenset(), None, Counter()))


def test_the_rule_that_ignores_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("# all\n\n/d/*\n!/d/e\n")
    (tmp_path / "d/e/.gitignore").write_text("*.py\n")
    with fs.Beneath(tmp_path) as below:
        assert ignoring_rule(below, b"d/a.py") == "/d/* (.gitignore, line 3)"
        assert ignoring_rule(below, b"d/e/a.py") == "*.py (d/e/.gitignore, line 1)"
        assert ignoring_rule(below, b"d/e/a.go") == ""
