"""A seeded share of the damage campaign, and the campaign's own eyesight."""

import json
import math
import os
import random
import signal

import pytest
from tests.support.damage import segments
from tests.support.waiting import HANG_S, SHORT_S
from tools.damage.__main__ import main
from tools.damage.campaign import run
from tools.damage.cases import Case, cases_of, files_of
from tools.damage.model import expected, read_all, wrong_answers
from tools.damage.samples import build
from tools.damage.trial import Trial
from tools.damage.workers import Died, Worker, spread

from diptych import Store
from diptych.change import StoredRecord


def test_no_damage_of_a_seeded_share_gives_a_wrong_answer(tmp_path):
    results = run(seed=random.randrange(2**32), seconds=math.inf, most=100, large_files=0)
    assert results["violations"] == []
    assert results["total"] == 100
    assert results["outcomes"].keys() <= {"same", "healed", "error", "prefix"}


def test_damage_to_whole_files_gives_no_wrong_answer(tmp_path):
    sample = build("closed", str(tmp_path), 7, files=4, tail=2)
    trial = Trial(sample, str(tmp_path))
    files = files_of(sample.path)
    kinds = {"delete", "empty", "predecessor", "exchange"}
    cases = [c for c in cases_of("closed", files, {}, 7) if c.kind in kinds and "bundle" not in c.file]
    outcomes = [trial.run(case) for case in cases]
    assert [o.details for o in outcomes if o.details] == []
    assert {o.word for o in outcomes} >= {"healed", "error"}


def test_the_model_agrees_with_an_undamaged_store(tmp_path):
    for name in ("closed", "killed", "journal", "level", "adopted"):
        sample = build(name, str(tmp_path), 3)
        with Store.open(sample.path, read_only=True) as store:
            found = read_all(store, sorted(sample.states[-1]))
            assert wrong_answers(found, expected(sample.states[-1], store.lsn)) == []
            assert any(found[surface] for surface in found if surface.startswith("search"))


def test_every_byte_and_every_length_has_a_case(tmp_path):
    sample = build("closed", str(tmp_path), 3)
    files = files_of(sample.path)
    cases = list(cases_of("closed", files, {}, 3))
    assert sum(case.kind == "flip" for case in cases) == sum(files.values())
    assert sum(case.kind == "cut" for case in cases) == sum(size - 1 for size in files.values() if size)


def test_a_store_that_answers_wrongly_is_found_out(tmp_path, monkeypatch):
    sample = build("closed", str(tmp_path), 3)
    monkeypatch.setattr(Store, "file", lambda self, path: None)
    outcome = Trial(sample, str(tmp_path)).run(Case("closed", "grow", "LOCK", 1), writing=False)
    assert outcome.word == "wrong"


def test_a_damage_that_passes_every_checksum_is_found_out(tmp_path, monkeypatch):
    sample = build("level", str(tmp_path), 3)
    monkeypatch.setattr("diptych.snapshot.reader.SnapshotReader._checked", _unchecked)
    # All records of the newest segment are live.
    snapshot = os.path.relpath(os.path.join(segments(sample.path)[-1], "records.msgpack"), sample.path)
    with open(os.path.join(sample.path, snapshot), "rb") as file:
        at = file.read().index(b"python")
    outcome = Trial(sample, str(tmp_path)).run(Case("level", "flip", snapshot, at, 1), writing=False)
    assert outcome.word == "wrong"


def _unchecked(self, place):
    return StoredRecord(place.key, place.checksum, self.map[place.payload : place.end])


@pytest.mark.parametrize(("work", "word"), [("kill", "signal SIGKILL"), ("hang", "hang")])
def test_a_worker_that_dies_or_hangs_is_an_outcome_and_the_next_case_goes_on(work, word):
    def make():
        return _work

    worker = Worker(make, limit_s=SHORT_S if work == "hang" else HANG_S, memory_bytes=8 * 1024**3)
    answers = spread([worker], [work, "fine"], goes_on=lambda: True)
    _, died = next(answers)
    assert isinstance(died, Died)
    assert str(died) == word
    worker._limit_s = HANG_S
    assert list(answers) == [("fine", "FINE")]


def _work(task):
    if task == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "hang":
        signal.pause()
    return task.upper()


def test_the_command_writes_its_results_and_ends_with_0(tmp_path):
    output = tmp_path / "damage.json"
    status = main(
        ["--cases", "20", "--large-files", "0", "--samples", "journal", "--output", str(output)]
    )
    results = json.loads(output.read_text())
    assert status == 0
    assert results["violation_count"] == 0
    assert results["total"] == sum(results["outcomes"].values()) == 20
