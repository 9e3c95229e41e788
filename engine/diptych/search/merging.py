"""Which segments Tantivy merges, and waiting for it.

Tantivy merges after each commit, in its own threads. A writer that lives for one commit would always export
its index before a merge ends, and the number of segments would grow without bound.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable

from diptych.errors import CorruptSearchError
from diptych.fs import translated
from diptych.layout import SEARCH_META

# Tantivy's LogMergePolicy with its defaults (tantivy 0.26, src/indexer/log_merge_policy.rs).
_LEVEL_LOG_SIZE = 0.75
_LAYER_DOCUMENTS_MIN = 10_000
_SEGMENTS_MIN = 8
_SEGMENT_DOCUMENTS_MAX = 10_000_000

# Fewer segments cost a search little, and a writer that stays open merges them beside its other work.
SEGMENTS_TO_WAIT_FOR = 16
# A bound on the wait: merging costs some 5 microseconds a document on an idle machine.
_WAIT_S = 2.0
_WAIT_S_A_DOCUMENT = 50e-6
_POLL_S = 0.005


def documents_to_merge(sizes: Iterable[tuple[int, int]]) -> int:
    """How many live documents are in segments that are due to be merged; 0 where no merge is due.

    `sizes`: of each committed segment, all documents and the live ones among them.
    """
    levels: list[list[int]] = []
    highest = math.inf
    for _, live in sorted(sizes, key=lambda size: -size[0]):
        if live > _SEGMENT_DOCUMENTS_MAX:
            continue
        log_size = math.log2(max(_LAYER_DOCUMENTS_MIN, live))
        if not levels or log_size < highest - _LEVEL_LOG_SIZE:
            highest = log_size
            levels.append([])
        levels[-1].append(live)
    return sum(sum(level) for level in levels if len(level) >= _SEGMENTS_MIN)


def wait_for_merges(directory: str) -> None:
    """Wait, within a bound, until the index in `directory` has few segments, or no merge is due.

    Raises CorruptSearchError where `meta.json` makes no sense, and StorageError.
    """
    sizes = segment_sizes(directory)
    deadline = time.monotonic() + _WAIT_S + _WAIT_S_A_DOCUMENT * documents_to_merge(sizes)
    while len(sizes) >= SEGMENTS_TO_WAIT_FOR and documents_to_merge(sizes) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        sizes = segment_sizes(directory)


def segment_sizes(directory: str) -> list[tuple[int, int]]:
    """Of each committed segment, all documents and the live ones among them.

    Raises CorruptSearchError and StorageError.
    """
    path = os.path.join(directory, SEARCH_META)
    with translated("read", path), open(path, "rb") as file:
        meta = file.read()
    try:
        return [
            (segment["max_doc"], segment["max_doc"] - (segment["deletes"] or {}).get("num_deleted_docs", 0))
            for segment in json.loads(meta)["segments"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptSearchError(f"{path} cannot be read: {error}", where=path) from error
