"""Segments built from any records, in any order, compared with a dict: of two schemas, both halves."""

from __future__ import annotations

import random
import re
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.files import tree
from tests.support.notes import NOTES, Note
from tests.support.records import record
from tests.support.segments import build, check_records, check_search, note, opened, packed

from diptych.change import term_hash
from diptych.errors import (
    CorruptSnapshotError,
    IncompatibleStoreError,
    InvalidArgumentError,
    InvalidRecordError,
    StoreClosedError,
)
from diptych.model import FileRecord
from diptych.schema.code import CODE
from diptych.segment import builder as builder_module
from diptych.segment import records as records_module
from diptych.segment.builder import SegmentBuilder
from diptych.segment.reader import Segment, bitmap_of, ids_in
from diptych.segment.rebuild import rebuild_records
from diptych.segment.records import RecordsWriter
from diptych.snapshot import postings as postings_module

WORDS = st.sampled_from(["alpha", "beta", "gamma", "delta"])
NOTE = st.builds(
    Note,
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
    st.lists(WORDS, max_size=4).map(tuple),
    st.lists(WORDS, max_size=6).map(" ".join),
)
NOTE_LISTS = st.lists(NOTE, min_size=1, max_size=25, unique_by=lambda one: one.title)
FILES = st.lists(
    st.builds(
        record,
        st.from_regex(r"[a-c]{1,3}/[a-e]{1,4}\.py", fullmatch=True),
        st.integers(0, 3),
        symbols=st.integers(0, 4),
    ),
    min_size=1,
    max_size=15,
    unique_by=lambda one: one.path,
)


