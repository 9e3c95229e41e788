"""A share of the concurrency campaign, and the checker's eyesight."""

import json
import math
import random

import pytest
from tools.concurrency.__main__ import main
from tools.concurrency.campaign import run
from tools.concurrency.history import Commit, Glance, History, Seen, check


def test_one_order_of_commits_explains_some_hundred():
    results = run(
        seed=random.randrange(2**32), seconds=math.inf, commits=200, writers=2, readers=1, processes=1
    )
    assert results["violations"] == []
    assert results["commits"] >= 200
    # Of the reading thread, of the reading process, and after the close.
    assert results["views"] >= 3


COMMITS = [
    Commit(1, 1, {"a": 1, "b": 1}),
    Commit(2, 2, {"a": 2}),
    Commit(3, 3, {"b": 0, "c": 3}),
]
AT_2 = {"a": 2, "b": 1}


def _check(*seen, glances=(), commits=COMMITS):
    return check(History(list(commits), list(seen), list(glances)))


def _seen(lsn, files, *, searched=None, acked_lsn=0, count=None, found=(), reader="r"):
    return Seen(
        reader,
        lsn,
        acked_lsn,
        files,
        files if searched is None else searched,
        len(files) if count is None else count,
        dict(found),
    )


def test_what_was_committed_is_explained():
    assert _check(_seen(0, {}), _seen(2, AT_2), _seen(3, {"a": 2, "c": 3}, found={"b": None, "a": 2})) == []
    assert _check(glances=[Glance("r", 0, 3, "a", 1), Glance("r", 3, 3, "b", None)]) == []


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (_seen(2, {"a": 2}), "files differ"),
        (_seen(1, {"a": 2, "b": 1}), "files differ"),
        (_seen(2, AT_2, searched={"a": 1, "b": 1}), "search differs"),
        (_seen(2, AT_2, count=3), "len is 3"),
        (_seen(2, AT_2, found={"a": 1}), "a has version 1 instead of 2"),
        (_seen(2, AT_2, acked_lsn=3), "after 3 was acknowledged"),
        (_seen(4, AT_2), "which no one committed"),
    ],
)
def test_what_no_order_explains_is_seen(seen, word):
    assert any(word in sentence for sentence in _check(seen))


def test_a_reader_that_goes_back_is_seen():
    assert any("went back" in sentence for sentence in _check(_seen(2, AT_2), _seen(0, {})))
    assert _check(_seen(2, AT_2), _seen(0, {}, reader="another")) == []


@pytest.mark.parametrize(("low", "high", "version"), [(2, 3, 1), (0, 1, 2), (3, 3, None), (0, 3, 9)])
def test_a_read_of_no_version_in_its_range_is_seen(low, high, version):
    assert _check(glances=[Glance("r", low, high, "a", version)]) != []


@pytest.mark.parametrize("lsns", [(1, 1, 2), (1, 3, 4), (2, 3, 4)])
def test_lsns_that_are_given_twice_or_left_out_are_seen(lsns):
    commits = [commit._replace(lsn=lsn) for commit, lsn in zip(COMMITS, lsns, strict=True)]
    assert any("each once" in sentence for sentence in _check(commits=commits))


def test_the_command_writes_its_results(tmp_path):
    output = tmp_path / "concurrency.json"
    assert main(["--commits", "50", "--processes", "0", "--output", str(output)]) == 0
    assert json.loads(output.read_text())["violation_count"] == 0
