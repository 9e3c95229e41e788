"""Backups: complete at one LSN, durable before they have their name, and openable by themselves."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import document, error_output, text
from tests.support.damage import segments
from tests.support.files import flip, overwrite, tree
from tests.support.invariants import check_counts, check_directory, check_reads, check_search, check_whole
from tests.support.processes import other, run
from tests.support.records import numbered, record
from tests.support.waiting import join

from diptych import (
    CheckpointPolicy,
    CorruptStoreError,
    FileRecord,
    InvalidArgumentError,
    RecordStore,
    Store,
    StoreClosedError,
    StoreLockedError,
    StoreNotFoundError,
    fs,
    verify,
)
from diptych.schema.precise import PRECISE, Occurrence, PreciseRecord
from diptych.store import backup, fork
from diptych.store.generation import read_manifest

MANUAL = CheckpointPolicy(automatic=False)

Files = dict[str, FileRecord]


@pytest.fixture
def target(memory_path: Path) -> str:
    return str(memory_path / "copies" / "backup")


def put(store: Store, *records: FileRecord, **metadata: Any) -> int:
    with store.transaction(metadata=metadata) as txn:
        for one in records:
            txn.index_file(one)
    return txn.lsn


def check(path: str, files: Files, lsn: int) -> None:
    """All there is to a store: it is intact, answers, and can be written to."""
    check_whole(path)
    with Store.open(path, policy=MANUAL) as store:
        assert (store.lsn, store.recovery) == (lsn, [])
        check_reads(store, files)
        check_search(store, files)
        check_counts(store, files)
        put(store, record("after.py"))
        store.checkpoint()
    check_directory(path)
    check_whole(path)


def filled(path: str, *, checkpoint: bool = True) -> tuple[Files, int]:
    """A store with two generations of several segments, and a journal after them."""
    files: Files = {}
    with Store.open(path, policy=MANUAL) as store:
        for version in range(5):
            some = numbered(20, version, first=version * 10)
            lsn = put(store, *some, version=version)
            files |= {one.path: one for one in some}
            if checkpoint and version in (1, 3):
                store.checkpoint()
    return files, lsn


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_backup_has_everything(store_path: str, target: str, read_only: bool, checkpoint: bool) -> None:
    """Of a reader, whose newest commits are in the journal alone, as of a writer."""
    files, lsn = filled(store_path, checkpoint=checkpoint)
    with Store.open(store_path, read_only=read_only, policy=MANUAL) as store:
        store_id, before = store.store_id, tree(store_path)
        assert store.backup(target) == lsn
        assert not read_only or tree(store_path) == before
    assert os.listdir(os.path.dirname(target)) == ["backup"]
    with Store.open(target, read_only=True) as backup:
        assert backup.store_id == store_id
        assert backup.stats().metadata == {"version": 4}
        if checkpoint and read_only:
            assert [txn.lsn for txn in backup.changes(since=4)] == [5]
    check(target, files, lsn)
    check(store_path, files, lsn)


def test_a_backup_of_an_empty_store_and_of_none(store_path: str, target: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        assert store.backup(target) == 0
    check(target, {}, 0)
    with pytest.raises(StoreClosedError):
        store.backup(target + "2")


@pytest.mark.parametrize("rotated", [False, True])
def test_a_reader_from_before_the_first_generation_copies_the_newest(
    store_path: str, target: str, rotated: bool
) -> None:
    """What it saw was in the journal alone, whose first file the writer has removed since."""
    with Store.open(store_path, policy=MANUAL) as store:
        put(store, record("a.py", 1))
        if rotated:
            store._handle._journal.rotate()  # type: ignore[union-attr]
            put(store, record("a.py", 2))
        with Store.open(store_path, read_only=True) as reader, reader.view() as view:
            for version in (3, 4, 5):
                store.checkpoint()
                put(store, record("a.py", version))
            journal = os.listdir(os.path.join(store_path, "journal"))
            assert f"{1:020d}.wal" not in journal
            assert reader.backup(target) == store.lsn
            assert reader.fork(f"{target}-fork") == store.lsn
            assert view.get("a.py") == record("a.py", 2 if rotated else 1)
    check(target, {"a.py": record("a.py", 5)}, 5 if rotated else 4)


def test_two_copies_to_one_path_do_not_disturb_each_other(
    store_path: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is refused while the first is being made, and nothing of the first is removed."""
    files, lsn = filled(store_path)
    copy, refused = fs.copy_regular, []

    def copy_and_try(source: str, to: str) -> None:
        if not refused:
            with pytest.raises(
                StoreLockedError, match=f"process {os.getpid()} is making a copy at"
            ) as caught:
                reader.backup(target)
            refused.append(caught.value.advice)
        copy(source, to)

    with Store.open(store_path, read_only=True) as reader:
        monkeypatch.setattr(fs, "copy_regular", copy_and_try)
        assert reader.backup(target) == lsn
    assert refused == ["wait until it is done, or name another path"]
    check(target, files, lsn)


