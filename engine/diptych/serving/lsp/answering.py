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
from contextlib import suppress
from functools import partial
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
        loop = asyncio.get_running_loop()
        # Not `run_in_executor`: the loop goes round twice more for its answer.
        answered: asyncio.Future[Answer] = loop.create_future()

        def counted() -> None:
            self._cancelled = cancelled
            try:
                settle = partial(_settle, answered, job())
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
                settle = partial(_fail, answered, error)
            finally:
                self._cancelled = None
            with suppress(RuntimeError):
                # The loop may have been closed meanwhile.
                loop.call_soon_threadsafe(settle)

        begun = self._executor.submit(counted)
        try:
            return await answered
        except asyncio.CancelledError:
            cancelled.set()
            begun.cancel()
            raise

    def end(self, last: Callable[[], None]) -> None:
        """Begin nothing more but `last`, and wait for that."""
        if self._cancelled is not None:
            self._cancelled.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
        last()


def _settle(answered: asyncio.Future[Answer], answer: Answer) -> None:
    # What becomes of a question that was cancelled is of no interest.
    if not answered.done():
        answered.set_result(answer)


def _fail(answered: asyncio.Future[Answer], error: BaseException) -> None:
    if not answered.done():
        answered.set_exception(error)
