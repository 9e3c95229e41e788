"""The fault campaigns: each injects one kind of fault at many places, and checks what is left after each."""

from __future__ import annotations

import importlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tools.damage.results import Tally
from tools.guard import HANG_S

from . import short, syscalls
from .after import check
from .children import Ended, run_child
from .interrupts import Interruption, points
from .ledger import Event
from .workload import Course

_FULL_BYTES = 1_500_000
# Every kind of step, and as little else as may be: each line of it is traced.
_TRACED_COURSE = "ttctcrxttc"
_MEMORY_STEP_BYTES = 4 * 1024 * 1024


class Ground:
    """Where the campaigns work: a directory on a fast file system, a seed, an end, and the counts.

    The end is a time, or `cases` faults, whichever comes first; 0: no limit to the number.
    """

    def __init__(self, seed: int, deadline_s: float, *, cases: int = 0, directory: str = "") -> None:
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.root = tempfile.mkdtemp(prefix="faults-", dir=directory or fast)
        self.seed, self.deadline_s, self.cases = seed, deadline_s, cases
        self.tally = Tally()
        self._number = 0

    def goes_on(self) -> bool:
        """Whether there is time left, and a case to try."""
        return time.monotonic() < self.deadline_s and not 0 < self.cases <= self.tally.total

    def fresh(self) -> str:
        """A path where no store is yet."""
        self._number += 1
        return os.path.join(self.root, f"store{self._number}")

    def conclude(self, kind: str, place: str, path: str, ended: Ended, *, deaths: Iterable[str] = ()) -> str:
        """Check the store after a child ended, and count the outcome, which is returned."""
        broken = [event.text for event in ended.events if event.what == "violation"]
        if ended.death and ended.death not in deaths:
            broken.append(f"the process ended by {ended.death}")
        after = run_child(_checker(path, ended.events), limit_s=HANG_S)
        broken += [event.text for event in after.events]
        if after.death:
            broken.append(f"the check after it ended by {after.death}")
        errors = [event.text for event in ended.events if event.what in ("failed", "refused", "met")]
        outcome = "violation" if broken else "killed" if ended.death else "error" if errors else "absorbed"
        self.tally.add(kind, outcome)
        if broken:
            self.tally.violation(kind=kind, place=place, broken=broken[:6], errors=errors[:6])
        shutil.rmtree(path, ignore_errors=True)
        return outcome

    def close(self) -> None:
        """Remove what was made."""
        shutil.rmtree(self.root, ignore_errors=True)


def _checker(path: str, events: list[Event]) -> Callable[[Callable[[Event], object]], object]:
    def work(emit: Callable[[Event], object]) -> None:
        for sentence in check(path, [event for event in events if event.what != "violation"]):
            emit(Event("violation", text=sentence))

    return work


def _course(path: str) -> Callable[[Callable[[Event], object]], object]:
    return lambda emit: Course(path, emit).run()


def warm_up(ground: Ground) -> None:
    """Import here all that a course imports, so that no fault falls on an import instead of on the engine.

    The course runs in a child: threads that Tantivy starts would not survive the forks to come.
    """
    path = ground.fresh()

    def work(emit: Callable[[Event], object]) -> None:
        Course(path, emit).run()
        for sentence in check(path, []):
            emit(Event("met", text=sentence))
        emit(Event("modules", text="\n".join(sys.modules)))

    ended = run_child(work, limit_s=HANG_S)
    shutil.rmtree(path, ignore_errors=True)
    for name in next((e.text for e in ended.events if e.what == "modules"), "").split("\n"):
        if name and name not in sys.modules and not name.startswith("_"):
            importlib.import_module(name)


def system_calls(ground: Ground, faults: Iterable[syscalls.Fault] = syscalls.FAULTS) -> None:
    """Every fault at seeded places of the course, round after round until time is up."""
    if reason := syscalls.available():
        print(f"system calls: left out, {reason}", file=sys.stderr)
        return
    log, path = os.path.join(ground.root, "trace"), ground.fresh()
    run_child(_course(path), limit_s=HANG_S, before=lambda pid: syscalls.attached(pid, log=log))
    counts = syscalls.count_calls(log)
    shutil.rmtree(path)
    places = {fault: _places(fault, counts, ground.seed) for fault in faults}
    while ground.goes_on() and places:
        for fault in list(places):
            number = next(places[fault], None)
            if number is None:
                del places[fault]
            elif ground.goes_on():
                _inject(ground, fault, number)


def _places(fault: syscalls.Fault, counts: dict[str, int], seed: int) -> Iterator[int]:
    # Each kind of call of a set is counted by itself.
    most = max((counts.get(name, 0) for name in fault.calls.split(",")), default=0)
    numbers = list(range(1, most + 1))
    random.Random(f"{seed} {fault.name}").shuffle(numbers)
    return iter(numbers)


def _inject(ground: Ground, fault: syscalls.Fault, number: int) -> None:
    path = ground.fresh()

    def before(pid: int) -> Callable[[], object]:
        return syscalls.attached(pid, f"trace={fault.calls}", fault.when(number))

    ended = run_child(_course(path), limit_s=HANG_S, before=before)
    deaths = ("SIGKILL",) if fault.name == "SIGKILL" else ()
    ground.conclude(fault.name, fault.when(number), path, ended, deaths=deaths)


