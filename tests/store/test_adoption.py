"""Segments that transactions adopt: read at once, kept by every recovery, refused where they are wrong."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.cli.command import document, text
from tests.support.damage import MANUAL
from tests.support.files import overwrite
from tests.support.invariants import check_counts, check_directory, check_reads, check_search, check_whole
from tests.support.notes import NOTES
from tests.support.records import numbered, record
from tests.support.segments import note
from tests.support.waiting import wait_until

from diptych import (
    CorruptionError,
    CorruptStoreError,
    FileRecord,
    IncompatibleStoreError,
    InvalidArgumentError,
    InvalidRecordError,
    SegmentBuilder,
    StorageError,
    Store,
    UnknownFileError,
    fs,
    repair,
    verify,
)
from diptych.layout import BUNDLE, RECORDS, SEAL
from diptych.schema.base import Projection
from diptych.schema.code import CODE, CodeSchema
from diptych.schema.fields import Field
from diptych.store.adopting import Adopting
from diptych.store.checkpoint import publish
from diptych.store.checkpoint.unpublished import UnpublishedGeneration
from diptych.store.generation import read_manifest
from diptych.store.report import Severity

Files = dict[str, FileRecord]


def built(path: Path, records: Iterable[FileRecord], name: str = "segment") -> str:
    """The path of a segment of these records."""
    with SegmentBuilder(CODE, path / name) as builder:
        for one in records:
            builder.add(one)
        return builder.finish().path


def files_of(*records: Iterable[FileRecord]) -> Files:
    return {one.path: one for some in records for one in some}


def adopt(store: Store, path: str) -> int:
    with store.transaction() as txn:
        txn.adopt(path)
    return txn.lsn


def put(store: Store, *records: FileRecord) -> int:
    with store.transaction() as txn:
        for one in records:
            txn.index_file(one)
    return txn.lsn


def check(store: Store, files: Files) -> None:
    check_reads(store, files)
    check_search(store, files)
    check_counts(store, files)
    assert store.search("kind:function", limit=1).total == sum(len(one.symbols) for one in files.values())
    with store.view() as view:
        check_reads(view, files)
        check_search(view, files)


def segments_in(path: str) -> list[str]:
    return sorted(name for name in os.listdir(f"{path}/segments") if len(name) == 64)


def test_a_builder_leaves_a_durable_segment(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), real(fd)))
    with SegmentBuilder(CODE, memory_path / "segment") as builder:
        for one in numbered(3):
            builder.add(one)
        made = builder.finish()
    assert made.records == 3
    assert len(made.digest) == 64
    names = sorted(os.listdir(made.path))
    assert names == sorted([SEAL, RECORDS, BUNDLE])
    assert {f"{made.path}/{name}" for name in names} <= set(synced)
    assert synced[-2:] == [made.path, str(memory_path)]


def test_it_is_read_before_and_after_the_next_generation(store_path: str, memory_path: Path) -> None:
    files = files_of(numbered(20))
    with Store.open(store_path, policy=MANUAL) as store:
        with Store.open(store_path, read_only=True) as reader:
            assert adopt(store, built(memory_path, files.values())) == 1
            check(store, files)
            assert reader.refresh() == 1
            check(reader, files)
        assert not (memory_path / "segment").exists()
        check_whole(store_path)
        store.checkpoint()
        check(store, files)
        # It is the generation: nothing was written again.
        manifest = read_manifest(f"{store_path}/generations/{1:020d}")
        assert [one.digest for one in manifest.segments] == segments_in(store_path)
    check_whole(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files)


def test_recovery_replays_it(store_path: str, memory_path: Path) -> None:
    files = files_of(numbered(20), [record("single.py")])
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, built(memory_path, numbered(20)))
        put(store, record("single.py"))
    for _ in range(2):
        with Store.open(store_path, policy=MANUAL) as store:
            assert (store.lsn, store.recovery) == (2, [])
            check(store, files)
        with Store.open(store_path, read_only=True) as store:
            check(store, files)
    check_whole(store_path)


def test_changes_before_and_after_it(store_path: str, memory_path: Path) -> None:
    """Keys in a generation, in the journal and in another segment are replaced; later changes replace it."""
    with Store.open(store_path, policy=MANUAL) as store:
        files = files_of(numbered(30))
        put(store, *files.values())
        store.checkpoint()
        put(store, *numbered(5, 1, first=8))
        before = store.view()
        old_files = files | files_of(numbered(5, 1, first=8))
        adopt(store, built(memory_path, numbered(15, 2, first=5), "one"))
        adopt(store, built(memory_path, numbered(10, 3, first=18), "two"))
        # One with the same symbols as the record that it replaces.
        put(
            store,
            record("pkg/007.py", 4),
            record("pkg/019.py", 4),
            record("pkg/009.py", 2, documentation="x"),
        )
        with store.transaction() as txn:
            txn.remove_file("pkg/006.py")
            txn.remove_file("pkg/020.py")
        files |= files_of(
            numbered(15, 2, first=5),
            numbered(10, 3, first=18),
            [record("pkg/007.py", 4), record("pkg/019.py", 4), record("pkg/009.py", 2, documentation="x")],
        )
        del files["pkg/006.py"], files["pkg/020.py"]
        check(store, files)
        check_reads(before, old_files)
        check_search(before, old_files)
        assert list(store.keys()) == [path.encode() for path in sorted(files)]
        names = Counter(symbol.name for one in files.values() for symbol in one.symbols)
        counted = [(name.encode(), count) for name, count in sorted(names.items())]
        assert store.terms("symbols") == counted
        with Store.open(store_path, read_only=True) as reader:
            check(reader, files)
            assert reader.terms("symbols", limit=3) == counted[:3]
        store.checkpoint()
        check(store, files)
        check_reads(before, old_files)
        before.close()
        check_whole(store_path)
        store.checkpoint(compact=True)
        check(store, files)
    check_whole(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files)
    check_directory(store_path)


def test_a_transaction_reads_what_it_adopts_and_may_hold_other_changes(
    store_path: str, memory_path: Path
) -> None:
    files = files_of(numbered(10), [record("other.py")])
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("gone.py"), record("pkg/003.py", 9))
        with store.transaction(metadata={"commit": "c0ffee"}) as txn:
            txn.index_file(record("other.py"))
            assert txn.adopt(built(memory_path, numbered(10))) == 10
            txn.remove_file("gone.py")
            assert txn.get("pkg/003.py") == files["pkg/003.py"]
            assert txn.hash("pkg/003.py") is not None
            assert store.get("pkg/003.py") == record("pkg/003.py", 9)
        assert store.stats().metadata == {"commit": "c0ffee"}
        check(store, files)
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files)
        with store.transaction() as txn:
            token = txn.hash("pkg/003.py")
            txn.put(record("pkg/003.py", 1), if_hash=token)


def test_one_key_is_changed_once(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        path = built(memory_path, numbered(10))
        with store.transaction() as txn:
            txn.index_file(record("pkg/004.py", 1))
            with pytest.raises(InvalidRecordError, match=r"pkg/004\.py"):
                txn.adopt(path)
        assert files_of(store.files()) == files_of([record("pkg/004.py", 1)])
        with store.transaction() as txn:
            txn.adopt(path)
            for refused in (
                lambda: txn.index_file(record("pkg/004.py", 2)),
                lambda: txn.remove_file("pkg/004.py"),
                lambda: txn.put_packed(b"pkg/004.py", CODE.pack(record("pkg/004.py", 2))),
                lambda: txn.adopt(built(memory_path, numbered(1, first=9), "second")),
            ):
                with pytest.raises(InvalidRecordError):
                    refused()
        check(store, files_of(numbered(10)))


def test_it_is_durable_before_the_journal_names_it(
    store_path: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was copied here by a tool that syncs nothing."""
    path = built(memory_path, numbered(3))
    done: list[tuple[str, str]] = []
    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, _noted(done, name, getattr(os, name)))
    with Store.open(store_path, policy=MANUAL) as store:
        journal = store._handle._journal  # type: ignore[union-attr]
        monkeypatch.setattr(journal, "_write", _noted(done, "write", journal._write))
        adopt(store, path)
        [digest] = segments_in(store_path)
    renamed = done.index(("replace", path))
    written = next(place for place, (what, _) in enumerate(done) if what == "write")
    for name in ("", f"/{SEAL}", f"/{RECORDS}", f"/{BUNDLE}"):
        assert ("fsync", path + name) in done[:renamed]
    assert ("fsync", f"{store_path}/segments") in done[renamed:written]
    assert os.path.isdir(f"{store_path}/segments/{digest}")


