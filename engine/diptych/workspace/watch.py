"""Watching a repository: notices of changed files in, notices to a coordinator out.

Events may go missing, and so may what a query needs: the files are inspected now and then, and whenever a
query asks for it, by the very comparison that decides whether an index is fresh.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from diptych.errors import CorruptionError, DiptychError, StoreReplacedError
from diptych.workspace.coordinator import Coordinator
from diptych.workspace.freshness.hints import inspection_asked, take_looks, take_request
from diptych.workspace.notices import Notices

Turn = Callable[[Sequence[str]], None]
"""Called with the names noticed since the last turn."""

RULE_FILES = frozenset({".gitignore", ".gitmodules"})
EXCLUDE_FILE = ".git/info/exclude"

_NEVER = frozenset({".git", ".hg", ".svn"})
# How often the files are inspected unasked, and for at most which share of the time: where events go missing,
# and where they seem to be complete.
_POLL_S, _POLL_SHARE = 2.0, 0.1
_SELDOM_S, _SELDOM_SHARE = 60.0, 0.01
# However often queries ask.
_ASKED_SHARE = 0.5


class Watched(Protocol):
    """A repository and its store, as the watcher needs them, in the thread that runs it."""

    @property
    def root(self) -> str:
        """The repository."""
        ...

    @property
    def store_path(self) -> str:
        """Its store."""
        ...

    def select(self, names: Sequence[str]) -> list[str]:
        """Of changed names, relative to the root, those that matter; a folder's ends in `/`.

        Called some times a second even with no names: it may hold some back, and give them later.
        """
        ...

    def differing(self) -> list[str] | None:
        """The files that differ from the store; None where only a build can tell.

        Raises OSError, CorruptionError.
        """
        ...

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError where the store was deleted, moved or replaced."""
        ...


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
    """Tells a coordinator of every change that matters to `watched`, until it is stopped."""

    def __init__(self, watched: Watched, coordinator: Coordinator) -> None:
        self._watched = watched
        self._coordinator = coordinator
        self._root = os.path.realpath(watched.root)
        self._store = os.path.realpath(watched.store_path)
        self._notices = Notices(self._root)
        self._inspections = _Inspections()

    @property
    def warning(self) -> str:
        """Why changes may be noticed late, as a sentence without its full stop; "" where they are not."""
        warning = self._notices.warning
        return f"{warning}; until then the files are compared every few seconds" if warning else ""

    def run(self, stop: threading.Event, turn: Turn) -> None:
        """Watch in the calling thread until `stop` is set.

        `turn` is called first when watching has begun, so that a scan started then misses nothing; and
        afterwards some times a second, with the names noticed since. Raises CallerError without the package
        watchfiles, StorageError where the system refuses to watch.
        """
        for batch in self._notices.batches(stop):
            if batch.lost:
                self._inspections.lost = True
            noticed = self.notice([*batch.changes, *self._asked()])
            if self._is_settled():
                self._look_at_store()
                noticed += self._inspect()
            turn(noticed)

    def _asked(self) -> list[tuple[bool, str]]:
        """What others ask to look at, as changes."""
        return [(True, os.path.join(self._root, name)) for name in take_looks(self._store)]

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
        noticed = list(dict.fromkeys(self._watched.select(names)))
        rules = [name for name in noticed if is_rule(name)]
        for name in noticed:
            if not is_rule(name):
                self._coordinator.notify_change(name)
        if rules:
            self._coordinator.notify_workspace_changed(rules[0])
        return noticed

    def _is_settled(self) -> bool:
        """Whether no scan is under way, or due: that would find everything by itself."""
        return self._coordinator.is_current

    def _look_at_store(self) -> None:
        try:
            self._watched.refuse_replaced()
        except StoreReplacedError as error:
            # It is opened again, which makes a new one where there is none.
            self._coordinator.notify_failure(error)
        except DiptychError:
            # It cannot be told now, or the store was closed for a recovery: then a build follows.
            return

    def _inspect(self) -> list[str]:
        """Compare all files with the store, if that is due. The names that differ, passed on."""
        inspections = self._inspections
        polls = self._notices.interrupted or bool(self._notices.warning)
        if not inspections.are_due(polls=polls, asked=inspection_asked(self._store)):
            return []
        # Before the files are looked at: who asks from now on may have seen a later change.
        take_request(self._store)
        with inspections:
            try:
                names = self._watched.differing()
            except (OSError, CorruptionError) as error:
                self._coordinator.notify_failure(error)
                return []
        if names is None:
            inspections.in_vain += 1
            self._coordinator.notify_workspace_changed("more than single files")
            return []
        inspections.in_vain = 0
        for name in names:
            self._coordinator.notify_change(name)
        return names


class _Inspections:
    """When to compare all files with the store. Use as a context manager around each comparison."""

    def __init__(self) -> None:
        self.lost = False
        """Changes were lost, since the last one began."""
        self.in_vain = 0
        """How many in a row asked for a build: should that not help, it is not done again and again."""
        self._took_s = 0.0
        self._began_s = self._ended_s = time.monotonic()

    def are_due(self, *, polls: bool, asked: bool) -> bool:
        """Whether it is time for one. `polls`: events go missing. `asked`: a query wants one."""
        quiet_s = time.monotonic() - self._ended_s
        pause_s = min(_POLL_S * 2.0 ** min(self.in_vain, 16), _SELDOM_S) if self.in_vain else 0.0
        if quiet_s < max(pause_s, self._took_s * (1 / _ASKED_SHARE - 1)):
            return False
        every_s, share = (_POLL_S, _POLL_SHARE) if polls else (_SELDOM_S, _SELDOM_SHARE)
        return self.lost or asked or quiet_s >= max(every_s, self._took_s / share)

    def __enter__(self) -> None:
        self.lost = False
        self._began_s = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._ended_s = time.monotonic()
        self._took_s = self._ended_s - self._began_s