def test_what_is_at_the_temporary_name_and_no_copy_is_left_alone(store_path: str, target: str) -> None:
    filled(store_path)
    mine = Path(target).parent / ".backup.tmp"
    mine.mkdir(parents=True)
    (mine / "thesis.tex").write_text("mine")
    with Store.open(store_path, policy=MANUAL) as store:
        with pytest.raises(InvalidArgumentError, match="is in the way"):
            store.backup(target)
    assert (mine / "thesis.tex").read_text() == "mine"
    assert not os.path.exists(target)


def test_a_writer_continues_meanwhile(store_path: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits and checkpoints in the middle of it: what is copied is of one LSN, and is not removed."""
    files, lsn = filled(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        copy = fs.copy_regular
        later = iter(range(100))

        def copy_and_commit(source: str, to: str) -> None:
            number = next(later)
            put(store, record(f"later/{number}.py"))
            store.checkpoint(compact=number == 0)
            copy(source, to)

        monkeypatch.setattr(fs, "copy_regular", copy_and_commit)
        assert store.backup(target) == lsn
        assert store.lsn > lsn + 3
    check(target, files, lsn)


def test_a_reader_begins_again_where_the_writer_removed_what_it_copied(
    store_path: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, lsn = filled(store_path)
    copy = fs.copy_regular
    with other() as writer, Store.open(store_path, read_only=True) as store:
        writer.do(f"store = Store.open({store_path!r}, policy=CheckpointPolicy(automatic=False))")

        def copy_after_removal(source: str, to: str) -> None:
            monkeypatch.setattr(fs, "copy_regular", copy)
            for number in range(3):
                writer.do("txn = store.transaction(); txn.__enter__()")
                writer.do(f"txn.index_file(record('later.py', {number})); txn.commit()")
                writer.do("store.checkpoint(compact=True)")
            copy(source, to)

        monkeypatch.setattr(fs, "copy_regular", copy_after_removal)
        assert store.backup(target) == lsn + 3
    check(target, {**files, "later.py": record("later.py", 2)}, lsn + 3)


def test_backups_beside_commits_of_other_threads(store_path: str, target: str) -> None:
    """Each is a prefix: the file of the transaction of its LSN, and no later one."""
    with Store.open(store_path, policy=CheckpointPolicy(changes=5, changes_share=0.0)) as store:
        put(store, record("1.py"))
        end = threading.Event()

        def commit() -> None:
            for _ in range(60):
                if not end.is_set():
                    put(store, record(f"{store.lsn + 1}.py"))

        writing = threading.Thread(target=commit)
        writing.start()
        try:
            lsns = [store.backup(f"{target}{number}") for number in range(3)]
        finally:
            end.set()
            join(writing)
    for number, lsn in enumerate(lsns):
        names = {f"{one}.py" for one in range(1, lsn + 1)}
        check(f"{target}{number}", {name: record(name) for name in names}, lsn)


def test_a_place_that_is_taken_or_inside_the_store_is_refused(store_path: str, target: str) -> None:
    filled(store_path)
    os.makedirs(target)
    with Store.open(store_path, read_only=True) as store:
        before = tree(store_path)
        for place in (target, store_path, f"{store_path}/backup", f"{store_path}/journal/x"):
            for copy in (store.backup, store.fork):
                with pytest.raises(InvalidArgumentError):
                    copy(place)
        assert tree(store_path) == before
    assert os.listdir(os.path.dirname(target)) == ["backup"]


@pytest.mark.parametrize("name", ["records.msgpack", "search.bundle"])
def test_damage_in_the_store_does_not_get_into_a_backup(store_path: str, target: str, name: str) -> None:
    filled(store_path)
    newest = max(Path(store_path, "generations").iterdir())
    digest = read_manifest(str(newest)).segments[0].digest
    path = f"{store_path}/segments/{digest}/{name}"
    overwrite(path, os.path.getsize(path) // 2, b"\xa5\x5a\xa5")
    with Store.open(store_path, read_only=True) as store:
        with pytest.raises(CorruptStoreError, match="is damaged, and was removed"):
            store.backup(target)
    assert os.listdir(os.path.dirname(target)) == []


def test_a_backup_that_lost_its_end_does_not_open_as_an_older_one(store_path: str, target: str) -> None:
    _, lsn = filled(store_path)
    with Store.open(store_path, read_only=True) as store:
        store.backup(target)
    last = max(Path(target, "journal").glob("*.wal"))
    os.truncate(last, 64)
    with pytest.raises(CorruptStoreError, match=f"once reached LSN {lsn}"):
        Store.open(target, read_only=True)


_KILLED = """
import itertools, os, shutil, sys
from diptych import Store
source, target, verb = sys.argv[1:]
def made(limit):
    count = itertools.count()
    pid = os.fork()
    if pid == 0:
        def counted(call):
            def run(*arguments, **options):
                if next(count) == limit:
                    os._exit(9)
                return call(*arguments, **options)
            return run
        with Store.open(source, read_only=True) as store:
            for name in ("fsync", "replace", "mkdir", "unlink", "link", "write"):
                setattr(os, name, counted(getattr(os, name)))
            if verb == "adopt":
                Store.adopt(source, target)
            else:
                getattr(store, verb)(target)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, 9), status
    whole = os.path.exists(target)
    if whole:
        shutil.rmtree(target)
    return "whole" if whole else "nothing", status