def _noted(done: list[tuple[str, str]], name: str, real: Any) -> Any:
    def call(first: Any, *rest: Any) -> Any:
        where = os.readlink(f"/proc/self/fd/{first}") if name == "fsync" else str(first)[:500]
        done.append((name, where))
        return real(first, *rest)

    return call


def test_a_rollback_leaves_the_directory(store_path: str, memory_path: Path) -> None:
    path = built(memory_path, numbered(10))
    with Store.open(store_path, policy=MANUAL) as store:
        with pytest.raises(ZeroDivisionError), store.transaction() as txn:
            txn.adopt(path)
            raise ZeroDivisionError
        assert (store.lsn, len(store)) == (0, 0)
        assert os.path.isdir(path)
        adopt(store, path)
        check(store, files_of(numbered(10)))


def test_a_failed_append_puts_it_back(
    store_path: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = built(memory_path, numbered(10))
    with Store.open(store_path, policy=MANUAL) as store:
        journal = store._handle._journal  # type: ignore[union-attr]
        with monkeypatch.context() as patch:
            patch.setattr(journal, "_write", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
            with pytest.raises(StorageError):
                adopt(store, path)
        assert os.path.isdir(path)
        assert segments_in(store_path) == []
        check(store, {})
        adopt(store, path)
        check(store, files_of(numbered(10)))


def test_from_another_file_system_it_is_copied(
    store_path: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = built(memory_path, numbered(10))
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        if source == path:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, path)
        assert not os.path.exists(path)
        check(store, files_of(numbered(10)))
    check_whole(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files_of(numbered(10)))


@pytest.mark.parametrize("moment", ["moved", "committed"])
def test_a_checkpoint_beside_it_removes_nothing_of_it(
    store_path: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = built(memory_path, numbered(10))
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("first.py"))
        if moment == "moved":
            real = Adopting.take_in

            def take_in(self: Adopting, *arguments: Any) -> None:
                real(self, *arguments)
                store.checkpoint()

            monkeypatch.setattr(Adopting, "take_in", take_in)
            adopt(store, path)
        else:
            build = publish.build

            def adopts(*arguments: Any) -> Any:
                adopt(store, path)
                return build(*arguments)

            with monkeypatch.context() as patch:
                patch.setattr(publish, "build", adopts)
                store.checkpoint()
        assert store.stats().generation_lsn == 1
        check(store, files_of(numbered(10), [record("first.py")]))
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files_of(numbered(10), [record("first.py")]))
    check_whole(store_path)


def test_what_is_no_segment_of_the_schema_is_refused(store_path: str, memory_path: Path) -> None:
    with SegmentBuilder(NOTES, memory_path / "notes") as builder:
        builder.add(note(1))
        builder.finish()
    (memory_path / "empty").mkdir()
    extra = built(memory_path, numbered(2), "extra")
    Path(extra, "more").write_bytes(b"")
    with Store.open(store_path, policy=MANUAL) as store:
        for name, error in (
            ("missing", InvalidArgumentError),
            ("empty", CorruptionError),
            ("notes", IncompatibleStoreError),
            ("extra", CorruptionError),
        ):
            with store.transaction() as txn, pytest.raises(error):
                txn.adopt(memory_path / name)
        assert store.lsn == 0


@pytest.mark.parametrize("name", [RECORDS, BUNDLE, SEAL])
def test_a_damaged_segment_is_refused(store_path: str, memory_path: Path, name: str) -> None:
    path = built(memory_path, numbered(10))
    overwrite(f"{path}/{name}", os.path.getsize(f"{path}/{name}") // 2, b"\xff\x00\xff")
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn, pytest.raises(CorruptionError):
            txn.adopt(path)
        assert store.lsn == 0


def test_a_segment_is_adopted_once(store_path: str, memory_path: Path) -> None:
    path = built(memory_path, numbered(10))
    shutil.copytree(path, memory_path / "copy")
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, path)
        for _ in range(2):
            with pytest.raises(InvalidArgumentError, match="already"):
                adopt(store, str(memory_path / "copy"))
            assert (memory_path / "copy").is_dir()
            store.checkpoint()
        own = f"{store_path}/segments/{segments_in(store_path)[0]}"
        with store.transaction() as txn, pytest.raises(InvalidArgumentError, match="of this store"):
            txn.adopt(own)
        check(store, files_of(numbered(10)))


def test_a_refused_adoption_leaves_another_one_under_way(
    store_path: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = built(memory_path, numbered(10))
    shutil.copytree(path, memory_path / "copy")
    real = Adopting.take_in

    def take_in(self: Adopting, *arguments: Any) -> None:
        real(self, *arguments)
        monkeypatch.undo()
        # Other threads, between the move and the journal's entry.
        with ThreadPoolExecutor(1) as other:
            refused = other.submit(adopt, store, str(memory_path / "copy"))
            assert isinstance(refused.exception(), InvalidArgumentError)
            other.submit(store.checkpoint).result()

    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("first.py"))
        monkeypatch.setattr(Adopting, "take_in", take_in)
        adopt(store, path)
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files_of(numbered(10), [record("first.py")]))


