"""What repair takes from a damaged journal: whole transactions only, also those behind the damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.files import overwrite

from diptych.journal.file import JournalFile
from diptych.journal.format import FRAME_SIZE, HEADER_SIZE, JournalHeader
from diptych.journal.reader import FrameReader
from diptych.journal.writer import JournalWriter, create_journal_file
from diptych.store.salvage import transactions


@pytest.fixture
def file(tmp_path: Path) -> JournalFile:
    """Transactions 1 (one frame), 2 (three), 3 (one), 4 (two)."""
    file = JournalFile(create_journal_file(str(tmp_path), JournalHeader(b"s" * 16, 1, 77, 0)))
    writer = JournalWriter(str(tmp_path), file, offset=HEADER_SIZE, chain=0, last_lsn=0)
    for payloads in ([b"1a"], [b"2a", b"2b", b"2c"], [b"3a"], [b"4a", b"4b"]):
        with writer.lock:
            writer.append(payloads, [])
        writer.sync(writer.last_lsn)
    writer.close()
    return file


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
    file: JournalFile, damaged: list[int], left: list[int]
) -> None:
    frames = list(FrameReader(file))
    for number in damaged:
        overwrite(file.path, frames[number].offset + FRAME_SIZE + 1, b"\xff")
    found = {
        lsn: b"".join(frame.payload for frame in parts) for lsn, parts in transactions(FrameReader(file))
    }
    whole = {1: b"1a", 2: b"2a2b2c", 3: b"3a", 4: b"4a4b"}
    assert found == {lsn: whole[lsn] for lsn in left}
