"""Who serves answers from an index, as a client of the keeper that keeps it up to date."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from diptych import fs
from diptych.errors import DiptychError
from diptych.layout import CLIENTS
from diptych.workspace.holder import holder
from diptych.workspace.keeper.state import KeeperState, keeper_state, no_keeper

_POLL_S = 0.02
# Between two attempts to start a keeper: the first, and the longest after failures.
_PAUSE_S = 1.0
_PAUSE_MAX_S = 60.0
_LOCKED = 4
"""The exit code of a keeper that found the lock held."""


class Place(NamedTuple):
    """A repository and the store of its index."""

    root: str
    store: str


def ensure_keeper(place: Place, *, start: bool = True, idle_s: float | None = None) -> KeeperClient:
    """A client of the keeper at `place`, which is started where there is none. Close it, or use `with`.

    `start` False: only look whether somebody keeps the index. `idle_s`: how long a keeper started here waits
    for another client, in seconds. Never raises: what is wrong is said by `state()`.
    """
    client = KeeperClient(place, start=start, idle_s=idle_s)
    client.state()
    return client


class KeeperClient:
    """Holds a client's lock, as long as it is open, and starts a keeper whenever there is none.

    Safe from any thread. `state` costs about 0.1 ms, so it may be asked before each answer.
    """

    def __init__(self, place: Place, *, start: bool = True, idle_s: float | None = None) -> None:
        self.place = place
        self._start = start
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._presence: fs.SharedLock | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._why = "nothing has been started"
        self._absent_s = 0.0
        self._next_s = 0.0
        self._pause_s = _PAUSE_S
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Be a client no longer; those who wait do so no longer either. The keeper ends by itself after its
        last client.
        """
        self._closed.set()
        with self._lock:
            if self._presence is not None:
                self._presence.release()
                self._presence = None
            if self._child is not None:
                _let_go(self._child)
                self._child = None

    def state(self) -> KeeperState:
        """What the keeper says; where there is none: Degraded, and one is started, unless that is not due."""
        with self._lock:
            if self._closed.is_set():
                return no_keeper("this client was closed", time.monotonic())
            if self._start:
                self._be_present()
            said = keeper_state(self.place.store)
            self._look_at_child()
            if said is not None:
                self._absent_s = 0.0
                self._pause_s = _PAUSE_S
                return said
            now_s = time.monotonic()
            self._absent_s = self._absent_s or now_s
            if self._start:
                self._start_if_due(now_s)
            else:
                self._why = "none runs, and none is to be started"
            return no_keeper(self._why, self._absent_s)

    def wait(self, *, lsn: int = 0, ready: bool = False, timeout_s: float = 60.0) -> KeeperState:
        """Wait until the index has come to `lsn`, and with `ready` until it is complete; the last state.

        Ends after `timeout_s` seconds in any case, and when the client is closed.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            said = self.state()
            done = said.pid and said.lsn >= lsn and (said.is_ready or not ready)
            left_s = deadline_s - time.monotonic()
            if done or left_s <= 0 or self._closed.wait(min(_POLL_S, left_s)):
                return said

    def request_look(self, paths: Iterable[str] = ()) -> None:
        """Ask the keeper to look at these files now, relative to the repository; without any, at all.

        A hint: it watches by itself, and may miss the request.
        """
        from diptych.workspace.freshness import hints

        paths = list(paths)
        with suppress(OSError):
            if paths:
                hints.ask_to_look(self.place.store, paths)
            else:
                hints.ask_for_inspection(self.place.store)

    # With the lock held.

    def _be_present(self) -> None:
        """Hold the client's lock, again where the store was deleted or replaced."""
        if self._presence is not None:
            if self._presence.is_in_place:
                return
            self._presence.release()
            self._presence = None
        store = self.place.store
        try:
            if not os.path.isdir(store):
                from diptych.workspace.freshness import hide_from_git

                os.makedirs(store)
                hide_from_git(store)
            self._presence = fs.SharedLock(os.path.join(store, CLIENTS))
        except (OSError, DiptychError):
            # Read-only, or full: there is nobody to be seen by, either.
            return

    def _look_at_child(self) -> None:
        child = self._child
        if child is None or child.poll() is None:
            return
        said = child.stderr.read() if child.stderr is not None else b""
        _let_go(child)
        self._child = None
        if child.returncode not in (0, _LOCKED):
            first = said.decode("utf-8", "replace").strip().partition("\n")[0]
            self._why = first.removeprefix("diptych: ").rstrip(".") or f"it ended with {child.returncode}"
            self._pause_s = min(self._pause_s * 2, _PAUSE_MAX_S)
        elif child.returncode == _LOCKED:
            self._pause_s = min(self._pause_s * 2, _PAUSE_MAX_S)

    def _start_if_due(self, now_s: float) -> None:
        pid = holder(self.place.store)
        if pid:
            self._why = f"process {pid} writes to the index, and says nothing of its state"
            return
        if self._child is not None or now_s < self._next_s:
            return
        self._next_s = now_s + self._pause_s
        if not os.path.isdir(self.place.root):
            self._why = f"there is no folder {self.place.root}"
        elif not os.access(self.place.store, os.W_OK):
            self._why = f"{self.place.store} cannot be written to"
        else:
            self._why = self._started()

    def _started(self) -> str:
        """Start one. What is to be said meanwhile."""
        idle = [] if self._idle_s is None else ["--idle", str(self._idle_s)]
        # -P: nothing is imported from a repository.
        program = [sys.executable, "-P", "-m", "diptych", "watch", "--keeper", *idle]
        try:
            self._child = subprocess.Popen(
                [*program, "--store", self.place.store, "--", self.place.root],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=os.path.abspath(os.sep),
                start_new_session=True,
            )
        except OSError as error:
            self._pause_s = min(self._pause_s * 2, _PAUSE_MAX_S)
            return f"it cannot be started: {error.strerror or error}"
        return "one is being started"


_LEFT: list[subprocess.Popen[bytes]] = []
"""Keepers that outlive the client that started them: they are waited for when they end, not before."""


def _let_go(child: subprocess.Popen[bytes]) -> None:
    if child.stderr is not None:
        child.stderr.close()
        child.stderr = None
    _LEFT[:] = [one for one in (*_LEFT, child) if one.poll() is None]


__all__ = ["KeeperClient", "Place", "ensure_keeper"]