def test_a_segment_of_another_store_is_refused(store_path: str, memory_path: Path) -> None:
    with Store.open(memory_path / "other", policy=MANUAL) as other:
        put(other, record("first.py"))
        other.checkpoint()
        (name,) = segments_in(str(memory_path / "other"))
        with Store.open(store_path, policy=MANUAL) as store, store.transaction() as txn:
            with pytest.raises(InvalidArgumentError, match=r"of the store .*other"):
                txn.adopt(memory_path / "other" / "segments" / name)
        check(other, files_of([record("first.py")]))


@pytest.mark.parametrize("begun", [False, True])
def test_a_view_keeps_what_was_adopted_before_the_first_generation(
    store_path: str, memory_path: Path, begun: bool
) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        if begun:
            put(store, record("first.py"))
            store.checkpoint()
        adopt(store, built(memory_path, numbered(10)))
        with store.view() as view:
            for number in range(3):
                put(store, *numbered(10), record(f"other{number}.py"))
                store.checkpoint()
            store.checkpoint(compact=True)
            files = files_of(numbered(10), [record("first.py")] if begun else [])
            check_reads(view, files)
            check_search(view, files)
        put(store, record("last.py"))
        store.checkpoint()
        store.checkpoint(compact=True)
        put(store, record("last.py"))
        store.checkpoint()
    check_whole(store_path)


