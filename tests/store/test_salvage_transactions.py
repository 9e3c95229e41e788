"""What repair takes from a damaged journal: whole transactions only, also those behind the damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.files import overwrite

from diptych.journal.format import FRAME_SIZE, HEADER_SIZE, SegmentHeader
from diptych.journal.reader import FrameReader
from diptych.journal.segment import Segment
from diptych.journal.writer import JournalWriter, create_segment
from diptych.store.salvage import transactions


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    """Transactions 1 (one frame), 2 (three), 3 (one), 4 (two)."""
    segment = Segment(create_segment(str(tmp_path), SegmentHeader(b"s" * 16, 1, 77, 0)))
    writer = JournalWriter(str(tmp_path), segment, offset=HEADER_SIZE, chain=0, last_lsn=0)
    for payloads in ([b"1a"], [b"2a", b"2b", b"2c"], [b"3a"], [b"4a", b"4b"]):
        with writer.lock:
            writer.append(payloads, [])
        writer.sync(writer.last_lsn)
    writer.close()
    return segment


@pytest.mark.parametrize(
    ("damaged", "left"),
    [
        ([], [1, 2, 3, 4]),
        ([0], [2, 3, 4]),
        ([1], [1, 3, 4]),
        ([2], [1, 3, 4]),
        ([3], [1, 3, 4]),
        ([4], [1, 2, 4]),
        ([5], [1, 2, 3]),
        ([6], [1, 2, 3]),
        ([1, 4], [1, 4]),
        ([3, 4, 5], [1]),
        ([0, 6], [2, 3]),
    ],
)
def test_no_part_of_a_transaction_passes_for_the_whole(
    segment: Segment, damaged: list[int], left: list[int]
) -> None:
    frames = list(FrameReader(segment))
    for number in damaged:
        overwrite(segment.path, frames[number].offset + FRAME_SIZE + 1, b"\xff")
    found = {
        lsn: b"".join(frame.payload for frame in parts) for lsn, parts in transactions(FrameReader(segment))
    }
    whole = {1: b"1a", 2: b"2a2b2c", 3: b"3a", 4: b"4a4b"}
    assert found == {lsn: whole[lsn] for lsn in left}
