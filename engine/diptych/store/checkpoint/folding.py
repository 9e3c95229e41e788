"""Which segments of a generation a checkpoint folds into the one that it writes. Pure.

Folding is the one way in which segments are merged: their live records are written again, with the changes,
as a new segment. It keeps their number small and drops dead records. Segments that are large already, as a
load makes them, are folded only when most of their records are dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

# Beside the large ones; a search costs some 2 microseconds more for each.
SEGMENTS_MOST = 8
# At this size a segment that is being built is sealed, and another begun.
LARGE_DOCUMENTS = 120_000
LARGE_BYTES = 64 * 1024 * 1024
# Below half of it a segment is small: one that was sealed stays large until most of its records are dead.
SMALL_DOCUMENTS = LARGE_DOCUMENTS // 2
SMALL_BYTES = LARGE_BYTES // 2
# At this size when everything is compacted: Tantivy takes some 400 bytes of memory for a document.
COMPACT_DOCUMENTS = 1_000_000
COMPACT_BYTES = 512 * 1024 * 1024
_DEAD_SHARE_MOST = 0.5


class Size(NamedTuple):
    """A segment's size, by its live records."""

    digest: str
    records: int
    documents: int
    payload_bytes: int
    dead_share: float


def segments_to_fold(sizes: Iterable[Size], new_records: int) -> set[str]:
    """The digests of those to fold into a segment that gets `new_records` changed records.

    Where there are too many small ones, these are the smallest, as long as the next is no larger than all
    before it together: so a record is written again some log2(n) times while n as many come after it.
    """
    sizes = list(sizes)
    folded = {size.digest for size in sizes if size.dead_share > _DEAD_SHARE_MOST}
    small = sorted(
        (size.records, size.digest)
        for size in sizes
        if size.digest not in folded
        and size.documents < SMALL_DOCUMENTS
        and size.payload_bytes < SMALL_BYTES
    )
    if len(small) + (new_records > 0) <= SEGMENTS_MOST:
        return folded
    total = new_records
    for number, (records, digest) in enumerate(small):
        # One at least, so that their number does not grow; two where nothing new comes.
        if number >= 2 - (new_records > 0) and records > total:
            break
        folded.add(digest)
        total += records
    return folded