@pytest.mark.parametrize("kind", ["gone", "flipped", "cut"])
@pytest.mark.parametrize("half", [RECORDS, BUNDLE, SEAL])
def test_one_half_of_it_is_enough(store_path: str, memory_path: Path, half: str, kind: str) -> None:
    files = files_of(numbered(20), [record("single.py")])
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, built(memory_path, numbered(20)))
        put(store, record("single.py"))
    damage(f"{store_path}/segments/{segments_in(store_path)[0]}/{half}", kind)
    with Store.open(store_path, read_only=True) as reader:
        check_reads(reader, files)
    assert not verify(store_path).ok
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.lsn == 2
        check_reads(store, files)
        check(store, files)
        store.checkpoint()
        check(store, files)
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files)


@pytest.mark.parametrize("kind", ["gone", "flipped"])
@pytest.mark.parametrize("half", [RECORDS, BUNDLE, SEAL])
def test_repair_heals_one_half(store_path: str, memory_path: Path, half: str, kind: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, built(memory_path, numbered(20)))
    damage(f"{store_path}/segments/{segments_in(store_path)[0]}/{half}", kind)
    report = repair(store_path)
    assert report.given_up == []
    assert [one for one in verify(store_path).findings if one.advice] == []
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files_of(numbered(20)))


@pytest.mark.parametrize("half", [RECORDS, BUNDLE])
def test_repair_leaves_the_older_generation_a_fallback(store_path: str, memory_path: Path, half: str) -> None:
    """By way of the journal, and of the damaged segment that it names."""
    files = files_of(numbered(10), numbered(10, first=10), [record("last.py")])
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(2):
            adopt(store, built(memory_path, numbered(10, first=10 * number)))
            store.checkpoint()
        put(store, record("last.py"))
    [newer] = set(listed(store_path, 2)) - set(listed(store_path, 1))
    damage(f"{store_path}/segments/{newer}/{half}", "flipped")
    assert repair(store_path).given_up == []
    check_whole(store_path)
    for lsn in (3, 2):
        path = f"{store_path}/generations/{lsn:020d}"
        if os.path.exists(path):
            overwrite(path, 50, b"\xff\x00\xff")
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files)


