"""Damage, errors while writing, and crashes: refused or right, and nothing left that looks complete."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.files import tree
from tests.support.notes import NOTES
from tests.support.records import numbered
from tests.support.segments import Model, build, check_records, check_search, children, note, opened, packed

from diptych import fs
from diptych.errors import (
    CorruptionError,
    CorruptSearchError,
    CorruptSnapshotError,
    StorageError,
    StorageFullError,
    StoreClosedError,
)
from diptych.schema.code import CODE
from diptych.search import one_segment
from diptych.segment import builder as builder_module
from diptych.segment.builder import SegmentBuilder
from diptych.segment.reader import Segment, verify_file
from diptych.segment.rebuild import rebuild_records
from diptych.snapshot import hashed

NOTE_LIST = [note(number, "tag", f"t{number % 3}", text="alpha beta") for number in range(6)]
SUFFIXES = ("fast", "fieldnorm", "idx", "pos", "store", "term")


def answers(directory: str, digest: str, model: Model, *, records_alone: bool = False) -> bool:
    """Whether the segment answers, and right; False where it is refused by a CorruptionError.

    `records_alone`: the records' half alone, without comparing it with SEAL.
    """
    try:
        segment = Segment(directory, NOTES, digest=digest)
        check_records(segment, model, NOTES)
        if not records_alone:
            verify_file(directory, "records.msgpack", segment.seal)
            check_search(opened([(segment, b"")]), [model], NOTES)
    except CorruptionError:
        return False
    return True


@pytest.mark.parametrize("bundled", [True, False])
def test_a_damaged_byte_anywhere_is_refused(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, bundled: bool
) -> None:
    if not bundled:
        monkeypatch.setattr(builder_module, "BUNDLE_MAX_BYTES", 1)
    segment = build(memory_path / "s", NOTE_LIST)
    model = packed(NOTE_LIST)
    assert answers(segment.directory, segment.digest, model)
    chance = random.Random(bundled)
    for name in children(memory_path / "s"):
        path = memory_path / "s" / name
        content = path.read_bytes()
        places = set(range(min(len(content), 40))) | {len(content) - 1}
        places |= {chance.randrange(len(content)) for _ in range(150)}
        for at in sorted(places):
            damaged = bytearray(content)
            damaged[at] ^= 1 << chance.randrange(8)
            path.write_bytes(damaged)
            assert not answers(segment.directory, segment.digest, model), (name, at)
        for other in (content[:-1], content + b"\0", b""):
            path.write_bytes(other)
            assert not answers(segment.directory, segment.digest, model), (name, len(other))
        path.unlink()
        assert not answers(segment.directory, segment.digest, model)
        path.write_bytes(content)
    assert answers(segment.directory, segment.digest, model)


def test_records_are_checked_when_they_are_read(memory_path: Path) -> None:
    """All of a record, a bucket, a filter, and the first documents; the order of keys is what SEAL covers."""
    segment = build(memory_path / "s", NOTE_LIST)
    model = packed(NOTE_LIST)
    path = memory_path / "s" / "records.msgpack"
    content = path.read_bytes()
    refused = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 0x40
        path.write_bytes(damaged)
        # Right, or refused: check_records fails where an answer is wrong.
        refused += not answers(segment.directory, segment.digest, model, records_alone=True)
    assert refused > len(content) * 0.9


def test_each_half_says_that_it_is_the_damaged_one(memory_path: Path) -> None:
    segment = build(memory_path / "s", NOTE_LIST)
    bundle = memory_path / "s" / "search.bundle"
    content = bundle.read_bytes()
    bundle.write_bytes(content[:-1] + b"\1")
    opened_again = Segment(segment.directory, NOTES)
    check_records(opened_again, packed(NOTE_LIST), NOTES)
    with pytest.raises(CorruptSearchError, match="not what SEAL says"):
        opened_again.component()
    with pytest.raises(CorruptSearchError, match="not what SEAL says"):
        rebuild_records(segment.directory, NOTES, segment.seal, str(memory_path))
    bundle.write_bytes(content)
    opened_again.component()
    (memory_path / "s" / "records.msgpack").write_bytes(b"")
    with pytest.raises(CorruptSnapshotError, match="ends after 0 bytes"):
        Segment(segment.directory, NOTES)
    assert children(memory_path) == ["s", "tmp"]


def test_a_search_half_of_another_index_format_is_refused(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(builder_module, "INDEX_FORMAT", 6)
        older = build(memory_path / "s", NOTE_LIST)
    with pytest.raises(CorruptSearchError, match="format 6, not 7"):
        older.component()
    check_records(older, packed(NOTE_LIST), NOTES)


def test_what_stands_in_the_place_of_a_file_is_not_opened(memory_path: Path) -> None:
    segment = build(memory_path / "s", NOTE_LIST)
    for name, error in (
        ("SEAL", (StorageError, CorruptionError)),
        ("records.msgpack", (StorageError, CorruptSnapshotError)),
        ("search.bundle", CorruptSearchError),
    ):
        path = memory_path / "s" / name
        path.rename(memory_path / "outside")
        for put in (lambda path: path.symlink_to(memory_path / "outside"), os.mkfifo):
            put(path)
            with pytest.raises(error):
                Segment(segment.directory, NOTES).component()
            path.unlink()
        (memory_path / "outside").rename(path)


def fail_at(number: int, real: Callable[..., Any], error: OSError) -> Callable[..., Any]:
    """`real`, but its call of that number fails."""
    calls = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise error
        return real(*arguments, **options)

    return call


FULL = OSError(28, "No space left on device")
FAILING = [
    (hashed.os, "write", FULL),
    (hashed.os, "open", OSError(24, "Too many open files")),
    (hashed, "fsync_fd", OSError(5, "Input/output error")),
    (fs, "fsync_file", StorageFullError("full", errno=28)),
    (fs, "fsync_dir", StorageError("no", errno=5)),
    (fs, "rename", StorageError("no", errno=5)),
    (fs, "digest_stable_file", StorageError("no", errno=5)),
    (fs, "read_bounded", OSError(5, "Input/output error")),
    (one_segment, "read_written", StorageError("no", errno=5)),
]


@pytest.mark.parametrize("bundled", [True, False])
@pytest.mark.parametrize(("where", "name", "error"), FAILING, ids=lambda value: str(value)[:30])
def test_an_error_while_sealing_leaves_nothing(
    memory_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    error: OSError,
    bundled: bool,
) -> None:
    if not bundled:
        monkeypatch.setattr(builder_module, "BUNDLE_MAX_BYTES", 1)
    failed = 0
    for number in range(1, 7):
        with SegmentBuilder(NOTES, str(memory_path / "s")) as builder:
            for one in NOTE_LIST:
                builder.add(one)
            with monkeypatch.context() as patch:
                patch.setattr(where, name, fail_at(number, getattr(where, name), error))
                try:
                    builder.seal()
                except StorageError:
                    failed += 1
                    assert not (memory_path / "s").exists()
                    with pytest.raises(StoreClosedError):
                        builder.seal()
        shutil.rmtree(memory_path / "s", ignore_errors=True)
    assert failed or (name in ("fsync_file", "rename", "digest_stable_file")) == bundled
    assert children(memory_path) == ["tmp"]


def test_an_error_while_adding_leaves_nothing(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = SegmentBuilder(NOTES, str(memory_path / "s"))
    builder.add(NOTE_LIST[0])
    with monkeypatch.context() as patch:
        patch.setattr(builder_module.RecordsWriter, "add", fail_at(1, None, StorageFullError("full")))  # type: ignore[arg-type]
        with pytest.raises(StorageFullError):
            builder.add(NOTE_LIST[1])
    assert children(memory_path) == ["tmp"]
    with pytest.raises(StoreClosedError):
        builder.add(NOTE_LIST[2])
    builder.close()


def test_a_directory_that_exists_is_not_built_in(memory_path: Path) -> None:
    (memory_path / "s").mkdir()
    (memory_path / "s" / "precious").write_bytes(b"x")
    with pytest.raises(StorageError, match="exists"):
        SegmentBuilder(NOTES, str(memory_path / "s"))
    assert tree(memory_path / "s") == {"precious": b"x"}


class Killed(BaseException):
    """In the place of a kill -9: nothing is cleaned up after it."""


def test_a_builder_killed_at_any_fsync_leaves_what_is_seen_to_be_incomplete(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before SEAL is written there is none; later all is written, and any of it may not be on the disk."""
    events: list[tuple[str, list[str]]] = []
    real = fs.fsync_dir

    def watched_write(path: str, data: bytes) -> Any:
        events.append((os.path.basename(path), children(memory_path / "s")))
        return write_unsynced(path, data)

    def watched_fsync(fd: int) -> None:
        events.append(("fsync", children(memory_path / "s")))

    def watched_dir(path: str) -> None:
        events.append(("fsync_dir", children(memory_path / "s")))
        real(path)

    write_unsynced = builder_module.write_unsynced
    monkeypatch.setattr(builder_module, "write_unsynced", watched_write)
    monkeypatch.setattr(hashed, "fsync_fd", watched_fsync)
    monkeypatch.setattr(fs, "fsync_dir", watched_dir)
    segment = build(memory_path / "s", NOTE_LIST)
    done = ["SEAL", "records.msgpack", "search.bundle"]
    assert [name for name, _ in events] == ["search.bundle", "SEAL", "fsync", "fsync", "fsync", "fsync_dir"]
    assert all("SEAL" not in names for _, names in events[:2])
    # Everything is written, and Tantivy's own directory gone, before the first fsync.
    assert all(names == done for _, names in events[2:])
    (memory_path / "s" / "SEAL").unlink()
    with pytest.raises(CorruptSnapshotError, match="not complete"):
        Segment(segment.directory, NOTES)


