"""Builds and updates, in slices: what is called from `Coordinator.tick`, by one thread at a time.

A slice ends when its budget is spent, between two files; what was done of it stays done. Host callbacks are
called without a lock, so that changes can be noticed and states read however long they take.
"""

from __future__ import annotations

from collections.abc import Iterator

from diptych.errors import (
    CallerError,
    CorruptionError,
    CorruptJournalError,
    CorruptSearchError,
    CorruptSnapshotError,
    DiptychError,
    OpenError,
)

from .events import BuildCompleted, FilesFound, FilesIndexed, ScanCompleted, UsageReported
from .host import Host, Totals
from .limits import Budget, EarlyExit, ExitReason
from .shell import Shell
from .states import IoError, LeafDamaged, Stage
from .transitions import is_updatable


def failure_reason(error: BaseException) -> IoError | LeafDamaged:
    """What an error that a host met means for the index."""
    if isinstance(error, CorruptionError):
        message = str(error)
        if isinstance(error, CorruptSnapshotError):
            return LeafDamaged("snapshot", message)
        if isinstance(error, CorruptSearchError):
            return LeafDamaged("search", message)
        if isinstance(error, CorruptJournalError):
            return LeafDamaged("journal", message)
        return LeafDamaged("store", message)
    if isinstance(error, OSError | DiptychError):
        return IoError(str(error))
    return IoError(f"{type(error).__name__}: {error}")


class _Build:
    """A build under way: its open iterator, and the paths that are left to do."""

    def __init__(self, number: int, scan: Iterator[str], budget: Budget) -> None:
        self.number = number
        self.paths = scan
        self.left: dict[str, None] = {}
        self.indexed = 0
        self.total = 0
        self.since_begun = budget

    def close(self) -> None:
        """Tell the host that no more will be asked of its iterator."""
        close_iterator(self.paths)


class Driver:
    """Does the work that the state calls for. Not thread-safe: one thread at a time."""

    def __init__(self, host: Host, shell: Shell) -> None:
        self._host = host
        self._shell = shell
        self._build: _Build | None = None

    def slice(self) -> bool:
        """Do one slice. True when there is more to do at once. See `Host` for what becomes of exceptions."""
        shell = self._shell
        build = self._build
        if build is not None and not shell.is_running(build.number):
            self._drop(ExitReason.SUPERSEDED)
        core = shell.core
        try:
            if core.state.stage is Stage.IDLE:
                return self._begin(core.build)
            if self._build is not None:
                scanning = core.scan_started_s is not None
                return self._scan(self._build) if scanning else self._index(self._build)
            if is_updatable(core.state):
                return self._update()
        except (OSError, CorruptionError, OpenError) as error:
            self._fail(core.build, error)
        except Exception as error:
            self._fail(core.build, error)
            raise
        # What failed may be a build that another has taken the place of.
        return shell.core.state.stage is Stage.IDLE

    def stop(self) -> None:
        """Close the build that is under way, if there is one."""
        if self._build is not None:
            self._drop(ExitReason.STOPPED)

    def _begin(self, number: int) -> bool:
        failure = self._shell.core.failure
        if failure is not None:
            self._host.recover(failure)
        self._report(self._host.totals())
        if self._shell.begin_scan(number):
            budget = Budget(self._shell.clock, self._shell.core.limits.scan_timeout_ms)
            self._build = _Build(number, iter(self._host.scan()), budget)
        return True

    def _scan(self, build: _Build) -> bool:
        shell = self._shell
        budget = Budget(shell.clock, shell.core.limits.scan_slice_ms)
        for path in build.paths:
            build.left[path] = None
            if not shell.is_running(build.number):
                return True
            if budget.spent:
                shell.exited(EarlyExit(ExitReason.SCAN_BUDGET, budget.elapsed_ms, len(build.left)))
                shell.advance(FilesFound(build.number, len(build.left)))
                return True
        build.total = len(build.left)
        if shell.advance(ScanCompleted(build.number, build.total)):
            build.paths = iter(self._host.index(list(build.left)))
        return True

    def _index(self, build: _Build) -> bool:
        shell = self._shell
        budget = Budget(shell.clock, shell.core.limits.scan_slice_ms)
        for path in build.paths:
            if path not in build.left:
                continue
            del build.left[path]
            build.indexed += 1
            if not shell.advance(FilesIndexed(build.number, build.indexed)):
                return True
            if budget.spent:
                self._report(self._host.totals())
                return True
        _check_all_indexed(build.left)
        totals = self._host.totals()
        self._report(totals)
        if shell.advance(BuildCompleted(build.number, totals.files, totals.symbols)):
            self._build = None
        return True

    def _update(self) -> bool:
        shell = self._shell
        left = dict.fromkeys(shell.take())
        if not left:
            if shell.core.state.stage is Stage.DEGRADED:
                # Over a limit: the host's caches may have shrunk without a change.
                self._report(self._host.totals())
            return False
        budget = Budget(shell.clock, shell.core.limits.update_ms)
        done = 0
        paths = iter(self._host.index(list(left)))
        try:
            for path in paths:
                if path not in left:
                    continue
                del left[path]
                done += 1
                shell.complete(path)
                if left and (budget.spent or not is_updatable(shell.core.state)):
                    reason = ExitReason.UPDATE_BUDGET if budget.spent else ExitReason.SUPERSEDED
                    shell.exited(EarlyExit(reason, budget.elapsed_ms, done))
                    break
            else:
                _check_all_indexed(left)
        finally:
            close_iterator(paths)
            shell.give_back(left)
        self._report(self._host.totals())
        return True

    def _report(self, totals: Totals) -> None:
        self._shell.dispatch(UsageReported(totals.files, totals.symbols, totals.cache_bytes))

    def _fail(self, number: int, error: Exception) -> None:
        self._shell.fail(number, failure_reason(error))
        if self._build is not None:
            self._drop(ExitReason.FAILED)

    def _drop(self, reason: ExitReason) -> None:
        build = self._build
        assert build is not None
        self._build = None
        self._shell.exited(EarlyExit(reason, build.since_begun.elapsed_ms, build.indexed))
        build.close()


def close_iterator(iterator: Iterator[str]) -> None:
    """Close it if it can be closed, as a generator can."""
    close = getattr(iterator, "close", None)
    if close is not None:
        close()


def _check_all_indexed(left: dict[str, None]) -> None:
    if left:
        raise CallerError(
            f"The host left out {len(left)} of the files it was to index, first {next(iter(left))!r}.",
            advice="Host.index must yield every path, also those whose files are gone.",
        )
