"""The journal's bytes: what is packed comes back, and no changed bit passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.change import FileIndexed, FileRemoved, SegmentAdopted, SnapshotCreated
from diptych.errors import CorruptJournalError, IncompatibleStoreError
from diptych.journal import format as journal

U64 = st.integers(0, 2**64 - 1)
KINDS = st.sampled_from([journal.PART, journal.COMMIT, journal.CONTROL])
FRAMES = st.tuples(U64, KINDS, st.binary(max_size=90))
CONTINUES = st.booleans()


@given(st.binary(min_size=16, max_size=16), U64, U64, U64)
def test_header_comes_back(store_id: bytes, first_lsn: int, salt: int, chain: int) -> None:
    header = journal.JournalHeader(store_id, first_lsn, salt, chain)
    data = journal.encode_header(header)
    assert len(data) == journal.HEADER_SIZE
    assert journal.decode_header(data, where="x") == header


@given(st.integers(0, journal.HEADER_SIZE * 8 - 1))
def test_header_with_any_bit_flipped_is_refused(bit: int) -> None:
    data = bytearray(journal.encode_header(journal.JournalHeader(b"s" * 16, 7, 8, 9)))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptJournalError):
        journal.decode_header(bytes(data), where="x")


def test_header_of_a_newer_format_is_incompatible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "FORMAT_VERSION", 3)
    data = journal.encode_header(journal.JournalHeader(b"s" * 16, 1, 1, 0))
    monkeypatch.setattr(journal, "FORMAT_VERSION", 2)
    with pytest.raises(IncompatibleStoreError, match="format 3"):
        journal.decode_header(data, where="x")


@given(FRAMES, U64, U64, st.binary(max_size=20), CONTINUES)
def test_frame_comes_back(
    frame: tuple[int, int, bytes], salt: int, chain: int, before: bytes, continues: bool
) -> None:
    lsn, kind, payload = frame
    data, checksum = journal.encode_frame(lsn, kind, payload, salt=salt, chain=chain, continues=continues)
    assert len(data) % 8 == 0
    found = journal.decode_frame(before + data, len(before), salt=salt, offset=640)
    assert found is not None
    assert (found.lsn, found.kind, found.payload, found.chain, found.checksum) == (
        lsn,
        kind,
        payload,
        chain,
        checksum,
    )
    assert found.continues is continues
    assert (found.offset, found.end) == (640, 640 + len(data))
    assert journal.frame_extent(data, 0) == len(data)


@given(FRAMES, U64, U64, st.data())
def test_frame_with_any_bit_flipped_is_none(
    frame: tuple[int, int, bytes], salt: int, chain: int, data: st.DataObject
) -> None:
    packed, _ = journal.encode_frame(*frame, salt=salt, chain=chain)
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    flipped = bytearray(packed)
    flipped[bit // 8] ^= 1 << bit % 8
    assert journal.decode_frame(bytes(flipped), 0, salt=salt, offset=0) is None


@given(FRAMES, U64, U64, st.data())
def test_frame_cut_short_is_none(
    frame: tuple[int, int, bytes], salt: int, chain: int, data: st.DataObject
) -> None:
    packed, _ = journal.encode_frame(*frame, salt=salt, chain=chain)
    length = data.draw(st.integers(0, len(packed) - 1))
    assert journal.decode_frame(packed[:length], 0, salt=salt, offset=0) is None


@given(FRAMES, U64, U64)
def test_frame_of_another_segment_is_none(frame: tuple[int, int, bytes], salt: int, other: int) -> None:
    packed, _ = journal.encode_frame(*frame, salt=salt, chain=1)
    found = journal.decode_frame(packed, 0, salt=other, offset=0)
    assert (found is not None) == (salt == other)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_frame(data: bytes) -> None:
    assert journal.decode_frame(data, 0, salt=5, offset=0) is None


ENTRIES = st.one_of(
    st.builds(SegmentAdopted, st.binary(max_size=50)),
    st.tuples(st.binary(min_size=1, max_size=20), U64, st.binary(max_size=50)),
    st.binary(min_size=1, max_size=20),
    st.tuples(U64, U64, U64),
)


@given(st.lists(ENTRIES, max_size=8))
def test_entries_come_back(entries: list[object]) -> None:
    payload, expected = b"", []
    for entry in entries:
        match entry:
            case SegmentAdopted():
                payload += journal.encode_change(entry)
                expected.append((entry, len(payload)))
            case bytes():
                removed = FileRemoved(entry)
                payload += journal.encode_change(removed)
                expected.append((removed, len(payload)))
            case (bytes(key), checksum, record):
                indexed = FileIndexed(key, checksum, record)
                payload += journal.encode_change(indexed)
                assert payload.endswith(record)
                expected.append((indexed, len(payload)))
            case (lsn, created_ms, checksum):
                created = SnapshotCreated(lsn, created_ms, checksum)
                payload += journal.encode_snapshot_created(created)
                expected.append((created, len(payload)))
    assert list(journal.decode_entries(payload, where="x")) == expected


@pytest.mark.parametrize(
    "payload", [b"\xc1", b"\x93\x01", b"\x92\x09\x01", b"\x92\x05\x01", b"\x01", b"\x92\x02\x05"]
)
def test_what_is_no_entry_is_refused(payload: bytes) -> None:
    with pytest.raises(CorruptJournalError):
        list(journal.decode_entries(payload, where="x"))


def test_a_payload_claimed_longer_than_the_file_allocates_nothing() -> None:
    """A length of 4 GB in a header is refused by the bytes that remain, before anything is read for it."""
    huge = journal.FRAME.pack(0, 0, 1, 64, 2**32 - 1, journal.SYNC, journal.COMMIT, 0)
    assert journal.decode_frame(huge + bytes(100), 0, salt=0, offset=0) is None
    assert journal.frame_extent(huge, 0) is None
