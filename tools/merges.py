"""What a workload of many reopenings needs to meet Tantivy's merges on any machine.

Merges can go wrong in two places: between a writer's end and the next one's beginning, and between a writer's
first change and the checkpoint that publishes a merge of what the writer before had committed.
"""

from __future__ import annotations

import itertools
import os
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tantivy

from diptych import DiptychError
from diptych.layout import SEARCH_MANAGED, SEARCH_META, WORK
from diptych.search import writer
from diptych.search.merging import documents_to_merge, segment_sizes

# Of so many writers in turn the last publishes what it merged; the others end when their merge does.
WRITERS_IN_TURN = 7
# A merge that fails is not tried again before the next change: nothing is wrong when none ends.
_MERGE_S = 2.0
_POLL_S = 0.0005
_FILE = "f"


def until_merged(store: str) -> bool:
    """Wait for the end of a merge that is due in an open store's search directory; whether one has ended.

    The files that it replaced are being removed then.
    """
    work = os.path.join(store, WORK)
    try:
        # Directories of writers before it may be there still. Their threads change no `meta.json`.
        directories = [os.path.join(work, name) for name in os.listdir(work)]
        directory = max(directories, key=lambda path: os.stat(os.path.join(path, SEARCH_META)).st_mtime_ns)
        before = sizes = segment_sizes(directory)
        end_s = time.monotonic() + _MERGE_S
        while len(sizes) >= len(before) and documents_to_merge(sizes) and time.monotonic() < end_s:
            time.sleep(_POLL_S)
            sizes = segment_sizes(directory)
    except (OSError, ValueError, DiptychError):
        # There is no writer, or what one left is going.
        return False
    return len(sizes) < len(before)


@contextmanager
def meeting_merges(count: int) -> Iterator[None]:
    """Let the writers that begin meanwhile have one thread, and take their time to remove files.

    Of two threads one often gets nothing but the watermark. Its segment is empty after the next commit, and a
    merge that has it is cancelled. And each writer believes that it has `count` more files, none of which it
    needs or can remove, so that it tries each time that a merge or a commit ends: as on a slow disk.
    """
    original, threads = tantivy.Index, writer._THREADS
    letters = itertools.product(string.ascii_letters, repeat=4)
    more = "".join(f',"{_FILE}/{"".join(name)}"' for name in itertools.islice(letters, count)) + "]"

    class Index:
        """Stands in for Tantivy's."""

        def __new__(cls, *arguments: Any, **named: Any) -> Any:
            return original(*arguments, **named)

        @staticmethod
        def open(path: str) -> tantivy.Index:
            managed = os.path.join(path, SEARCH_MANAGED)
            # Readers have directories of their own, without the list.
            if os.path.exists(managed):
                with open(managed, encoding="utf-8") as file:
                    listed = file.read()
                with open(managed, "w", encoding="utf-8") as file:
                    file.write(listed.rstrip().removesuffix("]") + more)
                with open(os.path.join(path, _FILE), "wb"):
                    # Nothing is below a file.
                    pass
            return original.open(path)

    tantivy.Index = Index  # type: ignore[assignment,misc]
    writer._THREADS = 1
    try:
        yield
    finally:
        writer._THREADS = threads
        tantivy.Index = original  # type: ignore[misc]
