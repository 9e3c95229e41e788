"""Faults at the system call, by strace, which Tantivy's threads meet as well as Diptych's own code."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

from tools.guard import HANG_S


class Fault(NamedTuple):
    """A kind of fault: which calls, and what strace is to do to the one numbered `when`.

    `sticky`: to all that follow, too.
    """

    name: str
    calls: str
    action: str
    sticky: bool = False

    def when(self, number: int) -> str:
        """strace's expression for the call numbered `number`, from 1."""
        return f"inject={self.calls}:{self.action}:when={number}{'+' if self.sticky else ''}"


_SYNC = "fsync,fdatasync"
_READ = "read,pread64"
_WRITE = "write,pwrite64,writev"
_NAMES = "mkdir,rename,link,linkat,symlink,ftruncate"
_REMOVE = "unlink,unlinkat,rmdir"
_LOOK = "newfstatat,fstat,statx,getdents64"
_ALL = ",".join((_SYNC, _READ, _WRITE, _NAMES, _REMOVE, _LOOK, "openat", "mmap", "close", "flock"))

FAULTS = (
    Fault("EIO on fsync, once", _SYNC, "error=EIO"),
    Fault("EIO on fsync, from then on", _SYNC, "error=EIO", sticky=True),
    Fault("EIO on read", _READ, "error=EIO"),
    Fault("EIO on read, from then on", _READ, "error=EIO", sticky=True),
    Fault("ENOSPC on write", _WRITE, "error=ENOSPC"),
    Fault("ENOSPC on write, from then on", _WRITE, "error=ENOSPC", sticky=True),
    Fault("EDQUOT on write", _WRITE, "error=EDQUOT"),
    Fault("EIO on write", _WRITE, "error=EIO"),
    Fault("ENOSPC on making a name", _NAMES, "error=ENOSPC"),
    Fault("EIO on making a name", _NAMES, "error=EIO"),
    Fault("EIO on removing a name", _REMOVE, "error=EIO"),
    Fault("EIO on looking", _LOOK, "error=EIO"),
    Fault("EMFILE on open", "openat", "error=EMFILE"),
    Fault("EMFILE on open, from then on", "openat", "error=EMFILE", sticky=True),
    Fault("EACCES on open", "openat", "error=EACCES"),
    Fault("EINTR", f"{_READ},{_WRITE},{_SYNC},openat,flock,ftruncate", "error=EINTR"),
    Fault("ENOMEM on mmap", "mmap", "error=ENOMEM"),
    Fault("EAGAIN on starting a thread", "clone,clone3", "error=EAGAIN"),
    Fault("SIGKILL", _ALL, "signal=SIGKILL"),
)


def available() -> str:
    """Why this cannot be done here; "" when it can."""
    return "" if shutil.which("strace") else "strace is not installed"


def attached(pid: int, *expressions: str, log: str = os.devnull) -> Callable[[], object]:
    """Trace a waiting process from now on; returns what to call after its end.

    Raises RuntimeError where the process cannot be traced.
    """
    command = ["strace", "-f", "-qq", "-o", log, "-p", str(pid)]
    for expression in expressions:
        command += ["-e", expression]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline_s = time.monotonic() + HANG_S
    while _untraced(pid):
        if tracer.poll() is not None or time.monotonic() > deadline_s:
            tracer.kill()
            said = tracer.communicate()[1].decode(errors="replace").strip()
            raise RuntimeError(f"strace cannot attach: {said}")
        time.sleep(0.002)

    def end() -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            tracer.wait(HANG_S)
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGTERM)
            tracer.wait()
        assert tracer.stderr is not None
        tracer.stderr.close()

    return end


def count_calls(log: str) -> dict[str, int]:
    """How often each call stands in a trace, in the thread that makes it most: strace counts by thread."""
    by_thread: dict[tuple[str, str], int] = {}
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            thread, _, rest = line.partition(" ")
            name = rest.strip().split("(")[0]
            if name.isidentifier():
                by_thread[thread, name] = by_thread.get((thread, name), 0) + 1
    counts: dict[str, int] = {}
    for (_, name), count in by_thread.items():
        counts[name] = max(count, counts.get(name, 0))
    return counts


def _untraced(pid: int) -> bool:
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return "TracerPid:\t0\n" in status.read()
