"""Segments as files: frames of all sizes read back, and every kind of end judged for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.files import flip

from diptych.errors import CorruptJournalError
from diptych.journal.file import JournalFile
from diptych.journal.format import COMMIT, CONTROL, HEADER_SIZE, PART, JournalHeader, encode_frame
from diptych.journal.reader import FrameReader, TailKind
from diptych.journal.writer import JournalWriter, create_journal_file

HEADER = JournalHeader(b"s" * 16, 1, 77, 0)


def make(directory: Path, transactions: list[list[bytes]], *, sync_each: bool = True) -> JournalFile:
    """A file with these transactions, each a list of frames' payloads, synced one by one or at the end."""
    journal_file = JournalFile(create_journal_file(str(directory), HEADER))
    writer = JournalWriter(str(directory), journal_file, offset=HEADER_SIZE, chain=0, last_lsn=0)
    for payloads in transactions:
        with writer.lock:
            writer.append(payloads, [])
        if sync_each:
            writer.sync(writer.last_lsn)
    writer.sync(writer.last_lsn)
    writer.close()
    return journal_file


@pytest.mark.parametrize(
    "sizes",
    [
        [0],
        [1, 7, 8, 9],
        [300_000],
        [262_144 - 32, 40],
        [10, 1_100_000, 10],
        [90_000] * 7,
        [2_000_000, 1, 2_000_000],
    ],
    ids=str,
)
def test_frames_of_any_size_are_read_back(tmp_path: Path, sizes: list[int]) -> None:
    payloads = [bytes([number]) * size for number, size in enumerate(sizes)]
    journal_file = make(tmp_path, [[payload] for payload in payloads])
    reader = FrameReader(journal_file)
    assert [frame.payload for frame in reader] == payloads
    assert reader.tail().kind is TailKind.CLEAN


def test_parts_and_commit_of_one_transaction_share_its_lsn(tmp_path: Path) -> None:
    journal_file = make(tmp_path, [[b"a"], [b"b", b"c", b"d"], [b"e"]])
    frames = list(FrameReader(journal_file))
    assert [(frame.lsn, frame.kind) for frame in frames] == [
        (1, COMMIT),
        (2, PART),
        (2, PART),
        (2, COMMIT),
        (3, COMMIT),
    ]


