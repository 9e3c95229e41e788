"""A run of the indexer over everything, whose progress can be followed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator

from diptych.indexer import Progress, Settings
from diptych.indexer.pool import WarmWorkers
from diptych.store.code import Store
from diptych.workspace.freshness import update


class _Superseded(Exception):  # noqa: N818 - it ends a run, and is no error
    pass


def run_indexer(
    root: str, store: Store, settings: Settings, *, processes: int | None, workers: WarmWorkers
) -> Generator[int, None, None]:
    """Index everything, in a thread of its own; yields how many files are done, as they are parsed.

    Closing the iterator ends the run; what was committed stays. Raises what the run raises.
    """
    done: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    failures: list[BaseException] = []
    superseded = threading.Event()

    def progress(seen: Progress) -> None:
        if superseded.is_set():
            raise _Superseded
        done.put(seen.done_files)

    def run() -> None:
        try:
            update(root, store, settings=settings, processes=processes, progress=progress, workers=workers)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits for this one
            failures.append(error)
        finally:
            done.put(None)

    thread = threading.Thread(target=run, name="diptych-watch-index")
    thread.start()
    try:
        while (count := done.get()) is not None:
            yield count
    finally:
        superseded.set()
        thread.join()
    if failures:
        raise failures[0]