def listed(path: str, lsn: int) -> list[str]:
    return [one.digest for one in read_manifest(f"{path}/generations/{lsn:020d}").segments]


def test_damage_to_one_that_the_journal_alone_names_is_noted(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("first.py"))
        store.checkpoint()
        adopt(store, built(memory_path, numbered(3)))
        put(store, *numbered(3, 1))
        store.checkpoint()
    [digest] = set(segments_in(store_path)) - {*listed(store_path, 1), *listed(store_path, 3)}
    damage(f"{store_path}/segments/{digest}/{BUNDLE}", "flipped")
    [finding] = [one for one in verify(store_path).findings if one.kind == "adopted-damaged"]
    assert digest in finding.where


def test_both_halves_damaged_is_said_and_salvaged(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("first.py"))
        adopt(store, built(memory_path, numbered(20)))
        put(store, record("last.py"))
    digest = segments_in(store_path)[0]
    damage(f"{store_path}/segments/{digest}/{RECORDS}", "gone")
    damage(f"{store_path}/segments/{digest}/{BUNDLE}", "gone")
    report = verify(store_path)
    [finding] = [one for one in report.findings if one.kind == "adopted-lost"]
    for part in (digest, "LSN 2", "20 records", "pkg/000.py", "pkg/019.py"):
        assert part in finding.message
    for read_only in (True, False):
        with pytest.raises(CorruptStoreError, match=digest):
            Store.open(store_path, read_only=read_only)
    report = repair(store_path)
    lost = "\n".join(report.given_up)
    for part in (digest, "LSN 2", "20 of the 20 records", "pkg/000.py", "pkg/019.py"):
        assert part in lost
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.lsn == 3
        check(store, files_of([record("first.py"), record("last.py")]))
    check_whole(store_path)


def damage(path: str, kind: str) -> None:
    size = os.path.getsize(path)
    if kind == "gone":
        os.unlink(path)
    elif kind == "cut":
        os.truncate(path, size // 2)
    else:
        overwrite(path, size // 2, b"\xff\x00\xff")


def test_it_is_kept_as_long_as_the_journal_that_names_it(store_path: str, memory_path: Path) -> None:
    """The older generation and the journal are a second way to everything, with a segment folded since."""
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("first.py"))
        store.checkpoint()
        adopt(store, built(memory_path, numbered(20)))
        adopted = segments_in(store_path)
        store.checkpoint(compact=True)
        files = files_of(numbered(20), [record("first.py")])
        check(store, files)
        manifest = read_manifest(f"{store_path}/generations/{2:020d}")
        assert adopted[0] not in [one.digest for one in manifest.segments]
        assert adopted[0] in segments_in(store_path)
    with Store.open(store_path, policy=MANUAL):
        pass
    check_whole(store_path)
    newest = f"{store_path}/generations/{2:020d}"
    shutil.copytree(store_path, memory_path / "copy")
    overwrite(newest, 50, b"\xff\x00\xff")
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, files)
    # Once the older generation is gone, so is the journal, and the segment.
    with Store.open(memory_path / "copy", policy=MANUAL) as store:
        for number in range(3):
            put(store, record("first.py", number + 1))
            store.checkpoint()
        files["first.py"] = record("first.py", 3)
        check(store, files)
        manifest = read_manifest(f"{memory_path}/copy/generations/{5:020d}")
        assert [one.lsn for one in manifest.adopted] == []
        assert adopted[0] not in segments_in(f"{memory_path}/copy")


def test_followers_see_its_records(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("pkg/003.py", 9))
        with store.consumer("follower", since=1):
            pass
        adopt(store, built(memory_path, numbered(10)))
        for _ in range(4):
            put(store, record("pkg/004.py", store.lsn))
            store.checkpoint(compact=True)
        feed = list(store.changes(since=1, before=True))
        assert [transaction.lsn for transaction in feed] == [2, 3, 4, 5, 6]
        found = {change.key.decode(): (change.before, change.after) for change in feed[0].changes}
        assert {path: after for path, (_, after) in found.items()} == files_of(numbered(10))
        assert found["pkg/003.py"][0] == record("pkg/003.py", 9)
        assert found["pkg/004.py"][0] is None


