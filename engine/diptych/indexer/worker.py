"""A worker process: requests on standard input, answers on standard output, until either ends.

For a run with much to parse it builds segments of the records, which the parent's store adopts; otherwise it
answers with the records.

Started by `diptych.indexer.pool` as a fresh interpreter, so that no lock held by a thread of the parent is
inherited, and the parent's main module is not run again.

A worker may be kept between runs. It ends by itself when it has waited for too long, sooner when it has
grown, and says so first, since a request may be on its way. When its parent is gone its pipes are closed: it
sees that at its requests while it waits, and in the midst of a parse the system ends it by a signal.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from diptych import fs
from diptych.errors import CorruptionError, StorageError
from diptych.indexer.parse import parse
from diptych.indexer.plan import Job
from diptych.indexer.wire import (
    LARGE_BYTES,
    LEAVING,
    READY,
    SEALING,
    pack_error,
    pack_parsed,
    pack_sealed,
    read_jobs,
)

if TYPE_CHECKING:
    from diptych.indexer.building import Building

# Answers are held back to this size: a file at a time would wake the parent for each.
_FLUSH_BYTES = 128 * 1024
# And no longer than this: the parent takes a long silence for a file that hangs its parser.
_FLUSH_S = 1.0
# Nothing the parser makes refers back to itself, so the collector finds nothing: it runs as a safeguard only.
_COLLECT_EVERY_BYTES = 64 * 1024 * 1024
# A few KB of errors can take a parser gigabytes: then this process ends, and no other.
_MEMORY_BYTES = 4 * 1024**3
# A worker without work ends after this time; after the shorter one if it has done as much, or is as large.
_IDLE_S = 300.0
_WORN_IDLE_S = 10.0
_WORN_FILES = 1_000
_WORN_BYTES = 64 * 1024 * 1024
_WORN_RESIDENT_BYTES = 256 * 1024 * 1024
# How often it looks whether its parent is there: a fork of the parent may hold the pipes open.
_LOOK_S = 5.0


def main(root: str, max_file_bytes: int, store: str = "") -> None:
    """Serve until the parent closes the pipe, or is gone. With `store`, build segments in that directory."""
    try:
        _serve(root, max_file_bytes, store)
    except BrokenPipeError:
        os._exit(1)


def _serve(root: str, max_file_bytes: int, store: str) -> None:
    # Ctrl-C goes to the whole group: the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    _end_with_reader(os.dup(2))
    requests, answers = os.dup(0), os.dup(1)
    # A print in a library must not end up between the answers.
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    gc.disable()
    _bound_memory()
    # Before the first request, which may come much later.
    from diptych.indexer import extract, grammar  # noqa: F401

    building = None
    if store:
        from diptych.indexer.building import Building

        building = Building(store, max_file_bytes)
    _write(answers, READY)
    read = _reader(requests)
    files = size = since_collected = 0
    while _comes(requests, parent, worn=files >= _WORN_FILES or size >= _WORN_BYTES):
        jobs = read_jobs(read)
        if jobs is None:
            return
        try:
            if jobs:
                _answer(answers, jobs, root, max_file_bytes, building)
            else:
                _complete(answers, building)
        except (StorageError, CorruptionError) as error:
            _write(answers, pack_error(getattr(error, "errno", None) or 0, error.message))
            return
        files += len(jobs)
        done = sum(job.size for job in jobs)
        size += done
        since_collected += done
        if since_collected > _COLLECT_EVERY_BYTES:
            gc.collect()
            since_collected = 0
    _complete(answers, building)
    _write(answers, LEAVING)


def _complete(answers: int, building: Building | None) -> None:
    """Complete the segment, if one was begun, and say so before and after."""
    if building is not None and not building.is_empty:
        _write(answers, SEALING)
        _write(answers, pack_sealed(building.complete()))


def _answer(
    answers: int, jobs: list[Job], root: str, max_file_bytes: int, building: Building | None
) -> None:
    held: list[bytes] = []
    held_bytes = 0
    written_s = time.monotonic()
    # For each chunk again: a folder that was replaced since is then seen as it is now.
    with fs.Beneath(root) as tree:
        for job in jobs:
            # What may take long is then the first that the parent waits for.
            overdue = job.size >= LARGE_BYTES or time.monotonic() - written_s >= _FLUSH_S
            if held and (overdue or held_bytes >= _FLUSH_BYTES):
                _write(answers, b"".join(held))
                held, held_bytes = [], 0
                written_s = time.monotonic()
            parsed = building.parse(tree, job) if building is not None else parse(tree, job, max_file_bytes)
            answer = pack_parsed(parsed)
            held.append(answer)
            held_bytes += len(answer)
            if building is not None and building.is_full:
                _write(answers, b"".join(held))
                held, held_bytes = [], 0
                _complete(answers, building)
    _write(answers, b"".join(held))


def _comes(requests: int, parent: int, *, worn: bool) -> bool:
    """Wait for a request, or the end of them. False when none came for too long."""
    began_s = time.monotonic()
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    idle_s = _WORN_IDLE_S if worn or _resident_bytes() >= _WORN_RESIDENT_BYTES else _IDLE_S
    while True:
        left_s = began_s + idle_s - time.monotonic()
        if poll.poll(max(0.0, min(left_s, _LOOK_S)) * 1000):
            return True
        if os.getppid() != parent:
            os._exit(1)
        if left_s <= 0:
            return False


def _resident_bytes() -> int:
    """How much memory this process has; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _reader(fd: int) -> Callable[[int], bytes]:
    """What reads as many bytes as asked for, fewer at the end alone, and none in advance.

    A request in a buffer would not be seen by `poll`.
    """

    def read(size: int) -> bytes:
        data = b""
        while len(data) < size and (more := os.read(fd, size - len(data))):
            data += more
        return data

    return read


def _end_with_reader(pipe: int) -> None:
    """Have this process ended by the system when nobody can read from `pipe` any more, where it can do so."""
    import fcntl

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    try:
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    except (AttributeError, OSError):
        # Then it ends at its next answer.
        return
    poll = select.poll()
    poll.register(pipe, 0)
    if any(event & select.POLLERR for _, event in poll.poll(0)):
        os._exit(1)


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:
        # Not on Windows.
        return
    with suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = _MEMORY_BYTES if most == resource.RLIM_INFINITY else min(_MEMORY_BYTES, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
