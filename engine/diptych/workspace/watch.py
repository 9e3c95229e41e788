"""Watching a repository: file events in, notices to a coordinator out, and what a person sees of it.

The kernel's queue of events may overflow in a branch switch. Events are then lost, but not silently: the
queue was full, so a storm was noticed, and the scan that ends a storm begins after the last event was read.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from diptych.errors import CallerError, StorageError
from diptych.workspace.coordinator import Coordinator, Snapshot, Stage, describe

if TYPE_CHECKING:
    from watchfiles import Change

Select = Callable[[Sequence[str]], list[str]]
"""Of changed names, relative to the root, those that matter; a folder's ends in `/`.

Called in one thread, some times a second even with no names: it may hold some back, and give them later.
"""

Turn = Callable[[Sequence[str]], None]
"""Called with the names noticed since the last turn."""

RULE_FILES = frozenset({".gitignore", ".gitmodules"})
EXCLUDE_FILE = ".git/info/exclude"

_NEVER = frozenset({".git", ".hg", ".svn"})
_NOT_UTF_8 = "Unable to decode path"
_STEP_MS = 10
_GROUP_MS = 50
_TURN_MS = 200


def relative_name(root: str, path: str, store: str) -> str:
    """`path` relative to `root`, with `/` between components; "" for what is never watched."""
    if not path.startswith(root + os.sep) or path == store or path.startswith(store + os.sep):
        return ""
    name = path[len(root) + 1 :].replace(os.sep, "/")
    components = name.removesuffix("/.git").split("/")
    if name == EXCLUDE_FILE or _NEVER.isdisjoint(components):
        return name
    return ""


def is_rule(name: str) -> bool:
    """Whether the file decides which others are indexed."""
    return name == EXCLUDE_FILE or name.rpartition("/")[2] in RULE_FILES


def is_nested_git(name: str) -> bool:
    """Whether it makes of a folder below the root a repository of its own, whose files git lists no more."""
    return name.removesuffix("/").endswith("/.git")


class RepositoryWatcher:
    """Tells a coordinator of every change below `root` that `select` lets through, until it is stopped."""

    def __init__(self, root: str, store: str, coordinator: Coordinator, select: Select) -> None:
        self._root = os.path.realpath(root)
        self._store = os.path.realpath(store)
        self._coordinator = coordinator
        self._select = select

    def run(self, stop: threading.Event, turn: Turn) -> None:
        """Watch in the calling thread until `stop` is set.

        `turn` is called first when watching has begun, so that a scan started then misses nothing; and
        afterwards some times a second, with the names noticed since. Raises CallerError without the package
        watchfiles, StorageError where the system refuses to watch.
        """
        for changes, lost in _changes(self._root, stop):
            if lost:
                self._coordinator.notify_workspace_changed("changes that were not seen")
            turn(self.notice((change.raw_str() == "added", path) for change, path in changes))

    def notice(self, changes: Iterable[tuple[bool, str]]) -> list[str]:
        """Pass on a batch of changes, as (whether it was added, absolute path). The names that mattered."""
        names = []
        for added, path in sorted(changes, key=lambda change: change[1]):
            name = relative_name(self._root, path, self._store)
            if name and added and os.path.isdir(path) and not os.path.islink(path):
                # What was made in it before it was watched sent no event of its own.
                name += "/"
            if name:
                names.append(name)
        noticed = list(dict.fromkeys(self._select(names)))
        rules = [name for name in noticed if is_rule(name)]
        for name in noticed:
            if not is_rule(name):
                self._coordinator.notify_change(name)
        if rules:
            self._coordinator.notify_workspace_changed(rules[0])
        return noticed


def _changes(root: str, stop: threading.Event) -> Iterator[tuple[set[tuple[Change, str]], bool]]:
    """Batches of changes, each with whether changes before it were lost."""
    try:
        import watchfiles
    except ImportError as error:
        raise CallerError(
            "Watching needs the package watchfiles.", advice="Install it with: pip install 'diptych[watch]'."
        ) from error
    lost = False
    while not stop.is_set():
        try:
            for changes in watchfiles.watch(
                root,
                watch_filter=None,  # with one, a turn would wait for as long as what is filtered out goes on
                step=_STEP_MS,
                debounce=_GROUP_MS,
                stop_event=stop,
                rust_timeout=_TURN_MS,
                yield_on_timeout=True,
                raise_interrupt=True,
                ignore_permission_denied=True,
            ):
                yield changes, lost
                lost = False
        except (OSError, RuntimeError) as error:
            # A name that is not UTF-8 ends the watch. Begin another; what came between was seen by neither.
            if _NOT_UTF_8 not in str(error):
                raise StorageError(
                    f"The system refuses to watch {root}: {error}.",
                    errno=getattr(error, "errno", None),
                    advice="Raise fs.inotify.max_user_watches if that is what was reached.",
                ) from error
            lost = True


class Rate:
    """How fast a count rises, over the last seconds. Bounded: it keeps at most a sample for each turn."""

    def __init__(self, window_s: float = 10.0) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def observe(self, now_s: float, count: int) -> None:
        """The count stands at this now."""
        self._samples.append((now_s, count))
        while now_s - self._samples[0][0] > self._window_s:
            self._samples.popleft()

    @property
    def per_s(self) -> float:
        """Per second, over what was observed in the window."""
        if len(self._samples) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


class Monitor:
    """What one screen shows: state, rates and the last events. Fed with snapshots and noticed names."""

    def __init__(self, title: str, *, events_max: int = 12, wall: Callable[[], float] = time.time) -> None:
        self._title = title
        self._wall = wall
        self._events: deque[str] = deque(maxlen=events_max)
        self._fresh: deque[str] = deque(maxlen=1000)
        self._moves = 0
        self._changes = Rate()
        self._indexed = Rate()
        self._snapshot: Snapshot | None = None

    def observe(self, snapshot: Snapshot, noticed: Sequence[str] = ()) -> None:
        """Take in what happened since the last call."""
        self._changes.observe(snapshot.at_s, snapshot.changes_noticed)
        self._indexed.observe(snapshot.at_s, snapshot.files_indexed + snapshot.parses_completed)
        if len(noticed) == 1:
            self.say(f"changed {noticed[0]}")
        elif noticed:
            self.say(f"changed {noticed[0]} and {len(noticed) - 1} more")
        moves = sum(snapshot.transitions.values())
        new = min(moves - self._moves, len(snapshot.recent))
        self._moves = moves
        for move in snapshot.recent[len(snapshot.recent) - new :]:
            self.say(describe(move.target))
        self._snapshot = snapshot

    def say(self, text: str) -> None:
        """Something happened, now."""
        line = f"{time.strftime('%H:%M:%S', time.localtime(self._wall()))}  {text}"
        self._events.append(line)
        self._fresh.append(line)

    def fresh(self) -> list[str]:
        """The events since this was last asked: for a log of plain lines."""
        lines = list(self._fresh)
        self._fresh.clear()
        return lines

    def screen(self) -> list[str]:
        """Everything, as lines."""
        snapshot = self._snapshot
        if snapshot is None:
            return [self._title]
        total_s = sum(snapshot.seconds_in.values()) or 1.0
        ready = snapshot.seconds_in[Stage.READY] / total_s
        degraded = snapshot.seconds_in[Stage.DEGRADED] / total_s
        for_s = snapshot.at_s - snapshot.state.since_s
        return [
            self._title,
            f"state    {describe(snapshot.state)}; for {for_s:.0f} s",
            f"store    {snapshot.files} files, {snapshot.symbols} symbols",
            f"work     {snapshot.pending} pending, {snapshot.builds} builds, "
            f"{snapshot.parses_completed} updates of one file",
            f"rates    {self._changes.per_s:.1f} changes/s, {self._indexed.per_s:.1f} files indexed/s",
            f"time     {ready:.1%} ready, {degraded:.1%} degraded, {1 - ready - degraded:.1%} building",
            "",
            *self._events,
        ]
