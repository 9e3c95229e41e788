"""`diptych watch`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

from diptych.cli.arguments import Option
from diptych.cli.freshness import OutputRoot, tell_forked
from diptych.cli.options import SECONDS_MAX, Processes, Repository, StorePath, Timeout, pattern

if TYPE_CHECKING:
    from types import FrameType

    from diptych.indexer import Notice
    from diptych.workspace.host import RepositoryHost
    from diptych.workspace.monitor import Monitor


def watch(
    path: Repository = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    processes: Processes = None,
    exclude: Annotated[
        list[str] | None,
        Option(
            "--exclude",
            metavar="PATTERN",
            parse=pattern,
            help="Leave these out, as in .gitignore. Repeatable. Default: those of the last run.",
        ),
    ] = None,
    plain: Annotated[bool, Option("--plain", help="Print events line by line, also on a terminal.")] = False,
    keeper: Annotated[
        bool,
        Option("--keeper", help="Print nothing, and end after the last client. Servers start it."),
    ] = False,
    idle: Annotated[
        float,
        Option(
            "--idle",
            bounds=(0.1, SECONDS_MAX),
            metavar="S",
            help="With --keeper: end so many seconds after the last client.",
        ),
    ] = 60.0,
    timeout: Timeout = 0.0,
) -> None:
    """Keep the index up to date while files change.

    On a terminal one screen shows the state of the index, rates and the last events; elsewhere each event is
    a line. Ctrl-C ends it, with exit code 0. Other processes can read the store meanwhile.

    Where the system does not tell of every change (too few inotify watches, a network file system), that is
    said, and the files are compared every few seconds; and whenever a look-up finds the index stale.

    \b
    Examples:
      diptych watch
      diptych watch ~/src/django --exclude 'vendor/'
    """
    import logging
    import os

    from diptych.cli.place import find_root, output_root_for, store_of
    from diptych.errors import InvalidArgumentError
    from diptych.layout import KEEPER
    from diptych.store.code import Store
    from diptych.values import replace
    from diptych.workspace.coordinator.metrics import logger
    from diptych.workspace.freshness import fork_for_worktree, hide_from_git, recorded_settings
    from diptych.workspace.host import RepositoryHost

    root = find_root(path)
    if not os.path.isdir(root):
        raise InvalidArgumentError(f"{root} is not a folder", advice="give the folder of a repository")
    # The screen says it already; without this, Python prints warnings across it.
    logger.addHandler(logging.NullHandler())
    below = output_root_for(store, output_root)
    where = store if store and below is None else store_of(root, below)
    forked = fork_for_worktree(root, where)
    if forked is not None:
        tell_forked(forked)
    if not keeper and os.path.lexists(os.path.join(where, KEEPER)):
        from diptych.workspace.keeper.asking import KEEPER_ENDS_S, end_keeper
        from diptych.workspace.keeper.state import keeper_state

        said = keeper_state(where)
        if said is not None and said.is_keeper and end_keeper(where):
            # This watch keeps the index for its clients from now on.
            timeout = max(timeout, KEEPER_ENDS_S)
    opened = Store.open(where, lock_timeout_s=timeout)
    hide_from_git(opened.path)
    settings = recorded_settings(opened)
    if exclude:
        settings = replace(settings, exclude=tuple(exclude))
    # Not earlier: who waits for the lock is interrupted at once.
    stop = threading.Event()
    _stop_on_signals(stop)
    with RepositoryHost(root, opened, settings=settings, processes=processes) as host:
        if keeper:
            _keep(host, stop, idle_s=idle)
        else:
            _run(host, stop, plain=plain or not sys.stdout.isatty())


def _keep(host: RepositoryHost, stop: threading.Event, *, idle_s: float) -> None:
    import os

    from diptych.workspace.keeper.keeping import Keeping

    watching = False

    def turn(_noticed: Sequence[str]) -> None:
        nonlocal watching
        if not watching:
            watching = True
            # Who started this reads what went wrong so far, and nothing after.
            sys.stderr.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    Keeping(host, idle_s=idle_s).run(stop, turn)


def _run(host: RepositoryHost, stop: threading.Event, *, plain: bool) -> None:
    from diptych.workspace.keeper.keeping import Keeping
    from diptych.workspace.monitor import Monitor

    keeping = Keeping(host)
    coordinator, watcher = keeping.coordinator, keeping.watcher
    monitor = Monitor(f"diptych watch  {host.root}")
    show, end = _plain(monitor) if plain else _live(monitor)
    told: Notice | None = None

    def turn(noticed: Sequence[str]) -> None:
        nonlocal told
        monitor.observe(coordinator.metrics(), noticed, watcher.warning)
        if host.notice != told:
            told = host.notice
            if told is not None:
                monitor.say(f"{told.message}. Next: {told.advice}.")
        show()

    try:
        keeping.run(stop, turn)
    finally:
        monitor.observe(coordinator.metrics(), (), watcher.warning)
        show()
        end()


def _stop_on_signals(stop: threading.Event) -> None:
    import signal

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            # Asked for a second time: without waiting for what is under way.
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _plain(monitor: Monitor) -> tuple[Callable[[], None], Callable[[], None]]:
    from diptych.cli.output import line

    def show() -> None:
        for event in monitor.fresh():
            line(event)
        sys.stdout.flush()

    return show, lambda: None


def _live(monitor: Monitor) -> tuple[Callable[[], None], Callable[[], None]]:
    from rich.live import Live
    from rich.text import Text

    from diptych.cli.output import printable

    live = Live(Text(), auto_refresh=False, screen=True)
    live.start()

    def show() -> None:
        text = "\n".join(printable(line) for line in monitor.screen())
        live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)

    return show, live.stop
