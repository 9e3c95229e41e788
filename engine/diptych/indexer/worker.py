"""A worker process: requests on standard input, answers on standard output, until either ends.

Started by `diptych.indexer.pool` as a fresh interpreter, so that no lock held by a thread of the parent is
inherited, and the parent's main module is not run again.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from contextlib import suppress

from diptych import fs
from diptych.indexer.parse import parse
from diptych.indexer.wire import LARGE_BYTES, READY, pack_parsed, read_jobs

# Answers are held back to this size: a file at a time would wake the parent for each.
_FLUSH_BYTES = 128 * 1024
# And no longer than this: the parent takes a long silence for a file that hangs its parser.
_FLUSH_S = 1.0
# Nothing the parser makes refers back to itself, so the collector finds nothing: it runs as a safeguard only.
_COLLECT_EVERY_BYTES = 64 * 1024 * 1024
# A few KB of errors can take a parser gigabytes: then this process ends, and no other.
_MEMORY_BYTES = 4 * 1024**3


def main(root: str, max_file_bytes: int) -> None:
    """Serve until the parent closes the pipe, or is gone."""
    try:
        _serve(root, max_file_bytes)
    except BrokenPipeError:
        os._exit(1)


def _serve(root: str, max_file_bytes: int) -> None:
    # Ctrl-C goes to the whole group: the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.dup(1)
    # A print in a library must not end up between the answers.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    gc.disable()
    _bound_memory()
    since_collected = 0
    _write(answers, READY)
    written_s = time.monotonic()
    while (jobs := read_jobs(requests.read)) is not None:
        held: list[bytes] = []
        held_bytes = 0
        # For each chunk again: a folder that was replaced since is then seen as it is now.
        with fs.Beneath(root) as tree:
            for job in jobs:
                # What may take long is then the first that the parent waits for.
                overdue = job.size >= LARGE_BYTES or time.monotonic() - written_s >= _FLUSH_S
                if held and (overdue or held_bytes >= _FLUSH_BYTES):
                    _write(answers, b"".join(held))
                    held, held_bytes = [], 0
                    written_s = time.monotonic()
                answer = pack_parsed(parse(tree, job, max_file_bytes))
                since_collected += job.size
                held.append(answer)
                held_bytes += len(answer)
        _write(answers, b"".join(held))
        if since_collected > _COLLECT_EVERY_BYTES:
            gc.collect()
            since_collected = 0


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