@given(st.data())
def test_a_torn_end_keeps_what_stands_before(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("torn")
    journal_file = make(directory, [[b"one"], [b"two" * 20], [b"three" * 9]])
    ends = [frame.end for frame in FrameReader(journal_file)]
    size = data.draw(st.integers(HEADER_SIZE, ends[-1]))
    with open(journal_file.path, "r+b") as file:
        file.truncate(size)
    reader = FrameReader(journal_file)
    assert [frame.end for frame in reader] == [end for end in ends if end <= size]
    assert reader.tail().kind is (TailKind.CLEAN if size in (HEADER_SIZE, *ends) else TailKind.TORN)


@given(st.data())
def test_a_flipped_bit_before_a_whole_frame_is_damage(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("flip")
    journal_file = make(directory, [[b"one"], [b"two" * 20], [b"three" * 9]])
    frames = list(FrameReader(journal_file))
    bit = data.draw(st.integers(8 * HEADER_SIZE, 8 * frames[1].end - 1))
    flip(journal_file.path, bit)
    reader = FrameReader(journal_file)
    hit = 0 if bit < 8 * frames[0].end else 1
    assert list(reader) == frames[:hit]
    tail = reader.tail()
    assert tail.kind is TailKind.DAMAGED
    assert (tail.offset, tail.resumes) == (frames[hit].offset, frames[hit + 1].offset)
    assert tail.resumes_lsn == hit + 2


@pytest.mark.parametrize(
    "transactions",
    [[[b"one"], [b"two" * 400, b"three" * 400]], [[b"one"], [b"two" * 400], [b"three" * 400]]],
    ids=["of one transaction", "of two transactions"],
)
def test_an_unsynced_frame_lost_before_one_that_survived_is_torn(
    tmp_path: Path, transactions: list[list[bytes]]
) -> None:
    """Writes that share an fsync reach the disk in any order: a power cut may keep the later one alone."""
    journal_file = make(tmp_path, transactions, sync_each=False)
    frames = list(FrameReader(journal_file))
    with open(journal_file.path, "r+b") as file:
        file.seek(frames[1].offset)
        file.write(bytes(frames[1].end - frames[1].offset))
    reader = FrameReader(journal_file)
    assert list(reader) == frames[:1]
    assert reader.tail().kind is TailKind.TORN


def test_a_frame_that_became_whole_after_it_was_looked_at_is_no_damage(tmp_path: Path) -> None:
    """A reader may look while the writer is half way through a frame; the next moment it is whole."""
    journal_file = make(tmp_path, [[b"one"], [b"two" * 20]])
    whole = Path(journal_file.path).read_bytes()
    second = list(FrameReader(journal_file))[1]
    Path(journal_file.path).write_bytes(whole[: second.offset + 40])
    reader = FrameReader(journal_file)
    assert [frame.lsn for frame in reader] == [1]
    Path(journal_file.path).write_bytes(whole)
    assert reader.tail().kind is not TailKind.DAMAGED


def test_a_frame_out_of_its_place_is_damage(tmp_path: Path) -> None:
    """Each frame alone is whole, and the chain says that they do not follow on each other."""
    journal_file = make(tmp_path, [[b"one"], [b"two"], [b"six"]])
    first, second, third = list(FrameReader(journal_file))
    data = Path(journal_file.path).read_bytes()
    swapped = data[: first.end] + data[second.end : third.end] + data[second.offset : second.end]
    Path(journal_file.path).write_bytes(swapped)
    reader = FrameReader(journal_file)
    assert [frame.lsn for frame in reader] == [1]
    assert reader.tail().kind is TailKind.DAMAGED


def test_a_segment_without_a_whole_header_is_refused(tmp_path: Path) -> None:
    path = create_journal_file(str(tmp_path), HEADER)
    with open(path, "r+b") as file:
        file.truncate(40)
    with pytest.raises(CorruptJournalError, match="shorter than"):
        JournalFile(path)


def test_an_open_segment_is_readable_after_its_file_was_removed(tmp_path: Path) -> None:
    journal_file = make(tmp_path, [[b"one"]])
    Path(journal_file.path).unlink()
    assert [frame.payload for frame in FrameReader(journal_file)] == [b"one"]


def test_a_control_frame_takes_no_lsn(tmp_path: Path) -> None:
    journal_file = JournalFile(create_journal_file(str(tmp_path), HEADER))
    writer = JournalWriter(str(tmp_path), journal_file, offset=HEADER_SIZE, chain=0, last_lsn=0)
    with writer.lock:
        writer.append([b"one"], [])
    writer.append_control(b"note")
    with writer.lock:
        writer.append([b"two"], [])
    writer.close()
    assert [(f.lsn, f.kind) for f in FrameReader(journal_file)] == [(1, COMMIT), (1, CONTROL), (2, COMMIT)]


def test_a_whole_frame_that_breaks_the_chain_in_its_own_place_is_damage(tmp_path: Path) -> None:
    """Nothing follows it and nothing says that it was synced, but no torn write looks like it."""
    journal_file = make(tmp_path, [[b"one"]])
    [first] = FrameReader(journal_file)
    stale, _ = encode_frame(2, COMMIT, b"two", salt=HEADER.salt, chain=first.checksum ^ 1)
    with open(journal_file.path, "ab") as file:
        file.write(stale)
    reader = FrameReader(journal_file)
    assert list(reader) == [first]
    tail = reader.tail()
    assert (tail.kind, tail.resumes) == (TailKind.DAMAGED, first.end)
