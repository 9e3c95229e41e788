"""Records that do not decode under the schema: refused from strangers, and elsewhere damage of one record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.damage import MANUAL
from tests.support.invariants import check_reads, check_search
from tests.support.records import numbered, record

from diptych import CorruptionError, InvalidRecordError, SegmentBuilder, Store, repair, verify
from diptych.change import StoredRecord, record_checksum
from diptych.schema.base import Projection
from diptych.schema.code import CODE, CodeSchema
from diptych.schema.undecodable import counts_of
from diptych.segment.builder import BuiltSegment

BAD = b"pkg/bad.py"
# Each passes for a record at the first glance: its msgpack is valid.
PAYLOADS = {
    "no array": b"\x01",
    "cut off": CODE.pack(record("pkg/bad.py"))[:-3],
    "a name that is a number": bytes.fromhex("94 a0 a0 91 96 01 a1 61 94 00 00 00 00 a0 a0 a0 90"),
}


def segment(path: Path, payload: bytes, counts: tuple[int, ...] | None = None) -> str:
    """A segment of intact records and of one of that payload, as a builder with another schema would make."""
    with SegmentBuilder(CODE, path) as builder:
        for number in range(3):
            builder.add(record(f"pkg/{number:03d}.py"))
        projection = Projection(counts or counts_of(CODE, payload), ((), ()), ())
        builder.add_stored(StoredRecord(BAD, record_checksum(BAD, payload), payload), projection)
        built: BuiltSegment = builder.finish()
    return built.path


def store_with(path: str, payload: bytes, built: Path, counts: tuple[int, ...] | None = None) -> Store:
    """A store that adopted one, as an earlier release let it."""
    store = Store.open(path, policy=MANUAL)
    with store.transaction() as txn:
        txn.adopt(segment(built, payload, counts), trusted=True)
    return store


def undecodable(path: str) -> list[str]:
    """The keys that verify names."""
    found = [one.message for one in verify(path).findings if one.kind == "record-undecodable"]
    return [key.group() for message in found if (key := re.search("'[^']*'", message))]


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_segment_with_one_is_refused(store_path: str, memory_path: Path, payload: bytes) -> None:
    path = segment(memory_path / "built", payload)
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn, pytest.raises(InvalidRecordError, match=r"'pkg/bad\.py'.* be read"):
            txn.adopt(path)
        assert (store.lsn, len(store)) == (0, 0)
    assert (memory_path / "built").is_dir()


def test_so_is_one_whose_halves_or_counts_differ(store_path: str, memory_path: Path) -> None:
    """A search would find what no record has."""
    payload = CODE.pack(record("pkg/bad.py"))
    projection = CODE.project(BAD, payload)
    lying = {
        "counts": projection._replace(counts=(9, 9)),
        "documents": projection._replace(documents=[*projection.documents, *projection.documents]),
        "nothing": projection._replace(documents=[]),
    }
    with Store.open(store_path, policy=MANUAL) as store:
        for name, said in lying.items():
            with SegmentBuilder(CODE, memory_path / name) as builder:
                builder.add_stored(StoredRecord(BAD, record_checksum(BAD, payload), payload), said)
                path = builder.finish().path
            with store.transaction() as txn, pytest.raises(CorruptionError):
                txn.adopt(path)
        assert store.lsn == 0


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_checkpoints_go_past_one(store_path: str, memory_path: Path, payload: bytes, compact: bool) -> None:
    files = {one.path: one for one in numbered(3)}
    with store_with(store_path, payload, memory_path / "built") as store:
        store.checkpoint(compact=compact)
        with store.transaction() as txn:
            txn.index_file(record("pkg/001.py", 1))
        store.checkpoint(compact=compact)
        files["pkg/001.py"] = record("pkg/001.py", 1)
        for path, one in files.items():
            assert store.file(path) == one
        check_search(store, files)
        symbols = sum(len(one.symbols) for one in files.values()) + counts_of(CODE, payload)[0]
        assert store.stats().counts["symbols"] == symbols
        assert b"a" not in dict(store.terms("symbols"))
    assert undecodable(store_path) == ["'pkg/bad.py'"]
    report = repair(store_path)
    assert report.actions == ["nothing is damaged: nothing to repair"]
    with Store.open(store_path, policy=MANUAL) as store:
        store.backup(memory_path / "backup")
        assert len(store) == 4


@pytest.mark.parametrize("moment", ["in the journal", "in a generation"])
@pytest.mark.parametrize("remedy", ["indexed", "removed"])
def test_it_is_gone_when_it_was_replaced(
    store_path: str, memory_path: Path, moment: str, remedy: str
) -> None:
    payload, counted = PAYLOADS["no array"], (7, 0)
    files = {one.path: one for one in numbered(3)}
    with store_with(store_path, payload, memory_path / "built", counted) as store:
        if moment == "in a generation":
            store.checkpoint()
            assert store.stats().counts["symbols"] == 7 + sum(len(one.symbols) for one in files.values())
        with store.transaction() as txn:
            if remedy == "indexed":
                files["pkg/bad.py"] = record("pkg/bad.py")
                txn.index_file(files["pkg/bad.py"])
            else:
                txn.remove_file("pkg/bad.py")
        assert undecodable(store_path) == []
        store.checkpoint()
        check_reads(store, files)
        check_search(store, files)
        # What the segment's builder counted went with it.
        assert store.stats().counts["symbols"] == sum(len(one.symbols) for one in files.values())
    assert verify(store_path).ok


def test_its_segment_is_rebuilt_from_the_search_half(store_path: str, memory_path: Path) -> None:
    with store_with(store_path, PAYLOADS["no array"], memory_path / "built") as store:
        store.checkpoint()
    [records] = Path(store_path, "segments").glob("*/records.msgpack")
    records.unlink()
    with Store.open(store_path, policy=MANUAL) as store:
        assert len(store) == 4
        store.checkpoint()
        check_search(store, {one.path: one for one in numbered(3)})
    assert undecodable(store_path) == ["'pkg/bad.py'"]


def test_each_record_is_decoded_once(
    store_path: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To see that it decodes, to count it, and to compare the halves."""
    with SegmentBuilder(CODE, memory_path / "built") as builder:
        for number in range(20):
            builder.add(record(f"pkg/{number:03d}.py"))
        built = builder.finish()
    decoded: list[bytes] = []
    for name in ("project", "documents"):
        method = getattr(CodeSchema, name)

        def noted(self: CodeSchema, key: bytes, payload: bytes, method: Any = method) -> Any:
            decoded.append(key)
            return method(self, key, payload)

        monkeypatch.setattr(CodeSchema, name, noted)
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.adopt(built.path)
        assert len(decoded) == len(set(decoded)) == len(store) == 20