def test_a_copy_of_what_a_reader_sees_has_it(store_path: str, memory_path: Path) -> None:
    files = files_of(numbered(20))
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, built(memory_path, files.values()))
        with Store.open(store_path, read_only=True) as reader:
            reader.backup(memory_path / "backup")
        store.backup(memory_path / "second")
        store.fork(memory_path / "fork")
    for name in ("backup", "second", "fork"):
        check_whole(str(memory_path / name))
        with Store.open(memory_path / name, policy=MANUAL) as store:
            check(store, files)


def test_an_automatic_checkpoint_follows_soon(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path) as store:
        adopt(store, built(memory_path, numbered(5)))
        wait_until(lambda: store.stats().generation_lsn == 1)
        check(store, files_of(numbered(5)))


def test_a_missing_record_is_not_removed(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, built(memory_path, numbered(5)))
        with store.transaction() as txn, pytest.raises(UnknownFileError):
            txn.remove_file("nowhere.py")
        with store.transaction() as txn:
            txn.remove_file("pkg/001.py")
        assert "pkg/001.py" not in store


def test_the_journal_is_shown_with_it(store_path: str, memory_path: Path) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, built(memory_path, numbered(3)))
    [digest] = segments_in(store_path)
    said = text("journal", "--store", store_path, cwd=memory_path)
    assert f"SegmentAdopted  {digest}: 3 records from pkg/000.py to pkg/002.py" in said
    shown = document("journal", "--store", store_path, cwd=memory_path)
    entries = [item for item in shown if item["type"] == "entry"]
    assert [(one["op"], one["segment"], one["records"]) for one in entries] == [("SegmentAdopted", digest, 3)]


class Changed(CodeSchema):
    """Its counters and its fields are others: both halves of a segment have to be built again."""

    counters: ClassVar[tuple[str, ...]] = ("symbols", "relations", "files")
    fields = (*CodeSchema.fields, Field("folder", "exact"))

    def counts(self, payload: bytes) -> tuple[int, ...]:
        return (*super().counts(payload), 1)

    def project(self, key: bytes, payload: bytes) -> Projection:
        _, terms, documents = super().project(key, payload)
        folder = key.decode().rpartition("/")[0]
        more = [(item, {**document, "folder": folder}) for item, document in documents]
        return Projection(self.counts(payload), terms, more)


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("cut_short", ["", "publish", "atomic_write"])
def test_a_schema_changes_over_it(
    store_path: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch, published: bool, cut_short: str
) -> None:
    """Its two halves are of the schema as it was, and the journal names it: all is written again."""
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("first.py"), record("pkg/001.py", 7), record("pkg/002.py", 7))
        if published:
            store.checkpoint()
        put(store, record("second.py"))
        adopt(store, built(memory_path, numbered(5)))
        with store.transaction(metadata={"commit": "c0ffee"}) as txn:
            txn.index_file(record("pkg/003.py", 8))
            txn.remove_file("pkg/004.py")
    files = files_of(numbered(4), [record("first.py"), record("second.py"), record("pkg/003.py", 8)])
    with pytest.raises(IncompatibleStoreError, match="before its schema"):
        Store.open(store_path, policy=MANUAL, schema=Changed(), read_only=True)
    with monkeypatch.context() as patch:
        if cut_short:
            where = UnpublishedGeneration if cut_short == "publish" else fs
            patch.setattr(where, cut_short, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                Store.open(store_path, policy=MANUAL, schema=Changed())
    for _ in range(2):
        with Store.open(store_path, policy=MANUAL, schema=Changed()) as store:
            assert (store.lsn, store.recovery) == (4, [])
            check_reads(store, files)
            check_search(store, files)
            assert store.stats().counts["files"] == len(files)
            assert store.stats().metadata == {"commit": "c0ffee"}
            assert store.search("folder:pkg", limit=1).total == 8
    report = verify(store_path, schema=Changed())
    assert [one for one in report.findings if one.severity is not Severity.NOTE] == []
    with Store.open(store_path, policy=MANUAL, schema=Changed()) as store:
        for number in range(4):
            put(store, record("first.py", number))
            store.checkpoint()
        assert len(segments_in(store_path)) <= 5
    assert verify(store_path, schema=Changed()).findings == []
