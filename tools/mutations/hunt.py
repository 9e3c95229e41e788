"""Carries out one hunt on the engine that is imported, and stops at the first thing that is wrong.

`python -m tools.mutations.hunt JSON` is run in the copy; the last line that it prints is the answer.
"""

from __future__ import annotations

import fnmatch
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import diptych
from tools.crashsim import recorder, subjects
from tools.crashsim.enumeration import POINT_STRIDE, Budget
from tools.crashsim.errors import CrashsimError
from tools.crashsim.exploration import explore
from tools.crashsim.pool import Limits, Pool
from tools.damage.campaign import _all_cases
from tools.damage.samples import build
from tools.damage.trial import VIOLATIONS, Trial
from tools.damage.workers import Died, Worker, spread
from tools.faults import campaign as faults
from tools.faults import syscalls
from tools.guard import HANG_S

from . import tables
from .diverged import mixtures
from .errors import MutationError
from .withheld import without_syncs

SEED = 1
_CHUNK = 40
_MEMORY_BYTES = 6 * 1024**3
subjects.MODULES["rough"] = "tools.mutations.rough"


class Found(NamedTuple):
    """What a hunt came to: whether anything was wrong, after how many trials, and what."""

    caught: bool
    trials: int
    message: str = ""


def crash(
    deadline_s: float,
    *,
    workload: str,
    model: str = "posix",
    subject: str = "diptych",
    withheld: str = "",
    states: int = 600,
    after: float = 0.0,
) -> Found:
    """The crash simulator on one workload. `withheld`: syncs of files below there, by others than the
    engine, did not happen. `after`: only crashes in what is left of the recording behind this share."""
    try:
        recording = recorder.record(
            lambda directory: recorder.python("tools.mutations.program", subject, workload, directory),
            subject=subject,
            workload=workload,
        )
    except CrashsimError as error:
        if not shutil.which("strace"):
            raise MutationError(str(error)) from error
        return Found(True, 0, f"the workload fails without any crash: {error}")
    if withheld:
        recording = without_syncs(recording, withheld)
    budget = Budget(SEED, ordered_max=120, random_count=10)
    # A long workload has more states than there is time to enumerate: those found in half of it are checked.
    enough_s = (time.monotonic() + deadline_s) / 2
    exploration = explore(recording, model, budget, lambda: time.monotonic() > enough_s)
    begin = int(after * len(recording.steps)) * POINT_STRIDE
    chosen = [state for state in exploration.states if state.first >= begin]
    random.Random(SEED).shuffle(chosen)
    done = 0
    with Pool(subjects.MODULES[subject], jobs=1, limits=Limits(time_s=HANG_S)) as pool:
        del chosen[states:]
        for begin in range(0, len(chosen), _CHUNK):
            tasks = (
                (state.first, tree, workload, state.acked, state.issued)
                for state, tree in exploration.trees(chosen[begin : begin + _CHUNK])
                if time.monotonic() < deadline_s
            )
            for outcome in pool.check(tasks):
                done += 1
                if outcome.kind:
                    return Found(True, done, f"{outcome.kind}: {outcome.message}")
            if time.monotonic() > deadline_s:
                break
    return Found(False, done)


def damage(
    deadline_s: float,
    *,
    files: list[str],
    kinds: list[str] | None = None,
    sample: str = "closed",
    span: list[int] | None = None,
    gone: list[str] | None = None,
    words: list[str] | None = None,
) -> Found:
    """The damage campaign on some files (patterns) of one sample.

    `span`: on these bytes alone; what is not above nought counts from the file's end. `gone`: files that are
    deleted before, so that more is damaged than a store must survive; `words` are the outcomes that must not
    come about even so.
    """
    with tempfile.TemporaryDirectory(dir=recorder.scratch_directory()) as root:
        made = build(sample, root, SEED, files=4, tail=2)
        for pattern in gone or ():
            for path in glob.glob(os.path.join(made.path, pattern)):
                os.unlink(path)
        foreign = build("closed", os.path.join(root, "foreign"), SEED + 1)
        cases = [
            case
            for case in _all_cases(made, foreign, SEED)
            if any(fnmatch.fnmatch(case.file, pattern) for pattern in files)
            and (kinds is None or case.kind in kinds)
            and (span is None or _within(case.at, span, os.path.getsize(os.path.join(made.path, case.file))))
        ]
        random.Random(SEED).shuffle(cases)

        def make() -> Callable[[Any], Any]:
            directory = os.path.join(root, "worker")
            os.makedirs(directory, exist_ok=True)
            os.environ["TMPDIR"] = tempfile.tempdir = directory
            return Trial(made, directory, foreign.path).run

        worker = Worker(make, limit_s=HANG_S, memory_bytes=_MEMORY_BYTES)
        done = 0
        for case, outcome in spread([worker], cases, goes_on=lambda: time.monotonic() < deadline_s):
            done += 1
            if isinstance(outcome, Died):
                return Found(True, done, f"{case.describe()}: {outcome}")
            if outcome.word in (words or VIOLATIONS):
                return Found(True, done, f"{case.describe()}: {' '.join(outcome.details[:1])}")
        return Found(False, done)