def test_each_file_apart_is_fsynced_after_all_are_written(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def watched(path: str) -> None:
        assert "SEAL" in children(memory_path / "s")
        synced.append(os.path.basename(path))

    monkeypatch.setattr(builder_module, "BUNDLE_MAX_BYTES", 1)
    monkeypatch.setattr(fs, "fsync_file", watched)
    monkeypatch.setattr(fs, "fsync_dir", watched)
    segment = build(memory_path / "s", NOTE_LIST)
    # Last the names. The other two files are fsynced by who wrote them, as in the test above.
    assert synced[-1] == "s"
    assert set(synced[:-1]) == set(segment.seal.files) - {"records.msgpack"}


@pytest.mark.parametrize("name", ["search.bundle", "SEAL"])
def test_a_builder_killed_before_seal_leaves_no_segment(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = builder_module.write_unsynced

    def killed(path: str, data: bytes) -> Any:
        if path.endswith(name):
            raise Killed
        return real(path, data)

    monkeypatch.setattr(builder_module, "write_unsynced", killed)
    monkeypatch.setattr(fs, "remove_tree", lambda path: None)
    with pytest.raises(Killed):
        build(memory_path / "s", NOTE_LIST)
    assert "SEAL" not in children(memory_path / "s")
    with pytest.raises(CorruptSnapshotError, match="not complete"):
        Segment(str(memory_path / "s"), NOTES)


def test_a_record_damaged_after_it_was_opened_is_refused(memory_path: Path) -> None:
    segment = build(memory_path / "s", numbered(5), CODE)
    path = memory_path / "s" / "records.msgpack"
    at = path.read_bytes().find(b"pkg/003.py") + 40
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"\xff\xff")
    with pytest.raises(CorruptSnapshotError):
        segment.get(b"pkg/003.py")
    assert segment.get(b"pkg/002.py") is not None
