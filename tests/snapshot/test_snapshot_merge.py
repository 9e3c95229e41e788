"""Snapshots written one from the other, compared with a dict: records, both ways to find them, and counts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgpack
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.files import cut
from tests.support.notes import NOTES

from diptych.change import FileIndexed, FileRemoved, record_checksum
from diptych.errors import CorruptSnapshotError, StorageError
from diptych.snapshot import postings as postings_module
from diptych.snapshot.format import KEY_INDEX
from diptych.snapshot.postings import Postings
from diptych.snapshot.reader import SnapshotReader
from diptych.snapshot.writer import NO_TERMS, SnapshotInfo, extract_terms, write_snapshot

STORE_ID = b"snapshot merging"
Model = dict[bytes, bytes]


def payload(tags: Iterable[str], text: str = "") -> bytes:
    return bytes(msgpack.packb((tuple(tags), text)))


class Chain:
    """Snapshots, each written from the one before."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.lsn = directory, 0
        self.reader: SnapshotReader | None = None
        self.counts: tuple[int, ...] = ()
        self.model: Model = {}

    def write(self, changes: dict[bytes, bytes | None]) -> SnapshotInfo:
        self.lsn += 1
        path = str(self.directory / f"{self.lsn}.msgpack")
        written = write_snapshot(
            path,
            store_id=STORE_ID,
            lsn=self.lsn,
            schema=NOTES,
            base=self.reader,
            base_counts=self.counts,
            changes=[
                (FileRemoved(key), NO_TERMS)
                if data is None
                else (
                    FileIndexed(key, record_checksum(key, data), data),
                    extract_terms(NOTES.project(key, data)),
                )
                for key, data in sorted(changes.items())
            ],
        )
        self.reader, self.counts = SnapshotReader(path, size=written.size), written.counts
        for key, data in changes.items():
            if data is None:
                self.model.pop(key, None)
            else:
                self.model[key] = data
        assert written.blake3 == blake3(Path(path).read_bytes()).hexdigest()
        return written

    def check(self, *, terms: bool = True) -> None:
        reader, model = self.reader, self.model
        assert reader is not None
        keys = sorted(model)
        assert (reader.store_id, reader.lsn, len(reader)) == (STORE_ID, self.lsn, len(model))
        assert [(r.key, r.payload) for r in reader.scan()] == [(key, model[key]) for key in keys]
        assert len(set(reader.order())) == len(keys)
        by_tag: dict[bytes, set[tuple[bytes, int]]] = {}
        for key in keys:
            stored = reader.get(key)
            assert stored is not None
            assert (stored.key, stored.payload) == (key, model[key])
            postings = reader.lookup(KEY_INDEX, key)
            assert stored in [reader.record(posting >> 32) for posting in postings]
            for tag, item in NOTES.terms(model[key])[0]:
                by_tag.setdefault(tag, set()).add((key, item))
        assert reader.get(b"\xff never") is None
        for tag, expected in by_tag.items() if terms else ():
            found = [(reader.record(p >> 32).key, p & 0xFFFFFFFF) for p in reader.lookup(1, tag)]
            assert len(found) == len(expected)
            assert set(found) == expected
        assert list(reader.lookup(1, b"never a tag")) == []
        counted = [NOTES.counts(data) for data in model.values()]
        assert self.counts == tuple(map(sum, zip(*counted, strict=True))) or not counted
        if keys:
            middle = keys[len(keys) // 2]
            assert [r.key for r in reader.scan(after=middle)] == keys[len(keys) // 2 + 1 :]


KEYS = st.sampled_from([bytes([letter]) * count for letter in b"abcxyz" for count in (1, 2, 40)])
TAGS = st.lists(st.sampled_from(["red", "blue", "", "é"]), max_size=4)
DATA = st.builds(payload, TAGS, st.text(max_size=9))
CHANGES = st.dictionaries(KEYS, st.one_of(st.none(), DATA), max_size=8)


@settings(max_examples=60)
@given(st.lists(CHANGES, min_size=1, max_size=6))
def test_any_sequence_of_changes(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[dict[bytes, bytes | None]]
) -> None:
    directory = tmp_path_factory.mktemp("merge")
    chain = Chain(directory)
    for changes in sequence:
        chain.write(changes)
        chain.check()
    shutil.rmtree(directory)


def numbered(first: int, last: int, version: int = 0) -> dict[bytes, bytes | None]:
    return {
        b"key %06d" % number: payload([f"tag {number}", f"ten {number // 10}", f"v{version}"], "one two")
        for number in range(first, last)
    }


def test_growth_and_shrinking_rebuild_the_indexes(memory_path: Path) -> None:
    chain = Chain(memory_path)
    bits = []
    for changes in (
        numbered(0, 20),
        numbered(20, 2_000),
        numbered(500, 600, 1),
        dict.fromkeys(numbered(0, 1900)),
        {},
        numbered(0, 3_000, 2),
        {},
        dict.fromkeys(numbered(0, 3000)),
        numbered(5, 6),
    ):
        chain.write(changes)
        chain.check()
        assert chain.reader is not None
        bits.append(chain.reader.trailer.indexes[0].bits)
        for index in (0, 1):
            for bucket in range(1 << chain.reader.trailer.indexes[index].bits):
                chain.reader.bucket(index, bucket)
    assert bits[1] > bits[0] + 3
    # What was left is seen by the one that comes next.
    assert bits[4] < bits[3]


def test_ids_of_removed_records_are_used_again(memory_path: Path) -> None:
    chain = Chain(memory_path)
    chain.write(numbered(0, 100))
    chain.write(dict.fromkeys(numbered(10, 60)))
    chain.write(numbered(200, 250))
    chain.check()
    assert chain.reader is not None
    assert chain.reader.trailer.ids == 100


def test_unchanged_records_are_the_same_bytes(memory_path: Path) -> None:
    chain = Chain(memory_path)
    chain.write(numbered(0, 50))
    before = chain.reader
    assert before is not None
    chain.write(numbered(10, 11, 1))
    assert chain.reader is not None
    for key in numbered(11, 50):
        assert chain.reader.get(key) == before.get(key)


def test_many_postings_spill_to_a_file_and_come_back(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings_module, "_SPILL_BYTES", 4_096)
    chain = Chain(memory_path)
    chain.write(numbered(0, 1_500))
    chain.check()
    chain.write(numbered(700, 2_500, 1))
    chain.check()
    assert sorted(path.suffix for path in memory_path.iterdir() if path.is_file()) == [".msgpack"] * 2


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)), max_size=200), st.data())
def test_postings_are_grouped_in_order_of_hash(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    pairs += [(data.draw(st.sampled_from([p[0] for p in pairs])), 7) for _ in range(3) if pairs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings_module, "_SPILL_BYTES", data.draw(st.sampled_from([64, 1_000, 10**6])))
        postings = Postings(str(tmp_path_factory.getbasetemp()))
        for begin in range(0, len(pairs), 7):
            postings.add([part for pair in pairs[begin : begin + 7] for part in pair], 5 << 32)
        expected: dict[int, list[int]] = {}
        for hash_, posting in pairs:
            expected.setdefault(hash_, []).append(5 << 32 | posting)
        assert list(postings.grouped()) == [(hash_, expected[hash_]) for hash_ in sorted(expected)]
        assert postings.count == len(pairs)
        assert postings.distinct() == len(expected)
        postings.close()


def test_a_snapshot_of_nothing(memory_path: Path) -> None:
    chain = Chain(memory_path)
    chain.write({})
    chain.check()
    chain.write({b"never": None})
    chain.check()


def test_the_longest_key_and_the_longest_path_to_it(memory_path: Path) -> None:
    chain = Chain(memory_path)
    chain.write({b"k" * 65_535: payload(["t" * 100_000]), b"k" * 65_534: payload([])})
    chain.check()


def test_a_snapshot_of_another_size_is_not_opened(memory_path: Path) -> None:
    chain = Chain(memory_path)
    size = chain.write(numbered(0, 3)).size
    path = str(memory_path / "1.msgpack")
    with pytest.raises(CorruptSnapshotError, match="bytes instead of"):
        SnapshotReader(path, size=size + 1)
    cut(path, 1)
    for count in (0, 1, 100, size - 120):
        cut(path, count)
        with pytest.raises(CorruptSnapshotError):
            SnapshotReader(path)
    with pytest.raises(StorageError):
        SnapshotReader(str(memory_path / "none"))
    with pytest.raises(StorageError):
        SnapshotReader(str(memory_path))


def test_an_existing_file_is_never_overwritten(memory_path: Path) -> None:
    chain = Chain(memory_path)
    chain.write({})
    chain.lsn = 0
    with pytest.raises(StorageError, match="exists"):
        chain.write({})


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps"), reason="reads /proc/self/smaps")
def test_a_merge_does_not_leave_its_base_in_memory(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    size = chain.write({b"%06d" % number: payload("a", "text" * 1_000) for number in range(4_000)}).size
    base = chain.reader
    assert base is not None
    chain.write({b"%06d" % number: payload("b") for number in range(0, 4_000, 2)})
    assert _resident_bytes(base.path) < size / 8
    assert base.get(b"000001") is not None


def _resident_bytes(path: str) -> int:
    mapped, resident_bytes = False, 0
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if line.endswith(path):
            mapped = True
        elif mapped and line.startswith("Rss:"):
            resident_bytes += 1024 * int(line.split()[1])
            mapped = False
    return resident_bytes