for limit in itertools.count():
    state, status = made(limit)
    print(state, status, flush=True)
    # With what was left: how many calls that takes must not count in the next one.
    assert made(None) == ("whole", 0)
    assert os.listdir(os.path.dirname(target)) == [], os.listdir(os.path.dirname(target))
    if status == 0:
        break
"""


@pytest.mark.parametrize("verb", ["backup", "fork", "adopt"])
def test_a_kill_at_any_call_leaves_nothing_or_all(store_path: str, target: str, verb: str) -> None:
    """What the kill left under the temporary name goes with the next one of the same path."""
    filled(store_path)
    if verb == "backup":
        imported(store_path)
    os.makedirs(os.path.dirname(target))
    states = [line.split() for line in run(_KILLED, store_path, target, verb).splitlines()]
    assert states[-1] == ["whole", "0"]
    assert len(states) > 10
    complete = [state == "whole" for state, _ in states]
    # Once it has its name, the fsync of its parent is all that is missing.
    assert complete == sorted(complete)
    assert complete.count(True) == 2


def test_the_command_makes_a_backup_beside_a_writer(store_path: str, target: str) -> None:
    files, lsn = filled(store_path)
    where = Path(store_path).parent
    with Store.open(store_path, policy=MANUAL):
        assert (
            text("backup", target, "--store", store_path, cwd=where) == f"backed up LSN {lsn} to {target}\n"
        )
        assert "exists already" in error_output("backup", target, "--store", store_path, cwd=where, code=2)
        found = document("backup", target + "2", "--store", store_path, cwd=where)
        assert found == {"path": target + "2", "lsn": lsn}
    check(target, files, lsn)
    with pytest.raises(StoreNotFoundError):
        Store.open(target + "3", create=False)


@pytest.mark.parametrize("kind", ["backup", "fork"])
def test_a_copy_of_an_empty_store_beside_checkpoints(
    store_path: str, target: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Two of them remove the journal that it was about to copy: it begins again, with a newer view."""
    module, name = (backup, "_fill") if kind == "backup" else (fork, "_fill_fork")
    real = getattr(module, name)
    files = {}
    with Store.open(store_path, policy=MANUAL) as store:

        def overtaken(*arguments: Any) -> Any:
            monkeypatch.undo()
            for version in range(1, 4):
                files["pkg/000.py"] = record("pkg/000.py", version)
                put(store, files["pkg/000.py"])
                store.checkpoint()
            return real(*arguments)

        monkeypatch.setattr(module, name, overtaken)
        lsn = getattr(store, kind)(target)
    check(target, files if lsn else {}, lsn)


def imported(path: str, count: int = 3) -> list[PreciseRecord]:
    """The facts of so many files, imported into the store at `path`."""
    records = [
        PreciseRecord(f"{number}.py", "", "", "", (Occurrence((0, 0, 0, 1), "local 0"),), ())
        for number in range(count)
    ]
    with RecordStore.open_with(f"{path}/precise", PRECISE, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in records:
                txn.put(one)
        store.checkpoint()
        with store.transaction() as txn:
            txn.put(records[0])
    return records


@pytest.mark.parametrize("read_only", [False, True])
def test_a_backup_has_what_was_imported(store_path: str, target: str, read_only: bool) -> None:
    files, lsn = filled(store_path)
    records = imported(store_path)
    before = tree(f"{store_path}/precise")
    with Store.open(store_path, read_only=read_only, policy=MANUAL) as store:
        assert store.backup(target) == lsn
    assert tree(f"{store_path}/precise") == before
    with RecordStore.open_with(f"{target}/precise", PRECISE, read_only=True) as store:
        assert [*store.records()] == records
    assert verify(f"{target}/precise", schema=PRECISE).ok
    shown = text("status", "--store", target, cwd=Path(target).parent)
    assert "imported:        facts of 3 files; in backups, not in artifacts" in shown
    check(target, files, lsn)


def test_through_a_link_nothing_is_copied(store_path: str, target: str, tmp_path: Path) -> None:
    filled(store_path)
    imported(str(tmp_path))
    os.symlink(tmp_path / "precise", f"{store_path}/precise")
    with Store.open(store_path, policy=MANUAL) as store:
        store.backup(target)
    assert not os.path.lexists(f"{target}/precise")


def test_damage_in_what_was_imported_does_not_get_into_a_backup(store_path: str, target: str) -> None:
    filled(store_path)
    imported(store_path)
    flip(f"{segments(f'{store_path}/precise')[0]}/records.msgpack", 100)
    with Store.open(store_path, policy=MANUAL) as store, pytest.raises(CorruptStoreError):
        store.backup(target)
    assert os.listdir(os.path.dirname(target)) == []
