"""Forks, and stores of a generation that came without its store: complete, and private."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import document, environment, error_output, text
from tests.store.test_adoption import adopt, built
from tests.store.test_backup import MANUAL, check, filled, put, target
from tests.support.files import overwrite, tree
from tests.support.notes import NOTES
from tests.support.records import numbered, record

from diptych import (
    CorruptStoreError,
    IncompatibleStoreError,
    InvalidArgumentError,
    StorageError,
    Store,
    StoreNotFoundError,
    fs,
    verify,
)
from diptych.errors import CorruptionError
from diptych.layout import LOCK, temporary_name
from diptych.store.generation import read_manifest
from diptych.store.manifest import decode_identity
from diptych.store.origin import read_origin

__all__ = ["target"]


SLOW = {"dataclasses", "diptych.search.composed", "filelock", "inspect"}
"""Each takes longer to import than a fork takes."""


def test_a_fork_imports_little(store_path: str, target: str) -> None:
    filled(store_path)
    program = (
        "import sys\nfrom diptych import Store\n"
        "with Store.open(sys.argv[1], read_only=True) as store:\n    store.fork(sys.argv[2])\n"
        "with Store.open(sys.argv[2], read_only=True) as store:\n    store.symbols('a')\n"
        "print(*sys.modules, sep='\\n')"
    )
    given = [sys.executable, "-c", program, store_path, target]
    done = subprocess.run(given, check=True, capture_output=True, text=True, env=environment())
    assert SLOW.isdisjoint(done.stdout.splitlines())


def test_where_a_directory_cannot_be_locked_a_file_in_it_is(
    store_path: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, lsn = filled(store_path)
    monkeypatch.setattr(fs.DirectoryLock, "__init__", lambda self, _: setattr(self, "_directory_fd", -1))
    with Store.open(store_path, read_only=True) as reader:
        assert reader.fork(target) == lsn
    check(target, files, lsn)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_others_left_as_the_lock_of_a_copy_is_not_followed(
    store_path: str, target: str, tmp_path: Path, kind: str
) -> None:
    filled(store_path)
    precious = tmp_path / "precious"
    precious.write_text("kept")
    made = Path(target).parent / temporary_name(f".{Path(target).name}")
    made.mkdir(parents=True)
    if kind == "link":
        (made / LOCK).symlink_to(precious)
    else:
        os.mkfifo(made / LOCK)
    with Store.open(store_path, read_only=True) as reader, pytest.raises(StorageError):
        reader.fork(target)
    assert precious.read_text() == "kept"
    assert not os.path.lexists(target)


def test_a_fork_shares_segments_and_goes_its_own_way(store_path: str, target: str) -> None:
    files, lsn = filled(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.fork(target) == lsn
        origin = store.store_id
        put(store, record("here.py"))
        with Store.open(target, policy=MANUAL) as forked:
            assert forked.store_id != origin
            stats = forked.stats()
            assert (stats.origin_id, stats.origin_lsn, stats.metadata) == (origin, lsn, {"version": 4})
            assert put(forked, record("there.py")) == lsn + 1
            forked.checkpoint(compact=True)
        assert store.stats().origin_id == ""
        store.checkpoint(compact=True)
    for path, name in ((store_path, "here.py"), (target, "there.py")):
        check(path, {**files, name: record(name)}, lsn + 1)
    (line,) = [
        one for one in text("status", "--store", target, cwd=Path(target)).splitlines() if "forked" in one
    ]
    assert line == f"forked from:     {store_path} ({origin}, LSN {lsn:,})"


def test_a_fork_links_segments_and_says_so_in_its_manifest(store_path: str, target: str) -> None:
    filled(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        store.fork(target)
        linked = list(Path(target).rglob("segments/*/records.msgpack"))
        assert linked
        for path in linked:
            assert path.samefile(f"{store_path}/{path.relative_to(target)}")
        identity = decode_identity(Path(target, "IDENTITY").read_bytes(), where="x")
        assert identity.origin_id.hex() == store.store_id
        (manifest,) = Path(target, "generations").iterdir()
        assert read_manifest(str(manifest)).identity == identity
        with Store.open(target, policy=MANUAL) as forked:
            forked.fork(target + "2")
            with Store.open(target + "2", read_only=True) as again:
                assert again.stats().origin_id == forked.store_id
    # The origin may go.
    shutil.rmtree(store_path)
    assert verify(target).ok


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_fork_has_what_was_committed_after_the_generation(
    store_path: str, target: str, checkpoint: bool, read_only: bool
) -> None:
    files, lsn = filled(store_path, checkpoint=checkpoint)
    with Store.open(store_path, read_only=read_only, policy=MANUAL) as store:
        before = tree(store_path)
        assert store.fork(target, details={"commit": "abc"}) == lsn
        assert not read_only or tree(store_path) == before
        stats = store.stats()
    with Store.open(target, read_only=True) as forked:
        origin = forked.stats().origin
        assert origin is not None
        assert (origin.source, origin.store_id, origin.lsn) == (store_path, stats.store_id, lsn)
        assert origin.details == {"commit": "abc"}
        # Of a reader's fork, the newest transactions are in no generation.
        assert origin.content_id == ("" if read_only else stats.content_id)
        assert forked.stats().metadata == {"version": 4}
        if read_only:
            expected = [5] if checkpoint else [1, 2, 3, 4, 5]
            assert [txn.lsn for txn in forked.changes(since=expected[0] - 1)] == expected
    check(target, files, lsn)
    check(store_path, files, lsn)


def test_a_large_transaction_and_several_journal_files_are_in_a_fork(store_path: str, target: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, *numbered(3))
        # More than one frame.
        put(store, *(record(f"large/{n}.py", documentation=f"{n}" * 400_000) for n in range(7)))
        store._handle._journal.rotate()  # type: ignore[union-attr]
        lsn = put(store, record("last.py"))
        expected = {one.path: one for one in store.files()}
        with Store.open(store_path, read_only=True) as reader:
            assert reader.fork(target) == lsn
    assert len(list(Path(target, "journal").glob("*.wal"))) == 2
    check(target, expected, lsn)


@pytest.mark.parametrize("linked", [True, False])
def test_a_segment_that_only_the_journal_names_is_in_a_fork(
    store_path: str, target: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    files, _ = filled(store_path)
    more = numbered(5, 7, first=200)
    with Store.open(store_path, policy=MANUAL) as store:
        adopt(store, built(memory_path, more))
        lsn = put(store, record(more[0].path, 8))
        if not linked:
            monkeypatch.setattr(os, "link", _refuse_link)
        with Store.open(store_path, read_only=True) as reader:
            assert reader.fork(target) == lsn
            assert reader.backup(target + "2") == lsn
    files |= {one.path: one for one in [*more, record(more[0].path, 8)]}
    check(target, files, lsn)
    check(target + "2", files, lsn)


def _refuse_link(*_: Any, **__: Any) -> None:
    raise OSError(errno.EXDEV, "another file system")


def test_a_fork_that_lost_its_end_does_not_open_as_an_older_one(store_path: str, target: str) -> None:
    _, lsn = filled(store_path)
    with Store.open(store_path, read_only=True) as store:
        store.fork(target)
    os.truncate(max(Path(target, "journal").glob("*.wal")), 64)
    with pytest.raises(CorruptStoreError, match=f"once reached LSN {lsn}"):
        Store.open(target, read_only=True)


def test_nothing_that_is_written_to_is_linked(store_path: str, target: str) -> None:
    filled(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        store.fork(target)
        store.checkpoint(compact=True)
    for path in Path(target).rglob("*"):
        if path.is_file() and path.stat().st_nlink > 1:
            assert path.parts[-3] == "segments", path
    before = tree(target)
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, *numbered(60, 9))
        store.checkpoint(compact=True)
    assert tree(target) == before


def test_a_damaged_seal_is_healed_in_one_store_alone(store_path: str, target: str) -> None:
    """It is replaced, not written to, so that a link to it shows nothing of that."""
    files, lsn = filled(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        store.fork(target)
    (seal, *_) = Path(target).rglob("SEAL")
    assert seal.stat().st_nlink == 2
    os.truncate(seal, 10)
    with Store.open(target, policy=MANUAL):
        pass
    assert verify(target, deep=True).ok
    assert not verify(store_path).ok
    with Store.open(store_path, policy=MANUAL):
        pass
    assert verify(store_path, deep=True).ok
    check(target, files, lsn)


def test_where_files_cannot_be_linked_the_copies_are_verified(
    store_path: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, lsn = filled(store_path)
    monkeypatch.setattr(os, "link", _refuse_link)
    with Store.open(store_path, read_only=True) as store:
        store.fork(target)
        (records, *_) = sorted(Path(store_path).rglob("records.msgpack"))
        overwrite(str(records), records.stat().st_size // 2, b"\xa5\x5a\xa5")
        with pytest.raises(CorruptStoreError, match="is damaged, and was removed"):
            store.fork(target + "2")
    assert os.listdir(os.path.dirname(target)) == ["backup"]
    check(target, files, lsn)


def arrived(store_path: str, directory: Path) -> Path:
    """A generation as it comes from elsewhere: a manifest and the segments that it lists."""
    newest = max(Path(store_path, "generations").iterdir())
    (directory / "generations").mkdir(parents=True)
    shutil.copy(newest, directory / "generations")
    for listed in read_manifest(str(newest)).segments:
        shutil.copytree(Path(store_path, "segments", listed.digest), directory / "segments" / listed.digest)
    return directory


def closed(path: str) -> tuple[dict[str, Any], int]:
    """A store whose generation has everything."""
    files, lsn = filled(path)
    with Store.open(path, policy=MANUAL) as store:
        store.checkpoint()
    return files, lsn


def test_a_generation_without_its_store_is_adopted(store_path: str, target: str, memory_path: Path) -> None:
    files, lsn = closed(store_path)
    with Store.open(store_path, read_only=True) as store:
        stats = store.stats()
    directory = arrived(store_path, memory_path / "incoming")
    shutil.rmtree(store_path)
    details = {"commit": "0" * 40, "settings": {"exclude": ["a/"]}}
    assert Store.adopt(directory, target, source="s3://bucket/indexes", details=details) == lsn
    shutil.rmtree(directory)
    origin = read_origin(target)
    assert origin is not None
    assert (origin.source, origin.details) == ("s3://bucket/indexes", details)
    assert (origin.store_id, origin.lsn, origin.content_id) == (stats.store_id, lsn, stats.content_id)
    with Store.open(target, policy=MANUAL) as store:
        assert store.stats().content_id == stats.content_id
        assert store.store_id != stats.store_id
        assert put(store, record("more.py")) == lsn + 1
        store.checkpoint()
    check(target, {**files, "more.py": record("more.py")}, lsn + 1)


def test_a_damaged_generation_is_not_adopted(store_path: str, target: str, memory_path: Path) -> None:
    """Whatever byte of whatever file it is: nothing is left."""
    closed(store_path)
    directory = arrived(store_path, memory_path / "incoming")
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        if path.name == "SEAL":
            # Its bytes are in the manifest: it is written again.
            continue
        intact = path.read_bytes()
        for at in (0, len(intact) // 2, len(intact) - 1):
            overwrite(str(path), at, bytes([intact[at] ^ 0x40]))
            with pytest.raises((CorruptionError, IncompatibleStoreError)):
                Store.adopt(directory, target)
            path.write_bytes(intact)
        path.unlink()
        with pytest.raises((CorruptionError, StoreNotFoundError, OSError)):
            Store.adopt(directory, target)
        path.write_bytes(intact)
    assert os.listdir(os.path.dirname(target)) == []
    Store.adopt(directory, target)
    assert verify(target, deep=True).ok


def test_what_was_verified_before_is_not_read_again(
    store_path: str, target: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But what is missing, or of another size, is seen; and a copy is read in any case."""
    files, lsn = closed(store_path)
    directory = arrived(store_path, memory_path / "incoming")
    assert Store.adopt(directory, target, verified=True) == lsn
    check(target, files, lsn)
    (records, *_) = sorted(directory.rglob("records.msgpack"))
    overwrite(str(records), records.stat().st_size // 2, b"\xa5\x5a\xa5")
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", _refuse_link)
        with pytest.raises(CorruptStoreError, match="is damaged, and was removed"):
            Store.adopt(directory, target + "2", verified=True)
    os.truncate(records, 100)
    with pytest.raises(CorruptStoreError, match="is damaged, and was removed"):
        Store.adopt(directory, target + "2", verified=True)
    assert os.listdir(os.path.dirname(target)) == ["backup"]


def test_what_cannot_be_adopted_is_refused(store_path: str, target: str, memory_path: Path) -> None:
    closed(store_path)
    directory = arrived(store_path, memory_path / "incoming")
    with pytest.raises(StoreNotFoundError, match="no generation"):
        Store.adopt(memory_path / "nothing", target)
    with pytest.raises(IncompatibleStoreError):
        Store.adopt_with(directory, target, NOTES)
    with pytest.raises(InvalidArgumentError, match="exists already"):
        Store.adopt(directory, store_path)
    with pytest.raises(InvalidArgumentError, match="cannot be stored"):
        Store.adopt(directory, target, details={"what": object()})
    (manifest,) = (directory / "generations").iterdir()
    manifest.rename(manifest.with_name(f"{99:020d}"))
    with pytest.raises(CorruptStoreError, match="holds the manifest of LSN"):
        Store.adopt(directory, target)
    assert not os.path.exists(target)
    assert os.listdir(os.path.dirname(target)) == []


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_a_damaged_origin_costs_no_more_than_itself(store_path: str, target: str, damage: str) -> None:
    files, lsn = filled(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        store.fork(target)
    where = Path(target, "ORIGIN")
    data = bytearray(where.read_bytes())
    data[len(data) // 2] ^= 1
    where.write_bytes({"flipped": bytes(data), "cut": bytes(data[:20]), "empty": b""}[damage])
    with Store.open(target, read_only=True) as forked:
        assert forked.stats().origin is None
        assert forked.stats().origin_lsn == lsn
    report = verify(target)
    assert [finding.kind for finding in report.findings] == ["origin-damaged"]
    where.unlink()
    check(target, files, lsn)


def test_a_backup_keeps_the_origin(store_path: str, target: str) -> None:
    filled(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        store.fork(target)
    with Store.open(target, read_only=True) as forked:
        forked.backup(target + "2")
    assert read_origin(target + "2") == read_origin(target) is not None
    assert read_origin(store_path) is None


def test_the_command_makes_a_fork_beside_a_writer(store_path: str, target: str) -> None:
    files, lsn = filled(store_path)
    where = Path(store_path).parent
    with Store.open(store_path, policy=MANUAL):
        said = text("fork", target, "--store", store_path, cwd=where)
        assert said == f"forked LSN {lsn} of {store_path} to {target}\n"
        assert "exists already" in error_output("fork", target, "--store", store_path, cwd=where, code=2)
        found = document("fork", target + "2", "--store", store_path, cwd=where)
        assert found == {"path": target + "2", "lsn": lsn, "source": store_path}
    check(target, files, lsn)
