"""A first index in progress: it is building, with counts, whoever looks and however."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diptych import Store
from diptych.errors import StoreLockedError
from diptych.indexer import Progress, Settings
from diptych.layout import INSPECT, PROGRESS
from diptych.workspace.freshness import (
    Account,
    Busy,
    Code,
    Kind,
    Options,
    Policy,
    UpdateFailedError,
    Verdict,
    check,
    ensure_fresh,
    update,
)
from diptych.workspace.freshness.hints import Counts, ProgressFile, progress_of, take_request

RUN = "from diptych.cli import main; main()"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    for n in range(6):
        (root / f"m{n}.py").write_text(f"def function_{n}(): pass\n")
    return root


def during_a_first_run(root: Path, store: Path, look: Callable[[int], Any], **settings: int) -> list[Any]:
    """What `look` gives for each number of records committed, while a first run is under way."""
    seen: dict[int, Any] = {}
    with Store.open(store) as opened:

        def progress(_progress: Progress) -> None:
            if len(opened) not in seen:
                seen[len(opened)] = look(len(opened))

        update(str(root), opened, settings=Settings(**settings), processes=0, progress=progress)
    return list(seen.values())


def test_a_first_run_is_building_from_its_beginning_to_its_end(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"

    def look(_records: int) -> tuple[Verdict, Any]:
        verdict, gathered = check(None, str(store))
        return verdict, gathered.evidence

    looks = during_a_first_run(root, store, look, batch_files=2)
    assert len(looks) >= 2
    for verdict, evidence in looks:
        assert (verdict.kind, evidence.account) == (Kind.BUILDING, Account.BEGUN)
        assert [reason.code for reason in verdict.reasons] == [Code.INCOMPLETE, Code.BEING_WRITTEN]
        assert evidence.progress is not None
        assert (evidence.progress.done <= 6, evidence.progress.total) == (True, 6)
        assert evidence.differences is None, "nothing is compared with what is not there yet"
    assert verdict.sentence() == (
        "the index is building: the first run of the indexer has not ended; "
        f"process {os.getpid()} is writing to it ({evidence.progress.done} of 6 files are parsed)"
    )
    verdict, gathered = check(None, str(store))
    assert (verdict.kind, gathered.evidence.account) == (Kind.FRESH, Account.COMPLETE)
    assert not (store / PROGRESS).exists()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", RUN, *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_status_and_look_ups_say_so(root: Path, tmp_path: Path) -> None:
    where = ("--store", str(tmp_path / "store"))

    def look(_records: int) -> Any:
        asked = ("symbol", "function_1", *where)
        return [
            command("status", "--json", *where),
            command("status", *where),
            command(*asked, "--wait", "0"),
            command(*asked, "--fresh", "check"),
            command(*asked, "--wait", "0", "--busy", "answer"),
        ]

    as_json, status, waits, checks, answers = during_a_first_run(root, tmp_path / "store", look)[0]
    document = json.loads(as_json.stdout)
    assert document["freshness"]["verdict"] == "building"
    assert document["freshness"]["progress"] == {"done": 0, "total": 6}
    assert document["last_run"] is None
    assert "freshness:       building" in status.stdout
    assert "last indexed:    not yet: the first run has not ended" in status.stdout
    counts = "(0 of 6 files are parsed)"
    assert counts in status.stdout
    assert (waits.returncode, counts in waits.stderr) == (4, True)
    assert "waiting for it" in waits.stderr
    for answered in (checks, answers):
        assert (answered.returncode, counts in answered.stderr) == (1, True), answered.stderr
        assert "the index is building" in answered.stderr


def test_a_first_run_that_was_cut_short_is_finished_by_the_next_query(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"

    class CutShort(Exception):
        pass

    def cut(_records: int) -> None:
        raise CutShort

    with pytest.raises(CutShort):
        during_a_first_run(root, store, cut)
    assert not (store / PROGRESS).exists()
    verdict, gathered = check(None, str(store))
    assert (verdict.kind, gathered.evidence.account) == (Kind.STALE, Account.BEGUN)
    assert [reason.code for reason in verdict.reasons] == [Code.INCOMPLETE]
    assert ensure_fresh(Policy.AUTO, str(store)).report is not None
    assert check(None, str(store))[0].fresh


def test_an_empty_repository_has_its_first_run_too(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    with Store.open(tmp_path / "store") as opened:
        update(str(tmp_path / "repository"), opened, processes=0)
    verdict, gathered = check(None, str(tmp_path / "store"))
    assert (verdict.kind, gathered.evidence.account) == (Kind.FRESH, Account.COMPLETE)


def test_who_waits_asks_the_writer_and_the_next_run_answers(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Store.open(store) as opened:
        update(str(root), opened, processes=0)
        (root / "m1.py").write_text("def another(): pass\n")
        with pytest.raises(UpdateFailedError) as failed:
            ensure_fresh(Policy.AUTO, str(store), options=Options(wait_s=0.0))
        assert isinstance(failed.value.__cause__, StoreLockedError)
        assert ensure_fresh(Policy.AUTO, str(store), options=Options(wait_s=0.0, busy=Busy.ANSWER)).warning
        assert (store / INSPECT).exists()
        update(str(root), opened, processes=0)
        assert not (store / INSPECT).exists()


def test_no_other_policy_asks(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Store.open(store) as opened:
        update(str(root), opened, processes=0)
        (root / "m1.py").write_text("def another(): pass\n")
        before = sorted(store.rglob("*"))
        assert ensure_fresh(Policy.CHECK, str(store)).warning
        assert sorted(store.rglob("*")) == before


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"7 1 2",
        b"7 1 2\n\n",
        b"8 1 2\n",
        b"7 3 2\n",
        b"7 -1 2\n",
        b"7 1 2 3\n",
        b"7 1 99999999999999999999\n",
        b"\xff" * 300,
        b"7 1 2\n" + b" " * 300,
    ],
)
def test_a_progress_file_that_does_not_say_it_of_the_writer_says_nothing(tmp_path: Path, said: bytes) -> None:
    (tmp_path / PROGRESS).write_bytes(said)
    assert progress_of(str(tmp_path), 7) is None
    assert progress_of(str(tmp_path), 0) is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink(f"{path}.target", path)])
def test_hints_go_through_nothing_but_files(tmp_path: Path, make: Callable[[str], None]) -> None:
    (tmp_path / f"{PROGRESS}.target").write_bytes(b"7 1 2\n")
    make(str(tmp_path / PROGRESS))
    ProgressFile(str(tmp_path)).show(3, 4)
    assert progress_of(str(tmp_path), 7) is None
    assert (tmp_path / f"{PROGRESS}.target").read_bytes() == b"7 1 2\n"


def test_a_shorter_word_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_bytes(b"1234567890 123456789012345 123456789012345\n")
    ProgressFile(str(tmp_path)).show(3, 4)
    assert progress_of(str(tmp_path), os.getpid()) == Counts(3, 4)


def test_where_nothing_can_be_written_nothing_is_raised(tmp_path: Path) -> None:
    progress = ProgressFile(str(tmp_path / "missing"))
    progress.show(1, 2)
    progress.remove()
    assert take_request(str(tmp_path / "missing")) is False
    assert not (tmp_path / "missing").exists()
