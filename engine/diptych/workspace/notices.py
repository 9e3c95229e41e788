"""Notices of changed files: the system's events, and a warning where they may not reach.

The kernel's queue of events may overflow in a branch switch. Events are then lost, but not silently: the
queue was full, so a storm was noticed, and the scan that ends a storm begins after the last event was read.

Events also go missing with nothing to show for it. The system watches fewer folders than there are when a
limit is reached, or a folder cannot be read; some file systems send none. Both are looked for here, at the
start and later, and `Notices.warning` says so: whoever reads the notices must then inspect the files himself.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diptych import fs
from diptych.errors import CallerError, StorageError
from diptych.values import Value

if TYPE_CHECKING:
    from watchfiles import Change

_NOT_UTF_8 = "Unable to decode path"
_STEP_MS = 10
_GROUP_MS = 50
_TURN_MS = 200
# Comparing the folders with those that are watched: again so soon after the first doubt, or a new folder; and
# otherwise seldom, and for at most this share of the time.
_RECHECK_S = 1.0
_CHECK_EVERY_S = 60.0
_CHECK_SHARE = 0.01
# Between two attempts to watch, after the first that failed; doubled by each.
_PAUSE_S = 1.0
_PAUSE_MAX_S = 60.0


class Batch(Value):
    """Changes, as (whether it was added, absolute path); `lost`: others before them were not seen."""

    changes: tuple[tuple[bool, str], ...] = ()
    lost: bool = False


class Notices:
    """The changes below a folder. `warning` says why some may be missing; "" where none is."""

    def __init__(self, root: str) -> None:
        self.warning = ""
        self.interrupted = False
        """Whether no events come at present: another attempt to watch follows."""
        self._root = root
        self._silent = fs.silent_file_system(root)
        self._coverage = _Coverage(root)
        self._pause_s = 0.0

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches of changes, some a second even when there are none, until `stop` is set.

        Raises CallerError without the package watchfiles, StorageError where the system refuses to watch.
        """
        lost = begun = False
        while not stop.is_set():
            began_s = time.monotonic()
            try:
                for batch in self._watched(stop):
                    yield Batch(batch.changes, lost)
                    lost, begun = False, True
            except (OSError, RuntimeError) as error:
                self._explain(error, begun=begun)
            lost = True
            if time.monotonic() - began_s > _PAUSE_MAX_S:
                self._pause_s = 0.0
            yield from self._paused(stop)
            self._pause_s = min(max(2 * self._pause_s, _PAUSE_S), _PAUSE_MAX_S)

    def _watched(self, stop: threading.Event) -> Iterator[Batch]:
        """One attempt to watch, until it fails, or another could watch more."""
        try:
            import watchfiles
        except ImportError as error:
            raise CallerError(
                "Watching needs the package watchfiles.",
                advice="Install it with: pip install 'diptych[watch]'.",
            ) from error
        before = fs.inotify_instances()
        began = False
        for changes in watchfiles.watch(
            self._root,
            watch_filter=None,  # with one, a turn would wait for as long as what is filtered out goes on
            step=_STEP_MS,
            debounce=_GROUP_MS,
            stop_event=stop,
            rust_timeout=_TURN_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
            force_polling=False,  # which would look at everything, ignored or not, several times a second
            ignore_permission_denied=True,
        ):
            if not began:
                began = True
                self._coverage.begin(fs.inotify_instances() - before)
            batch = Batch(_plain(changes))
            yield batch
            if any(added and os.path.isdir(path) for added, path in batch.changes):
                self._coverage.soon()
            self._coverage.check()
            self.warning = self._coverage.problem or self._silence()
            if self._coverage.could_be_better:
                return

    def _paused(self, stop: threading.Event) -> Iterator[Batch]:
        """No events for a while: what changes now is for the reader to find."""
        self.interrupted = True
        until_s = time.monotonic() + self._pause_s
        while time.monotonic() < until_s and not stop.wait(_TURN_MS / 1000):
            yield Batch()
        self.interrupted = False

    def _explain(self, error: OSError | RuntimeError, *, begun: bool) -> None:
        """Raise for what will not pass. Otherwise say what is the matter."""
        # A name that is not UTF-8 ends the watch whenever somebody opens the file.
        if _NOT_UTF_8 in str(error):
            return
        limit = fs.inotify_limit(self._root)
        if limit is not None:
            self.warning = f"nothing can be watched, for {_reached(limit)}; {limit.advice}"
        elif not begun:
            raise StorageError(
                f"The system refuses to watch {self._root}: {error}.",
                errno=getattr(error, "errno", None),
                advice="Check that the folder is there and can be read.",
            ) from error
        else:
            self.warning = f"the system refuses to watch {self._root}: {error}"

    def _silence(self) -> str:
        return f"a file system of type {self._silent} may send no events" if self._silent else ""


class _Coverage:
    """Compares the folders below the root with those that the system watches, now and then."""

    def __init__(self, root: str) -> None:
        self.problem = ""
        self.could_be_better = False
        """Whether another attempt would watch more: a limit was reached, and is not any more."""
        self._root = root
        self._instances: frozenset[int] = frozenset()
        self._next_s = 0.0
        self._doubted = self._limited = False

    def begin(self, instances: frozenset[int]) -> None:
        """A watch has begun, by these instances of inotify."""
        self._instances = instances
        self._next_s = 0.0
        self._doubted = self._limited = self.could_be_better = False

    def soon(self) -> None:
        """A folder was made: is it watched?"""
        self._next_s = min(self._next_s, time.monotonic() + _RECHECK_S)

    def check(self) -> None:
        """Set `problem` and `could_be_better`, if that is due."""
        began_s = time.monotonic()
        if began_s < self._next_s or not self._instances:
            return
        limit, watched = fs.inotify_limit(self._root), self._watched()
        folders = _count_folders(self._root, watched + 1)
        blind = watched < folders or limit is not None
        now_s = time.monotonic()
        self._next_s = now_s + max(_CHECK_EVERY_S, (now_s - began_s) / _CHECK_SHARE)
        if blind and limit is None and not self._doubted:
            # A folder made just now may be watched in a moment.
            self._doubted = True
            self._next_s = now_s + _RECHECK_S
            return
        self._doubted = False
        self.could_be_better = self._limited and limit is None
        self._limited = limit is not None
        if not blind:
            self.problem = ""
        elif limit is not None:
            self.problem = f"some folders may not be watched, for {_reached(limit)}; {limit.advice}"
        else:
            self.problem = "some folders are not watched: they cannot be read, or a limit was reached"

    def _watched(self) -> int:
        return max((fs.inotify_watches(instance) or 0 for instance in self._instances), default=0)


def _reached(limit: fs.Limit) -> str:
    return f"the limit {limit} is reached"


def _plain(changes: set[tuple[Change, str]]) -> tuple[tuple[bool, str], ...]:
    return tuple((change.raw_str() == "added", path) for change, path in changes)


def _count_folders(root: str, most: int) -> int:
    """How many folders there are, the root among them, that can be read; counted up to `most`."""
    count = 0
    pending = [root]
    while pending and count < most:
        try:
            with os.scandir(pending.pop()) as entries:
                pending += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        count += 1
    return count
