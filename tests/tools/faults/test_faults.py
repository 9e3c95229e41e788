"""A seeded share of each fault campaign, and the judge's eyesight."""

import json
import math
import os
import random
import signal
import sys
import threading

import pytest
from tests.support.waiting import HANG_S, SHORT_S
from tools.faults.__main__ import main
from tools.faults.children import run_child
from tools.faults.interrupts import Interruption, points, uninterruptible
from tools.faults.ledger import Event, changes, judge, log_path, replay
from tools.faults.workload import Course

from diptych.journal.writer import JournalWriter
from tools.faults import campaign, syscalls

CASES = 6


@pytest.fixture(scope="module")
def ground():
    made = campaign.Ground(random.randrange(2**32), math.inf)
    campaign.warm_up(made)
    yield made
    made.close()


@pytest.fixture
def share(ground):
    """Run a campaign for some cases; what came of it."""

    def run(name):
        ground.cases, ground.tally = CASES, type(ground.tally)()
        campaign.CAMPAIGNS[name](ground)
        results = ground.tally.as_json()
        assert results["violations"] == []
        return results

    return run


@pytest.mark.parametrize("name", ["interrupts", "short"])
def test_nothing_is_lost_in_a_seeded_share(share, name):
    assert share(name)["total"] == CASES


@pytest.mark.skipif(bool(syscalls.available()), reason=syscalls.available())
@pytest.mark.parametrize("name", ["EIO on fsync, once", "ENOSPC on write, from then on", "SIGKILL"])
def test_nothing_is_lost_when_a_system_call_is_refused(ground, name):
    fault = next(fault for fault in syscalls.FAULTS if fault.name == name)
    rng = random.Random(ground.seed)
    ground.tally = type(ground.tally)()
    try:
        for _ in range(2):
            campaign._inject(ground, fault, rng.randint(1, 30))
    except RuntimeError as error:
        pytest.skip(str(error))
    results = ground.tally.as_json()
    assert results["violations"] == []
    assert results["total"] == 2


def test_memory_that_ends_may_end_the_process_and_loses_nothing(ground):
    """Rust aborts where it gets no memory: that is a crash, which is recovered from each time."""
    ground.tally = type(ground.tally)()
    campaign.memory_limits(ground, steps=(0, 6, 12, 18, 24, 30))
    results = ground.tally.as_json()
    assert results["violations"] == []
    assert results["total"] > 0


def _events(*, acked=(), failed=()):
    events = []
    for k in sorted({*acked, *(k for k, *_ in failed)}):
        events.append(Event("begin", k))
        events += [Event("acked", k, k)] if k in acked else []
    return events + [Event("failed", k, lsn, name) for k, lsn, name in failed]


def _files(events, survived):
    return replay(events, survived)


def test_the_judge_accepts_what_was_promised():
    events = _events(acked=(1, 2), failed=[(3, 0, "CommitInDoubtError"), (4, 0, "StorageFullError")])
    assert judge(events, _files(events, [1, 2]), 2) == []
    assert judge(events, _files(events, [1, 2, 3]), 3) == []


@pytest.mark.parametrize(
    ("survived", "lsn", "word"),
    [([1], 1, "lost"), ([1, 2, 4], 3, "came back"), ([1, 2], 3, "LSN 3"), ([1, 2, 5], 3, "lost: ")],
)
def test_the_judge_sees_what_was_not_kept(survived, lsn, word):
    events = _events(acked=(1, 2), failed=[(4, 0, "StorageFullError"), (5, 5, "KeyboardInterrupt")])
    assert any(word in sentence for sentence in judge(events, _files(events, survived), lsn)) == (
        word != "lost: " or 5 not in survived
    )


def test_the_judge_sees_files_out_of_order_and_from_nowhere():
    events = _events(acked=(1, 6))
    mixed = {**_files(events, [1, 6]), "shared/1.py": changes(1, "")["shared/1.py"]}
    assert any("not a prefix" in sentence for sentence in judge(events, mixed, 2))
    alien = {**_files(events, [1, 6]), log_path(9): changes(9, "")[log_path(9)]}
    assert any("from nowhere" in sentence for sentence in judge(events, alien, 3))


def test_a_commit_that_is_acknowledged_without_being_written_is_seen(ground, monkeypatch):
    path = ground.fresh()

    def forgetful(emit):
        real = JournalWriter._write
        count = []

        def write(self, data):
            count.append(1)
            if len(count) != 3:
                real(self, data)

        monkeypatch.setattr(JournalWriter, "_write", write)
        Course(path, emit, "ttttt").run()

    ended = run_child(forgetful, limit_s=HANG_S)
    ground.tally = type(ground.tally)()
    assert ground.conclude("forgetful", "", path, ended) == "violation"


def test_a_handle_that_writes_on_after_a_failed_fsync_is_seen(ground, monkeypatch):
    path = ground.fresh()

    def careless(emit):
        real, count = JournalWriter.sync, []

        def sync(self, lsn):
            count.append(1)
            if len(count) == 2:
                raise OSError(5, "Input/output error")
            real(self, lsn)

        monkeypatch.setattr(JournalWriter, "sync", sync)
        monkeypatch.setattr(JournalWriter, "set_poison", lambda self, error: None)
        Course(path, emit, "tttt").run()

    ended = run_child(careless, limit_s=HANG_S)
    assert any("went through" in event.text for event in ended.events if event.what == "violation")


def test_every_line_is_a_place_once_or_more(tmp_path):
    trace = Interruption()
    trace.run(Course(str(tmp_path / "s"), lambda event: None, "t").run)
    chosen = points(trace.places, each=1)
    assert {trace.places[number - 1] for number in chosen} == set(trace.places)
    assert any(name == "journal/writer.py" for name, _ in trace.places)


def _locked(lock):
    with lock:
        text = ""
        try:
            text += "tried"
        except ValueError:
            text += "failed"
    return text


def test_what_is_raised_where_something_can_be_leaves_no_lock_behind():
    """A `try` within a `with` begins with an instruction that no handler covers, and none has to."""

    class Injected(Exception):
        pass

    raised = 0
    for wanted in range(1, 8):
        lock, count = threading.Lock(), 0

        def trace(frame, event, _argument):
            nonlocal count, raised
            if event == "line" and frame.f_lasti not in uninterruptible(frame.f_code):
                count += 1
                if count == wanted:  # noqa: B023 - called within this round
                    raised += 1
                    raise Injected
            return trace

        sys.settrace(lambda frame, *_: trace if frame.f_code is _locked.__code__ else None)
        try:
            _locked(lock)
        except Injected:
            pass
        finally:
            sys.settrace(None)
        assert not lock.locked()
    assert raised >= 3


def test_a_child_that_hangs_or_dies_is_told_apart():
    assert run_child(lambda emit: signal.pause(), limit_s=SHORT_S).death == "hang"
    assert run_child(lambda emit: os.kill(os.getpid(), signal.SIGTERM), limit_s=HANG_S).death == "SIGTERM"
    ended = run_child(lambda emit: emit(Event("acked", 1, 1)), limit_s=HANG_S)
    assert ended == ([Event("acked", 1, 1)], "")


def test_the_command_writes_its_results_and_ends_with_0(tmp_path):
    output = tmp_path / "faults.json"
    assert main(["short", "--cases", "3", "--output", str(output)]) == 0
    results = json.loads(output.read_text())
    assert results["violation_count"] == 0
    assert results["total"] == sum(results["outcomes"].values()) == 3
