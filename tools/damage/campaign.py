"""The damage campaign: samples made, cases tried in a seeded order until all are done or time is up."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

from tools.guard import HANG_S

from .cases import Case, cases_of, directories_of, files_of
from .results import Tally
from .samples import Sample, build
from .trial import VIOLATIONS, Outcome, Trial
from .workers import Died, Worker, spread

SAMPLES = ("closed", "killed", "journal", "level")
_MEMORY_BYTES = 6 * 1024**3


def run(
    *,
    seed: int = 1,
    seconds: float = 600.0,
    most: int = 0,
    jobs: int = 1,
    samples: Iterable[str] = SAMPLES,
    large_files: int = 500,
    directory: str = "",
    progress: Callable[[int, int, Tally], None] | None = None,
) -> dict[str, Any]:
    """Damage small stores in every way, and a large one at seeded places; the results as JSON values.

    Ends after `seconds`, or after `most` cases (0: all). The cases come in a seeded order, so that a shorter
    run is a sample of the whole.
    """
    began_s = time.monotonic()
    root = tempfile.mkdtemp(prefix="damage-", dir=directory or _fast_directory())
    try:
        made = {name: build(name, root, seed, files=4, tail=2) for name in samples}
        foreign = build("closed", os.path.join(root, "foreign"), seed + 1)
        cases: list[Case] = []
        for sample in made.values():
            cases += [case for case in _all_cases(sample, foreign, seed) if _worth(case)]
        exhaustive = len(cases)
        if large_files:
            large = build("closed", os.path.join(root, "large"), seed, files=large_files, rounds=4, tail=40)
            large.name = "large"
            made["large"] = large
            cases += _sampled_cases(large, foreign, seed, most=exhaustive // 50)
        pristine = {name: _digest(sample.path) for name, sample in made.items()}
        random.Random(seed).shuffle(cases)
        if most:
            del cases[most:]
        tally, errors, repairs = Tally(), Tally(), Tally()
        workers = [_worker(made, foreign, os.path.join(root, f"worker{n}")) for n in range(jobs)]
        deadline_s = began_s + seconds
        for done, (case, answer) in enumerate(
            spread(workers, cases, goes_on=lambda: time.monotonic() < deadline_s), start=1
        ):
            _count(case, answer, tally, errors, repairs)
            if progress is not None:
                progress(done, len(cases), tally)
        for name, sample in made.items():
            if _digest(sample.path) != pristine[name]:
                tally.violation(case=name, outcome="pristine", details=["a trial changed the store it read"])
        return {
            "campaign": "damage",
            "seed": seed,
            "elapsed_s": round(time.monotonic() - began_s, 1),
            "cases": len(cases),
            "complete": tally.total == len(cases),
            "bytes": {name: sum(files_of(sample.path).values()) for name, sample in made.items()},
            **tally.as_json(),
            "errors": errors.as_json()["by_kind"],
            "repairs": repairs.as_json()["by_kind"],
        }
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _all_cases(sample: Sample, foreign: Sample, seed: int) -> list[Case]:
    files = files_of(sample.path)
    cases = list(cases_of(sample.name, files, _foreign(files, foreign), seed))
    return cases + [Case(sample.name, "delete-directory", name) for name in directories_of(files)]


def _worth(case: Case) -> bool:
    """Whether a case is worth its time: every byte of segments in "level", of all the rest elsewhere.

    In "level" nothing has to be replayed, so that a trial takes half as long; of the same segments with a
    journal behind them every eighth byte is enough.
    """
    if not case.file.startswith(("generations/", "segments/")):
        return case.sample != "level" or case.kind not in ("flip", "cut") or case.file.startswith("journal/")
    if case.sample == "killed":
        return False
    return case.sample == "level" or case.kind not in ("flip", "cut") or case.at % 8 == 0


def _sampled_cases(sample: Sample, foreign: Sample, seed: int, most: int) -> list[Case]:
    """Of a large store: every damage to whole files, and flips and cuts at seeded places."""
    files, rng = files_of(sample.path), random.Random(f"{seed} sampled")
    foreign_files = _foreign(files, foreign)
    cases = [
        case
        for file in files
        for case in cases_of(sample.name, {file: 0}, {}, seed)
        if case.kind in ("empty", "delete")
    ]
    names, sizes = list(files), list(files.values())
    for file in rng.choices(names, sizes, k=most):
        kind = rng.choice(("flip", "flip", "cut"))
        cases.append(Case(sample.name, kind, file, rng.randrange(files[file]), 1 << rng.randrange(8)))
    cases += [Case(sample.name, "foreign", file, other=other) for file, other in foreign_files.items()]
    return cases


def _foreign(files: dict[str, int], foreign: Sample) -> dict[str, str]:
    """For each file the like of it in another store, as far as there is one."""
    theirs = list(files_of(foreign.path))
    found = {}
    for file in files:
        alike = [f for f in theirs if os.path.splitext(f)[1] == os.path.splitext(file)[1]]
        same = [f for f in alike if os.path.basename(f) == os.path.basename(file)]
        if same or alike:
            found[file] = (same or alike)[-1]
    return found


def _worker(made: dict[str, Sample], foreign: Sample, directory: str) -> Worker:
    def make() -> Callable[[Case], Outcome]:
        os.makedirs(directory, exist_ok=True)
        # The private directories of a worker that is killed are swept with the campaign's.
        os.environ["TMPDIR"] = tempfile.tempdir = directory
        trials = {name: Trial(sample, directory, foreign.path) for name, sample in made.items()}
        return lambda case: trials[case.sample].run(case)

    return Worker(make, limit_s=HANG_S, memory_bytes=_MEMORY_BYTES)


def _count(case: Case, answer: Outcome | Died, tally: Tally, errors: Tally, repairs: Tally) -> None:
    if isinstance(answer, Died):
        word = "hang" if str(answer) == "hang" else "signal"
        answer = Outcome(case, word, [str(answer)])
    kind = f"{case.kind} ({case.sample})" if case.sample == "large" else case.kind
    tally.add(kind, answer.word)
    for name in answer.errors:
        errors.add(kind, name)
    if answer.repaired:
        repairs.add(kind, answer.repaired)
    if answer.word in VIOLATIONS:
        tally.violation(
            case=case.describe(), outcome=answer.word, details=answer.details[:6], replay=list(case)
        )


def _fast_directory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _digest(store: str) -> str:
    hasher = hashlib.blake2b()
    for file in files_of(store):
        hasher.update(file.encode())
        with open(os.path.join(store, file), "rb") as opened:
            hasher.update(opened.read())
    return hasher.hexdigest()
