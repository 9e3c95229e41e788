"""A manager killed at any system call leaves a base with the old or the new version, intact."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.waiting import exit_code, output

from diptych.versions import VersionManager

from .support import check_base, check_settled, write_tree

STRACE = shutil.which("strace")
SAMPLE = 9
WAITING = frozenset(("prctl", "pselect6", "select", "restart_syscall"))
# The calls that change something on disk, or make a change durable.
TELLING = frozenset(
    ("rename", "symlink", "link", "unlink", "unlinkat", "mkdir", "rmdir", "fsync", "chmod", "write")
)

# What each operation starts from, which versions may be current after a kill, and what it leads to.
OPERATIONS: dict[str, tuple[set[str | None], str]] = {
    "stage": ({"v2"}, "v2"),
    "publish": ({"v2", "v3"}, "v3"),
    "rollback": ({"v2", "v1"}, "v1"),
    "prune": ({"v2"}, "v2"),
    "discard": ({"v2"}, "v2"),
    "attributes": ({"v2"}, "v2"),
    "heal": ({"v2"}, "v2"),
}


# A system call of a run: its name, and which of that name it is, from 1.
Call = tuple[str, int]


class Killer:
    """Kills an operation as it enters a chosen system call."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killed_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(Path(__file__).parents[2] / "engine")},
        )

    def calls(self, operation: str, base: Path, source: Path) -> list[Call]:
        """Run it to its end; every system call it made, in order."""
        log = base.with_name("calls")
        assert self._run(operation, base, source, ["-o", str(log)]) == "exit 0"
        counts: Counter[str] = Counter()
        calls = []
        for name in re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE):
            counts[name] += 1
            # The first is the child's waiting, which the attaching interrupts once or not at all.
            if name not in WAITING:
                calls.append((name, counts[name]))
        return calls

    def kill(self, operation: str, base: Path, source: Path, call: Call) -> None:
        """Run it until it enters `call`."""
        name, nth = call
        # strace counts each name by itself.
        inject = ["-o", "/dev/null", "-e", f"inject={name}:signal=KILL:when={nth}"]
        assert self._run(operation, base, source, inject) == "killed", call

    def _run(self, operation: str, base: Path, source: Path, options: list[str]) -> str:
        pid = self._ask(f"start {operation} {base} {source}")
        assert STRACE is not None
        tracer = subprocess.Popen([STRACE, "-p", pid, *options], stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        answer = self._ask("go")
        output(tracer)
        if "attached" not in attached:
            pytest.skip(f"strace cannot attach here: {attached.strip()}")
        return answer

    def close(self) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        exit_code(self._server)

    def _ask(self, line: str) -> str:
        assert self._server.stdin is not None and self._server.stdout is not None
        print(line, file=self._server.stdin, flush=True)
        return self._server.stdout.readline().strip()


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    if STRACE is None:
        pytest.skip("strace is not installed")
    killer = Killer()
    yield killer
    killer.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[str], Path]:
    """Gives a new base in the state in which an operation begins."""
    source = write_tree(tmp_path / "source", "new")
    template = tmp_path / "template"
    manager = VersionManager(template)
    manager.stage("v1", {"tree": write_tree(tmp_path / "old", "old"), "other": str(source / "top.bin")})
    manager.publish("v1")
    manager.stage("v2", {"tree": write_tree(tmp_path / "mid", "mid")}, base="v1")
    manager.publish("v2")
    shutil.copytree(template, tmp_path / "prepared", symlinks=True)
    VersionManager(tmp_path / "prepared").stage("v3", {"tree": source}, {"n": 3}, base="v2")

    def make(operation: str) -> Path:
        base = tmp_path / "base"
        shutil.rmtree(base, ignore_errors=True)
        staged = operation in ("publish", "attributes")
        shutil.copytree(tmp_path / ("prepared" if staged else "template"), base, symlinks=True)
        if operation == "heal":
            # The state after a kill between the two renames, during a removal.
            (base / "current").unlink()
            (base / "current").symlink_to("versions/v1")
            shutil.copytree(base / "versions" / "v1", base / "versions" / ".removed.v0")
            (base / ".CURRENT.77.tmp").write_bytes(b"v")
        return base

    return make


def survive(killer: Killer, fresh: Callable[[str], Path], source: Path, operation: str, call: Call) -> None:
    """Kill at `call`, check the base, run it again to its end, and check again."""
    allowed, leads_to = OPERATIONS[operation]
    base = fresh(operation)
    killer.kill(operation, base, source, call)
    current = check_base(base, allowed)
    # The next manager carries on, whatever the killed one left.
    manager = VersionManager(base)
    if operation == "stage":
        manager.stage("v3", {"tree": source}, base="v2")
        assert manager.verify("v3").ok
    elif operation == "publish":
        manager.publish("v3")
    elif operation == "rollback" and current == "v2":
        manager.rollback()
    elif operation == "prune":
        manager.prune(keep=1)
        assert [info.version for info in manager.list()] == ["v2"]
    elif operation == "discard":
        if "v1" in [info.version for info in manager.list()]:
            manager.discard("v1")
    elif operation == "attributes":
        assert manager.info("v3").attrs in ({"n": 3}, {"n": 4})
        manager.write_attrs("v3", {"n": 5})
        manager.stage("v4", base="v3")
    elif operation == "heal":
        manager.prune(keep=9)
    assert check_base(base, {leads_to}) == leads_to
    check_settled(base)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_at_every_system_call(
    operation: str, killer: Killer, fresh: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    calls = killer.calls(operation, fresh(operation), source)
    for call in calls:
        survive(killer, fresh, source, operation, call)
    print(f"{operation}: killed at each of {len(calls)} system calls")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_at_some_system_calls(
    operation: str, killer: Killer, fresh: Callable[[str], Path], tmp_path: Path
) -> None:
    """A sample of the walk: calls that change the disk, and some others; the same in every run."""
    source = tmp_path / "source"
    calls = killer.calls(operation, fresh(operation), source)
    telling = [call for call in calls if call[0] in TELLING]
    others = [call for call in calls if call[0] not in TELLING]
    chance = random.Random(operation)
    for call in chance.sample(telling, min(SAMPLE, len(telling))) + chance.sample(others, SAMPLE // 3):
        survive(killer, fresh, source, operation, call)