@settings(max_examples=25)
@given(NOTE_LISTS)
def test_notes_are_what_the_dict_says_in_both_halves(notes: list[Note]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        segment = build(f"{directory}/segment", notes)
        model = packed(notes)
        check_records(segment, model, NOTES)
        check_search(opened([(segment, b"")]), [model], NOTES)


@settings(max_examples=20)
@given(FILES)
def test_files_are_what_the_dict_says_in_both_halves(files: list[FileRecord]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        segment = build(f"{directory}/segment", files, CODE)
        model = packed(files, CODE)
        check_records(segment, model, CODE)
        index = opened([(segment, b"")], CODE)
        check_search(index, [model], CODE)
        for one in files:
            for symbol in one.symbols:
                key_hashes = [match.key_hash for match in index.matches(index.parse(f'"{symbol.name}"'), 50)]
                assert segment.lookup_hash(1, term_hash(symbol.name.encode()))
                assert key_hashes


def check_rebuilt(segment: Segment, directory: Path) -> None:
    records = Path(segment.directory, "records.msgpack")
    before = records.read_bytes()
    records.write_bytes(b"gone")
    rebuilt = directory / "rebuilt"
    rebuilt.mkdir()
    path = rebuild_records(segment.directory, NOTES, segment.seal, str(rebuilt))
    assert tree(rebuilt) == {"records.msgpack": before}
    assert Path(path) == rebuilt / "records.msgpack"


@settings(max_examples=15)
@given(NOTE_LISTS, st.randoms(use_true_random=False))
def test_the_search_half_rebuilds_the_records_to_the_byte(notes: list[Note], order: random.Random) -> None:
    order.shuffle(notes)
    with tempfile.TemporaryDirectory() as directory:
        segment = build(f"{directory}/a", notes)
        check_rebuilt(segment, Path(directory))


def test_a_segment_of_before_terms_were_packed(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [note(number, "tag", f"t{number}", text="word " * 400) for number in range(200)]
    with monkeypatch.context() as patched:
        patched.setattr(builder_module, "RecordsWriter", partial(RecordsWriter, packed=False))
        older = build(memory_path / "older", notes)
    newer = build(memory_path / "newer", notes)
    model = packed(notes)
    for segment in (older, newer):
        check_records(segment, model, NOTES)
        check_search(opened([(segment, b"")]), [model], NOTES)
        assert list(segment.records.terms_of(1) or ()) == sorted({t.encode() for n in notes for t in n.tags})
        (memory_path / segment.digest).mkdir()
        check_rebuilt(segment, memory_path / segment.digest)
    assert newer.seal.records_bytes < older.seal.records_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="smaps is Linux's")
def test_a_scan_does_not_keep_in_memory_what_it_has_read(memory_path: Path) -> None:
    notes = [note(number, text="word " * 20_000) for number in range(80)]
    segment = build(memory_path / "s", notes)
    assert segment.seal.records_bytes > 8_000_000
    assert len(list(segment.scan())) == len(notes)
    [after] = Path("/proc/self/smaps").read_text().split(segment.records.path)[1:]
    [resident] = re.findall(r"^Rss: +(\d+) kB$", after, re.MULTILINE)[:1]
    assert int(resident) < 2_000
    check_records(segment, packed(notes), NOTES)


def test_a_scan_begins_after_any_key(memory_path: Path) -> None:
    notes = [note(number) for number in range(30)]
    segment = build(memory_path / "s", reversed(notes))
    keys = sorted(packed(notes))
    for number, key in enumerate(keys):
        assert [one.key for one in segment.scan(key)] == keys[number + 1 :]
        assert [one.key for one in segment.scan(key[:-1])] == [k for k in keys if k > key[:-1]]
    assert (segment.seal.first_key, segment.seal.last_key) == (keys[0], keys[-1])


def records_after_head(directory: Path) -> bytes:
    """The records' half, but for the segment's id."""
    return (directory / "records.msgpack").read_bytes()[30:]


def test_packed_records_give_the_same_bytes_as_records(memory_path: Path) -> None:
    notes = [note(number, "tag") for number in range(10)]
    first = build(memory_path / "a", notes)
    with SegmentBuilder(NOTES, str(memory_path / "b")) as builder:
        for key, payload in packed(notes).items():
            builder.add_packed(key, payload)
        assert len(builder) == 10
        assert builder.documents == 20
        assert builder.payload_bytes == sum(map(len, packed(notes).values()))
        seal = builder.seal()
    assert records_after_head(memory_path / "b") == records_after_head(memory_path / "a")
    assert seal.segment_id != first.seal.segment_id


def test_above_a_mebibyte_tantivys_files_stay_apart(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder_module, "BUNDLE_MAX_BYTES", 1_000)
    notes = [note(number, "tag") for number in range(10)]
    segment = build(memory_path / "s", notes)
    suffixes = ("fast", "fieldnorm", "idx", "pos", "store", "term")
    names = {f"{segment.seal.segment_id}.{suffix}" for suffix in suffixes}
    assert (
        set(tree(memory_path / "s")) == names | {"SEAL", "records.msgpack"} == {*segment.seal.files, "SEAL"}
    )
    check_search(opened([(segment, b"")]), [packed(notes)], NOTES)
    check_rebuilt(segment, memory_path)


def test_tantivy_may_work_on_another_file_system(
    tmp_path: Path, memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, limit in enumerate((1_000, 1_000_000)):
        monkeypatch.setattr(builder_module, "BUNDLE_MAX_BYTES", limit)
        work = memory_path / f"work{number}"
        work.mkdir()
        notes = [note(1, "tag")]
        segment = build(tmp_path / f"s{number}", notes, work=str(work))
        check_search(opened([(segment, b"")]), [packed(notes)], NOTES)


def test_what_spills_to_files_is_the_same(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [note(number, "a", "b", f"t{number % 7}", text="text " * 20) for number in range(200)]
    random.Random(3).shuffle(notes)
    build(memory_path / "a", notes)
    monkeypatch.setattr(records_module, "_SPOOL_BYTES", 2_000)
    monkeypatch.setattr(postings_module, "_SPILL_BYTES", 500)
    segment = build(memory_path / "b", notes)
    assert records_after_head(memory_path / "b") == records_after_head(memory_path / "a")
    check_records(segment, packed(notes), NOTES)


def test_a_second_record_of_a_key_is_refused_and_changes_nothing(memory_path: Path) -> None:
    with SegmentBuilder(NOTES, str(memory_path / "s")) as builder:
        builder.add(note(1))
        with pytest.raises(InvalidRecordError, match="already"):
            builder.add(note(1, "other"))
        with pytest.raises(InvalidRecordError):
            builder.add_packed(b"", b"")
        with pytest.raises(InvalidRecordError, match="bytes"):
            builder.add_packed(b"k", bytearray(b"x"))  # type: ignore[arg-type]
        builder.add(note(2))
        builder.seal()
        with pytest.raises(StoreClosedError):
            builder.add(note(3))
        with pytest.raises(StoreClosedError):
            builder.seal()
    check_records(Segment(str(memory_path / "s"), NOTES), packed([note(1), note(2)]), NOTES)


def test_without_a_record_there_is_no_segment(memory_path: Path) -> None:
    with SegmentBuilder(NOTES, str(memory_path / "s")) as builder:
        with pytest.raises(InvalidArgumentError):
            builder.seal()
        builder.add(note(1))
    assert not (memory_path / "s").exists()


def test_a_segment_of_another_schema_or_digest_is_refused(memory_path: Path) -> None:
    segment = build(memory_path / "s", [note(1)])
    Segment(segment.directory, NOTES, digest=segment.digest)
    with pytest.raises(IncompatibleStoreError):
        Segment(segment.directory, CODE)
    with pytest.raises(CorruptSnapshotError, match="not of 00"):
        Segment(segment.directory, NOTES, digest="00" * 32)


@given(st.sets(st.integers(0, 300)))
def test_a_bitmap_comes_back(ids: set[int]) -> None:
    assert list(ids_in(bitmap_of(sorted(ids)))) == sorted(ids)
