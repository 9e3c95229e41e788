"""A store of format 1, as a version before wrote it: refused by readers, and migrated by the next writer."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.damage import MANUAL
from tests.support.files import flip, gone, overwrite, tree
from tests.support.invariants import (
    Files,
    check_counts,
    check_directory,
    check_reads,
    check_search,
    check_whole,
)
from tests.support.notes import NOTES
from tests.support.records import numbered, record

from diptych import CorruptStoreError, IncompatibleStoreError, RecordStore, Store, fs, repair, verify
from diptych.layout import generation_name
from diptych.sealed import seal, unseal
from diptych.store.checkpoint import unpublished
from diptych.store.manifest import IDENTITY_MAGIC, MANIFEST_MAGIC, decode_identity

STORE_1 = Path(__file__).resolve().parents[1] / "data/format-1.tar.xz"
"""Written by version 0.1.1: generations at LSN 2 and 4, and a transaction of LSN 5 in the journal."""


def truth() -> Files:
    """What is in it."""
    files = {one.path: one for one in numbered(5, 3)}
    return files | {f"only{version}.py": record(f"only{version}.py", version) for version in (1, 2, 3)}


@pytest.fixture
def path(memory_path: Path) -> str:
    with tarfile.open(STORE_1) as archive:
        archive.extractall(memory_path, filter="data")
    return str(memory_path / "store")


def check_migrated(path: str) -> None:
    """It is a store of format 2 with everything, and nothing of format 1 is left."""
    with Store.open(path, policy=MANUAL) as store:
        assert store.lsn == 5
        check_reads(store, truth())
        check_search(store, truth())
        check_counts(store, truth())
    check_directory(path)
    check_whole(path)
    assert "work" not in os.listdir(path)
    assert all(generation.is_file() for generation in Path(path, "generations").iterdir())
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("new.py"))
        assert store.checkpoint() == 6
        check_reads(store, truth() | {"new.py": record("new.py")})
    with Store.open(path, read_only=True) as store:
        check_search(store, truth() | {"new.py": record("new.py")})
    check_whole(path)


def test_whoever_only_reads_is_told_what_migrates_it(path: str) -> None:
    before = tree(path)
    calls: list[Callable[[], object]] = [
        lambda: Store.open(path, read_only=True),
        lambda: verify(path),
        lambda: repair(path, dry_run=True),
    ]
    for call in calls:
        with pytest.raises(IncompatibleStoreError, match="format 1") as caught:
            call()
        assert "diptych checkpoint" in caught.value.advice
    assert tree(path) == before


def test_a_writer_migrates_it(path: str) -> None:
    check_migrated(path)


def test_another_schema_is_refused_before_anything_is_changed(path: str) -> None:
    before = tree(path)
    with pytest.raises(IncompatibleStoreError, match="schema"):
        RecordStore.open_with(path, NOTES)
    assert {name: data for name, data in tree(path).items() if name != "LOCK"} == before


@pytest.mark.parametrize("name", ["snapshot.msgpack", "search", "IDENTITY"])
@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_one_damaged_part_loses_nothing(path: str, name: str, how: str) -> None:
    newest = Path(path) if name == "IDENTITY" else max(Path(path, "generations").iterdir())
    part = newest / name
    if how == "gone":
        gone(part)
    else:
        flip(next(part.glob("*.store")) if part.is_dir() else part, 1_000)
    check_migrated(path)


def test_a_damaged_generation_is_set_aside_where_the_journal_continues_from_the_older_one(path: str) -> None:
    newest = max(Path(path, "generations").iterdir())
    overwrite(newest / "manifest.msgpack", 60, b"\0\1\2\3")
    check_migrated(path)
    assert os.listdir(f"{path}/quarantine") == [newest.name]


def test_a_generation_in_the_place_of_another_is_set_aside(path: str) -> None:
    older, newest = sorted(Path(path, "generations").iterdir())
    shutil.rmtree(newest)
    shutil.copytree(older, newest)
    check_migrated(path)
    assert os.listdir(f"{path}/quarantine") == [newest.name]


def test_a_snapshot_without_all_records_of_its_manifest_is_refused(path: str) -> None:
    manifest = max(Path(path, "generations").iterdir()) / "manifest.msgpack"
    body = unseal(MANIFEST_MAGIC, manifest.read_bytes(), where="", version=1)
    body["records"] += 1
    manifest.write_bytes(seal(MANIFEST_MAGIC, body, version=1))
    before = tree(path)
    with pytest.raises(CorruptStoreError, match="has not the 8 records of its manifest"):
        Store.open(path)
    # What was begun is gone again.
    assert {name for name in tree(path) if name not in ("LOCK", "incoming")} == before.keys() - {"LOCK"}


def test_a_store_without_an_intact_generation_is_left_to_the_version_that_made_it(path: str) -> None:
    for generation in Path(path, "generations").iterdir():
        overwrite(generation / "manifest.msgpack", 60, b"\0\1\2\3")
    before = tree(path)
    with pytest.raises(CorruptStoreError, match="format 1") as caught:
        Store.open(path)
    assert "version of Diptych that made it" in caught.value.advice
    assert {name: data for name, data in tree(path).items() if name != "LOCK"} == before


def _young_store_of_format_1(path: str, *, checkpoint: bool = False) -> None:
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        if checkpoint:
            store.checkpoint()
        identity = store._handle.identity
    fields = ("store_id", "schema", "schema_version", "fingerprint", "created_ms")
    body = {name: getattr(identity, name) for name in fields}
    Path(path, "IDENTITY").write_bytes(seal(IDENTITY_MAGIC, body, version=1))


def test_a_young_store_without_generations(store_path: str) -> None:
    _young_store_of_format_1(store_path)
    with pytest.raises(IncompatibleStoreError, match="format 1"):
        Store.open(store_path, read_only=True)
    with Store.open(store_path, policy=MANUAL) as store:
        assert "a.py" in store
    assert verify(store_path).ok


def test_the_journal_alone_is_enough_where_it_begins_with_the_first_transaction(store_path: str) -> None:
    _young_store_of_format_1(store_path, checkpoint=True)
    damaged = Path(store_path, "generations", generation_name(1))
    shutil.rmtree(Path(store_path, "segments"))
    damaged.unlink()
    damaged.mkdir()
    (damaged / "manifest.msgpack").write_bytes(b"damaged")
    with Store.open(store_path, policy=MANUAL) as store:
        assert "a.py" in store
    assert verify(store_path).ok
    assert os.listdir(f"{store_path}/quarantine") == [damaged.name]


def test_a_generation_of_another_store_is_set_aside(path: str) -> None:
    newest = max(Path(path, "generations").iterdir())
    foreign = newest.with_name(generation_name(9))
    shutil.copytree(newest, foreign)
    body = unseal(MANIFEST_MAGIC, (newest / "manifest.msgpack").read_bytes(), where="", version=1)
    body["identity"]["store_id"] = bytes(16)
    (foreign / "manifest.msgpack").write_bytes(seal(MANIFEST_MAGIC, body | {"lsn": 9}, version=1))
    check_migrated(path)
    assert os.listdir(f"{path}/quarantine") == [foreign.name]


def test_what_would_lose_a_transaction_is_left_to_the_version_that_made_it(path: str) -> None:
    """The newest generation is damaged, and the journal from the older one to it."""
    newest = max(Path(path, "generations").iterdir())
    overwrite(newest / "manifest.msgpack", 60, b"\0\1\2\3")
    flip(min(Path(path, "journal").glob("*.wal")), 100)
    before = tree(path)
    with pytest.raises(CorruptStoreError, match="format 1, and damaged") as caught:
        Store.open(path)
    assert "version of Diptych that made it" in caught.value.advice
    assert {name: data for name, data in tree(path).items() if name != "LOCK"} == before


def test_the_lsn_that_a_damaged_generation_proves_is_not_forgotten(path: str) -> None:
    """Its manifest is intact, neither half is, and the journal after it is gone."""
    newest = max(Path(path, "generations").iterdir())
    flip(newest / "snapshot.msgpack", 1_000)
    flip(next((newest / "search").glob("*.store")), 1_000)
    for journal_file in Path(path, "journal").glob("*.wal"):
        if int(journal_file.stem) > 3:
            journal_file.unlink()
    before = tree(path)
    with pytest.raises(CorruptStoreError, match="format 1, and damaged"):
        Store.open(path)
    assert {name: data for name, data in tree(path).items() if name != "LOCK"} == before


class KilledError(BaseException):
    """The process ends here."""


STEPS = ["atomic_write", "rename", "fsync_dir", "write_file", "remove_tree", "fsync_file"]


def test_killed_at_any_step_it_is_begun_again(path: str, memory_path: Path) -> None:
    template = memory_path / "template"
    shutil.copytree(path, template)
    at = 0
    while True:
        at += 1
        taken: list[str] = []
        shutil.rmtree(path)
        shutil.copytree(template, path)
        with pytest.MonkeyPatch.context() as patch:
            for name in STEPS:
                patch.setattr(fs, name, _dying(getattr(fs, name), taken, at))
            # What an error removes, a killed process leaves.
            patch.setattr(unpublished.UnpublishedGeneration, "discard", lambda self: None)
            try:
                Store.open(path, policy=MANUAL).close()
            except KilledError:
                if any(entry.is_file() for entry in Path(path, "generations").iterdir()):
                    # An older Diptych would take it for a stray: it refuses the store by its identity.
                    decode_identity(Path(path, "IDENTITY").read_bytes(), where="IDENTITY")
            else:
                break
        check_migrated(path)
    assert at > 12


def _dying(real: Callable[..., object], taken: list[str], at: int) -> Callable[..., object]:
    def step(*arguments: object, **options: object) -> object:
        taken.append("")
        if len(taken) >= at:
            raise KilledError
        return real(*arguments, **options)

    return step


def test_killed_within_the_deletion_of_format_1_nothing_of_it_is_taken_for_damage(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []

    def remove_a_part(target: str) -> None:
        manifest = os.path.join(target, "manifest.msgpack")
        if os.path.exists(manifest):
            os.unlink(manifest)
            removed.append(target)
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(fs, "remove_tree", remove_a_part)
        with pytest.raises(KilledError):
            Store.open(path, policy=MANUAL)
    assert removed
    check_migrated(path)
    assert "quarantine" not in os.listdir(path)


def test_a_migrated_store_takes_no_more_notice_of_what_was_left_of_format_1(path: str) -> None:
    """As a crash leaves it after the generation of format 2 was published."""
    before = shutil.copytree(Path(path, "generations"), Path(path).parent / "before")
    Store.open(path, policy=MANUAL).close()
    for old in before.iterdir():
        target = Path(path, "generations", old.name)
        if not target.exists():
            shutil.copytree(old, target)
    with Store.open(path, policy=MANUAL) as store:
        check_reads(store, truth())
    check_migrated(path)


@pytest.mark.parametrize("name", ["incoming", "segments", "quarantine"])
@pytest.mark.parametrize("is_link", [False, True])
def test_what_is_in_the_place_of_a_directory_is_set_aside(path: str, name: str, is_link: bool) -> None:
    target = Path(path).parent / "elsewhere"
    target.mkdir()
    place = Path(path, name)
    if is_link:
        place.symlink_to(target)
    else:
        place.write_bytes(b"precious")
    check_migrated(path)
    assert list(target.iterdir()) == []
    kept = {*Path(path).glob("quarantine*"), *Path(path).glob("quarantine/*")} - {place}
    assert any(item.is_symlink() if is_link else item.is_file() for item in kept)


def test_files_of_format_1_copied_back_are_no_obstacle(path: str) -> None:
    """To the first writer, not only to the second."""
    before = shutil.copytree(path, Path(path).parent / "before")
    Store.open(path, policy=MANUAL).close()
    shutil.copy(before / "IDENTITY", Path(path, "IDENTITY"))
    old = os.path.join("generations", generation_name(2, 0))
    shutil.copytree(before / old, Path(path, old))
    check_migrated(path)
