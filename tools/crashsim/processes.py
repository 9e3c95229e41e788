"""Who has which file open: descriptors, offsets and working directories, across threads and forks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .strace_lines import Call


@dataclass(slots=True)
class OpenFile:
    """An open file description, shared by descriptors that were duplicated or inherited."""

    inode: int
    append: bool = False
    synchronous: str = ""  # "data" for O_DSYNC, "all" for O_SYNC
    offset: int = 0


@dataclass(slots=True)
class Process:
    """A task: its descriptors (shared by threads) and its working directory (a box of one, shared
    likewise).
    """

    descriptors: dict[int, OpenFile] = field(default_factory=dict)
    directory: list[str] = field(default_factory=lambda: ["/"])


class Processes:
    """All tasks of the recorded program, by number."""

    def __init__(self, directory: str) -> None:
        self._first_directory = directory
        self._by_pid: dict[int, Process] = {}

    def of(self, pid: int) -> Process:
        """The task with this number; the first one seen is the program's own."""
        process = self._by_pid.get(pid)
        if process is None:
            process = self._by_pid[pid] = Process(directory=[self._first_directory])
        return process

    def clone(self, call: Call) -> None:
        """A thread shares its parent's descriptors and directory, a child process gets copies."""
        if call.result is None or call.failed:
            return
        flags = " ".join(call.arguments)
        parent = self.of(call.pid)
        self._by_pid[call.result] = Process(
            parent.descriptors if "CLONE_FILES" in flags else dict(parent.descriptors),
            parent.directory if "CLONE_FS" in flags else list(parent.directory),
        )


def in_order(calls: Iterable[Call], early: frozenset[str], noted: frozenset[str]) -> list[tuple[Call, bool]]:
    """The calls in the order in which they take effect, each with False; and sync calls also where they
    begin, True.

    A call takes effect where it leaves the kernel. A `close` frees its number where it enters, because
    another thread may be given that number before the trace shows the end of the close; a child exists
    before its parent's call has ended.
    """
    events: list[tuple[int, int, Call, bool]] = []
    for call in calls:
        if call.name in noted:
            events.append((call.entered, 0, call, True))
        events.append((call.entered if call.name in early else call.left, 1, call, False))
    events.sort(key=lambda event: event[:2])
    return [(call, begins) for _, _, call, begins in events]
