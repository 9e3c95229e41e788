"""The thread that answers.

Questions and edits of one connection run in it one after the other, in the order in which they came: an edit
is seen by all questions after it and by none before it, and nothing needs a lock. The thread that reads
messages is free meanwhile, so that a cancelled question gets its reply at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


class Answering:
    """One thread. `is_cancelled` says, in it, whether anyone still waits for the answer."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "answers")
        self._cancelled: threading.Event | None = None

    def is_cancelled(self) -> bool:
        """Whether the question that is being answered was cancelled."""
        return self._cancelled is not None and self._cancelled.is_set()

    async def run(self, job: Callable[[], Answer]) -> Answer:
        """What `job` returns. A cancelled task ends at once, and the job when it asks `is_cancelled`."""
        cancelled = threading.Event()

        def counted() -> Answer:
            self._cancelled = cancelled
            try:
                return job()
            finally:
                self._cancelled = None

        future = asyncio.get_running_loop().run_in_executor(self._executor, counted)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            cancelled.set()
            # What becomes of it is of no interest; an exception nobody asks for would be reported.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            future.cancel()
            raise

    def end(self, last: Callable[[], None]) -> None:
        """Begin nothing more but `last`, and wait for that."""
        if self._cancelled is not None:
            self._cancelled.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
        last()