def _within(at: int, span: list[int], size: int) -> bool:
    begin, end = span
    return (begin if begin >= 0 else size + begin) <= at < (end if end > 0 else size + end)


class _Ground(faults.Ground):
    """Ends the campaign at the first violation."""

    def goes_on(self) -> bool:
        return super().goes_on() and not self.tally.violation_count


def fault(deadline_s: float, *, campaign: str, only: str = "") -> Found:
    """One of the fault campaigns; `only` narrows `syscalls` to faults whose name begins so."""
    ground = _Ground(SEED, deadline_s)
    try:
        faults.warm_up(ground)
        if campaign == "syscalls":
            faults.system_calls(ground, [one for one in syscalls.FAULTS if one.name.startswith(only)])
        else:
            faults.CAMPAIGNS[campaign](ground)
        broken = [f"{v['place']}: {v['broken'][0]}" for v in ground.tally.violations]
        return Found(bool(broken), ground.tally.total, " ".join(broken[:1]))
    finally:
        ground.close()


def concurrency(deadline_s: float) -> Found:
    """Writers and readers at once."""
    from tools.concurrency.campaign import run

    results = run(seed=SEED, seconds=max(1.0, deadline_s - time.monotonic()))
    said = " ".join(map(str, results["violations"][:1]))
    return Found(bool(results["violation_count"]), results["views"], said)


def diverged(deadline_s: float) -> Found:
    """Files of two copies of a store, mixed."""
    return _first_wrong(deadline_s, mixtures())


def exchanged(deadline_s: float) -> Found:
    """Entries of a snapshot's tables exchanged."""
    with tempfile.TemporaryDirectory(dir=recorder.scratch_directory()) as root:
        return _first_wrong(deadline_s, tables.exchanged(build("level", root, SEED, files=4), root))


def open_store(deadline_s: float) -> Found:
    """Bytes of the journal changed under a reader."""
    with tempfile.TemporaryDirectory(dir=recorder.scratch_directory()) as root:
        sample = build("journal", root, SEED, files=4)
        return _first_wrong(deadline_s, tables.changed_while_open(sample, SEED, tries=500))


def _first_wrong(deadline_s: float, tried: Iterable[str]) -> Found:
    done = 0
    for wrong in tried:
        done += 1
        if wrong or time.monotonic() > deadline_s:
            return Found(bool(wrong), done, wrong)
    return Found(False, done)


def unit(deadline_s: float, *, tests: list[str]) -> Found:
    """Tests of the suite, up to the first that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        left_s = max(1.0, deadline_s - time.monotonic())
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=left_s)
    except subprocess.TimeoutExpired:
        return Found(False, 0, "the tests did not end in time")
    if "KeyboardInterrupt" in done.stdout:
        # One that a test raises, and that got out: pytest takes it for the user's.
        return Found(True, 1, f"KeyboardInterrupt out of {' '.join(tests)}")
    if done.returncode not in (0, 1):
        raise MutationError(f"pytest ended with status {done.returncode}: {done.stdout[-500:]}")
    trials = sum(int(number) for number in re.findall(r"(\d+) (?:passed|failed|error)", done.stdout))
    failed = re.findall(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    return Found(done.returncode == 1, trials, " ".join(failed[:1]))


HUNTS: dict[str, Callable[..., Found]] = {
    "crash": crash,
    "damage": damage,
    "fault": fault,
    "concurrency": concurrency,
    "diverged": diverged,
    "exchanged": exchanged,
    "open": open_store,
    "unit": unit,
}


def main() -> None:
    """Carry out the hunt that the argument describes."""
    # Where another engine were imported, every mutation would survive, or worse, seem to be caught.
    here = os.path.join(os.getcwd(), "engine", "diptych")
    if os.path.dirname(os.path.abspath(diptych.__file__)) != here:
        raise MutationError(f"{diptych.__file__} is not the copy in {here}")
    task = json.loads(sys.argv[1])
    try:
        found = HUNTS[task["kind"]](time.monotonic() + task["seconds"], **task["options"])
    except MutationError:
        raise
    except Exception as error:
        # An engine so broken that the campaign cannot make its first store. The control run holds that this
        # is not the campaign's own fault.
        found = Found(True, 0, f"the campaign cannot begin: {type(error).__name__}: {error}")
    print(json.dumps(found._asdict()))


if __name__ == "__main__":
    main()
