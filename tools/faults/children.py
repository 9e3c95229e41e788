"""A course run in a forked child that may be killed, hang or be traced; and what the child told meanwhile."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from .ledger import Event

_LENGTH = struct.Struct("<I")


class Ended(NamedTuple):
    """How a child ended: its events, and "" or how it died ("SIGKILL", "hang", "exit 3")."""

    events: list[Event]
    death: str


def run_child(
    work: Callable[[Callable[[Event], object]], object],
    *,
    limit_s: float,
    before: Callable[[int], Callable[[], object]] | None = None,
) -> Ended:
    """Fork, call `work(emit)` in the child, and gather its events.

    `before` is called with the child's process id while the child waits, and returns what to call after its
    end: a tracer is attached so. Events come through a socket, so that faults in files do not reach them.
    """
    import socket

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _child(theirs, work)
    theirs.close()
    after: Callable[[], object] = lambda: None  # noqa: E731
    death = ""
    try:
        if before is not None:
            after = before(pid)
        ours.sendall(b"!")
        data, ended = _receive(ours, limit_s)
        death = "" if ended else "hang"
    finally:
        if death:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        after()
        ours.close()
    if not death and os.WIFSIGNALED(status):
        death = signal.Signals(os.WTERMSIG(status)).name
    elif not death and os.WEXITSTATUS(status):
        death = f"exit {os.WEXITSTATUS(status)}"
    return Ended(_decoded(data), death)


def _child(channel: object, work: Callable[[Callable[[Event], object]], object]) -> None:
    import socket

    assert isinstance(channel, socket.socket)
    status = 0
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        channel.recv(1)

        def emit(event: Event) -> None:
            packed = pickle.dumps(tuple(event))
            channel.sendall(_LENGTH.pack(len(packed)) + packed)

        try:
            work(emit)
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-3:]
            places = " > ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in where)
            emit(Event("violation", text=f"{type(error).__name__}({error}) is let through, at {places}"))
    except BaseException:
        status = 3
    finally:
        os._exit(status)


def _receive(channel: object, limit_s: float) -> tuple[bytes, bool]:
    """What came until the other end closed, or until time was up; whether it closed."""
    import socket

    assert isinstance(channel, socket.socket)
    deadline_s, parts = time.monotonic() + limit_s, []
    with contextlib.suppress(ConnectionResetError):
        while True:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return b"".join(parts), False
            channel.settimeout(left_s)
            try:
                part = channel.recv(65_536)
            except TimeoutError:
                return b"".join(parts), False
            if not part:
                break
            parts.append(part)
    return b"".join(parts), True


def _decoded(data: bytes) -> list[Event]:
    events, at = [], 0
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            break
        events.append(Event(*pickle.loads(data[at : at + length])))
        at += length
    return events
