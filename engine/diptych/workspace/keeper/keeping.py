"""A repository under watch: the coordinator, the watcher, and the state that other processes read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from diptych import fs
from diptych.errors import DiptychError
from diptych.layout import CLIENTS
from diptych.workspace.coordinator import Coordinator, CoordinatorThread
from diptych.workspace.host import LIMITS, RepositoryHost
from diptych.workspace.keeper.state import KeeperState, bounded, remove_state, write_state
from diptych.workspace.watch import RepositoryWatcher, Turn

IDLE_S = 60.0
"""A keeper ends so long after its last client."""

_TURN_S = 0.2
_HEARTBEAT_S = 1.0
_PENDING_MAX = 100


class Keeping:
    """Watches the repository of a host and keeps its index up to date, until it is stopped.

    `idle_s` makes it a keeper: it ends by itself so many seconds after its last client.
    """

    def __init__(self, host: RepositoryHost, *, idle_s: float | None = None) -> None:
        self.coordinator = Coordinator(host, limits=LIMITS)
        self.watcher = RepositoryWatcher(host, self.coordinator)
        self._host = host
        self._idle_s = idle_s

    def run(self, stop: threading.Event, turn: Turn) -> None:
        """Watch in the calling thread until `stop` is set; `turn` as for `RepositoryWatcher.run`.

        Raises CallerError without the package watchfiles, StorageError where the system refuses to watch.
        """
        worker = CoordinatorThread(self.coordinator)
        sayer = threading.Thread(target=self._say, args=(stop,), name="diptych-keeper-state", daemon=True)
        started = False

        def first_and_then(noticed: Sequence[str]) -> None:
            nonlocal started
            if not started:
                # Not before the watch has begun, so that a scan misses nothing.
                started = True
                worker.start()
            turn(noticed)

        sayer.start()
        try:
            self.watcher.run(stop, first_and_then)
        finally:
            stop.set()
            if started:
                worker.stop()
            sayer.join()

    def state(self) -> KeeperState:
        """What is said of it now."""
        coordinator = self.coordinator
        lsn = 0
        with suppress(DiptychError):
            lsn = self._host.store.lsn
        return KeeperState(
            pid=os.getpid(),
            state=coordinator.state,
            lsn=lsn,
            pending=bounded(coordinator.pending_paths(_PENDING_MAX)),
            pending_count=coordinator.pending,
            is_keeper=self._idle_s is not None,
            warning=self.watcher.warning,
        )

    def _say(self, stop: threading.Event) -> None:
        """Say how things are: at once when they change, and once a second in any case.

        In a thread of its own: an inspection of a large repository, or a disk that hangs, must not look as
        if there were no keeper.
        """
        last: KeeperState | None = None
        said_s = asked_s = served_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            state = self.state()
            if state != last or now_s - said_s >= _HEARTBEAT_S:
                last, said_s = state, now_s
                self._write(state, now_s)
            if self._idle_s is not None and now_s - asked_s >= min(_HEARTBEAT_S, self._idle_s):
                asked_s = now_s
                if fs.is_shared(os.path.join(self._host.store_path, CLIENTS)):
                    served_s = now_s
                elif now_s - served_s >= self._idle_s:
                    stop.set()
            if stop.wait(_TURN_S):
                break
        with suppress(DiptychError):
            self._host.refuse_replaced()
            remove_state(self._host.store_path)

    def _write(self, state: KeeperState, now_s: float) -> None:
        from dataclasses import replace

        with suppress(DiptychError):
            # Not into a store that another keeps.
            self._host.refuse_replaced()
            write_state(self._host.store_path, replace(state, heartbeat_s=now_s))
