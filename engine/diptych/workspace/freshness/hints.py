"""What a writer and those who wait for it know of each other: small files.

A query that finds the index stale and the lock held asks the watch, if a watch holds it, to inspect the
repository. A run of the indexer reports its progress. None of it is ever relied on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import NamedTuple

from diptych import fs
from diptych.layout import INSPECT, LOOK, PROGRESS, is_path_inside
from diptych.lazy import pattern

_EVERY_S = 0.5
_LOOK_BYTES_MAX = 64 * 1024
_PROGRESS = pattern(rb"([0-9]{1,10}) ([0-9]{1,15}) ([0-9]{1,15})\n\Z")


def ask_for_inspection(store_path: str) -> None:
    """Ask the watch that holds the lock to inspect the repository now. Nothing happens if there is none."""
    path = os.path.join(store_path, INSPECT)
    if not os.path.lexists(path):
        fs.write_hint(path, b"")


def inspection_asked(store_path: str) -> bool:
    """Whether somebody has asked."""
    return os.path.lexists(os.path.join(store_path, INSPECT))


def take_request(store_path: str) -> bool:
    """Whether somebody has asked; what is asked from now on is another request."""
    return fs.remove_hint(os.path.join(store_path, INSPECT))


def ask_to_look(store_path: str, paths: Iterable[str]) -> None:
    """Ask the watch that holds the lock to look at these files, relative to the repository, now."""
    data = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if data and not fs.append_hint(os.path.join(store_path, LOOK), data, _LOOK_BYTES_MAX):
        # More than are worth naming, or nobody takes them.
        ask_for_inspection(store_path)


def take_looks(store_path: str) -> list[str]:
    """The files that others asked to look at since the last call."""
    path = os.path.join(store_path, LOOK)
    if not os.path.lexists(path):
        return []
    data = fs.read_hint(path, _LOOK_BYTES_MAX) or b""
    # What is added between the two is lost, as a hint may be.
    fs.remove_hint(path)
    return [os.fsdecode(name) for name in dict.fromkeys(data.split(b"\0")) if is_path_inside(name)]


class Counts(NamedTuple):
    """How far a run of the indexer is, in files to be parsed."""

    done: int
    total: int


class ProgressFile:
    """Says how far this process's run is, about twice a second."""

    def __init__(self, store_path: str) -> None:
        self._path = os.path.join(store_path, PROGRESS)
        self._written_s = 0.0

    def show(self, done: int, total: int) -> None:
        """The run has come this far."""
        now_s = time.monotonic()
        if not self._written_s or now_s - self._written_s >= _EVERY_S:
            self._written_s = now_s
            fs.write_hint(self._path, b"%d %d %d\n" % (os.getpid(), done, total))

    def remove(self) -> None:
        """The run is over."""
        if self._written_s:
            fs.remove_hint(self._path)


def progress_of(store_path: str, pid: int) -> Counts | None:
    """How far the run of process `pid` is; None where it does not say."""
    said = fs.read_hint(os.path.join(store_path, PROGRESS))
    match = _PROGRESS.match(said) if said is not None else None
    # What another process left when it was killed is no news of this one.
    if match is None or int(match[1]) != pid:
        return None
    done, total = int(match[2]), int(match[3])
    return Counts(done, total) if done <= total else None
