"""What a writer and those who wait for it tell each other, in two small files beside the lock.

A query that finds the index stale and the lock held asks the watch, if it is one that holds it, to inspect
the repository. A run of the indexer says how far it is. Neither is ever relied on.
"""

from __future__ import annotations

import os
import re
import time
from typing import NamedTuple

from diptych import fs
from diptych.layout import INSPECT, PROGRESS

_EVERY_S = 0.5
_PROGRESS = re.compile(rb"([0-9]{1,10}) ([0-9]{1,15}) ([0-9]{1,15})\n\Z")


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