def interruptions(ground: Ground, *, each: int = 2) -> None:
    """An interrupt, and memory that runs out, before any statement of the engine that the course reaches."""
    path, places = ground.fresh(), []

    def record(emit: Callable[[Event], object]) -> None:
        trace = Interruption()
        trace.run(Course(path, emit, _TRACED_COURSE).run)
        emit(Event("places", text="\n".join(f"{name}:{line}" for name, line in trace.places)))

    ended = run_child(record, limit_s=HANG_S)
    shutil.rmtree(path)
    for line in next(event.text for event in ended.events if event.what == "places").split("\n"):
        name, number = line.rsplit(":", 1)
        places.append((name, int(number)))
    cases = [(error, at) for at in points(places, each=each) for error in (KeyboardInterrupt, MemoryError)]
    random.Random(ground.seed).shuffle(cases)
    for error, at in cases:
        if not ground.goes_on():
            return
        _interrupt(ground, error, at)


def _interrupt(ground: Ground, error: type[BaseException], at: int) -> None:
    path = ground.fresh()

    def work(emit: Callable[[Event], object]) -> None:
        interruption = Interruption(error, at, lambda place: emit(Event("raised", text=place)))
        interruption.run(Course(path, emit, _TRACED_COURSE).run)

    ended = run_child(work, limit_s=HANG_S)
    place = next((event.text for event in ended.events if event.what == "raised"), "never raised")
    ground.conclude(error.__name__, f"line {at}: {place}", path, ended)


def short_transfers(ground: Ground) -> None:
    """Reads and writes that transfer less than was asked for, at every place of the course."""
    rng = random.Random(ground.seed)
    for number in range(10_000):
        if not ground.goes_on():
            return
        path, seed = ground.fresh(), rng.randrange(2**32)
        ended = run_child(
            lambda emit, path=path, seed=seed: short.run(Course(path, emit).run, seed), limit_s=HANG_S
        )
        ground.conclude("short reads and writes", f"seed {seed}, round {number}", path, ended)


def memory_limits(ground: Ground, steps: Iterable[int] = range(200)) -> None:
    """An address space that ends: the limit a little higher each time, until the course fits."""
    for number in steps:
        if not ground.goes_on():
            return
        path = ground.fresh()
        extra = (number + 1) * _MEMORY_STEP_BYTES

        def work(emit: Callable[[Event], object], path: str = path, extra: int = extra) -> None:
            with open("/proc/self/statm", encoding="ascii") as statm:
                used = int(statm.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + extra, used + extra))
            Course(path, emit).run()

        ended = run_child(work, limit_s=HANG_S)
        # Rust aborts where it gets no memory; that is a kill, and nothing may be lost by it. So does the C
        # library, by exit 127, where a new thread gets none for its own variables.
        deaths = ("SIGABRT", "SIGSEGV", "SIGILL", "SIGTRAP", "exit 3", "exit 127")
        if ground.conclude("memory limit", f"{extra:,} bytes more", path, ended, deaths=deaths) == "absorbed":
            return


def full_disks(ground: Ground) -> None:
    """A file system that really fills: a tmpfs of a seeded size, which is given room again for the check."""
    rng = random.Random(ground.seed)
    mount = os.path.join(ground.root, "mount")
    os.makedirs(mount, exist_ok=True)
    while ground.goes_on():
        size = rng.randrange(20_000, _FULL_BYTES) // 4096 * 4096
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount], capture_output=True, check=False
        )
        if made.returncode:
            print("full disks: left out, a tmpfs cannot be mounted here", file=sys.stderr)
            return
        try:
            path = os.path.join(mount, "store")
            course = "".join(rng.choice("tttcrx") for _ in range(40))
            ended = run_child(
                lambda emit, path=path, course=course: Course(path, emit, course).run(), limit_s=HANG_S
            )
            subprocess.run(["mount", "-o", "remount,size=64m", mount], check=True)
            ground.conclude("full disk", f"{size:,} bytes, course {course}", path, ended)
        finally:
            subprocess.run(["umount", "-l", mount], check=True)


CAMPAIGNS: dict[str, Callable[[Ground], None]] = {
    "syscalls": system_calls,
    "interrupts": interruptions,
    "short": short_transfers,
    "memory": memory_limits,
    "full": full_disks,
}


def run(names: Iterable[str], *, seed: int, seconds: float, cases: int = 0) -> dict[str, Any]:
    """Run some of the campaigns, which share the time and the number of cases; the results as JSON values."""
    from .kills import kills

    campaigns = {**CAMPAIGNS, "kills": kills}
    chosen, began_s = list(names), time.monotonic()
    ground = Ground(seed, began_s + seconds)
    try:
        warm_up(ground)
        ready_s = time.monotonic()
        for number, name in enumerate(chosen):
            left_s = ready_s + seconds - time.monotonic()
            ground.deadline_s = time.monotonic() + left_s / (len(chosen) - number)
            if cases:
                ground.cases = ground.tally.total + -(-(cases - ground.tally.total) // (len(chosen) - number))
            campaigns[name](ground)
        return {
            "campaign": "faults",
            "seed": seed,
            "elapsed_s": round(time.monotonic() - began_s, 1),
            **ground.tally.as_json(),
        }
    finally:
        ground.close()
