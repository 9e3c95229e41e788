"""What is made durable before what: the order that a power cut tests, read off the system calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from diptych.versions import VersionManager

from .support import write_tree

PROGRAM = """
import os, sys
from diptych.versions import VersionManager
base, source = sys.argv[1:]
manager = VersionManager(base)
os.path.exists("/stage")
manager.stage("v2", {"tree": source})
os.path.exists("/publish")
manager.publish("v2")
os.path.exists("/rollback")
manager.rollback()
os.path.exists("/prune")
manager.publish("v2")
os.path.exists("/removal")
manager.prune(keep=1)
os.path.exists("/carry")
manager.stage("v3", {"more": source}, base="v2", share="copy")
os.path.exists("/end")
"""

Event = tuple[str, ...]


def trace(base: Path, source: Path, log: Path) -> dict[str, list[Event]]:
    """What each phase did to the disk: ("fsync", path), ("rename", from, to), ("gone", path), in order."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    calls = "fsync,rename,unlinkat,unlink,rmdir,stat,newfstatat"
    program = [sys.executable, "-c", PROGRAM]
    traced = subprocess.run(
        [strace, "-y", "-s", "999", "-o", log, "-e", f"trace={calls}", *program, base, source],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "engine")},
        capture_output=True,
        text=True,
    )
    if "ptrace" in traced.stderr.lower():
        pytest.skip(f"strace cannot trace here: {traced.stderr.strip()}")
    assert traced.returncode == 0, traced.stderr
    phases: dict[str, list[Event]] = {}
    events: list[Event] = []
    for line in log.read_text().splitlines():
        if phase := re.search(r'stat\w*\(.*"/(stage|publish|rollback|prune|removal|carry|end)"', line):
            events = phases.setdefault(phase[1], [])
        elif fsync := re.match(r"fsync\(\d+<(.*)>\) += 0", line):
            events.append(("fsync", os.path.relpath(fsync[1], base)))
        elif rename := re.match(r'rename\("(.*)", "(.*)"\) += 0', line):
            events.append(("rename", os.path.relpath(rename[1], base), os.path.relpath(rename[2], base)))
        elif re.match(r"(unlink|unlinkat|rmdir)\(.*= 0", line) and "versions/.removed." in line:
            events.append(("gone",))
    return phases


def in_order(events: list[Event], *wanted: Event) -> None:
    """Each of `wanted` is among the events after the one before it. "*" stands for any temporary's name."""
    at = 0
    for event in wanted:
        pattern = re.compile("\0".join(re.escape(part).replace(r"\*", ".*") for part in event))
        found = [i for i in range(at, len(events)) if pattern.fullmatch("\0".join(events[i]))]
        assert found, f"no {event} after number {at} of {events}"
        at = found[0] + 1


SWITCH: tuple[Event, ...] = (
    ("fsync", ".CURRENT.*.tmp"),
    ("rename", ".CURRENT.*.tmp", "CURRENT"),
    ("fsync", "."),
    ("rename", ".current.*.tmp", "current"),
    ("fsync", "."),
)


def test_bytes_before_names_and_names_before_the_pointer(tmp_path: Path) -> None:
    source = write_tree(tmp_path / "source", "one")
    manager = VersionManager(tmp_path / "base")
    manager.stage("v1", {"tree": source})
    manager.publish("v1")
    write_tree(source, "two")
    phases = trace(tmp_path / "base", source, tmp_path / "log")

    staging = "versions/v2.staging"
    files = ("tree/top.bin", "tree/deep/er/bottom.bin")
    for path in (*files, "tree/deep/er", "tree/deep", "tree/hollow", "tree", "."):
        in_order(
            phases["stage"],
            ("fsync", os.path.normpath(f"{staging}/{path}")),
            ("fsync", f"{staging}/.manifest.msgpack.*.tmp"),
            ("rename", f"{staging}/.manifest.msgpack.*.tmp", f"{staging}/manifest.msgpack"),
            ("fsync", staging),
            ("fsync", "versions"),
        )
    in_order(
        phases["publish"],
        ("fsync", f"{staging}/.manifest.msgpack.*.tmp"),
        ("rename", f"{staging}/.manifest.msgpack.*.tmp", f"{staging}/manifest.msgpack"),
        ("fsync", staging),
        ("rename", staging, "versions/v2"),
        ("fsync", "versions"),
        *SWITCH,
    )
    in_order(phases["rollback"], *SWITCH)
    in_order(
        phases["removal"],
        ("rename", "versions/v1", "versions/.removed.v1"),
        ("fsync", "versions"),
        ("gone",),
    )
    # Nothing of it goes before its name does.
    assert phases["removal"].index(("gone",)) > phases["removal"].index(("fsync", "versions"))
    for path in files:
        # A copy of what another version holds, and no second name of it.
        in_order(
            phases["carry"],
            ("fsync", f"versions/v3.staging/{path}"),
            ("fsync", "versions/v3.staging/.manifest.msgpack.*.tmp"),
        )
